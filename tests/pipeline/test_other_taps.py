"""The target with taps of other people: what is in the tables is what they had."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from datetime import UTC, datetime, time
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import openpyxl
import psycopg
import pytest
import simplejson
from sandbox.snowflake.control.admin_client import SnowflakeAdmin

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from tests.pipeline.conftest import Project

    Completed = subprocess.CompletedProcess[str]
    Record = dict[str, Any]
    Row = tuple[Any, ...]


def exact(text: str) -> Any:
    return simplejson.loads(text, use_decimal=True)


def instant(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


@dataclass(frozen=True)
class Kind:
    """A type of PostgreSQL.

    Attributes:
        type: Its name.
        values: SQL expressions.
        sent: What the tap makes of a column, where that is not PostgreSQL's own text.
        kept: How the column is read in Snowflake.
        read: Makes values comparable that may be written in several ways.
    """

    type: str
    values: tuple[str, ...]
    sent: str = "{}"
    kept: str = "{}"
    read: Callable[[str], Any] = str


def structure(name: str, *values: str) -> Kind:
    """Return a type that arrives as a VARIANT; both sides give strings unquoted."""
    return Kind(name, values, "to_json({0}) #>> '{{}}'", "{0}::VARCHAR", variant)


def variant(text: str) -> Any:
    return exact(text) if text[0] in "[{" else text


TRUTH = {"t": True, "True": True, "f": False, "False": False}.__getitem__
TEXT = r"""E'a "quote", a ''tick'', a \\, a\nline, a\r\ttab, é 中 \U0001F600'"""
JSON = '{"b": [1, 2.50, null, {"x": "y"}], "a": 12345678901234567890.123456789}'
# The SDK of the tap writes null for NaN and Infinity: JSON has no such numbers.
FINITE = "nullif(nullif(nullif({}, 'NaN'), 'Infinity'), '-Infinity')"
NINES = "12345678901234567890123456789.123456789"

KINDS = (
    Kind("integer", ("2147483647", "-2147483648"), read=int),
    Kind("smallint", ("32767", "-32768", "0"), read=int),
    Kind("bigint", ("9223372036854775807", "-9223372036854775808", "0"), read=int),
    Kind("numeric", (NINES, "1e-9", "-0.10", "'NaN'"), sent=FINITE, read=Decimal),
    Kind("numeric(38,9)", (NINES, f"-{NINES}", "1e-9"), read=Decimal),
    Kind("numeric(10,2)", ("99999999.99", "-0.01", "0"), read=Decimal),
    Kind("numeric(20,0)", ("99999999999999999999", "-1"), read=Decimal),
    # The tap rounds longer ones on the way.
    Kind("real", ("1.5", "-1.25e-5", "'Infinity'"), sent=FINITE, read=Decimal),
    Kind(
        "double precision",
        ("0.1", "-123456789.12345679", "1e15", "'NaN'", "'-Infinity'", "1e-7"),
        sent=FINITE,
        read=Decimal,
    ),
    Kind("money", ("'$1,234.56'", "'-$0.01'")),
    Kind("boolean", ("true", "false"), read=TRUTH),
    Kind("text", (TEXT, "''", "'null'", r"'\N \u0000 {\"a\": 1}'")),
    Kind("varchar(40)", ("'héllo'", "''", "' both '")),
    Kind("char(5)", ("'ab'", "''")),
    Kind("date", ("'2026-02-28'", "'0001-01-01'", "'9999-12-31'")),
    Kind("time", ("'23:59:59.123456'", "'00:00'"), read=time.fromisoformat),
    Kind("timetz", ("'12:30:00.5Z'",), sent="{}::time", read=time.fromisoformat),
    Kind("timestamp", ("'2026-02-28 23:59:59.123456'", "'0001-01-01'"), read=instant),
    Kind(
        "timestamptz",
        ("'2026-02-28 23:59:59.123456+05:30'", "'9999-12-31 23:59:59.999999Z'"),
        read=instant,
    ),
    # The tap's SDK takes it for a time after 1970, with years of 365 days.
    Kind(
        "interval",
        ("'3 days 04:05:06.789'", "'-00:00:01'"),
        sent="timestamptz '1970-01-01Z' + {}",
        read=instant,
    ),
    Kind("uuid", ("'6F9619FF-8B86-D011-B42D-00CF4FC964FF'",)),
    structure("json", f"'{JSON}'", "'[]'", "'\"text\"'", "'true'", "'0'"),
    structure("jsonb", f"'{JSON}'", "'{}'", "'\"text\"'", "'true'", "'1.5'"),
    structure("integer[]", "'{1,-2}'", "'{}'"),
    structure("numeric[]", f"'{{{NINES},1.10}}'"),
    structure("text[]", r"""E'{"a,b","c\\"d",""}'"""),
    Kind("bytea", (r"'\xdeadbeef00'", "''"), sent="encode({}, 'hex')"),
    Kind("mood", ("'very happy'", "'sad'")),
    Kind("inet", ("'192.168.0.1/24'", "'::1'")),
    Kind("cidr", ("'10.0.0.0/8'", "'::/0'")),
    Kind("macaddr", ("'08:00:2b:01:02:03'",)),
    Kind("bit(3)", ("'101'", "'000'")),
    Kind("point", ("'(1.5,2)'",)),
    Kind("int4range", ("'[1,10)'", "'empty'")),
    Kind("tsvector", ("'a fat cat'",)),
)
MISDESCRIBED = (
    # The tap's schema has no null in arrays, and one level of them.
    structure("integer[]", "'{1,NULL}'"),
    structure("text[][]", "'{{a,b},{c,d}}'", "'{{NULL}}'"),
    # Every domain is text to it.
    Kind("positive", ("7",)),
)


def table(name: str, kinds: Sequence[Kind]) -> str:
    """Return the statements that make and fill a table with a column for each kind."""
    columns = ", ".join(f"c{n} {kind.type}" for n, kind in enumerate(kinds))
    rows = range(max(len(kind.values) for kind in kinds) + 1)
    values = ", ".join(
        f"({row}, {', '.join(nth(kind.values, row) for kind in kinds)})" for row in rows
    )
    return (
        f"CREATE TABLE {name} (id integer PRIMARY KEY, {columns});"  # noqa: S608 - ours
        f"INSERT INTO {name} VALUES {values};"
    )


def nth(values: Sequence[str], number: int) -> str:
    return values[number] if number < len(values) else "null"


OTHER_TABLES = """
    CREATE TABLE lines (
        order_no text, line_no int, amount numeric(19,4), changed timestamptz,
        PRIMARY KEY (order_no, line_no)
    );
    INSERT INTO lines
    SELECT o, l, o * l + 0.0001, timestamptz '2026-01-01Z' + o * interval '1 hour'
    FROM generate_series(0, 40) o, generate_series(0, 5) l;
    CREATE TABLE notes (note text, at date);
    INSERT INTO notes
    VALUES ('twice', '2026-01-01'), ('twice', '2026-01-01'), (null, null);
