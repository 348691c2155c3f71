"""The contract versions of endpoints, and how their queries differ (pure).

Source: Integration Development Guide, "Comparison of Contract Versions" and
"Parameters for Retrieving Records".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

    from tap_acumatica.projection import Shape


@dataclass(frozen=True)
class Contract:
    """A contract version: everything that the tap does by it.

    Attributes:
        version: The number; ``info.version`` of swagger.json says it.
        wrappers: The types of values that it has brought, by their names in
            swagger.json.
        literal: How a moment is written in ``$filter``.
        nests_expand: Whether paths are written as ``A($expand=B)`` (OData 4.01)
            rather than ``A,A/B`` (OData 3).
        has_custom: Whether custom fields are asked for by ``$custom``; otherwise they
            stand in ``$select``, which then names everything that is asked for.
    """

    version: int
    wrappers: frozenset[str]
    literal: str
    nests_expand: bool
    has_custom: bool

    def date_time_literal(self, moment: datetime) -> str:
        """Write an aware moment as a literal of ``$filter``, cut to milliseconds."""
        return self.literal.format(moment.isoformat(timespec="milliseconds"))

    def expand(self, shape: Shape) -> str:
        """Write ``$expand``."""
        if not self.nests_expand:
            return ",".join(shape.expanded())
        return ",".join(
            f"{name}($expand={self.expand(below)})" if below.nested else name
            for name, below in shape.nested.items()
        )


_TABLE = (
    Contract(
        version=4,
        wrappers=frozenset(),
        literal="datetimeoffset'{}'",
        nests_expand=False,
        has_custom=True,
    ),
    Contract(
        version=5,
        wrappers=frozenset(
            {
                "DateOnlyValue",
                "IntSingleSelectValue",
                "StringMultiSelectValue",
                "StringSingleSelectValue",
            }
        ),
        literal="{}",
        nests_expand=True,
        has_custom=False,
    ),
)

CONTRACTS = {contract.version: contract for contract in _TABLE}
"""The contract versions that are known."""


def told(info_version: object) -> int | None:
    """Return the contract version that ``info.version`` names, if it is a known one."""
    known = {str(version): version for version in CONTRACTS}
    return known.get(str(info_version))


def declared(types: Collection[str]) -> int:
    """Return the newest contract version that has brought one of the declared types."""
    return max(
        (c.version for c in _TABLE if c.wrappers.intersection(types)),
        default=min(CONTRACTS),
    )
