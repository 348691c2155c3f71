"""Acumatica and Snowflake on loopback, for the demo and the tests."""
