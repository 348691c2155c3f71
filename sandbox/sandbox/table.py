"""Tables for the terminal (pure)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

NUMBER = re.compile(r"-?[\d,]+(\.\d+)?")


def distinct(columns: Iterable[str]) -> list[str]:
    """Return names of which none comes twice: the second ``ID`` is ``ID_2``."""
    names: list[str] = []
    given = list(columns)
    for column in given:
        name, number = column, 1
        while name in names or (number > 1 and name in given):
            number += 1
            name = f"{column}_{number}"
        names.append(name)
    return names


def aligned(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Write rows below their column names, numbers to the right, null as ``-``."""
    cells = [["-" if cell is None else str(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(columns, *cells, strict=True)]
    lines = [list(columns), ["-" * width for width in widths], *cells]
    return "\n".join("  ".join(map(_padded, line, widths)).rstrip() for line in lines)


def _padded(cell: str, width: int) -> str:
    return cell.rjust(width) if NUMBER.fullmatch(cell) else cell.ljust(width)
