"""The tap with targets of other people: what they keep is what Acumatica holds."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from uuid import UUID

import psycopg
import pytest
import simplejson
from psycopg import sql
from psycopg.rows import dict_row
from psycopg.types.json import set_json_loads
from sandbox.acumatica.control.admin_client import AcumaticaAdmin
from sandbox.demo import STREAMS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from sandbox import processes
    from tests.pipeline.conftest import Project

    Record = dict[str, Any]
    Records = dict[str, Record]

TRYING = {
    "Description": 'a "quote", a \\, a \n line, a \t tab, é, 中, \U0001f600, {"a": 1}',
    "Amount": Decimal("1234567890123.123456"),
}


@pytest.fixture(scope="module", autouse=True)
def company(acumatica: processes.Server) -> AcumaticaAdmin:
    """A company of fewer records, one of which is hard to copy."""
    admin = AcumaticaAdmin(acumatica.url)
    for stream in STREAMS:
        admin.replace_table(stream.entity, admin.records(stream.entity)[::25])
    change_a_bill(admin, TRYING)
    return admin


def change_a_bill(company: AcumaticaAdmin, changes: Record) -> None:
    [bill, *_] = company.records("Bill")
    company.put_record("Bill", bill["fields"] | changes, record_id=bill["id"])


UNREAD = {"Contact"}
"""A contact's own details, which the tap does not ask for."""


def truth(company: AcumaticaAdmin, entity: str) -> Records:
    """Return what the server keeps, in the names of the stream's records, by id."""
    return {
        record["id"]: {
            **read(record["fields"]),
            "id": record["id"],
            "note": record["note"],
            "LastModifiedDateTime": record["modified"],
        }
        for record in company.records(entity)
    }


def read(value: Any) -> Any:
    """Return a kept value as the API and the tap are documented to give it."""
    if isinstance(value, dict):
        fields = {name: read(v) for name, v in value.items() if name not in UNREAD}
        return {**fields, "note": "", "custom": {}}
    if isinstance(value, list):
        return [read(line) | {"rowNumber": n} for n, line in enumerate(value, 1)]
    return value.rstrip(" ") if isinstance(value, str) else value


def differences(kept: Any, found: Any, path: str = "") -> Iterator[str]:
    """Yield where a found value is not the kept one; what is not kept is null."""
    if isinstance(kept, dict) and isinstance(found, dict):
        for name in kept.keys() | found.keys():
            value = kept.get(name)
            yield from differences(value, found.get(name), f"{path}/{name}")
    elif isinstance(kept, list) and isinstance(found, list) and len(kept) == len(found):
        for number, (one, other) in enumerate(zip(kept, found, strict=True)):
            yield from differences(one, other, f"{path}/{number}")
    elif isinstance(found, datetime):
        if found.replace(tzinfo=UTC) != datetime.fromisoformat(kept):
            yield f"{path}: {kept} is {found}"
    elif kept != found or isinstance(found, float):
        yield f"{path}: {kept!r} is {found!r}"


def test_jsonl_lines_hold_every_record(
    others: Project, company: AcumaticaAdmin, folder: Path
) -> None:
    lines = folder / "lines"
    run = others.meltano(
        "run",
        "tap-acumatica",
        "target-jsonl",
        TARGET_JSONL_DESTINATION_PATH=str(lines),
    )
    assert run.returncode == 0, run.stdout
    for stream in STREAMS:
        text = (lines / f"{stream.table.lower()}.jsonl").read_text()
        assert_equal(company, stream.entity, map(exact, text.splitlines()))


def test_postgres_rows_are_every_record_also_after_changes(
    others: Project, company: AcumaticaAdmin, database: str
) -> None:
    load_postgres(others, database)
    for stream in STREAMS:
        assert_equal(company, stream.entity, rows(database, stream.table))
    change_a_bill(company, {"Amount": Decimal("-0.0001"), "Description": "changed"})
    no_lines: Record = {"Applications": [], "Details": [], "TaxDetails": []}
    company.put_record("Bill", {"Type": "Bill", "ReferenceNbr": "NEW", **no_lines})
    load_postgres(others, database)
    assert_equal(company, "Bill", rows(database, "BILLS"))


def load_postgres(others: Project, database: str) -> None:
    run = others.meltano(
        "run",
        "tap-acumatica",
        "target-postgres",
        TARGET_POSTGRES_SQLALCHEMY_URL=database,
    )
    assert run.returncode == 0, run.stdout


def rows(database: str, table: str) -> Iterator[Record]:
    query = sql.SQL("SELECT * FROM erp.{}").format(sql.Identifier(table.lower()))
    with psycopg.connect(database, row_factory=dict_row) as connection:
        set_json_loads(exact, connection)
        yield from map(plain, connection.execute(query))


def plain(row: Record) -> Record:
    """Return a row without the target's own columns, its UUIDs as texts."""
    return {
        name: str(value) if isinstance(value, UUID) else value
        for name, value in row.items()
        if not name.startswith("_sdc")
    }


def exact(text: str | bytes) -> Any:
    return simplejson.loads(text, use_decimal=True)


def assert_equal(
    company: AcumaticaAdmin, entity: str, records: Iterable[Record]
) -> None:
    copied = list(records)
    found = {record["id"]: record for record in copied}
    assert len(found) == len(copied)
    assert list(differences(truth(company, entity), found)) == []
