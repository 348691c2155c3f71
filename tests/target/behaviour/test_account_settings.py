"""What an account has set changes nothing in the tables."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from target_snowflake_merge.errors import TargetError
from target_snowflake_merge.sql_api import autocommit

from tests.helpers import proxy
from tests.helpers.typed_records import ID, TEXT, record, schema

if TYPE_CHECKING:
    from tests.target.conftest import Warehouse

ODD = {
    "BINARY_INPUT_FORMAT": "BASE64",
    "DATE_INPUT_FORMAT": "DD/MM/YYYY",
    "DATE_OUTPUT_FORMAT": "DD.MM.YYYY",
    "DEFAULT_DDL_COLLATION": "en-ci",
    "ERROR_ON_NONDETERMINISTIC_MERGE": "false",
    "QUOTED_IDENTIFIERS_IGNORE_CASE": "true",
    "ROWS_PER_RESULTSET": "3",
    "TIMESTAMP_INPUT_FORMAT": "DD/MM/YYYY HH24:MI:SS",
    "TIMESTAMP_TYPE_MAPPING": "TIMESTAMP_LTZ",
    "TIMEZONE": "Asia/Kathmandu",
    "TIME_INPUT_FORMAT": "HH24.MI.SS",
}

TYPES: dict[str, Any] = {
    "id": ID,
    "whole": {"type": ["integer", "null"]},
    "number": {"type": ["number", "null"]},
    "fine": {"type": ["number", "null"], "multipleOf": 1e-12},
    "truth": {"type": ["boolean", "null"]},
    "day": {"type": ["string", "null"], "format": "date"},
    "clock": {"type": ["string", "null"], "format": "time"},
    "moment": {"type": ["string", "null"], "format": "date-time"},
    "base64": {"type": ["string", "null"], "contentEncoding": "base64"},
    "lines": {"type": ["array", "null"]},
    "any": {},
    "order": TEXT,
    "Group By": TEXT,
    'quo"te größe': TEXT,
}
MORE = {"more": TEXT, "later": {"type": ["string", "null"], "format": "date-time"}}
ROW: dict[str, Any] = {
    "whole": 10**37,
    "number": 0.000000001,
    "fine": 1e-12,
    "truth": False,
    "day": "2026-02-03",
    "clock": "10:11:12.5",
    "moment": "2026-02-03T04:05:06.789+02:00",
    "base64": "AAEC",
    "lines": [{"day": "2026-02-03", "qty": 1.5}],
    "any": "2026-02-03",
    "order": "01/02/2026",
    "Group By": "x",
    'quo"te größe': "y",
}
KEYS = ["a", "A", "a ", "ä", "Ä"]
"""Two keys each to a table, and one to a collation without case."""

KEYLESS = schema({"name": TEXT, "day": TYPES["day"]}, stream="log")


def history() -> list[Any]:
    """Return all kinds of messages: growth, keys, none, versions, deletions."""
    extracted = "2026-01-01T00:00:00Z"
    first = [
        schema(TYPES, "id"),
        *(record(id=id_, extracted=extracted, **ROW) for id_ in KEYS),
        record(id="a", extracted=extracted, order="again"),
        schema({**TYPES, **MORE}, "id"),
        record(id="A", extracted=extracted, **ROW, more="m", later="2026-01-02"),
        record(id="gone", extracted=extracted, _sdc_deleted_at="2026-01-03T00:00:00Z"),
        schema({"at": TYPES["moment"], "name": TEXT}, "at", stream="moments"),
        record("moments", at="2026-01-01T00:00:00Z", name="one", extracted=extracted),
        record("moments", at="2026-01-01T05:45:00+05:45", name="two"),
        KEYLESS,
        *(record("log", name="same", day="2026-02-03") for _ in range(3)),
    ]
    versions = [
        schema({"id": ID}, "id", stream="versions"),
        *({**record("versions", id=id_), "version": 1} for id_ in KEYS),
        *({**record("versions", id=id_), "version": 2} for id_ in KEYS[:2]),
        {"type": "ACTIVATE_VERSION", "stream": "versions", "version": 2},
    ]
    return [*first, *versions]


TABLES = {
    "BILL": '* EXCLUDE ("_SDC_RECEIVED_AT", "_SDC_BATCHED_AT", "_SDC_SYNC_STARTED_AT", '
    '"_SDC_REQUEST_ID")',
    "MOMENTS": "AT, NAME",
    "LOG": 'NAME, DAY, "_SDC_ROW"',
    "VERSIONS": 'ID, "_SDC_TABLE_VERSION", "_SDC_DELETED_AT" IS NULL',
}


def outcome(warehouse: Warehouse) -> dict[str, Any]:
    """Load the history twice and replay a batch; return every cell."""
    for _ in range(2):
        warehouse.loaded(*history(), batch_size_rows=4)
    warehouse.operate("replay", "--status", "loaded", "--stream", "bill")
    warehouse.admin.configure()
    return {
        table: sorted(warehouse.rows(columns, table), key=str)
        for table, columns in TABLES.items()
    }


def test_an_odd_account_holds_the_same(warehouse: Warehouse) -> None:
    """MeltanoLabs#332: QUOTED_IDENTIFIERS_IGNORE_CASE; and ten other settings."""
    usual = outcome(warehouse)
    warehouse.admin.configure(account=ODD)
    folder = warehouse.folder / "odd"
    folder.mkdir()

    odd = outcome(replace(warehouse, schema=f"{warehouse.schema}_ODD", folder=folder))

    assert odd == usual
    assert len(usual["BILL"]) == len(KEYS) + 1
    assert len(usual["MOMENTS"]) == 1
    assert len(usual["LOG"]) == 6
    assert sum(is_there for *_, is_there in usual["VERSIONS"]) == 2


