"""Singer tap for Acumatica ERP's contract-based REST API."""
