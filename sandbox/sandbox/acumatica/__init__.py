"""Acumatica's contract-based REST API on loopback, with a company to read."""
