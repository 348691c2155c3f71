"""What an answer may lack is asked for in another way before the answer is believed.

Nothing is taken for an end or for empty because it is missing: each doubt costs a
request or two, and what they settle is remembered. See docs/promises.md.
"""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import count
from typing import TYPE_CHECKING

from tap_acumatica.entity import TOLERANCE, WindowSource
from tap_acumatica.errors import NotFilteredError, StreamError
from tap_acumatica.paging import Reading, restless
from tap_acumatica.proofs import brings
from tap_acumatica.windows import EARLIEST, Window, floor

if TYPE_CHECKING:
    from collections.abc import Iterator
    from logging import Logger

    from tap_acumatica.entity import Entity
    from tap_acumatica.paging import Row
    from tap_acumatica.proofs import Proofs

TRIES = 3
"""How often a doubt may come from rows that others have moved meanwhile."""
EVERYTHING = Window()
LATEST = datetime(9999, 1, 1, tzinfo=UTC)
"""Later values are no dates that anything was modified at."""


class Witness:
    """Reads the first pages of an entity's lists, and doubts them until all is proved.

    Attributes:
        proofs: What has been proved so far.
    """

    def __init__(self, entity: Entity, proofs: Proofs, logger: Logger) -> None:
        """Prepare; nothing is asked for yet.

        Args:
            entity: What is read.
            proofs: What earlier runs have proved.
            logger: Where to say what the server does not do.
        """
        self.proofs = proofs
        self._entity = entity
        self._logger = logger

    def first_page(self, window: Window) -> list[Row]:
        """Return the first page of a window: a full one, or all rows that there are.

        Raises:
            AcumaticaError: What the server answers cannot be all.
        """
        for _ in range(TRIES):
            page = self._page(window)
            with self._entity.aside():
                if self._is_all(window, page):
                    break
        else:
            self._take_for_limit(len(page))
        self.proofs.came(len(page), by_filter=window != EVERYTHING)
        self.proofs.empty = window == EVERYTHING and not page
        with self._entity.aside():
            self._check_members(page)
        return page

    # Nothing comes.

    def is_empty_still(self) -> bool:
        """Tell whether there was no row last time, nor is there one now."""
        return self.proofs.empty and not self._entity.shows(1)

    def _page(self, window: Window) -> list[Row]:
        """Return a first page, which is empty only if a bare request finds no row.

        A filter needs no such confirmation: it is used when it has been proved.

        Raises:
            StreamError: There are rows that do not come.
        """
        for attempt in count(1):
            page = self._entity.page(window, 0, whole=True)
            if page or window != EVERYTHING or not self._entity.shows(1):
                return page
            if attempt % TRIES == 0:
                self._entity.divide()
        raise AssertionError  # count() does not end

    # The end comes early.

    def _is_all(self, window: Window, page: list[Row]) -> bool:
        """Tell whether a page is full, or nothing comes after its last row."""
        rows = len(page)
        if not rows or rows >= self._entity.page_size:
            return True
        by_filter = window != EVERYTHING
        return self.proofs.decides(rows, by_filter=by_filter) or self._ends(
            window, page
        )

    def _ends(self, window: Window, page: list[Row]) -> bool:
        """Ask for the last row again and what comes after it.

        It must be the same one, so that none has left before it. A page of one row is
        asked for what comes after it alone, since that row would fill it again.
        """
        ids = _ids(page)
        last = len(ids) - 1
        told = _ids(self._entity.page(window, last or 1, whole=False))
        if told == (ids[last:] if last else []):
            return True
        # Where $skip has no effect, a list without $top holds all rows.
        return told == ids and ids == _ids(self._entity.every_row(window))

    def _take_for_limit(self, rows: int) -> None:
        """Read on in pages of as many rows as the server gives.

        Raises:
            StreamError: That is one, which cannot be continued with an overlap; rows
                that come and go between the requests can look the same.
            AcumaticaError: It gives more, so people have added rows each time.
        """
        asked = self._entity.page_size
        if rows == 1 and self._entity.shows(2):
            raise restless(self._entity.name)
        if rows == 1:
            raise StreamError(
                f"{self._entity.name}: asked for {asked} rows, the server answers one, "
                "though others come after it, so lists cannot be read page by page. "
                "Ask the instance's owner what limits them, or run again where the "
                "only row came and went, or moved so often, that it looked so."
            )
        self._logger.warning(
            "%s: asked for %d rows, the server answers %d, though others come after "
            "them: lists are read in pages of %d rows. Set page_size to no more.",
            self._entity.name,
            asked,
            rows,
            rows,
        )
        self._entity.page_size = rows

    # Parts of the rows do not come.

    def _check_members(self, page: list[Row]) -> None:
        """Read one record by its id where lists have never brought what it may have."""
        doubted = self._entity.listed_members.difference(self.proofs.members)
        brought = {path for path in doubted if any(brings(row, path) for row in page)}
        doubted -= brought
        self._settle(brought)
        if not page or not doubted:
            return
        fullest = max(page, key=lambda row: sum(map(bool, row.values())))
        if (record := self._entity.row(fullest["id"])) is None:
            return
        missed = {path for path in doubted if brings(record, path)}
        self._settle(doubted - missed)
        if missed:
            self._logger.warning(
                "%s: asked for %s, lists do not bring it, though record %s has it by "
                "its id: each record is read by its id for it.",
                self._entity.name,
                ", ".join(sorted(missed)),
                fullest["id"],
            )
            self._entity.leave_out(missed)
        if absent := doubted - missed:
            self._logger.info(
                "%s: asked for %s, no record has brought any, nor has record %s by its "
                "id.",
                self._entity.name,
                ", ".join(sorted(absent)),
                fullest["id"],
            )

    def _settle(self, members: set[str]) -> None:
        self.proofs.members = sorted({*self.proofs.members, *members})

    # A filter finds nothing.

    def proves_filter(self, page: list[Row]) -> bool:
        """Tell whether a row that was seen without a filter comes back through one.

        Args:
            page: The first page without a filter.
        """
        with self._entity.aside():
            self.proofs.filter = self._is_filtering(page)
        return self.proofs.filter

    def _is_filtering(self, page: list[Row]) -> bool:
        for _ in range(TRIES):
            if (canary := self._canary(page)) is None:
                return False
            if any(self._comes_back(canary, w) for w in self._spans(canary, page)):
                return True
            page = self._entity.page(EVERYTHING, 0, whole=False)
            if any(self._is_same(canary, row) for row in page):
                self._warn_of_filter(canary)
                return False
            # A row that has changed between the two requests proves nothing.
        self._logger.warning(
            "%s: records changed so often that none could prove its filter, so the "
            "stream is read in full this time, and its bookmark stays.",
            self._entity.name,
        )
        return False

    def _warn_of_filter(self, canary: Row) -> None:
        self._logger.warning(
            "%s: record %s is there without a filter, but does not come back through "
            "one on %s. So that no change is lost, the stream is read in full, now and "
            "in each run until it does, and its bookmark stays. Ask the instance's "
            "owner what answers too little, such as a proxy or a customization.",
            self._entity.name,
            canary["id"],
            self._entity.replication_key,
        )

    def _canary(self, page: list[Row]) -> Row | None:
        """Return the oldest row of a page, or the first one after it, that has a date.

        The oldest is the least likely to change meanwhile.
        """
        if dated := [row for row in page if self._is_dated(row)]:
            return min(dated, key=lambda row: self._entity.modified(row) or LATEST)
        if len(page) < self._entity.page_size:
            return None
        rows = self._reading(EVERYTHING).rows(page)
        return next(filter(self._is_dated, rows), None)

    def _spans(self, canary: Row, page: list[Row]) -> Iterator[Window]:
        """Return windows in which a row must come back, the better proofs first.

        Where the page held all rows, one with all but the newest of them shows at the
        same time how many rows lists hold that are asked for through a filter.
        """
        oldest = floor(self._entity.modified(canary) or EARLIEST)
        dated = filter(self._is_dated, page)
        times = [self._entity.modified(row) or oldest for row in dated]
        upper = floor(max(times, default=oldest)) - 2 * TOLERANCE
        if len(page) < self._entity.page_size and upper > oldest + TOLERANCE:
            yield Window(oldest - TOLERANCE, upper)
        yield Window(oldest - TOLERANCE, oldest + TOLERANCE)

    def _comes_back(self, canary: Row, window: Window) -> bool:
        try:
            page = self._entity.page(window, 0, whole=True)
            self.proofs.came(len(page), by_filter=True)
            full = len(page) >= self._entity.page_size
            rows = self._reading(window).rows(page) if full else page
            return any(row["id"] == canary["id"] for row in rows)
        except NotFilteredError:
            return False

    def _reading(self, window: Window) -> Reading:
        source = WindowSource(self._entity, window)
        return Reading(source, whole=False)

    def _is_dated(self, row: Row) -> bool:
        value = self._entity.modified(row)
        return value is not None and EARLIEST + TOLERANCE <= value < LATEST

    def _is_same(self, canary: Row, row: Row) -> bool:
        modified = self._entity.modified
        return row["id"] == canary["id"] and modified(row) == modified(canary)


def _ids(rows: list[Row]) -> list[str]:
    return [row["id"] for row in rows]
