"""What version 0.1.0 (commit 0d4a627) left behind is settled, replayed and loaded over.

`tests/fixtures/written_by_0d4a627` was written by that commit: its tables as SQL, and
a journal of seven runs, three of them killed with a batch in flight: one whose MERGE
was not executed, one whose MERGE was, one that was filling a table aside. Files are
added to it, and those that are there never change.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.target.conftest import Warehouse

WRITTEN = Path(__file__).parents[2] / "fixtures" / "written_by_0d4a627"
AMOUNT = "1234.560000000"
MODIFIED = "2026-11-01 09:30:00.123000+02:00"
AS_LOADED = [MODIFIED, "2026-11-01", '[{"LineNbr":1,"Amount":0.1}]']


@pytest.fixture
def earlier(warehouse: Warehouse) -> Warehouse:
    """The schema and the journal as that version has left them."""
    warehouse.schema = "EARLIER"
    warehouse.admin.sql("DROP SCHEMA IF EXISTS FINANCE.EARLIER")
    warehouse.admin.sql("CREATE SCHEMA FINANCE.EARLIER")
    warehouse.admin.sql((WRITTEN / "tables.sql").read_text())
    shutil.copytree(WRITTEN / "journal", warehouse.journal)
    return warehouse


def message(stream: str, **properties: str) -> dict[str, Any]:
    described = {name: {"type": type_} for name, type_ in properties.items()}
    return {
        "type": "SCHEMA",
        "stream": stream,
        "schema": {"properties": described},
        "key_properties": ["id"],
    }


def record(stream: str, **values: Any) -> dict[str, Any]:
    return {"type": "RECORD", "stream": stream, "record": values}


def statuses(warehouse: Warehouse) -> dict[str, int]:
    counted = 'STATUS, COUNT(*) AS "N"'
    query = f'SELECT {counted} FROM FINANCE.EARLIER."_SDC_LOADS" GROUP BY STATUS'  # noqa: S608 - constants
    return {status: int(count) for status, count in warehouse.admin.sql(query)[1]}


def test_its_batches_are_settled_and_replayed_and_its_tables_loaded_over(
    earlier: Warehouse,
) -> None:
    days = {"journal_retention_days": 36_500}
    earlier.loaded(
        message("bill", id="string", name="string", note="string"),
        record("bill", id="A", name="by this version", note="new column"),
        {"type": "STATE", "value": {"bookmark": 9}},
        **days,
    )

    columns = 'ID, NAME, AMOUNT, MODIFIED, "DATE", TO_JSON(LINES), NOTE'
    assert earlier.rows(columns) == [
        ["A", "by this version", AMOUNT, *AS_LOADED, "new column"],
        ["B", "changed in flight", AMOUNT, *AS_LOADED, None],
        ["C", "new in flight", AMOUNT, *AS_LOADED, None],
        ["gone", "as loaded", AMOUNT, *AS_LOADED, None],
    ]
    marked = earlier.rows('ID, "_SDC_DELETED_AT" IS NULL')
    assert marked == [["A", True], ["B", True], ["C", True], ["gone", False]]
    assert earlier.rows("TEXT", "EVENT") == [["first"], ["second"], ["third"]]
    # The eleven: ten of the fixture, and the batch of this run.
    assert statuses(earlier) == {"loaded": 9, "failed": 1, "superseded": 1}

    earlier.operate("replay", code=0)
    payments = earlier.rows("ID, AMOUNT", "PAYMENT")
    assert payments == [
        ["1", "11.250000000"],
        ["2", "20.500000000"],
        ["3", "30.750000000"],
    ]
    assert "failed" not in statuses(earlier)


def test_a_table_that_it_was_filling_aside_is_dropped(earlier: Warehouse) -> None:
    earlier.loaded(
        message("rate", id="integer", rate="number"),
        record("rate", id=2, rate=2.5),
        {"type": "STATE", "value": {"bookmark": 9}},
        load_method="overwrite",
    )

    assert earlier.rows("ID, RATE", "RATE") == [["2", "2.500000000"]]
    tables = (
        "SELECT TABLE_NAME FROM FINANCE.INFORMATION_SCHEMA.TABLES "
        "WHERE TABLE_SCHEMA = 'EARLIER' AND TABLE_NAME LIKE '!_SDC!_NEW%' ESCAPE '!'"
    )
    assert earlier.admin.sql(tables)[1] == []
