"""The query syntax of the contract versions: OData 3 in 4, OData 4.01 in 5 (pure).

Source: Integration Development Guide, "Parameters for Retrieving Records".
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote, urlencode

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from tap_acumatica.projection import Shape
    from tap_acumatica.windows import Window

ODATA_3 = 4
"""The last contract version that speaks OData 3."""
LONGEST_QUERY = 2_048
"""Characters of a query that web servers take by default (IIS: maxQueryString)."""
LONGEST_SELECT = 1_500
"""Characters of a ``$select`` that is only there to save some."""


def date_time_literal(moment: datetime, contract: int) -> str:
    """Write a moment as a literal of ``$filter``, cut to milliseconds.

    Args:
        moment: An aware date-time.
        contract: The contract version.
    """
    text = moment.isoformat(timespec="milliseconds")
    return f"datetimeoffset'{text}'" if contract <= ODATA_3 else text


def within(field: str, window: Window, contract: int) -> str | None:
    """Write the filter for the rows of a window; None where all rows are meant.

    Rows at the lower bound belong to it, those at the upper bound to the next one.
    """
    bounds = (("ge", window.lower), ("lt", window.upper))
    parts = [
        f"{field} {operator} {date_time_literal(bound, contract)}"
        for operator, bound in bounds
        if bound is not None
    ]
    return " and ".join(parts) or None


def equal(field: str, kind: str | None, value: str) -> str | None:
    """Write the condition that a field has a value; None where none can be written.

    Args:
        field: The field.
        kind: ``string`` or ``integer``.
        value: The value as text.
    """
    if kind == "integer":
        return f"{field} eq {value}"
    quoted = value.replace("'", "''")
    return f"{field} eq '{quoted}'" if kind == "string" else None


def members(shape: Shape, contract: int, *, select: bool) -> dict[str, str]:
    """Write ``$expand``, ``$custom`` and ``$select``, as far as they are needed.

    Args:
        shape: What is asked for.
        contract: The contract version. From 5 on custom fields stand in ``$select``,
            which then names everything that is asked for.
        select: Whether fields may be left out; a longer answer holds them as well.
    """
    custom = ",".join(shape.customised())
    selected = ",".join(shape.selected())
    if len(selected) > LONGEST_SELECT:
        shape = shape.shallow()
        selected = ",".join(shape.selected())
    by_name = select and not shape.is_complete() and len(selected) <= LONGEST_SELECT
    parameters = {"$expand": expand(shape, contract)}
    if contract <= ODATA_3:
        parameters |= {"$custom": custom, "$select": selected if by_name else ""}
    elif custom or by_name:
        parameters["$select"] = ",".join(filter(None, (selected, custom)))
    return {name: value for name, value in parameters.items() if value}


def expand(shape: Shape, contract: int) -> str:
    """Write ``$expand``: ``A,A/B`` in OData 3, ``A($expand=B)`` in OData 4.01."""
    if contract <= ODATA_3:
        return ",".join(shape.expanded())
    return ",".join(
        f"{name}($expand={expand(below, contract)})" if below.nested else name
        for name, below in shape.nested.items()
    )


def encode(parameters: Mapping[str, str | int]) -> str:
    """Encode parameters for an address.

    Colons and plus signs of literals are percent-encoded as the guide demands: a plus
    sign that arrives as it is means a space. What may stand in a query as it is stays
    so, since web servers refuse long ones.
    """
    return urlencode(parameters, quote_via=quote, safe="$,/()")