"""


@pytest.fixture(scope="module")
def source(database: str) -> str:
    execute(
        database,
        "CREATE TYPE mood AS ENUM ('sad', 'very happy')",
        "CREATE DOMAIN positive AS integer CHECK (VALUE > 0)",
        "CREATE SCHEMA strained",
        table("kinds", KINDS),
        table("strained.kinds", MISDESCRIBED),
        OTHER_TABLES,
    )
    return database


def execute(database: str, *statements: str) -> None:
    with psycopg.connect(database) as connection:
        for statement in statements:
            connection.execute(statement.encode())


def copied(database: str, query: str) -> list[Row]:
    """Return rows in PostgreSQL's own texts."""
    with (
        psycopg.connect(database, options="-c timezone=UTC") as connection,
        connection.cursor().copy(f"COPY ({query}) TO STDOUT".encode()) as copy,
    ):
        return list(copy.rows())


def loaded(project: Project, query: str) -> list[Row]:
    _, rows = SnowflakeAdmin(project.snowflake.url).sql(query, "ACUMATICA")
    return [tuple(row) for row in rows]


def run(project: Project, tap: str, **variables: str) -> Completed:
    return project.meltano("run", tap, "target-snowflake-merge", **variables)


def run_postgres(
    project: Project, source: str, schema: str = "public", **variables: str
) -> Completed:
    return run(
        project,
        "tap-postgres",
        TAP_POSTGRES_SQLALCHEMY_URL=source,
        TAP_POSTGRES_FILTER_SCHEMAS=json.dumps([schema]),
        **variables,
    )


def unequal(
    project: Project, source: str, kinds: Sequence[Kind], schema: str = "public"
) -> list[str]:
    """Return what differs between a table of the source and what was loaded."""
    sent = ", ".join(kind.sent.format(f"c{n}") for n, kind in enumerate(kinds))
    kept = ", ".join(kind.kept.format(f"c{n}") for n, kind in enumerate(kinds))
    rows = copied(source, f"SELECT {sent} FROM {schema}.kinds ORDER BY id")  # noqa: S608 - ours
    found = loaded(
        project,
        f'SELECT {kept} FROM "{schema.upper()}-KINDS" '  # noqa: S608 - ours
        "WHERE _SDC_DELETED_AT IS NULL ORDER BY ID",
    )
    return [
        f"{kind.type}: {one!r} is {other!r}"
        for before, after in zip(rows, found, strict=True)
        for kind, one, other in zip(kinds, before, after, strict=True)
        if value(kind, one) != value(kind, other)
    ]


