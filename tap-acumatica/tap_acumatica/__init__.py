"""Singer tap for Acumatica ERP's contract-based REST API."""

from importlib.metadata import version

__version__ = version("tap-acumatica")
