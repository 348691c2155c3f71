"""Snowflake's SQL API, over HTTP."""
