"""The questions to a server about one entity: in which shapes, and in which parts."""

from __future__ import annotations

from contextlib import contextmanager
from hashlib import sha256
from typing import TYPE_CHECKING, Any, NamedTuple

from tap_acumatica import exact_json, query
from tap_acumatica.errors import (
    AcumaticaError,
    CannotOptimizeError,
    NotFoundError,
    RefusedQueryError,
    StreamError,
)
from tap_acumatica.listing import Listing, joined
from tap_acumatica.paging import are_records, restless
from tap_acumatica.projection import Shape

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime
    from logging import Logger

    from tap_acumatica.client import Client
    from tap_acumatica.contract import Contract
    from tap_acumatica.keys import Identity
    from tap_acumatica.paging import Row
    from tap_acumatica.windows import Window

TRIES = 5
"""How often rows may change between the parts in which they are asked for."""


class Lists(NamedTuple):
    """How lists of an entity are asked for.

    Attributes:
        replication_key: The field that windows are filtered by.
        contract: The endpoint's contract version.
        identity: How rows are told apart.
    """

    replication_key: str
    contract: Contract
    identity: Identity


class Asker:
    """Asks for an entity's rows, in shapes that the server can answer.

    Attributes:
        name: The entity, such as ``Bill``.
        shape: What a whole row holds.
        replication_key: The field that windows are filtered by.
        identity: How rows are told apart.
        listing: What lists can hold of it.
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
        self.shape = shape
        self.asked_at: datetime | None = None
        self._client = client
        self._path = path
        self.replication_key, self._contract, self.identity = lists
        self._logger = logger
        self.listing = Listing(shape, self._least())

    @property
    def question(self) -> str:
        """What lists are asked for, so that what is proved of it can be kept."""
        members = query.members(self.shape, self._contract, select=True)
        digest = sha256(query.encode(members).encode()).hexdigest()[:16]
        return f"{self._path} {self.replication_key} {self._contract.version} {digest}"

    @contextmanager
    def aside(self) -> Iterator[None]:
        """Leave `asked_at` as it is: no row that comes meanwhile is passed on."""
        asked_at = self.asked_at
        yield
        self.asked_at = asked_at

    def condition(self, window: Window) -> dict[str, str | int]:
        """Return the parameter that leaves out what is not in a window."""
        condition = query.within(self.replication_key, window, self._contract)
        return {"$filter": condition} if condition else {}

    def divide(self) -> None:
        """Ask for expansions and custom fields in more parts from now on.

        Raises:
            StreamError: They are asked for one by one already.
        """
        if not self.listing.divide():
            members = ", ".join(sorted(self.listing.members())) or "its fields"
            raise StreamError(
                f"{self.name}: asked for {members}, the server answers an empty list, "
                "though there are records. Nothing counts as deleted for it, and the "
                "bookmark has not moved. Ask the instance's owner what answers so, or "
                "deselect what is not needed."
            )
        self._logger.info(
            "%s: the server answers nothing to all that is asked for at once, so it "
            "is asked for in %d parts.",
            self.name,
            self.listing.pieces,
        )

    def rows(self, parameters: dict[str, str | int], *, whole: bool) -> list[Row]:
        """Return the rows of a list.

        Args:
            parameters: Which of them.
            whole: With lines and linked objects, as far as a list can hold them.

        Raises:
            AcumaticaError: The server declines, or answers what was not asked for.
        """
        while True:
            shape = self.listing.shape if whole else self.listing.shape.bare()
            try:
                return self._in_parts(self._path, parameters, shape)
            except CannotOptimizeError as error:
                learned = self.listing.learn(error, shape)
                self._logger.info(
                    "%s: lists cannot hold %s, so each record is read by its id for "
                    "them.",
                    self.name,
                    ", ".join(sorted(learned)),
                )

    def record(self, address: str) -> Row:
        """Return the whole row that is at an address below the entity's.

        Raises:
            NotFoundError: There is none, or only the query is not found.
        """
        [row] = self._in_parts(f"{self._path}/{address}", {}, self.shape, one=True)
        return row

    def bare(self, parameters: dict[str, str | int]) -> Any:  # noqa: ANN401 - any JSON
        """Return what a list answers when nothing is asked for that could spoil it."""
        return self._client.get(self._path, parameters).body

    def find(self, address: str, *, fragile: bool = False) -> None:
        """See that there is a row at an address, asking for nothing of it.

        Args:
            address: The address below the entity's.
            fragile: It may be one that the server cannot read.

        Raises:
            NotFoundError: There is none.
            RefusedQueryError: The server cannot read the address.
        """
        self._client.get(f"{self._path}/{address}", fragile=fragile)

    def _in_parts(
        self,
        path: str,
        parameters: dict[str, str | int],
        shape: Shape,
        *,
        one: bool = False,
    ) -> list[Row]:
        """Read rows, or the one that a path names, in as many parts as is needed.

        Raises:
            AcumaticaError: A part does not come, or the rows change between the parts.
        """
        while True:
            shapes = self.listing.parts(shape)
            for _ in range(TRIES):
                pages = []
                asked_at = None
                for part in shapes:
                    body = self._get(path, parameters, part)
                    pages.append(self._named([body] if one else body))
                    asked_at = asked_at or self.asked_at
                self.asked_at = asked_at
                rows = joined(pages, shapes, self.replication_key)
                if rows is not None:
                    return rows
            if all(pages):
                raise restless(self.name)
            self.divide()

    def _named(self, body: Any) -> list[Row]:  # noqa: ANN401 - any JSON
        """Return the rows of an answer with the names by which they are told apart."""
        self.check_records(body)
        rows: list[Row] = body
        for row in rows:
            self.identity.name(row)
        return rows

    def _get(self, path: str, parameters: dict[str, str | int], shape: Shape) -> Any:  # noqa: ANN401 - any JSON
        """Read what a shape asks for; without ``$select`` where that is refused."""
        needed = "$select" in query.members(shape, self._contract, select=False)
        ask = self._client.get_page if "$skip" in parameters else self._client.get
        while True:
            members = query.members(shape, self._contract, select=self.listing.selects)
            spare = "$select" in members and not needed
            asked = parameters | members
            try:
                answer = ask(path, asked, fragile=spare)
            except RefusedQueryError as error:
                if not spare:
                    raise self._refusal(error, needed=needed) from error
                self.listing.selects = False
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

    def check_records(self, body: Any) -> None:  # noqa: ANN401 - any JSON
        """Refuse what is no list of records.

        Raises:
            StreamError: It is none.
        """
        if not are_records(body):
            others = body if isinstance(body, list) else [body]
            odd = next(other for other in others if not are_records([other]))
            raise StreamError(
                f"{self.name}: the server answered something else than records with "
                f"ids: {exact_json.outline(odd)}."
            )

    def _least(self) -> Shape:
        """Return the smallest shape whose rows can be placed in a window."""
        fields = self.shape.fields
        dated = self.replication_key in fields
        first = (self.replication_key,) if dated else fields[:1]
        needed = dict.fromkeys((*self.identity.fields, *first))
        return Shape(tuple(needed), complete=False)
