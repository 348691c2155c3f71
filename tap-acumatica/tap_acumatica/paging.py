"""Read a list that does not fit into one page, while its rows come, go and move (pure).

Nothing promises the order of a list, and people work while it is read page by page.
Three checks together make sure that no row is missed which was there all the time:

1. Each page asks again for the last row already read and must begin with the rows that
   ended the previous pages, so that no row before it has left or arrived unnoticed.
2. No other row may come twice: a new order that hides one row shows another one twice.
3. A second reading, without lines, must show every row that the first one showed:
   otherwise a row that left may have made up for one that was hidden.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from tap_acumatica import exact_json
from tap_acumatica.errors import AcumaticaError, StreamError
from tap_acumatica.unwrapping import Unwrapper

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

Row = dict[str, Any]

FAILURES = 20
"""How often the rows of a list may move before its reading is given up."""
READINGS = 10
"""How often a list is read again because rows have left it."""
BEYOND = 1_000_000_000
"""More rows to skip than any list has."""


class Source(Protocol):
    """Where the rows of one list come from.

    Attributes:
        name: What the rows are, for people.
    """

    name: str

    @property
    def page_size(self) -> int:
        """How many rows the next page is asked for; failures make it smaller."""

    def grow(self) -> None:
        """Ask for larger pages, if that may succeed again."""

    def page(self, skip: int, *, whole: bool) -> list[Row]:
        """Return the page that begins after so many rows.

        Args:
            skip: Rows before the page.
            whole: With lines and linked objects; their ids and fields are enough else.
        """

    def row(self, id_: str) -> Row | None:
        """Return one whole row, None where it is gone."""


def are_records(body: Any) -> bool:  # noqa: ANN401 - any JSON
    """Tell whether an answer is a list of records with ids.

    An object, such as an error beside status 200, could else pass for an empty list,
    and a full refresh would then mark every record as deleted.
    """
    return isinstance(body, list) and all(
        isinstance(row, dict) and isinstance(row.get("id"), str) for row in body
    )


class Reading:
    """One reading of a list from its first to its last page.

    Attributes:
        order: The ids of the rows read so far, in their order.
    """

    def __init__(self, source: Source, *, whole: bool, grows: bool = False) -> None:
        """Prepare; nothing is read yet.

        Args:
            source: Where the pages come from.
            whole: Whether its rows hold lines and linked objects.
            grows: Whether pages may grow: nobody holds another one of the source that
                is still to be told from a full one.
        """
        self._source = source
        self._whole = whole
        self._grows = grows
        self._failures = 0
        self._skips = False
        self._read: set[str] = set()
        self.order: list[str] = []

    def rows(self, first_page: list[Row]) -> Iterator[Row]:
        """Yield the rows; those of pages that must be read again come again.

        Raises:
            AcumaticaError: The rows move faster than they can be read, or the server
                does not skip any.
        """
        page = first_page
        while True:
            ids = [row["id"] for row in page]
            is_full = len(page) >= self._source.page_size
            known = self._overlap(ids)
            if known is None:
                self._check_skip(ids)
                self._step_back()
            else:
                fresh = page[known:]
                yield from fresh
                self._note(row["id"] for row in fresh)
                if not is_full:
                    return
            skip = max(len(self.order) - 1, 0)
            if self._grows:
                self._source.grow()
            page = self._source.page(skip, whole=self._whole)

    def _overlap(self, ids: list[str]) -> int | None:
        """Return with how many rows a page repeats the end of what has been read.

        None means that the page does not continue it, or that it is full and brings
        nothing new.
        """
        known = next(
            (n for n, id_ in enumerate(ids) if id_ not in self._read), len(ids)
        )
        fresh = ids[known:]
        continues = not self.order or (known and ids[:known] == self.order[-known:])
        repeats = len(set(fresh)) < len(fresh) or not self._read.isdisjoint(fresh)
        stuck = not fresh and len(ids) >= self._source.page_size
        return None if not continues or repeats or stuck else known

    def _note(self, ids: Iterable[str]) -> None:
        added = list(ids)
        self.order += added
        self._read.update(added)

    @property
    def failed(self) -> bool:
        """Whether rows have moved, so that some come again."""
        return self._failures > 0

    def _check_skip(self, ids: list[str]) -> None:
        """Tell a server that skips no rows from rows that have moved.

        Where a later page begins like the list itself, rows may have come before it.
        Only a server that ignores ``$skip`` has rows behind the end of all lists.

        Raises:
            StreamError: It has.
        """
        is_again = len(self.order) > 1 and ids[:1] == self.order[:1]
        if self._skips or not is_again:
            return
        if self._source.page(BEYOND, whole=False):
            raise StreamError(
                f"{self._source.name}: the server ignores $skip: it answers the first "
                "rows again, so a list of more rows than a page cannot be read. Ask "
                "the instance's owner what drops $skip, such as a proxy, or set a "
                "page_size above the number of rows. The bookmark has not moved."
            )
        self._skips = True

    def _step_back(self) -> None:
        """Forget the last pages, twice as many with each failure."""
        self._failures += 1
        if self._failures > FAILURES:
            raise restless(self._source.name)
        pages = 2 ** (self._failures - 1)
        keep = max(len(self.order) - self._source.page_size * pages, 0)
        self._read.difference_update(self.order[keep:])
        del self.order[keep:]


class _News:
    """What has been told of a list's rows, and what is new of them.

    Attributes:
        told: The content of each row that was told, by its id.
    """

    def __init__(self, source: Source) -> None:
        self._source = source
        self._ids_stay = False
        self.told: dict[str, int] = {}

    def of(self, row: Row, *, again: bool) -> Iterator[Row]:
        """Yield a row unless it was told as it is.

        Args:
            row: The row.
            again: Whether rows may come again, which those with new ids must not do.

        Raises:
            StreamError: They do.
        """
        content = _content(row)
        if self.told.get(row["id"]) == content:
            return
        if again and not self._ids_stay and row["id"] not in self.told:
            self._check_twin(row["id"], content)
        self.told[row["id"]] = content
        yield row

    def _check_twin(self, id_: str, content: int) -> None:
        """Look whether the id is gone under which the same content has been told."""
        twin = next((i for i, told in self.told.items() if told == content), None)
        if twin is None:
            return
        if self._source.row(twin) is None:
            raise StreamError(
                f"{self._source.name}: the record that was read with the id {twin} has "
                f"come again with the same content and the id {id_}: its ids are new "
                "with each session, and a new one has begun. Name the fields of its "
                "natural key as `key` in setting 'entities'."
            )
        self._ids_stay = True


def settled(source: Source, first_page: list[Row]) -> Iterator[Row]:
    """Yield every row of a list, and again each row that has changed meanwhile.

    Args:
        source: Where the rows come from.
        first_page: The first page, which has been read already.

    Raises:
        AcumaticaError: The rows move faster than they can be read.
    """
    news = _News(source)
    reading = Reading(source, whole=True, grows=True)
    for row in reading.rows(first_page):
        yield from news.of(row, again=reading.failed)
    for _ in range(READINGS):
        shown = set(reading.order)
        reading = Reading(source, whole=False, grows=True)
        for row in reading.rows(source.page(0, whole=False)):
            if row["id"] not in news.told and (whole := source.row(row["id"])):
                yield from news.of(whole, again=True)
        if shown <= set(reading.order):
            return
    raise restless(source.name)


def restless(name: str) -> AcumaticaError:
    """Return the error of rows that move faster than they can be read."""
    return AcumaticaError(
        f"{name}: its rows moved so often while they were read that a complete "
        "reading was not possible. The bookmark has not moved, so nothing is lost: run "
        "it again at a quieter time, or with a larger page_size."
    )


def _content(row: Row) -> int:
    """Return what tells a row from a later version of it.

    Its position, its id and those of its lines do not: they are also new in another
    session, in which the row has not changed.
    """
    record = Unwrapper(trim=False).record(row)
    record.pop("id", None)
    return hash(exact_json.encode(record))
