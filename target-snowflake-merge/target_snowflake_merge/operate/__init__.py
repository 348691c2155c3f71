"""The command snowflake-merge, for people."""
