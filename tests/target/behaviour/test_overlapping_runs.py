"""Runs that overlap: one may load late what it has read early."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest
from target_snowflake_merge.warehouse.sequence import Order

from tests.helpers import proxy
from tests.helpers.moments import moment
from tests.helpers.sessions import activate, record, schema, session, state

if TYPE_CHECKING:
    from tests.target.conftest import Warehouse


def named(id_: str, name: str, extracted: str, **more: Any) -> Any:
    record = {"id": id_, "name": name}
    message = {"type": "RECORD", "stream": "bill", "record": record}
    return {**message, "time_extracted": extracted, **more}


def test_what_was_read_early_and_is_loaded_late_replaces_nothing(
    warehouse: Warehouse,
) -> None:
    """The table has a newer observation before this run first looks at it."""
    early, late = moment(minutes=5), moment(minutes=4)
    warehouse.loaded(schema(), named("1", "new", late))
    warehouse.loaded(schema(), named("1", "old", early), named("2", "only", early))
    assert warehouse.rows("ID, NAME") == [["1", "new"], ["2", "only"]]
    warehouse.loaded(schema(), named("1", "newest", moment()))
    assert warehouse.rows("ID, NAME") == [["1", "newest"], ["2", "only"]]


@pytest.mark.parametrize("hard_delete", [False, True])
def test_a_row_that_a_long_reading_could_not_see_is_not_removed(
    warehouse: Warehouse, *, hard_delete: bool
) -> None:
    warehouse.loaded(schema(), named("gone", "", moment(minutes=7)))
    began = moment(minutes=5)
    warehouse.loaded(schema(), named("new", "", moment(minutes=4)))
    complete = [named("stays", "", began, version=2), activate(2)]
    warehouse.loaded(schema(), *complete, hard_delete=hard_delete)
    rows = [["new", True], ["stays", True]]
    rows = rows if hard_delete else [["gone", False], *rows]
    assert warehouse.rows('ID, "_SDC_DELETED_AT" IS NULL') == rows


def test_a_row_that_was_read_before_it_was_removed_is_not_inserted(
    warehouse: Warehouse,
) -> None:
    warehouse.loaded(schema(), named("gone", "", moment(minutes=7)))
    early = moment(minutes=5)
    complete = [named("stays", "", moment(minutes=4), version=2), activate(2)]
    warehouse.loaded(schema(), *complete, hard_delete=True)
    new = named("new", "", moment(minutes=3))
    warehouse.loaded(schema(), named("gone", "", early), new, hard_delete=True)
    assert warehouse.rows("ID") == [["new"], ["stays"]]


@pytest.mark.parametrize("hard_delete", [False, True])
def test_a_row_that_is_removed_while_it_waits_is_not_inserted(
    warehouse: Warehouse, *, hard_delete: bool
) -> None:
    """The run that removes it begins and ends while this one has it in hand."""
    settings = {"hard_delete": hard_delete, "batch_size_rows": 2}
    warehouse.loaded(schema(), named("stays", "", moment(minutes=7)))
    warehouse.admin.forget()
    others = [record(id_, stream="other") for id_ in "12"]
    with session(warehouse, **settings) as run:
        run.send(schema(), named("gone", "", moment(minutes=5)))
        run.send(schema("other"), *others)
        while not warehouse.merges():
            assert run.process.poll() is None
        complete = [named("stays", "", moment(minutes=4), version=2), activate(2)]
        warehouse.loaded(schema(), *complete, **settings)
        code, _, log = run.end()
    assert code == 0, log
    assert warehouse.rows("ID") == [["stays"]]


def test_a_row_that_is_removed_while_its_batch_waits_is_not_inserted(
    warehouse: Warehouse,
) -> None:
    """Until the only worker has done what is before it."""
    warehouse.loaded(schema(), named("stays", "", moment(minutes=7)))
    gone = named("gone", "", moment(minutes=5))
    with (
        proxy.before(warehouse.admin.url, {0: "hold"}) as between,
        session(
            warehouse, host=between.url, max_parallelism=1, batch_size_rows=1
        ) as run,
    ):
        run.send(schema("other"), record("1", stream="other"), schema(), gone)
        while not between.seen:
            assert run.process.poll() is None
        time.sleep(1)
        complete = [named("stays", "", moment(minutes=4), version=2), activate(2)]
        warehouse.loaded(schema(), *complete, hard_delete=True)
        between.released.set()
        code, _, log = run.end()
    assert code == 0, log
    assert warehouse.rows("ID") == [["stays"]]


def test_a_table_that_is_filled_aside_is_whole(warehouse: Warehouse) -> None:
    """Although another reading has taken the table's place while it was filled."""
    settings = {"load_method": "overwrite", "batch_size_rows": 1}
    with session(warehouse, **settings) as run:
        run.send(schema(), *[named(id_, "", moment(minutes=5)) for id_ in "12"])
        while not warehouse.merges():
            assert run.process.poll() is None
        other = [named("9", "", moment(minutes=4)), state(1)]
        warehouse.loaded(schema(), *other, **settings)
        run.send(named("3", "", moment(minutes=4.5)), state(1))
        code, _, log = run.end()
    assert code == 0, log
    assert warehouse.rows("ID") == [["1"], ["2"], ["3"]]