def test_where_nothing_would_stay_nothing_is_passed_on(warehouse: Warehouse) -> None:
    """With AUTOCOMMIT off Snowflake answers 200 to a MERGE, and undoes it."""
    table = schema({"id": ID, "name": TEXT}, "id")
    state = {"type": "STATE", "value": {"at": 1}}
    warehouse.loaded(table, record(id="a", name="stays"))
    with proxy.before(warehouse.admin.url, {0: "kill before"}) as between:
        run = warehouse.start(table, record(id="b", name="in flight"), host=between.url)
        between.client = run.pid
        run.done()
    warehouse.admin.forget()
    warehouse.admin.configure(account={"AUTOCOMMIT": "false"})

    refusal = warehouse.load(table, record(id="c", name="new"), state).refusal()
    _, log = warehouse.operate("replay", "--status", "loaded", code=1)

    assert "AUTOCOMMIT is false for this user (set at level ACCOUNT)" in refusal
    assert "ALTER USER … SET AUTOCOMMIT = TRUE" in refusal
    assert "AUTOCOMMIT is false for this user" in log
    assert warehouse.merges() == []
    warehouse.admin.configure()
    warehouse.admin.forget()
    loaded = warehouse.loaded(table, record(id="c", name="new"), state)
    assert loaded.states == [{"at": 1}]
    names = [["a", "stays"], ["b", "in flight"], ["c", "new"]]
    assert warehouse.rows("ID, NAME") == names
    asked = [r for r in warehouse.admin.requests() if "PARAMETERS" in r.statement]
    assert len(asked) == 1


def test_autocommit_must_be_said_to_be_on() -> None:
    autocommit.check([{"key": "AUTOCOMMIT", "value": "TRUE", "level": ""}])
    for rows in ([], [{"key": "AUTOCOMMIT_OTHER", "value": "true"}]):
        with pytest.raises(TargetError, match="does not say whether AUTOCOMMIT is on"):
            autocommit.check(rows)
    with pytest.raises(TargetError, match=r"is None for .*\(set at level unknown\)"):
        autocommit.check([{"key": "AUTOCOMMIT", "value": None}])


@pytest.mark.parametrize("collation", ["", "en-ci"])
def test_keys_differ_by_case_whatever_the_collation(
    warehouse: Warehouse, collation: str
) -> None:
    """DEFAULT_DDL_COLLATION = en-ci would make one key of a and A."""
    warehouse.admin.configure(account={"DEFAULT_DDL_COLLATION": collation})

    for name in ("old", "new"):
        warehouse.loaded(
            schema({"id": {**ID, "maxLength": 9}, "name": TEXT}, "id"),
            *(record(id=id_, name=f"{name} {id_}") for id_ in KEYS),
        )
        # A text column that grows keeps its collation.
        warehouse.loaded(schema({"id": {**ID, "maxLength": 90}}, "id"))

    expected = sorted([id_, f"new {id_}"] for id_ in KEYS)
    assert sorted(warehouse.rows("ID, NAME")) == expected
    place = f'"FINANCE"."{warehouse.schema}"."BILL"'
    described = warehouse.admin.sql(f"DESCRIBE TABLE {place}")[1][0][1]
    assert described == "VARCHAR(90)" + (f" COLLATE '{collation}'" if collation else "")
