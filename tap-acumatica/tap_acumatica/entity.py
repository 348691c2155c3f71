"""The lists and records of one entity: what is asked for, and what may come back."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import quote

import backoff

from tap_acumatica import query, wire
from tap_acumatica.client import ATTEMPTS, log_wait, waits
from tap_acumatica.errors import (
    AcumaticaError,
    CannotOptimizeError,
    NotFoundError,
    OverloadError,
    RefusedQueryError,
    StreamError,
)
from tap_acumatica.page_size import PageSize
from tap_acumatica.pages import are_records, settled
from tap_acumatica.records import is_blank
from tap_acumatica.shape import Shape
from tap_acumatica.windows import moment

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime
    from logging import Logger

    from tap_acumatica.client import Client
    from tap_acumatica.keys import Identity
    from tap_acumatica.pages import Row
    from tap_acumatica.windows import Window

TOLERANCE = timedelta(seconds=1)
"""How far a row may lie outside of its window: a database may round its times."""
MANY = 20
"""Rows in succession that may be gone between a list and the reading by id."""
_NAMED_BY_OPTIMIZER = re.compile(r"([\w.]+): View (\w+) has BQL delegate")


def _ask_for_less(details: Mapping[str, Any]) -> None:
    log_wait(details)
    entity: Entity = details["args"][0]
    entity.take_less()


class Lists(NamedTuple):
    """How lists of an entity are asked for.

    Attributes:
        replication_key: The field that windows are filtered by.
        contract: The endpoint's contract version.
        page_size: Rows that are asked for at once.
        identity: How rows are told apart.
    """

    replication_key: str
    contract: int
    page_size: int
    identity: Identity


class Entity:
    """A top-level entity of the endpoint.

    Attributes:
        name: The entity, such as ``Bill``.
        asked_at: Our clock just before the request that the latest rows came with.
    """

    def __init__(
        self,
        client: Client,
        path: str,
        shape: Shape,
        lists: Lists,
        logger: Logger,
    ) -> None:
        """Prepare; nothing is asked for yet.

        Args:
            client: Sends the requests.
            path: The entity's path below the instance's address.
            shape: What a whole row holds.
            lists: How lists are asked for.
            logger: Where to say what was learnt about the entity.
        """
        self.name = path.rpartition("/")[2]
        self.asked_at: datetime | None = None
        self._client = client
        self._path = path
        self._shape = shape
        self._listed = shape
        self._key, self._contract, page_size, self._identity = lists
        self._sizes = PageSize(page_size)
        self._logger = logger
        self._selects = True
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
    def asks_for_custom(self) -> bool:
        """Whether a whole row has custom fields of its own."""
        return bool(self._shape.custom)

    def probe(self) -> None:
        """Read one row, to see whether the entity can be read.

        Raises:
            AcumaticaError: It cannot.
        """
        self._read({"$top": 1}, whole=False)

    def rows(self, window: Window, first_page: list[Row]) -> Iterator[Row]:
        """Return a window's rows; one page is one moment, more than one may move.

        Args:
            window: The window.
            first_page: Its first page, which has been read already.
        """
        if len(first_page) < self.page_size:
            return iter(first_page)
        return settled(_WindowSource(self, window), first_page)

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
        return len(rows) == 1 and self._key not in rows[0] and is_blank(rows[0])

    def _check_inquiry(self) -> None:
        """Tell an inquiry: it has no list, but answers one record that is blank.

        Raises:
            StreamError: All fields of the one record are blank.
        """
        body = self._client.get(self._path, {"$top": 2}).body
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
        parameters: dict[str, str | int] = {"$top": self.page_size, "$skip": skip}
        if condition := query.within(self._key, window, self._contract):
            parameters["$filter"] = condition
        return parameters

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
        rows = self._read(self._parameters(window, skip), whole=whole)
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

    def _read(self, parameters: dict[str, str | int], *, whole: bool) -> list[Row]:
        while True:
            shape = self._listed if whole else self._listed.bare()
            try:
                body = self._get(self._path, parameters, shape)
            except CannotOptimizeError as error:
                self._learn(error, shape)
                continue
            return self._named(body)

    def _named(self, body: Any) -> list[Row]:  # noqa: ANN401 - any JSON
        """Return the rows of an answer with the names by which they are told apart."""
        self._check_records(body)
        rows: list[Row] = body
        for row in rows:
            self._identity.name(row)
        return rows

    def row(self, id_: str) -> Row | None:
        """Return one whole row, None where it is gone.

        Raises:
            AcumaticaError: Only the query is not found, or too many rows are gone.
        """
        address = self._identity.address(id_)
        try:
            body = self._get(f"{self._path}/{address}", {}, self._shape)
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
        [row] = self._named([body])
        self._check_answers(row, id_)
        self._gone_in_a_row = 0
        return row

    def has(self, id_: str) -> bool:
        """Tell whether a row is found by an id, which need not be one any more."""
        try:
            self._client.get(f"{self._path}/{quote(id_, safe='')}", fragile=True)
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
            self._client.get(f"{self._path}/{address}")
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
        found = self._read({"$filter": condition, "$top": 1}, whole=False)
        return any(row["id"] == id_ for row in found)

    def _check_answers(self, row: Row, id_: str) -> None:
        if self._identity.fields and row["id"] != id_:
            raise AcumaticaError(
                f"{self.name}: asked for record {id_}, the server answered record "
                f"{row['id']}."
            )

    def whole(self, row: Row) -> Row | None:
        """Return a listed row with what lists cannot hold, None where it is gone."""
        return row if self._listed == self._shape else self.row(row["id"])

    def modified(self, row: Row) -> datetime | None:
        """Return when a row was modified, as far as it says.

        Raises:
            AcumaticaError: It says something that is no date-time.
        """
        try:
            return moment(row.get(self._key, {}).get("value"))
        except (AttributeError, TypeError, ValueError) as error:
            raise AcumaticaError(
                f"{self.name}: {self._key} of record {row['id']} is no date-time, so "
                f"no bookmark would be safe: {wire.outline(row[self._key])}."
            ) from error

    def _get(self, path: str, parameters: dict[str, str | int], shape: Shape) -> Any:  # noqa: ANN401 - any JSON
        """Read what a shape asks for; without ``$select`` where that is refused."""
        needed = "$select" in query.members(shape, self._contract, select=False)
        ask = self._client.get_page if "$skip" in parameters else self._client.get
        while True:
            members = query.members(shape, self._contract, select=self._selects)
            spare = "$select" in members and not needed
            asked = parameters | members
            try:
                answer = ask(path, asked, fragile=spare)
            except RefusedQueryError as error:
                if not spare:
                    raise self._refusal(error, needed=needed) from error
                self._selects = False
                self._logger.info(
                    "%s: the server refuses $select, so unselected fields are dropped "
                    "here (%s).",
                    self.name,
                    error,
                )
                continue
            except NotFoundError as error:
                self._check_length(asked, error)
                raise
            self.asked_at = answer.asked_at
            return answer.body

    def _refusal(self, error: RefusedQueryError, *, needed: bool) -> AcumaticaError:
        if not needed:
            return error
        return AcumaticaError(
            f"{self.name}: the server refuses $select, without which custom fields "
            f"cannot be read ({error}); set custom_fields to [] and discover again to "
            "read the entity without them."
        )

    def _check_length(self, asked: Mapping[str, str | int], error: Exception) -> None:
        """Tell a query that is too long for a web server, which says 404 to it."""
        length = len(query.encode(asked))
        if length > query.LONGEST_QUERY:
            raise AcumaticaError(
                f"{self.name}: the server finds nothing at an address whose query has "
                f"{length} characters ({error}); web servers refuse long ones. Take "
                "fewer custom_fields or expansions."
            ) from error

    def _check_records(self, body: Any) -> None:  # noqa: ANN401 - any JSON
        if not are_records(body):
            others = body if isinstance(body, list) else [body]
            odd = next(other for other in others if not are_records([other]))
            raise AcumaticaError(
                f"{self.name}: the server answered something else than records with "
                f"ids: {wire.outline(odd)}."
            )

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
                raise AcumaticaError(
                    f"{self.name}: asked for rows {window}, the server answered record "
                    f"{row['id']} of {value}; it does not filter as asked."
                )

    def _learn(self, error: CannotOptimizeError, shape: Shape) -> None:
        """Note what the server cannot put into a list, for this run.

        Raises:
            CannotOptimizeError: The list cannot be read without it either.
        """
        named = {
            name.partition(".")[0]
            for names in _NAMED_BY_OPTIMIZER.findall(str(error))
            for name in names
        }
        learned = named & shape.nested.keys() or set(shape.nested)
        if learned:
            self._listed = self._listed.without(learned)
        elif shape.custom:
            self._listed = self._listed.bare()
            learned = {"custom fields"}
        elif self._selects and shape.fields and shape != (least := self._least()):
            self._listed = least
            learned = {"all of its fields"}
        else:
            raise error
        self._logger.info(
            "%s: lists cannot hold %s, so each record is read by its id for them.",
            self.name,
            ", ".join(sorted(learned)),
        )

    def _least(self) -> Shape:
        """Return the smallest shape whose rows can be placed in a window."""
        fields = self._shape.fields
        key = self._key if self._key in fields else fields[0]
        needed = dict.fromkeys((*self._identity.fields, key))
        return Shape(tuple(needed), complete=False)


class _WindowSource:
    """The rows of one window, as `pages.settled` asks for them."""

    def __init__(self, entity: Entity, window: Window) -> None:
        self.name = entity.name
        self._entity = entity
        self._window = window

    @property
    def page_size(self) -> int:
        return self._entity.page_size

    def grow(self) -> None:
        self._entity.grow()

    def page(self, skip: int, *, whole: bool) -> list[Row]:
        return self._entity.page(self._window, skip, whole=whole)

    def row(self, id_: str) -> Row | None:
        return self._entity.row(id_)


def _lies_outside(value: datetime | None, window: Window) -> bool:
    if value is None:
        return False
    too_early = window.lower is not None and value < window.lower - TOLERANCE
    too_late = window.upper is not None and value >= window.upper + TOLERANCE
    return too_early or too_late
