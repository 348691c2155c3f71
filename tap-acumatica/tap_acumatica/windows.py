"""What to ask next: windows of time over a stream's replication key (pure).

A window that fits into one page is read with one request, so nothing can move while it
is read. Windows therefore shrink when a page comes back full and grow while pages are
far from full. They follow one another without a gap; the last one is open above.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from statistics import median_low
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from typing_extensions import override

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

_Row = TypeVar("_Row")
EARLIEST = datetime(1753, 1, 1, tzinfo=UTC)
"""The first moment of SQL Server's date-times: no row is older, and arithmetic with it
stays in the range of Python's."""
RESOLUTION = timedelta(milliseconds=1)
"""The finest step of a date-time literal in ``$filter``."""
TARGET = 0.6
"""How full a page should be: fuller, and a little more traffic would overflow it."""
FASTEST_GROWTH = 8.0


class Window(NamedTuple):
    """The rows from ``lower`` on and before ``upper``; None is open on that side."""

    lower: datetime | None = None
    upper: datetime | None = None

    @override
    def __str__(self) -> str:
        return f"from {self.lower or 'the beginning'} to {self.upper or 'now'}"


@dataclass
class Extent:
    """How many rows a window held, and between which moments.

    Attributes:
        rows: The rows.
        oldest: The smallest value of the replication key.
        newest: The largest one.
    """

    rows: int = 0
    oldest: datetime | None = None
    newest: datetime | None = None

    def counting(
        self, rows: Iterable[_Row], modified: Callable[[_Row], datetime | None]
    ) -> Iterator[_Row]:
        """Pass rows on and count them in.

        Args:
            rows: The rows.
            modified: Returns the replication key's value in one.
        """
        for row in rows:
            self.rows += 1
            if value := modified(row):
                self.oldest = min(self.oldest or value, value)
                self.newest = max(self.newest or value, value)
            yield row


def moment(value: str | None) -> datetime | None:
    """Read a date-time as UTC; one without an offset is meant as UTC.

    Raises:
        ValueError: The text is no date-time.
    """
    if not value:
        return None
    read = datetime.fromisoformat(value)
    try:
        return (read if read.tzinfo else read.replace(tzinfo=UTC)).astimezone(UTC)
    except OverflowError as error:
        raise ValueError(f"{value!r} is out of range") from error


def floor(moment: datetime) -> datetime:
    """Cut a moment to what a literal can express."""
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


def narrowed(
    window: Window, seen: Sequence[datetime], horizon: datetime
) -> Window | None:
    """Return the first part of a window that does not fit into a page.

    Args:
        window: The window whose first page came back full.
        seen: The replication key's values on that page.
        horizon: Where closed windows end at the latest.

    Returns:
        A smaller window with the same lower bound, or None where it cannot be split:
        it spans one step of the literal, or begins at the horizon.
    """
    if not seen:
        return None
    upper = min(floor(median_low(seen)), floor(horizon))
    if window.lower is not None:
        upper = max(upper, floor(window.lower) + RESOLUTION)
    if upper > horizon or (window.upper is not None and upper >= window.upper):
        return None
    return Window(window.lower, upper)


def following(
    window: Window,
    rows: int,
    page_size: int,
    horizon: datetime,
    oldest: datetime | None,
) -> Window | None:
    """Return the window after one that is complete; None after the open one.

    Args:
        window: The complete window.
        rows: How many rows it held.
        page_size: How many rows fit into a page.
        horizon: Where closed windows end at the latest.
        oldest: The smallest value in it: where a window that is open below begins.
    """
    if window.upper is None:
        return None
    lower = max(window.lower or oldest or window.upper, EARLIEST)
    width = max(window.upper - lower, RESOLUTION)
    wished = TARGET * page_size / rows if rows else FASTEST_GROWTH
    growth = min(wished, FASTEST_GROWTH)
    upper = floor(window.upper + max(width * growth, RESOLUTION))
    return Window(window.upper, upper if upper < horizon else None)
