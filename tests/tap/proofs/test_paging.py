"""Reading a list whose rows come, go and move between any two requests.

The server is a model here; `test_restless_erp.py` does the same with the real
one. Thousands of cases here, so that a hole in the reasoning shows.
"""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tap_acumatica.errors import AcumaticaError, StreamError
from tap_acumatica.paging import are_records, settled

from tests.helpers.lanes import cases

if TYPE_CHECKING:
    from collections.abc import Callable

    from tap_acumatica.paging import Row


def named(id_: str) -> Row:
    """Return a row that has a natural key, as records have one."""
    return {"id": id_, "Name": id_, "Version": 0}


class RestlessTable:
    """A list of rows that others work on before each request."""

    name = "Table"

    def __init__(
        self,
        rows: int,
        page_size: int,
        chance: Random | None,
        sizes: Random | None = None,
    ) -> None:
        self.page_size = page_size
        self.chance = chance
        self.sizes = sizes
        self.rows: list[Row] = [named(f"r{n}") for n in range(rows)]
        self.untouched = {row["id"] for row in self.rows}
        self.requests = 0

    def page(self, skip: int, *, whole: bool) -> list[Row]:
        self._work()
        if self.sizes:
            self.page_size = self.sizes.randint(2, self.page_size)
        rows = self.rows[skip : skip + self.page_size]
        return [dict(row) if whole else {"id": row["id"]} for row in rows]

    def grow(self) -> None:
        if self.sizes:
            self.page_size = self.sizes.randint(self.page_size, 5)

    def row(self, id_: str) -> Row | None:
        self._work()
        return next((dict(row) for row in self.rows if row["id"] == id_), None)

    def _work(self) -> None:
        self.requests += 1
        while self.chance and self.chance.random() < 0.3:
            work = self.chance.choice(
                [self._insert, self._delete, self._update, self._reorder]
            )
            work(self.chance)

    def _insert(self, chance: Random) -> None:
        row = named(f"n{self.requests}-{chance.random()}")
        self.rows.insert(chance.randint(0, len(self.rows)), row)

    def _delete(self, chance: Random) -> None:
        if self.rows:
            gone = self.rows.pop(chance.randrange(len(self.rows)))
            self.untouched.discard(gone["id"])

    def _update(self, chance: Random) -> None:
        if self.rows:
            row = chance.choice(self.rows)
            row["Version"] += 1
            self.untouched.discard(row["id"])

    def _reorder(self, chance: Random) -> None:
        chance.shuffle(self.rows)


def read(table: RestlessTable) -> dict[str, Row]:
    """Return the last version of each row that the reading tells."""
    first_page = table.page(0, whole=True)
    return {row["id"]: row for row in settled(table, first_page)}


@settings(max_examples=cases(600, 600))
@example(8, 4, 135752)  # loses a row without the check that pages overlap
@example(6, 3, 292944)  # as above
@given(st.integers(2, 9), st.integers(2, 4), st.integers(0, 10**9))
def test_a_row_that_was_there_all_the_time_is_never_missed(
    rows: int, page_size: int, seed: int
) -> None:
    """Mistake 3 of other clients: a shifted page loses a row."""
    check(RestlessTable(rows, page_size, Random(seed)))  # noqa: S311 - no secret


@settings(max_examples=cases(300, 300))
@given(st.integers(2, 9), st.integers(0, 10**9), st.integers(0, 1))
def test_a_row_is_never_missed_while_pages_shrink_and_grow(
    rows: int, seed: int, at_work: int
) -> None:
    chance = Random(seed) if at_work else None  # noqa: S311 - no secret
    check(RestlessTable(rows, 3, chance, sizes=Random(seed)))  # noqa: S311 - as above


def check(table: RestlessTable) -> None:
    """Read; it may also stop with its sentence, but must not be quietly wrong."""
    try:
        told = read(table)
    except AcumaticaError as error:
        assert "moved so often" in str(error)  # noqa: PT017 - allowed, not expected
    else:
        assert table.untouched <= told.keys()
        assert all(told[id_]["Version"] == 0 for id_ in table.untouched)


@pytest.mark.parametrize(("rows", "requests"), [(0, 2), (3, 2), (9, 6), (10, 8)])
def test_a_quiet_list_costs_one_repeated_row_a_page_and_a_second_look(
    rows: int, requests: int
) -> None:
    table = RestlessTable(rows, 4, None)
    assert len(read(table)) == rows
    assert table.requests == requests


