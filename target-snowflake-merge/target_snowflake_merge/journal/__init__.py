"""What is on the disk before it is sent."""
