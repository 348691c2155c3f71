"""What knows the Singer specification and its SDK."""
