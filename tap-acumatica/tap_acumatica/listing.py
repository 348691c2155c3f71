"""What lists of an entity can hold, as far as a run has learnt it (pure)."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from tap_acumatica.proofs import CUSTOM

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from tap_acumatica.errors import CannotOptimizeError
    from tap_acumatica.paging import Row
    from tap_acumatica.projection import Shape

_NAMED_BY_OPTIMIZER = re.compile(r"([\w.]+): View (\w+) has BQL delegate")


class Listing:
    """What lists are asked for: less than whole rows hold where the server must.

    Attributes:
        whole: What a whole row holds.
        shape: What lists are asked for; the rest is read by id.
        least: The smallest shape whose rows can be placed in a window.
        selects: Whether ``$select`` may save what is not wanted.
        pieces: In how many parts expansions and custom fields are asked for.
    """

    def __init__(self, whole: Shape, least: Shape) -> None:
        """Begin with all at once.

        Args:
            whole: What a whole row holds.
            least: The smallest shape whose rows can be placed in a window.
        """
        self.whole = self.shape = whole
        self.least = least
        self.selects = True
        self.pieces = 1

    def members(self) -> set[str]:
        """Return the expansions of lists, and `CUSTOM` if they hold custom fields."""
        return {*self.shape.expanded(), *([CUSTOM] if self.shape.custom else [])}

    def learn(self, error: CannotOptimizeError, refused: Shape) -> set[str]:
        """Note what the server cannot put into a list, and return it for people.

        Args:
            error: What the server says.
            refused: The shape that it was asked for.

        Raises:
            CannotOptimizeError: The list cannot be read without it either.
        """
        named = {
            name.partition(".")[0]
            for names in _NAMED_BY_OPTIMIZER.findall(str(error))
            for name in names
        }
        if learned := named & refused.nested.keys() or set(refused.nested):
            self.shape = self.shape.without(learned)
            return learned
        if refused.custom:
            self.shape = self.shape.bare()
            return {"custom fields"}
        if self.selects and refused.fields and refused != self.least:
            self.shape = self.least
            return {"all of its fields"}
        raise error

    def leave_out(self, members: Collection[str]) -> None:
        """Read some of `members` by id from now on."""
        self.shape = self.shape.without({path.partition("/")[0] for path in members})
        if CUSTOM in members:
            self.shape = replace(self.shape, custom=())

    def divide(self) -> bool:
        """Ask for less at once from now on, and tell whether that can be."""
        most = len(self.whole.custom) + len(self.whole.nested)
        if self.pieces < most:
            self.pieces = min(self.pieces * 2, most)
            return True
        if self.selects and not self.whole.is_complete():
            self.selects, self.pieces = False, 1
            return True
        return False

    def parts(self, shape: Shape) -> list[Shape]:
        """Return the shapes that are asked for one after the other."""
        return shape.parts(self.pieces, self.least)


def joined(
    pages: Sequence[list[Row]], shapes: Sequence[Shape], key: str
) -> list[Row] | None:
    """Put rows together out of their parts.

    Args:
        pages: For each part the rows with it.
        shapes: What each part was asked for.
        key: The field that tells when a row was modified.

    Returns:
        The rows, or None where a row has come, gone or changed between two parts.
    """
    rows, *others = pages
    for page, shape in zip(others, shapes[1:], strict=True):
        parts = {row["id"]: row for row in page}
        if len(page) != len(rows) or any(
            row["id"] not in parts or parts[row["id"]].get(key) != row.get(key)
            for row in rows
        ):
            return None
        rows = [_merged(row, parts[row["id"]], shape) for row in rows]
    return rows


def _merged(row: Row, part: Row, shape: Shape) -> Row:
    nested = {name: part[name] for name in shape.nested if name in part}
    if not shape.custom:
        return row | nested
    views = _views(row)
    for view, fields in _views(part).items():
        views[view] = views.get(view, {}) | fields
    return row | nested | {CUSTOM: views}


def _views(row: Row) -> dict[str, dict[str, Any]]:
    custom = row.get(CUSTOM)
    views = custom.items() if isinstance(custom, dict) else ()
    return {view: fields for view, fields in views if isinstance(fields, dict)}
