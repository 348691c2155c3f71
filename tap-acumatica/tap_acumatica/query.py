"""The query syntax of contract version 4, which is OData 3 (pure).

Source: Integration Development Guide, "Parameters for Retrieving Records".
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote, urlencode

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime


def date_time_literal(moment: datetime) -> str:
    """Write a moment as a literal of ``$filter``, cut to milliseconds.

    Args:
        moment: An aware date-time.
    """
    return f"datetimeoffset'{moment.isoformat(timespec='milliseconds')}'"


def modified_since(field: str, moment: datetime) -> str:
    """Write the filter for rows whose field is at or after a moment."""
    return f"{field} ge {date_time_literal(moment)}"


def expand(paths: Iterable[str]) -> str:
    """Write ``$expand`` for paths such as ``MainContact/Address``."""
    return ",".join(paths)


def encode(parameters: Mapping[str, str | int]) -> str:
    """Encode parameters for an address.

    Colons and plus signs of literals are percent-encoded as the guide demands: a plus
    sign that arrives as it is means a space.
    """
    return urlencode(parameters, quote_via=quote, safe="$")