def test_a_row_is_told_once_unless_it_changes() -> None:
    table = RestlessTable(9, 4, None)
    told = list(settled(table, table.page(0, whole=True)))
    assert len(told) == 9


def ignoring_skip(table: RestlessTable, _skip: int) -> list[Row]:
    return table.rows[: table.page_size]


def repeating_the_last_row(table: RestlessTable, skip: int) -> list[Row]:
    return [table.rows[skip]] * table.page_size


@pytest.mark.parametrize(
    ("answer", "says", "requests"),
    [
        (ignoring_skip, "the server ignores [$]skip", 3),
        (repeating_the_last_row, "its rows moved so often", 50),
    ],
)
def test_pages_without_progress_are_an_error_and_no_endless_loop(
    monkeypatch: pytest.MonkeyPatch,
    answer: Callable[[RestlessTable, int], list[Row]],
    says: str,
    requests: int,
) -> None:
    table = RestlessTable(9, 4, None)

    def page(skip: int, **_: Any) -> list[Row]:
        table.requests += 1
        return answer(table, skip)

    monkeypatch.setattr(table, "page", page)
    with pytest.raises(AcumaticaError, match=f"^Table: {says}"):
        read(table)
    assert table.requests <= requests


class ScriptedTable:
    """A list that is as its script says at each request, and as at its end after."""

    name = "Table"
    page_size = 3

    def __init__(self, *script: str) -> None:
        self.script = list(script)

    def page(self, skip: int, *, whole: bool) -> list[Row]:
        del whole
        rows = self.script.pop(0) if len(self.script) > 1 else self.script[0]
        return [named(id_) for id_ in rows[skip : skip + self.page_size]]

    def grow(self) -> None:
        """Stay as it is."""

    def row(self, id_: str) -> Row | None:
        return named(id_)


@pytest.mark.parametrize(
    "script",
    [
        # d is hidden by a new order, which shows a twice, in both readings.
        ("abcde", "dbcea", "dbcea", "abcde", "dbcea", "dbcea", "abcde"),
        # d is hidden twice, and each time a row that was shown has left.
        ("abcde", "dbce", "bced", "dce"),
        # Two rows before the page have left: d has moved below what was read.
        ("abcdefg", "cdefg"),
    ],
    ids=["repeats", "third check", "overlap"],
)
def test_a_row_that_is_hidden_for_a_while_is_found(script: tuple[str, ...]) -> None:
    table = ScriptedTable(*script)
    told = {row["id"] for row in settled(table, table.page(0, whole=True))}
    assert "d" in told


@pytest.mark.parametrize(
    "body", [{}, None, "", {"message": "busy"}, [{}], [None], [{"id": None}], [["r1"]]]
)
def test_an_answer_without_records_is_no_empty_list(body: Any) -> None:
    """An object that passed for an empty list would mark all rows as deleted."""
    assert not are_records(body)


def test_a_list_of_records_may_be_empty() -> None:
    assert are_records([])
    assert are_records([{"id": "r1", "Status": {}}])


class SessionTable:
    """A list whose rows have other ids from some request on."""

    name = "Table"
    page_size = 3

    def __init__(self, ends_at: int) -> None:
        self.requests = 0
        self.ends_at = ends_at

    @property
    def session(self) -> int:
        return int(self.requests >= self.ends_at)

    def page(self, skip: int, *, whole: bool) -> list[Row]:
        del whole
        self.requests += 1
        numbers = range(7)[skip : skip + self.page_size]
        return [{**named(f"r{n}"), "id": f"{self.session}-{n}"} for n in numbers]

    def grow(self) -> None:
        """Stay as it is."""

    def row(self, id_: str) -> Row | None:
        session, _, n = id_.partition("-")
        is_here = session == str(self.session)
        return {**named(f"r{n}"), "id": id_} if is_here else None


@pytest.mark.parametrize("ends_at", [2, 3, 4, 5, 6])
def test_rows_that_come_again_under_ids_of_another_session_are_refused(
    ends_at: int,
) -> None:
    table = SessionTable(ends_at)
    says = r"^Table: the record that was read with the id 0-\d has come again"
    told: list[Row] = []
    with pytest.raises(StreamError, match=says):
        told.extend(settled(table, table.page(0, whole=True)))
    names = [row["Name"] for row in told]
    assert len(set(names)) == len(names)
