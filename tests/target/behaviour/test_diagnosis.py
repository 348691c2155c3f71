"""Which value it was for which Snowflake has refused a batch."""

from __future__ import annotations

import json
import subprocess
import time
import uuid
from typing import TYPE_CHECKING, Any

import pytest
import sqlglot
from hypothesis import given
from hypothesis import strategies as st
from sandbox.snowflake.control.admin_client import SnowflakeAdmin
from sqlglot import exp
from target_snowflake_merge.errors import StatementError
from target_snowflake_merge.schema.duplicate_names import repeated_name
from target_snowflake_merge.schema.kinds import ColumnType, Kind
from target_snowflake_merge.sql_api.auth import KeyPair, load_private_key
from target_snowflake_merge.sql_api.client import Result, Session, SqlApi, Statement
from target_snowflake_merge.warehouse import diagnosis, statements

from sandbox import config
from tests.target.conftest import COMMAND

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.target.conftest import Warehouse

TABLE = statements.qualified(config.DATABASE, "DIAGNOSIS", 'BI"LL')


@pytest.fixture(scope="module")
def ask(server: tuple[str, Path]) -> Callable[..., Result]:
    """Make a table; give what executes statements."""
    url, key = server
    admin = SnowflakeAdmin(url)
    admin.sql(f"CREATE SCHEMA {config.DATABASE}.DIAGNOSIS")
    columns = (
        '"ID" NUMBER(38,0) NOT NULL, "AMOUNT" NUMBER(5,2), "AT" TIMESTAMP_TZ, '
        '"UTC" TIMESTAMP_NTZ, '
        '"DAY" DATE, "CLOCK" TIME, "DONE" BOOLEAN, "NAME" VARCHAR(5), '
        '"LINES" VARIANT, "MUST" VARCHAR NOT NULL, "OTHER" BINARY, '
        '"_SDC_BATCHED_AT" TIMESTAMP_TZ NOT NULL'
    )
    admin.sql(f"CREATE TABLE {TABLE} ({columns})")
    private_key = load_private_key(key.read_bytes(), None)
    token = KeyPair(config.ACCOUNT, config.USER, private_key)
    session = Session(config.DATABASE, config.WAREHOUSE, config.ROLE, 60)
    api = SqlApi(url, token, session, "test")

    def execute(sql: str, *binds: str) -> Result:
        return api.execute(Statement(sql, str(uuid.uuid4()), binds))

    return execute


GOOD = {
    "id": 1,
    "amount": "999.99",
    "at": "2026-03-12T10:00:00.000000000+02:00",
    "utc": "2026-03-12T10:00:00.000000000+00:00",
    "Day": "2026-03-12",
    "clock": "10:00:00.000000000",
    "done": True,
    "name": "fünf!",
    "lines": {"a": [None]},
    "must": "",
    "unknown": "x",
}


def explain(
    ask: Callable[..., Result],
    *records: Any,
    code: str = "100038",
    keys: tuple[str, ...] = ("id",),
) -> str:
    batch = [{"record": record, "sequence": 1} for record in records]
    payload = batch_of(*map(json.dumps, batch))
    error = StatementError("Snowflake refused.", code=code)
    return diagnosis.as_sentence(ask, TABLE, payload, keys, error)


def batch_of(*elements: str) -> bytes:
    return f"[{','.join(elements)}]".encode()


@pytest.mark.parametrize(
    ("key", "value", "reason"),
    [
        ("amount", "1000", "does not fit into NUMBER(5,2)"),
        ("amount", "ten", "does not fit into NUMBER(5,2)"),
        ("at", "noon", "does not fit into TIMESTAMP_TZ(9)"),
        ("at", "2026-03-12", "does not fit into TIMESTAMP_TZ(9)"),
        ("utc", "noon", "does not fit into TIMESTAMP_NTZ(9)"),
        ("Day", "2026-02-30", "does not fit into DATE"),
        ("clock", "25:00:00.000000000", "does not fit into TIME(9)"),
        ("done", "perhaps", "does not fit into BOOLEAN"),
        ("name", "sechs!", "does not fit into VARCHAR(5)"),
        ("name", "?" * 200, "does not fit into VARCHAR(5)"),
    ],
)
def test_the_value_is_named(
    ask: Callable[..., Result], key: str, value: str, reason: str
) -> None:
    sentence = explain(ask, GOOD, {**GOOD, "id": 7, key: value}, GOOD)

    shown = value if len(value) < 100 else f"{value[:100]}…"
    assert sentence == (
        f"Snowflake refused. It was record id 7: property {key} {reason}: {shown}; "
        "correct it in the source."
    )


def test_without_a_key_the_place_is_named(ask: Callable[..., Result]) -> None:
    sentence = explain(ask, GOOD, {**GOOD, "amount": "x"}, keys=())

    assert "It was record 2 of the batch: property amount" in sentence


@pytest.mark.parametrize(
    ("record", "key"), [({**GOOD, "must": None}, "must"), ({"id": 1}, "MUST")]
)
def test_a_null_is_named(ask: Callable[..., Result], record: Any, key: str) -> None:
    sentence = explain(ask, record, code="100072")

    assert f"record id 1: property {key} is null, and column MUST may not" in sentence


