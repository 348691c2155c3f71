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


def fitted(columns: Sequence[str], rows: Sequence[Sequence[object]], width: int) -> str:
    """Write rows as a table if it fits, else as records, one below the other.

    Args:
        columns: The names.
        rows: The values; where a record does not fit, the ends of long ones are cut.
        width: How many characters a line may have.
    """
    table = aligned(columns, rows)
    if max(map(len, table.splitlines())) <= width:
        return table
    records = [_record(columns, row, width) for row in rows]
    headings = [f"record {number}" for number in range(1, len(rows) + 1)]
    found = [f"-- {h} --\n{r}" for h, r in zip(headings, records, strict=True)]
    return "\n".join(found) or "no rows"


def _record(columns: Sequence[str], row: Sequence[object], width: int) -> str:
    widest = max(map(len, columns))
    lines = [
        f"{name:<{widest}}  {'-' if cell is None else ' '.join(str(cell).split())}"
        for name, cell in zip(columns, row, strict=True)
    ]
    return "\n".join(
        line.rstrip() if len(line) <= width else f"{line[: width - 1]}…"
        for line in lines
    )


def _padded(cell: str, width: int) -> str:
    return cell.rjust(width) if NUMBER.fullmatch(cell) else cell.ljust(width)
