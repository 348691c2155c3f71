"""The lists and records of one entity: what is asked for, and what may come back."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from tap_acumatica import query, wire
from tap_acumatica.errors import AcumaticaError, CannotOptimizeError, NotFoundError
from tap_acumatica.pages import are_records, settled
from tap_acumatica.windows import moment

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from datetime import datetime
    from logging import Logger

    from tap_acumatica.client import Answer, Client
    from tap_acumatica.pages import Row
    from tap_acumatica.windows import Window

REPLICATION_KEY = "LastModifiedDateTime"
SHOWN = 200
"""How much of an answer an error shows."""
TOLERANCE = timedelta(seconds=1)
"""How far a row may lie outside of its window: a database may round its times."""
_NAMED_BY_OPTIMIZER = re.compile(r"([\w.]+): View (\w+) has BQL delegate")


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
        expand: Collection[str],
        *,
        page_size: int,
        logger: Logger,
    ) -> None:
        """Prepare; nothing is asked for yet.

        Args:
            client: Sends the requests.
            path: The entity's path below the instance's address.
            expand: The detail arrays and linked objects that a whole row holds.
            page_size: Rows in a page.
            logger: Where to say what was learnt about the entity.
        """
        self.name = path.rpartition("/")[2]
        self.asked_at: datetime | None = None
        self._client = client
        self._path = path
        self._expand = expand
        self._page_size = page_size
        self._logger = logger
        self._not_in_lists: frozenset[str] = frozenset()

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
            expand = [path for path in self._expand if self._can_be_listed(path)]
            try:
                answer = self._list(window, skip, expand if whole else [])
            except CannotOptimizeError as error:
                self._learn(error, expand)
                continue
            self.asked_at = answer.asked_at
            rows: list[Row] = answer.body
            return rows

    def row(self, id_: str) -> Row | None:
        """Return one whole row, None where it is gone."""
        parameters = {"$expand": query.expand(self._expand)} if self._expand else None
        try:
            answer = self._client.get(f"{self._path}/{id_}", parameters)
        except NotFoundError:
            self._logger.warning(
                "%s %s was listed but is not found by its id; it counts as deleted.",
                self.name,
                id_,
            )
            return None
        self._check_records([answer.body])
        self.asked_at = answer.asked_at
        row: Row = answer.body
        return row

    def whole(self, row: Row) -> Row | None:
        """Return a listed row with what lists cannot hold, None where it is gone."""
        return self.row(row["id"]) if self._not_in_lists else row

    def _list(self, window: Window, skip: int, expand: list[str]) -> Answer:
        parameters: dict[str, str | int] = {"$top": self._page_size, "$skip": skip}
        if expand:
            parameters["$expand"] = query.expand(expand)
        if condition := query.within(REPLICATION_KEY, window):
            parameters["$filter"] = condition
        answer = self._client.get(self._path, parameters)
        self._check_records(answer.body)
        self._check_page(answer.body, window)
        return answer

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
            if _lies_outside(value := modified(row), window):
                raise AcumaticaError(
                    f"{self.name}: asked for rows {window}, the server answered record "
                    f"{row['id']} of {value}; it does not filter as asked."
                )

    def _can_be_listed(self, path: str) -> bool:
        return path.partition("/")[0] not in self._not_in_lists

    def _learn(self, error: CannotOptimizeError, expand: list[str]) -> None:
        """Note which expansions the server cannot put into a list, for this run.

        Raises:
            CannotOptimizeError: The list cannot be read without expansions either.
        """
        asked = {path.partition("/")[0] for path in expand}
        named = {
            name.partition(".")[0]
            for names in _NAMED_BY_OPTIMIZER.findall(str(error))
            for name in names
        }
        if not asked:
            raise error
        learned = named & asked or asked
        self._not_in_lists |= learned
        self._logger.info(
            "%s: lists cannot hold %s, so each record is read by its id for them.",
            self.name,
            ", ".join(sorted(learned)),
        )


class _WindowSource:
    """The rows of one window, as `pages.settled` asks for them."""

    def __init__(self, entity: Entity, window: Window) -> None:
        self._entity = entity
        self._window = window

    def page(self, skip: int, *, whole: bool) -> list[Row]:
        return self._entity.page(self._window, skip, whole=whole)

    def row(self, id_: str) -> Row | None:
        return self._entity.row(id_)


def modified(row: Row) -> datetime | None:
    """Return when a row was modified, as far as it says."""
    return moment(row.get(REPLICATION_KEY, {}).get("value"))


def _lies_outside(value: datetime | None, window: Window) -> bool:
    if value is None:
        return False
    too_early = window.lower is not None and value < window.lower - TOLERANCE
    too_late = window.upper is not None and value >= window.upper + TOLERANCE
    return too_early or too_late