def strict(sql: str, payload: str) -> Result:
    """Answer as Snowflake, which reads no object that has a name twice."""
    assert sql == diagnosis.first_unreadable()
    places = [
        {"ROW": str(place)}
        for place, text in enumerate(json.loads(payload))
        if repeated_name(text.encode(), json.loads(text))
    ]
    return Result("", [dict(place) for place in places[:1]], {}, 1)


@pytest.mark.parametrize(
    ("bad", "named"),
    [
        ('{"id": 7, "lines": {"a": 1, "a": 2}}', "property lines is no JSON"),
        ('{"id": 7, "a": 1, "a": 2}', "property id, a is no JSON"),
    ],
)
def test_what_is_no_json_is_named(bad: str, named: str) -> None:
    good = json.dumps({"record": GOOD})
    error = StatementError("Snowflake refused.", code="100069")
    payload = batch_of(good, f'{{"record": {bad}}}')

    sentence = diagnosis.as_sentence(strict, TABLE, payload, ["id"], error)

    assert f"It was record id 7: {named} that Snowflake reads" in sentence


@pytest.mark.parametrize(
    ("code", "record"),
    [("100038", GOOD), ("003001", {**GOOD, "amount": "x"}), ("100090", GOOD)],
)
def test_what_is_not_known_is_not_guessed(
    ask: Callable[..., Result], code: str, record: Any
) -> None:
    assert explain(ask, record, code=code) == "Snowflake refused."


def test_a_value_beyond_old_accounts_is_named_without_asking() -> None:
    """airbyte#67610: texts over the limit."""
    sentence = explain(_unasked, {"id": 7, "name": "x" * 17_000_000}, code="100082")

    assert "record id 7: property name has 17000002 bytes: xxxx" in sentence
    assert len(sentence) < 300


def _unasked(*_: str) -> Result:
    raise AssertionError


def test_a_diagnosis_that_fails_says_what_snowflake_said() -> None:
    def refusing(*_: str) -> Result:
        raise StatementError("No warehouse.")

    assert explain(refusing, GOOD) == "Snowflake refused."


TYPES = [
    *(ColumnType(kind) for kind in Kind),
    ColumnType(Kind.NUMBER, precision=5, scale=2),
    ColumnType(Kind.VARCHAR, length=5),
]
any_text = st.text(min_size=1).filter(lambda text: "\x00" not in text)


@given(st.lists(st.tuples(any_text, st.sampled_from(TYPES)), min_size=1))
def test_every_question_is_snowflake_sql(columns: list[tuple[str, ColumnType]]) -> None:
    conditions = [
        diagnosis.failing_cast(diagnosis.text(key), column) or "TRUE"
        for key, column in columns
    ]

    for sql in (
        diagnosis.first_failing(conditions),
        diagnosis.first_unreadable(),
    ):
        parsed = sqlglot.parse_one(sql, dialect="snowflake")
        assert isinstance(parsed, exp.Select)
        assert not list(parsed.find_all(exp.Command))


SCHEMA = {
    "type": "SCHEMA",
    "stream": "bill",
    "schema": {
        "properties": {
            "id": {"type": "integer"},
            "amount": {"type": "number"},
            "name": {"type": ["string", "null"]},
        }
    },
    "key_properties": ["id"],
}


@pytest.mark.parametrize(
    ("columns", "sentence"),
    [
        ('"AMOUNT" NUMBER(5,2)', "record id 2: property amount does not fit into NUMB"),
        (
            '"NAME" VARCHAR NOT NULL',
            "record id 1: property name is null, and column NA",
        ),
    ],
)
def test_a_table_that_somebody_changes_on_the_way(
    warehouse: Warehouse, columns: str, sentence: str
) -> None:
    table = f'"FINANCE"."{warehouse.schema}"."BILL"'
    warehouse.loaded(SCHEMA)
    warehouse.admin.forget()
    file = warehouse.folder / "config.json"
    file.write_text(json.dumps(warehouse.settings()))
    with subprocess.Popen(  # noqa: S603 - our own command
        [COMMAND, "--config", str(file)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as run:
        assert run.stdin is not None
        run.stdin.write(f"{json.dumps(SCHEMA)}\n")
        run.stdin.flush()
        # The last that it asks about the table, after its columns.
        asked = statements.largest_sequence(table)
        while asked not in {sent.statement for sent in warehouse.admin.requests()}:
            time.sleep(0.05)
        changed = columns.partition(" ")[0]
        warehouse.admin.sql(f"ALTER TABLE {table} DROP COLUMN {changed}")
        warehouse.admin.sql(f"ALTER TABLE {table} ADD COLUMN {columns}")
        records = [{"id": 1, "amount": 1.5}, {"id": 2, "amount": 1000, "name": "four"}]
        lines = (
            json.dumps({"type": "RECORD", "stream": "bill", "record": record})
            for record in records
        )
        output, log = run.communicate("\n".join(lines))

    assert (run.returncode, output) == (1, "")
    assert "Traceback" not in log
    assert f"Stream bill, table {table}: Snowflake refused: 422" in log
    assert f"It was {sentence}" in log
