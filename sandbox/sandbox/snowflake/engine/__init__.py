"""Snowflake's SQL over DuckDB, with fakesnow between them."""
