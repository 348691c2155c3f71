"""The queries that ask for rows (pure).

Source: Integration Development Guide, "Parameters for Retrieving Records".
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote, urlencode

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tap_acumatica.contract import Contract
    from tap_acumatica.projection import Shape
    from tap_acumatica.windows import Window

LONGEST_QUERY = 2_048
"""Characters of a query that web servers take by default (IIS: maxQueryString)."""
LONGEST_SELECT = 1_500
"""Characters of a ``$select`` that is only there to save some."""


def within(field: str, window: Window, contract: Contract) -> str | None:
    """Write the filter for the rows of a window; None where all rows are meant.

    Rows at the lower bound belong to it, those at the upper bound to the next one.
    """
    bounds = (("ge", window.lower), ("lt", window.upper))
    parts = [
        f"{field} {operator} {contract.date_time_literal(bound)}"
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


def members(shape: Shape, contract: Contract, *, select: bool) -> dict[str, str]:
    """Write ``$expand``, ``$custom`` and ``$select``, as far as they are needed.

    Args:
        shape: What is asked for.
        contract: The contract version.
        select: Whether fields may be left out; a longer answer holds them as well.
    """
    custom = ",".join(shape.customised())
    selected = ",".join(shape.selected())
    if len(selected) > LONGEST_SELECT:
        shape = shape.shallow()
        selected = ",".join(shape.selected())
    by_name = select and not shape.is_complete() and len(selected) <= LONGEST_SELECT
    parameters = {"$expand": contract.expand(shape)}
    if contract.has_custom:
        parameters |= {"$custom": custom, "$select": selected if by_name else ""}
    elif custom or by_name:
        parameters["$select"] = ",".join(filter(None, (selected, custom)))
    return {name: value for name, value in parameters.items() if value}


def encode(parameters: Mapping[str, str | int]) -> str:
    """Encode parameters for an address.

    Colons and plus signs of literals are percent-encoded as the guide demands: a plus
    sign that arrives as it is means a space. What may stand in a query as it is stays
    so, since web servers refuse long ones.
    """
    return urlencode(parameters, quote_via=quote, safe="$,/()")
