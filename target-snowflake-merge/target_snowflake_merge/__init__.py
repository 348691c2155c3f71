"""Singer target that loads Snowflake through MERGE statements of its SQL API."""
