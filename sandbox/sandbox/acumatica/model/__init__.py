"""What an instance keeps: endpoints, records, settings, its clock."""