def value(kind: Kind, written: Any) -> Any:
    return None if written is None else kind.read(str(written))


def test_every_type_of_postgres_arrives_and_nothing_doubles(
    others: Project, source: str
) -> None:
    first = run_postgres(others, source)
    assert first.returncode == 0, first.stdout
    assert unequal(others, source, KINDS) == []
    assert_lines_and_notes_are_equal(others, source)
    execute(
        source,
        "DELETE FROM kinds WHERE id = 1",
        "UPDATE lines SET amount = -0.0001, changed = changed + interval '99 days' "
        "WHERE order_no = '7'",
        "INSERT INTO lines VALUES ('new', 1, 1, '2026-12-31Z')",
        "INSERT INTO notes VALUES ('new', null)",
    )
    second = run_postgres(others, source)
    assert second.returncode == 0, second.stdout
    assert "Marked 1 rows of public-kinds as deleted" in second.stdout
    assert unequal(others, source, KINDS) == []
    assert_lines_and_notes_are_equal(others, source)


def assert_lines_and_notes_are_equal(others: Project, source: str) -> None:
    """Compare the table with a key of two parts and the one without a key."""
    ours = "SELECT * FROM lines ORDER BY order_no, line_no"
    theirs = (
        'SELECT ORDER_NO, LINE_NO, AMOUNT, CHANGED FROM "PUBLIC-LINES" ORDER BY 1, 2'
    )
    lines, found = copied(source, ours), loaded(others, theirs)
    assert list(map(comparable, lines)) == list(map(comparable, found))
    live = (
        'SELECT NOTE, AT FROM "PUBLIC-NOTES" WHERE _SDC_DELETED_AT IS NULL ORDER BY 1'
    )
    assert copied(source, "SELECT * FROM notes ORDER BY 1") == loaded(others, live)


def comparable(line: Row) -> Row:
    order_no, line_no, amount, changed = line
    return order_no, int(line_no), Decimal(amount), instant(changed)


def test_what_a_tap_describes_wrongly_is_named_and_can_be_loaded_as_it_is(
    others: Project, source: str
) -> None:
    refused = run_postgres(others, source, "strained")
    assert refused.returncode == 1
    assert (
        "Stream strained-kinds, record id 0 does not fit its schema" in refused.stdout
    )
    loose = {"TARGET_SNOWFLAKE_MERGE_VALIDATE_RECORDS": "false"}
    done = run_postgres(others, source, "strained", **loose)
    assert done.returncode == 0, done.stdout
    assert unequal(others, source, MISDESCRIBED, "strained") == []


def test_a_number_that_does_not_fit_is_named_and_nothing_is_lost(
    others: Project, source: str
) -> None:
    kinds = [Kind("numeric", ("1", "1e-20"), read=Decimal)]
    execute(source, "CREATE SCHEMA fine", table("fine.kinds", kinds))
    refused = run_postgres(others, source, "fine")
    assert refused.returncode == 1
    assert "Stream fine-kinds" in refused.stdout
    assert "1E-20" in refused.stdout
    execute(source, "UPDATE fine.kinds SET c0 = 1e-9 WHERE id = 1")
    done = run_postgres(others, source, "fine")
    assert done.returncode == 0, done.stdout
    assert unequal(others, source, kinds, "fine") == []


def test_an_offset_that_a_time_column_cannot_hold_is_named(
    others: Project, source: str
) -> None:
    kinds = [Kind("timetz", ("'12:00+05:30'",))]
    execute(source, "CREATE SCHEMA offsets", table("offsets.kinds", kinds))
    refused = run_postgres(others, source, "offsets")
    assert refused.returncode == 1
    assert "Stream offsets-kinds" in refused.stdout
    assert "12:00:00+05:30" in refused.stdout


SHEET = (
    ("Order No", "Line", "Amount", "Text", "Paid", "Free"),
    ("A-1", 1, 1234.56, 'a "quote", a \\, a\nline, é \U0001f600', "yes", None),
    ("A-1", 2, 0.1, " spaces ", "no", "x"),
    ("0012", 3, -1e-7, "1e5", None, "NULL"),
)


