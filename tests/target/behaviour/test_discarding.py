"""What is given up, and what is never sent after that."""

from __future__ import annotations

import json
import signal
from typing import TYPE_CHECKING, Any

from tests.helpers import proxy
from tests.helpers.batches import SCHEMA, activate, bill, failed
from tests.helpers.journals import journal, statuses
from tests.helpers.moments import moment

if TYPE_CHECKING:
    from tests.target.conftest import Warehouse

OTHER = {**SCHEMA, "stream": "other"}
REFUSED = {"contains": '"BILL" AS t', "code": "000603", "times": 1}


def loads(warehouse: Warehouse, column: str) -> list[Any]:
    found = json.loads(warehouse.operate("loads", "--json")[0])["loads"]
    return [load[column] for load in found]


def test_a_replay_in_flight_goes_with_its_batch(warehouse: Warehouse) -> None:
    entry = failed(warehouse, SCHEMA, bill("1"))
    with proxy.before(warehouse.admin.url, {0: "kill before"}) as between:
        run = warehouse.start_operating("replay", host=between.url)
        between.client = run.pid
        assert run.done().code == -signal.SIGKILL
    assert statuses(warehouse) == ["failed", "in_flight"]

    warehouse.operate("replay", "--request-id", entry.request_id, "--discard")
    warehouse.loaded(OTHER)

    assert statuses(warehouse) == ["discarded", "discarded"]
    assert warehouse.rows("ID") == []


def test_a_replay_that_was_refused_goes_with_its_batch(warehouse: Warehouse) -> None:
    failed(warehouse, SCHEMA, bill("1"))
    warehouse.admin.fault("error", **REFUSED)
    warehouse.operate("replay", code=1)

    output, _ = warehouse.operate("replay", "--discard")

    assert output.endswith("\nDiscarded: 2 statements, 1 rows.\n")
    assert statuses(warehouse) == ["discarded", "discarded"]
    assert set(loads(warehouse, "status")) == {"discarded"}


def test_a_refused_replay_of_what_was_loaded_is_discarded(
    warehouse: Warehouse,
) -> None:
    warehouse.loaded(SCHEMA, bill("1"))
    (entry,) = journal(warehouse)
    chosen = ("replay", "--request-id", entry.request_id)
    warehouse.admin.fault("error", **REFUSED)
    warehouse.operate(*chosen, code=1)
    assert statuses(warehouse) == ["loaded", "failed"]
    assert loads(warehouse, "inserted") == [0, 1]

    warehouse.operate(*chosen, "--discard")

    assert statuses(warehouse) == ["loaded", "discarded"]
    _, log = warehouse.operate(*chosen, "--discard", code=1)
    assert "1 of these 1 batches are loaded" in log


def test_a_refused_replay_ends_with_its_batch(warehouse: Warehouse) -> None:
    warehouse.loaded(SCHEMA, bill("1"))
    (entry,) = journal(warehouse)
    warehouse.admin.fault("error", **REFUSED)
    warehouse.operate("replay", "--request-id", entry.request_id, code=1)
    for _ in range(3):
        warehouse.loaded(OTHER, journal_retention_days=0)
    assert journal(warehouse) == []
    assert sorted(loads(warehouse, "status")) == ["loaded", "superseded"]


def test_half_a_replay_that_a_run_has_passed_is_not_the_whole(
    warehouse: Warehouse,
) -> None:
    """The rows of the other half are in no table."""
    failed(warehouse, SCHEMA, bill("1"), bill("2"))
    warehouse.admin.forget()
    warehouse.admin.fault("status", status=413, contains="MERGE", times=1)
    with proxy.before(warehouse.admin.url, {2: "refuse"}) as between:
        done = warehouse.start_operating("replay", host=between.url).done()
    assert done.code == 1
    warehouse.load(SCHEMA, bill("3"))

    warehouse.loaded(OTHER)

    whole, *parts = [e.status for e in journal(warehouse)]
    assert whole == "superseded"
    assert sorted(parts) == ["discarded", "loaded", "loaded", "superseded"]
    assert warehouse.rows("ID") == [["1"], ["3"]]


def test_a_removal_whose_outcome_is_unknown_is_not_discarded(
    warehouse: Warehouse,
) -> None:
    """It keeps what it has removed from coming back."""
    warehouse.loaded(SCHEMA, bill("gone", extracted=moment(minutes=7)))
    (first,) = journal(warehouse)
    complete = [bill("stays", extracted=moment(minutes=4), version=2), activate(2)]
    with proxy.before(warehouse.admin.url, {1: "kill after"}) as between:
        run = warehouse.start(SCHEMA, *complete, host=between.url, hard_delete=True)
        between.client = run.pid
        assert run.done().code == -signal.SIGKILL

    discard = ("replay", "--status", "in_flight", "--discard")
    _, log = warehouse.operate(*discard, code=1)

    assert "removes rows of stream bill, and may have done so" in log
    warehouse.operate("replay", "--request-id", first.request_id)
    assert warehouse.rows("ID") == [["stays"]]
