"""The lists and records of one entity: what is asked for, and what may come back."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

from tap_acumatica import query, wire
from tap_acumatica.errors import (
    AcumaticaError,
    CannotOptimizeError,
    NotFoundError,
    RefusedQueryError,
)
from tap_acumatica.pages import are_records, settled
from tap_acumatica.shape import Shape
from tap_acumatica.windows import moment

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime
    from logging import Logger

    from tap_acumatica.client import Client
    from tap_acumatica.pages import Row
    from tap_acumatica.windows import Window

SHOWN = 200
"""How much of an answer an error shows."""
TOLERANCE = timedelta(seconds=1)
"""How far a row may lie outside of its window: a database may round its times."""
_NAMED_BY_OPTIMIZER = re.compile(r"([\w.]+): View (\w+) has BQL delegate")


class Lists(NamedTuple):
    """How lists of an entity are asked for.

    Attributes:
        replication_key: The field that windows are filtered by.
        contract: The endpoint's contract version.
        page_size: Rows in a page.
    """

    replication_key: str
    contract: int
    page_size: int


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
        self._key, self._contract, self._page_size = lists
        self._logger = logger
        self._selects = True

    @property
    def asks_for_custom(self) -> bool:
        """Whether a whole row has custom fields of its own."""
        return bool(self._shape.custom)

    def probe(self) -> None:
        """Read one row, to see whether the entity can be read.

        Raises:
            AcumaticaError: It cannot.
        """
        self._check_records(self._client.get(self._path, {"$top": 1}).body)

    def rows(self, window: Window, first_page: list[Row]) -> Iterator[Row]:
        """Return a window's rows; one page is one moment, more than one may move.

        Args:
            window: The window.
            first_page: Its first page, which has been read already.
        """
        if len(first_page) < self._page_size:
            return iter(first_page)
        return settled(_WindowSource(self, window), self._page_size, first_page)

    def page(self, window: Window, skip: int, *, whole: bool) -> list[Row]:
        """Return a page of a window.

        Args:
            window: The window.
            skip: Rows before the page.
            whole: With lines and linked objects, as far as a list can hold them.

        Raises:
            AcumaticaError: The server declines, or answers what was not asked for.
        """
        while True:
            shape = self._listed if whole else self._listed.bare()
            try:
                body = self._list(window, skip, shape)
            except CannotOptimizeError as error:
                self._learn(error, shape)
                continue
            self._check_page(body, window)
            rows: list[Row] = body
            return rows

    def row(self, id_: str) -> Row | None:
        """Return one whole row, None where it is gone."""
        try:
            body = self._get(f"{self._path}/{id_}", {}, self._shape)
        except NotFoundError:
            self._logger.warning(
                "%s %s was listed but is not found by its id; it counts as deleted.",
                self.name,
                id_,
            )
            return None
        self._check_records([body])
        row: Row = body
        return row

    def whole(self, row: Row) -> Row | None:
        """Return a listed row with what lists cannot hold, None where it is gone."""
        return row if self._listed == self._shape else self.row(row["id"])

    def modified(self, row: Row) -> datetime | None:
        """Return when a row was modified, as far as it says."""
        return moment(row.get(self._key, {}).get("value"))

    def _list(self, window: Window, skip: int, shape: Shape) -> Any:  # noqa: ANN401 - any JSON
        parameters: dict[str, str | int] = {"$top": self._page_size, "$skip": skip}
        if condition := query.within(self._key, window, self._contract):
            parameters["$filter"] = condition
        body = self._get(self._path, parameters, shape)
        self._check_records(body)
        return body

    def _get(self, path: str, parameters: dict[str, str | int], shape: Shape) -> Any:  # noqa: ANN401 - any JSON
        """Read what a shape asks for; without ``$select`` where that is refused."""
        while True:
            members = query.members(shape, self._contract, select=self._selects)
            selects = self._selects and "$select" in members
            try:
                answer = self._client.get(path, parameters | members, fragile=selects)
            except RefusedQueryError as error:
                if not selects:
                    raise
                self._selects = False
                if "$select" in query.members(shape, self._contract, select=False):
                    raise AcumaticaError(
                        f"{self.name}: the server refuses $select, without which "
                        f"custom fields cannot be read ({error}); set custom_fields to "
                        "[] to read the entity without them."
                    ) from error
                self._logger.info(
                    "%s: the server refuses $select, so unselected fields are dropped "
                    "here (%s).",
                    self.name,
                    error,
                )
                continue
            self.asked_at = answer.asked_at
            return answer.body

    def _check_records(self, body: Any) -> None:  # noqa: ANN401 - any JSON
        if not are_records(body):
            shown = wire.encode(body).decode()[:SHOWN]
            raise AcumaticaError(
                f"{self.name}: the server answered something else than records with "
                f"ids: {shown}"
            )

    def _check_page(self, rows: list[Row], window: Window) -> None:
        if len(rows) > self._page_size:
            raise AcumaticaError(
                f"{self.name}: the server answered {len(rows)} rows to "
                f"$top={self._page_size}; reading on could lose or repeat rows."
            )
        for row in rows:
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
        return Shape((key,), complete=False)


class _WindowSource:
    """The rows of one window, as `pages.settled` asks for them."""

    def __init__(self, entity: Entity, window: Window) -> None:
        self._entity = entity
        self._window = window

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
