"""The contract-based REST API: requests in, answers out."""
