"""The Acumatica side of the sandbox."""