def test_sheets_arrive_and_nothing_doubles(others: Project, tmp_path: Path) -> None:
    files = [
        {"path": f"{tmp_path}/*.xlsx", "format": "excel", "worksheet": "Sheet"}
        | {"table_name": name, "primary_keys": keys}
        for name, keys in (("keyed", ["Order No", "Line"]), ("keyless", []))
    ]
    settings = {"TAP_SPREADSHEETS_FILES": json.dumps(files)}
    write_sheet(tmp_path / "first.xlsx", SHEET, hours=0)
    first = run(others, "tap-spreadsheets", **settings)
    assert first.returncode == 0, first.stdout
    assert sheet(others, "KEYED") == sheet(others, "KEYLESS") == sorted(SHEET[1:])
    row = ("A-1", 2, 99.99, "changed", "no", "x")
    write_sheet(tmp_path / "second.xlsx", (SHEET[0], row), hours=1)
    second = run(others, "tap-spreadsheets", **settings)
    assert second.returncode == 0, second.stdout
    assert sheet(others, "KEYED") == sorted([SHEET[1], row, SHEET[3]])
    # The first file was not read again: its bookmark came back.
    assert sheet(others, "KEYLESS") == sorted([*SHEET[1:], row])


def write_sheet(path: Path, rows: Sequence[Row], hours: int) -> None:
    """Write a workbook of a whole second: the tap's bookmark has no fraction."""
    book = openpyxl.Workbook()
    for row in rows:
        book.worksheets[0].append(row)
    book.save(path)
    moment = 1_790_000_000 + hours * 3600
    os.utime(path, (moment, moment))


def sheet(others: Project, name: str) -> list[Row]:
    query = f"SELECT ORDER_NO, LINE, AMOUNT, TEXT, PAID, FREE FROM {name}"  # noqa: S608 - ours
    return sorted(
        (order_no, int(line), float(amount), text, paid, free)
        for order_no, line, amount, text, paid, free in loaded(others, query)
    )


NUMBER = {"type": ["null", "number"]}
ORDER = {"id": {"type": "integer"}, "amount": NUMBER, "ref": {"type": "string"}}
CODE = {"code": {"type": "string"}, "on": {"type": "boolean"}, "any": {}}


def schema(stream: str, properties: Record, *keys: str) -> Record:
    described = {"type": "object", "properties": properties}
    message = {"type": "SCHEMA", "stream": stream, "key_properties": keys}
    return {**message, "schema": described}


def record(stream: str, **fields: Any) -> Record:
    return {"type": "RECORD", "stream": stream, "record": fields}


def messages(*later: Record) -> str:
    """Return a file in which streams take turns and one of them gets columns."""
    wider = {**ORDER, "note": {"type": ["null", "string"], "maxLength": 3}}
    either = {"anyOf": [{"type": "string"}, {"type": "object"}, {"type": "null"}]}
    lines = [
        schema("sales-orders", ORDER, "id"),
        record("sales-orders", id=1, amount=1e-7, ref="old"),
        schema("codes", CODE, "code", "on"),
        record("codes", code="", on=False, any=[1, {"a": None}]),
        record("sales-orders", id=0, amount=-0.1, ref=""),
        schema("sales-orders", {**wider, "either": either}, "id"),
        record("sales-orders", id=1, amount=1e20, ref="new", note="abc", either="x"),
        record("codes", code="", on=True, any="text"),
        {"type": "STATE", "value": {"position": 8}},
        *later,
    ]
    return "".join(f"{json.dumps(line)}\n" for line in lines)


def test_a_file_of_messages_arrives_and_nothing_doubles(
    others: Project, tmp_path: Path
) -> None:
    file = tmp_path / "messages.singer.jsonl"
    settings = {"TAP_SINGER_JSONL_LOCAL_FOLDERS": json.dumps([str(tmp_path)])}
    file.write_text(messages())
    done = run(others, "tap-singer-jsonl", **settings)
    assert done.returncode == 0, done.stdout
    orders = 'SELECT ID, AMOUNT, REF, NOTE, EITHER FROM "SALES-ORDERS" ORDER BY ID'
    one, two = loaded(others, orders)
    assert (int(one[0]), Decimal(one[1]), *one[2:]) == (
        0,
        Decimal("-0.1"),
        "",
        None,
        None,
    )
    assert (int(two[0]), Decimal(two[1]), *two[2:]) == (1, 10**20, "new", "abc", "x")
    codes = 'SELECT CODE, "ON", "ANY" FROM CODES ORDER BY CODE, "ON"'
    falsy = ("", False, [1, {"a": None}])
    assert loaded(others, codes) == [falsy, ("", True, "text")]
    file.write_text(messages(record("codes", code="", on=False, any=None)))
    done = run(others, "tap-singer-jsonl", **settings)
    assert done.returncode == 0, done.stdout
    assert loaded(others, codes) == [("", False, None), ("", True, "text")]
