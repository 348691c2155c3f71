"""What runs have proved of a server, so that later ones need not ask again (pure)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import msgspec

from tap_acumatica.unwrapping import says

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tap_acumatica.paging import Row

CUSTOM = "custom"
"""The member with a record's custom fields, which are doubted like an expansion."""


class Proofs(msgspec.Struct):
    """What is proved of the lists of one stream; the state keeps it with the bookmark.

    Attributes:
        of: What is asked for. Proofs hold for no other endpoint, version or selection.
        empty: Whether there was no row when all were asked for last.
        filter: Whether a row that was seen without a filter has come back through one.
        rows: The rows of the largest page that has come when all were asked for. No
            limit of the server cuts pages that are shorter.
        filtered: The same of pages that came through a filter, which may have a limit
            of their own.
        members: The expansions, and `CUSTOM`, that lists have brought or that a record
            which was read by its id for them did not have either.
    """

    of: str
    empty: bool = False
    filter: bool = False
    rows: Annotated[int, msgspec.Meta(ge=0)] = 0
    filtered: Annotated[int, msgspec.Meta(ge=0)] = 0
    members: list[str] = []

    @classmethod
    def read(cls, kept: object, of: str) -> Proofs:
        """Return what a state has kept, as far as it holds for what is asked for."""
        try:
            proofs = msgspec.convert(kept, cls)
        except msgspec.ValidationError:
            return cls(of)
        return proofs if proofs.of == of else cls(of)

    def kept(self) -> dict[str, Any]:
        """Return what a state keeps."""
        kept: dict[str, Any] = msgspec.to_builtins(self)
        return kept

    def decides(self, rows: int, *, by_filter: bool) -> bool:
        """Tell whether a page with so few rows is the last one of its list."""
        return rows < (self.filtered if by_filter else self.rows)

    def came(self, rows: int, *, by_filter: bool) -> None:
        """Note that a page of so many rows has come."""
        if by_filter:
            self.filtered = max(self.filtered, rows)
        else:
            self.rows = max(self.rows, rows)


def brings(row: Row, path: str) -> bool:
    """Tell whether a row has anything at a path, such as ``MainContact/Address``.

    That is a line, or something in a linked object or a custom field.
    """
    return _brings(row, path.split("/"))


def _brings(part: object, names: Sequence[str]) -> bool:
    if not names:
        return bool(part) if isinstance(part, list) else says(part)
    parts = part if isinstance(part, list) else [part]
    return any(
        isinstance(one, dict) and _brings(one.get(names[0]), names[1:]) for one in parts
    )
