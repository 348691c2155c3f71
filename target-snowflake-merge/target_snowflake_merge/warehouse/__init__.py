"""SQL, and the tables that it is about."""
