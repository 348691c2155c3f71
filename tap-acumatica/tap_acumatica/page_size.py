"""How many rows are asked for at once, as far as the server manages them (pure)."""

from __future__ import annotations

SMALLEST = 2
"""A page repeats the last row of the one before, so it needs another one."""
FEW_PAGES = 5
MANY_PAGES = 640
"""How many pages must come before a larger one is tried, at first and at last."""


class PageSize:
    """Shrinks when large pages fail, and grows when smaller ones have come for a while.

    A failure may have other causes than the size, so that the first one in a row counts
    for nothing; and where a larger page fails again, the next trial is put off.

    Attributes:
        rows: How many rows the next page is asked for.
    """

    def __init__(self, most: int) -> None:
        """Begin with the largest page.

        Args:
            most: Rows in it.
        """
        self.rows = most
        self._most = most
        self._failures = 0
        self._came = 0
        self._needed = FEW_PAGES

    @property
    def is_reduced(self) -> bool:
        """Whether pages are smaller than they should be."""
        return self.rows < self._most

    def fail(self) -> None:
        """Note that a page has not come."""
        self._came = 0
        self._failures += 1
        if self._failures == 2:  # noqa: PLR2004 - the second in a row
            self._needed = min(2 * self._needed, MANY_PAGES)
        if self._failures > 1:
            self.rows = max(self.rows // 2, min(SMALLEST, self._most))

    def come(self) -> None:
        """Note that a page has come."""
        self._failures = 0
        self._came += 1

    def limit(self, rows: int) -> None:
        """Never ask for more rows again: the server does not give more."""
        self._most = min(rows, self._most)
        self.rows = min(rows, self.rows)

    def grow(self) -> None:
        """Try a larger page where enough have come, and nobody counts the last one.

        Whoever still has to tell by its rows whether a page was full must have done so:
        it would else pass for the last one of its list.
        """
        if self.is_reduced and self._came >= self._needed:
            self._came = 0
            self.rows = min(2 * self.rows, self._most)