@pytest.mark.parametrize("minutes", [11, 1_000_000])
def test_a_file_of_old_records_replaces_what_is_there(
    warehouse: Warehouse, minutes: int
) -> None:
    """Its times say when it was written, not when it was read."""
    warehouse.loaded(schema(), named("1", "newer time", moment()))
    warehouse.loaded(schema(), named("1", "loaded later", moment(minutes=minutes)))
    assert warehouse.rows("NAME") == [["loaded later"]]


def test_the_order_of_time_outlives_a_clock_that_was_wrong(
    warehouse: Warehouse,
) -> None:
    """Both runs see sequences of the year 2099, and move theirs by as much."""
    warehouse.loaded(schema(), named("1", "base", "2099-01-01T00:00:00Z"))
    others = [named(str(n), "", moment(minutes=5)) for n in range(2, 6)]
    warehouse.admin.fault("slow", contains='"BILL" AS t', seconds=4, times=1)
    with session(warehouse, batch_size_rows=1) as run:
        run.send(schema(), named("9", "", moment(minutes=5)), *others)
        while not warehouse.merges():
            assert run.process.poll() is None
        warehouse.loaded(schema(), named("1", "new", moment(minutes=3)))
        run.send(named("1", "old", moment(minutes=4)), state(1))
        code, _, log = run.end()
    assert code == 0, log
    assert ["1", "new"] in warehouse.rows("ID, NAME")


@pytest.mark.parametrize("seconds_of_a_lag", [0, 300, -7_200])
def test_the_lead_does_not_grow_from_run_to_run(seconds_of_a_lag: int) -> None:
    """Also where runs overlap, and where the tap's clock is always ahead."""
    now, day = 1_764_000_000_000_000, 86_400_000_000
    floor = now + day
    for _ in range(100):
        order = Order(started=now - day)
        order.raise_floor(floor, now)
        assert order.next(now - seconds_of_a_lag * 1_000_000) > floor
        floor = order.next(now)
    assert floor < now + 2 * day


@pytest.mark.parametrize("minutes_ahead", [1, 9, 11, 20, 27, 40, 90, 1_000])
@pytest.mark.parametrize("minutes_between", [0.5, 4, 9])
def test_runs_beside_each_other_come_to_one_order(
    minutes_ahead: int, minutes_between: float
) -> None:
    """The second one sees what the first has given, and both go on."""
    minute, began = 60_000_000, 1_764_000_000_000_000
    one, other = Order(started=began), Order(started=began)
    one.raise_floor(began + minutes_ahead * minute, began)
    first = one.next(began)
    now = began + int(minutes_between * minute)
    other.raise_floor(first, now)
    times = [now + n * minute // 4 for n in range(8)]
    given = [(other, one)[n % 2].next(time) for n, time in enumerate(times)]
    if minutes_ahead > 10 or minutes_between > minutes_ahead:
        assert given == sorted(given)


def test_a_small_difference_between_clocks_changes_no_order() -> None:
    now = 1_764_000_000_000_000
    order = Order(started=now)
    order.raise_floor(now + 900_000, now)
    assert order.next(now - 300_000_000) == now - 300_000_000


def test_two_runs_at_once_may_be_the_first(warehouse: Warehouse) -> None:
    names = ["one", "two"]
    runs = [
        warehouse.start(schema(name), record("1", stream=name), state(1), name=name)
        for name in names
    ]
    for run in runs:
        done = run.done()
        assert done.code == 0, done.log
    assert len(warehouse.rows("REQUEST_ID", "_SDC_LOADS")) == 2
    assert len(list(warehouse.journal.glob("*/*.rows"))) == 2
