"""The lists and records of one entity: what is asked for, and what may come back."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import backoff

from tap_acumatica import exact_json
from tap_acumatica.client import ATTEMPTS, log_wait, waits
from tap_acumatica.errors import (
    AcumaticaError,
    NotFilteredError,
    NotFoundError,
    OverloadError,
    RefusedQueryError,
    StreamError,
)
from tap_acumatica.page_size import PageSize
from tap_acumatica.paging import are_records, settled
from tap_acumatica.unwrapping import is_blank
from tap_acumatica.windows import moment

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping
    from contextlib import AbstractContextManager
    from datetime import datetime
    from logging import Logger

    from tap_acumatica.asking import Asker
    from tap_acumatica.paging import Row
    from tap_acumatica.windows import Window

TOLERANCE = timedelta(seconds=1)
"""How far a row may lie outside of its window: a database may round its times."""
MANY = 20
"""Rows in succession that may be gone between a list and the reading by id."""


def _ask_for_less(details: Mapping[str, Any]) -> None:
    log_wait(details)
    entity: Entity = details["args"][0]
    entity.take_less()


class Entity:
    """A top-level entity of the endpoint.

    Attributes:
        name: The entity, such as ``Bill``.
        replication_key: The field that windows are filtered by.
    """

    def __init__(
        self,
        asker: Asker,
        page_size: int,
        logger: Logger,
    ) -> None:
        """Prepare; nothing is asked for yet.

        Args:
            asker: Asks for its rows.
            page_size: Rows that are asked for at once, as long as they come.
            logger: Where to say what was learnt about the entity.
        """
        self.name = asker.name
        self.replication_key = asker.replication_key
        self._identity = asker.identity
        self._asker = asker
        self._sizes = PageSize(page_size)
        self._logger = logger
        self._gone_in_a_row = 0

    @property
    def page_size(self) -> int:
        """Rows that the next page is asked for: as many may have others behind them.

        It shrinks when pages fail, and grows when `grow` is called.
        """
        return self._sizes.rows

    @page_size.setter
    def page_size(self, rows: int) -> None:
        self._sizes.limit(rows)

    def grow(self) -> None:
        """Ask for larger pages where smaller ones have come for a while.

        To be called where it is known of each page so far whether it was full.
        """
        self._sizes.grow()

    @property
    def asked_at(self) -> datetime | None:
        """Our clock just before the request that the latest rows came with."""
        return self._asker.asked_at

    @property
    def question(self) -> str:
        """What lists are asked for, so that what is proved of it can be kept."""
        return self._asker.question

    def aside(self) -> AbstractContextManager[None]:
        """Leave `asked_at` as it is: no row that comes meanwhile is passed on."""
        return self._asker.aside()

    def divide(self) -> None:
        """Ask for expansions and custom fields in more parts from now on.

        Raises:
            StreamError: They are asked for one by one already.
        """
        self._asker.divide()

    @property
    def asks_for_custom(self) -> bool:
        """Whether a whole row has custom fields of its own."""
        return bool(self._asker.shape.custom)

    @property
    def listed_members(self) -> set[str]:
        """The expansions that lists are asked for, and ``custom`` for custom fields."""
        return self._asker.listing.members()

    def probe(self) -> None:
        """Read one row, to see whether the entity can be read.

        Raises:
            AcumaticaError: It cannot.
        """
        self._asker.rows({"$top": 1}, whole=False)

    def rows(self, window: Window, first_page: list[Row]) -> Iterator[Row]:
        """Return a window's rows; one page is one moment, more than one may move.

        Args:
            window: The window.
            first_page: Its first page, which has been read already.
        """
        if len(first_page) < self.page_size:
            return iter(first_page)
        return settled(WindowSource(self, window), first_page)

    def page(self, window: Window, skip: int, *, whole: bool) -> list[Row]:
        """Return a page of a window.

        Args:
            window: The window.
            skip: Rows before the page.
            whole: With lines and linked objects, as far as a list can hold them.

        Raises:
            AcumaticaError: The server declines, or answers what was not asked for.
        """
        rows = self._sized(window, skip, whole=whole)
        self._check_page(rows, window)
        if self._may_be_inquiry(rows):
            self._check_inquiry()
        return rows

    def _may_be_inquiry(self, rows: list[Row]) -> bool:
        return (
            len(rows) == 1 and self.replication_key not in rows[0] and is_blank(rows[0])
        )

    def _check_inquiry(self) -> None:
        """Tell an inquiry: it has no list, but answers one record that is blank.

        Raises:
            StreamError: All fields of the one record are blank.
        """
        body = self._asker.bare({"$top": 2})
        if are_records(body) and self._may_be_inquiry(body):
            raise StreamError(
                f"{self.name}: the server answers one record without any value, as it "
                "does for an inquiry: these are no lists, but take parameters, which "
                "this tap does not send. Deselect it, or take it out of setting "
                "'entities'."
            )

    def glance(self, window: Window) -> list[Row]:
        """Return rows without lines, among them a window's first; others may come."""
        return self._sized(window, 0, whole=False)

    def _parameters(self, window: Window, skip: int) -> dict[str, str | int]:
        return {"$top": self.page_size, "$skip": skip, **self._asker.condition(window)}

    def every_row(self, window: Window) -> list[Row]:
        """Return all rows of a window at once, without lines and linked objects."""
        return self._asker.rows(self._asker.condition(window), whole=False)

    def shows(self, rows: int) -> bool:
        """Tell whether so many rows come when nothing is asked for that hides any."""
        body = self._asker.bare({"$top": rows})
        self._asker.check_records(body)
        return len(body) >= rows

    def leave_out(self, members: Collection[str]) -> None:
        """Read some of `listed_members` by id from now on."""
        self._asker.listing.leave_out(members)

    def _sized(self, window: Window, skip: int, *, whole: bool) -> list[Row]:
        """Return a page of as many rows as the server manages.

        Raises:
            AcumaticaError: It manages none.
        """
        try:
            return self._patiently(window, skip, whole=whole)
        except OverloadError as error:
            raise AcumaticaError(
                f"{self.name}: {error} It was asked for {self.page_size} rows at last. "
                "If the instance, or a proxy before it, does not manage more in time, "
                "set a smaller page_size, or deselect what is not needed."
            ) from error

    @backoff.on_exception(
        waits,
        OverloadError,
        max_tries=ATTEMPTS,
        jitter=backoff.random_jitter,
        on_backoff=_ask_for_less,
        logger=None,
    )
    def _patiently(self, window: Window, skip: int, *, whole: bool) -> list[Row]:
        rows = self._asker.rows(self._parameters(window, skip), whole=whole)
        self._sizes.come()
        return rows

    def take_less(self) -> None:
        """Note that a page was not managed."""
        before = self.page_size
        self._sizes.fail()
        if self.page_size < before:
            self._logger.warning(
                "%s: a page of %d rows has failed again, so %d are asked for from now "
                "on, and more when some pages have come.",
                self.name,
                before,
                self.page_size,
            )

    def row(self, id_: str) -> Row | None:
        """Return one whole row, None where it is gone.

        Raises:
            AcumaticaError: Only the query is not found, or too many rows are gone.
        """
        address = self._identity.address(id_)
        try:
            row = self._asker.record(address)
        except NotFoundError as error:
            if not self._is_gone(id_, error):
                return self.row(id_)
            self._logger.warning(
                "%s %s was listed but is not found by its %s; it counts as deleted.",
                self.name,
                id_,
                self._identity.kind,
            )
            return None
        self._check_answers(row, id_)
        self._gone_in_a_row = 0
        return row

    def has(self, id_: str) -> bool:
        """Tell whether a row is found by an id, which need not be one any more."""
        try:
            self._asker.find(quote(id_, safe=""), fragile=True)
        except (NotFoundError, RefusedQueryError):
            return False
        return True

    def _is_gone(self, id_: str, error: NotFoundError) -> bool:
        """Believe that a row is gone only if it is so without any expansion.

        A row that is named by its natural key must not be found by a filter either. If
        it is, under an id that is new with the session, it can be read by that one.

        Raises:
            AcumaticaError: It is not gone, or so many are one after the other that the
                server rather than the rows must be the cause.
        """
        self._gone_in_a_row += 1
        address = self._identity.address(id_)
        try:
            self._asker.find(address)
        except NotFoundError:
            if self._gone_in_a_row <= MANY:
                if not self._is_listed(id_):
                    return True
                if self._identity.address(id_) != address:
                    return False
        raise AcumaticaError(
            f"{self.name}: records that were listed are not found by their "
            f"{self._identity.kind}s ({error}). Nothing counts as deleted for it, and "
            "the bookmark stays before them."
        ) from error

    def _is_listed(self, id_: str) -> bool:
        """Tell whether a list has a row that is named by its natural key."""
        if not self._identity.fields:
            return False
        condition = self._identity.condition(id_)
        if condition is None:
            return True
        found = self._asker.rows({"$filter": condition, "$top": 1}, whole=False)
        return any(row["id"] == id_ for row in found)

    def _check_answers(self, row: Row, id_: str) -> None:
        if self._identity.fields and row["id"] != id_:
            raise AcumaticaError(
                f"{self.name}: asked for record {id_}, the server answered record "
                f"{row['id']}."
            )

    def whole(self, row: Row) -> Row | None:
        """Return a listed row with what lists cannot hold, None where it is gone."""
        listed = self._asker.listing.shape == self._asker.shape
        return row if listed else self.row(row["id"])

    def modified(self, row: Row) -> datetime | None:
        """Return when a row was modified, as far as it says.

        Raises:
            AcumaticaError: It says something that is no date-time.
        """
        try:
            return moment(row.get(self.replication_key, {}).get("value"))
        except (AttributeError, TypeError, ValueError) as error:
            raise AcumaticaError(
                f"{self.name}: {self.replication_key} of record {row['id']} is no "
                "date-time, so no bookmark would be safe: "
                f"{exact_json.outline(row[self.replication_key])}."
            ) from error

    def _check_page(self, rows: list[Row], window: Window) -> None:
        if len(rows) > self.page_size:
            raise AcumaticaError(
                f"{self.name}: the server answered {len(rows)} rows to "
                f"$top={self.page_size}; reading on could lose or repeat rows."
            )
        seen: dict[str, Row] = {}
        for row in rows:
            if seen.setdefault(row["id"], row) != row:
                raise StreamError(
                    f"{self.name}: the server answered different rows with the "
                    f"{self._identity.kind} {row['id']} at once, of which a target "
                    "would keep one. Run it again; if that stays so, it does not tell "
                    "rows apart: name other fields as `key` in setting 'entities'."
                )
            if _lies_outside(value := self.modified(row), window):
                raise NotFilteredError(
                    f"{self.name}: asked for rows {window}, the server answered record "
                    f"{row['id']} of {value}; it does not filter as asked."
                )


class WindowSource:
    """The rows of one window, as `pages.Source` describes."""

    def __init__(self, entity: Entity, window: Window) -> None:
        """Prepare; nothing is asked for yet.

        Args:
            entity: Whose rows.
            window: Which of them.
        """
        self.name = entity.name
        self._entity = entity
        self._window = window

    @property
    def page_size(self) -> int:
        """How many rows the next page is asked for."""
        return self._entity.page_size

    def grow(self) -> None:
        """Ask for larger pages, if that may succeed again."""
        self._entity.grow()

    def page(self, skip: int, *, whole: bool) -> list[Row]:
        """Return the page that begins after so many rows."""
        return self._entity.page(self._window, skip, whole=whole)

    def row(self, id_: str) -> Row | None:
        """Return one whole row, None where it is gone."""
        return self._entity.row(id_)


def _lies_outside(value: datetime | None, window: Window) -> bool:
    if value is None:
        return False
    too_early = window.lower is not None and value < window.lower - TOLERANCE
    too_late = window.upper is not None and value >= window.upper + TOLERANCE
    return too_early or too_late
