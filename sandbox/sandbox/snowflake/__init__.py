"""The Snowflake side of the sandbox."""
