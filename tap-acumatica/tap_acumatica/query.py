"""The query syntax of contract version 4, which is OData 3 (pure).

Source: Integration Development Guide, "Parameters for Retrieving Records".
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote, urlencode

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from tap_acumatica.windows import Window


def date_time_literal(moment: datetime) -> str:
    """Write a moment as a literal of ``$filter``, cut to milliseconds.

    Args:
        moment: An aware date-time.
    """
    return f"datetimeoffset'{moment.isoformat(timespec='milliseconds')}'"


def within(field: str, window: Window) -> str | None:
    """Write the filter for the rows of a window; None where all rows are meant.

    Rows at the lower bound belong to it, those at the upper bound to the next one.
    """
    bounds = (("ge", window.lower), ("lt", window.upper))
    parts = [
        f"{field} {operator} {date_time_literal(bound)}"
        for operator, bound in bounds
        if bound is not None
    ]
    return " and ".join(parts) or None


def expand(paths: Iterable[str]) -> str:
    """Write ``$expand`` for paths such as ``MainContact/Address``."""
    return ",".join(paths)


def encode(parameters: Mapping[str, str | int]) -> str:
    """Encode parameters for an address.

    Colons and plus signs of literals are percent-encoded as the guide demands: a plus
    sign that arrives as it is means a space.
    """
    return urlencode(parameters, quote_via=quote, safe="$")
