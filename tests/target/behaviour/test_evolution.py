"""Schemas change in mid-stream and between runs; tables follow, or say why not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import pytest
from target_snowflake_merge.errors import TargetError
from target_snowflake_merge.schema.kinds import TEXT as TEXT_COLUMN
from target_snowflake_merge.sql_api.client import Result
from target_snowflake_merge.warehouse.connector import Connector

from tests.helpers import proxy
from tests.helpers.columns import (
    ANYTHING,
    MOMENT,
    NUMBER,
    TREE,
    WHOLE,
    made,
    types,
)
from tests.helpers.typed_records import ID, TEXT, record, schema

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from target_snowflake_merge.sql_api.client import SqlApi, Statement

    from tests.target.conftest import Run, Warehouse

STATE = {"type": "STATE", "value": {"bookmark": 1}}


@pytest.mark.parametrize("keys", [("id",), ()], ids=["keys", "no keys"])
def test_new_and_wider_columns_in_mid_stream(
    warehouse: Warehouse, keys: tuple[str, ...]
) -> None:
    short = {"type": "string", "maxLength": 3}
    first = schema({"id": ID, "name": short}, *keys)
    second = schema({"id": ID, "name": {**short, "maxLength": 5}, "n": NUMBER}, *keys)
    third = schema({"id": ID, "name": TEXT, "n": NUMBER, "tree": TREE}, *keys)

    warehouse.loaded(
        first,
        record(id="1", name="abc"),
        second,
        record(id="2", name="abcde", n=1.5),
        third,
        record(id="3", name="x" * 50, n=2.5, tree={"a": 1}),
        first,
        record(id="4", name="old"),
    )

    assert warehouse.rows("ID, NAME, N, TREE") == [
        ["1", "abc", None, None],
        ["2", "abcde", "1.500000000", None],
        ["3", "x" * 50, "2.500000000", {"a": 1}],
        ["4", "old", None, None],
    ]
    assert types(warehouse)["NAME"] == "VARCHAR(16777216)"


def test_a_column_that_is_not_described_ends_the_run() -> None:
    """Results that are cut short would have it added again for ever."""

    class Short:
        """Executes everything, and describes a table without its last columns."""

        def execute(self, _: Statement) -> Result:
            row = {"name": "ID", "type": "VARCHAR", "null?": "Y", "default": None}
            return Result("handle", [row], {}, 1)

    connector = Connector(cast("SqlApi", Short()), "D", "S", "plugin")
    with pytest.raises(TargetError, match=r'is described as if ALTER TABLE .* "NAME"'):
        connector.prepare("bill", {"ID": TEXT_COLUMN, "NAME": TEXT_COLUMN})


def test_what_the_schema_no_longer_has_stays(warehouse: Warehouse) -> None:
    """A record is all there is to know about the properties of its schema, and of
    others it says nothing."""
    whole = schema({"id": ID, "name": TEXT, "gone": TEXT}, "id")
    rest = schema({"id": ID, "name": TEXT}, "id")

    warehouse.loaded(whole, *(record(id=n, name="a", gone="kept") for n in "12"))
    warehouse.loaded(rest, record(id="1"), record(id="3", name="b"))

    assert warehouse.rows("ID, NAME, GONE") == [
        ["1", None, "kept"],
        ["2", "a", "kept"],
        ["3", "b", None],
    ]


def test_types_that_mix_become_variants(warehouse: Warehouse) -> None:
    """MeltanoLabs#274: mixed types were stored as 'true'."""
    mixed = {"type": ["boolean", "string", "number", "object", "null"]}

    warehouse.loaded(
        schema({"id": ID, "any": mixed}, "id"),
        *(
            record(id=str(n), any=value)
            for n, value in enumerate([True, "true", 1, "1", {"a": "true"}])
        ),
    )

    values = [row[0] for row in warehouse.rows('"ANY"', order="ID")]
    assert values == [True, "true", 1, "1", {"a": "true"}]
    assert types(warehouse)["ANY"] == "VARIANT"


def test_an_incompatible_change_stops_after_what_came_before(
    warehouse: Warehouse,
) -> None:
    """What was read before it is loaded, and its state passed on."""
    run = warehouse.load(
        schema({"id": ID, "n": WHOLE}, "id"),
        record(id="1", n=1),
        STATE,
        schema({"id": ID, "n": TREE}, "id"),
        record(id="2", n={}),
    )

    assert run.code == 1
    assert "column N of table" in run.errors[0]
    assert "is NUMBER(38,0), and the stream now needs VARIANT" in run.errors[0]
    assert warehouse.rows("ID, N") == [["1", "1"]]


def test_two_runs_add_one_column_at_once(warehouse: Warehouse) -> None:
    more = schema({"id": ID, **{f"c{n}": TEXT for n in range(5)}}, "id")
    warehouse.loaded(schema({"id": ID}, "id"))

    runs = [
        warehouse.start(more, record(id=str(n), c4="x"), name=str(n)) for n in range(3)
    ]

    assert [run.done().code for run in runs] == [0, 0, 0]
    assert warehouse.rows("ID, C4") == [[str(n), "x"] for n in range(3)]


def test_a_change_that_snowflake_refuses_is_told(warehouse: Warehouse) -> None:
    warehouse.loaded(schema({"id": ID}, "id"))
    warehouse.admin.fault("error", contains="ADD COLUMN", code="003001", message="no")

    refusal = warehouse.load(schema({"id": ID, "more": TEXT}, "id")).refusal()

    assert "Stream bill, table" in refusal
    assert "003001" in refusal


@pytest.fixture
def beside(
    warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[..., Run]]:
    """Load, while somebody else does the same just before a change of the table."""
    with proxy.before(warehouse.admin.url, {}) as between:

        def load(begins: str, change: str, *messages: Any) -> Run:
            def meddle(statement: str) -> None:
                if statement.startswith(begins):
                    warehouse.admin.sql(change, warehouse.schema)

            monkeypatch.setattr(between, "action", meddle)
            return warehouse.load(*messages, host=between.url)

        yield load


def test_somebody_else_widens_a_column_meanwhile(
    warehouse: Warehouse, beside: Callable[..., Run]
) -> None:
    """Snowflake refuses to shorten it again, and the table is ready all the same."""
    made(warehouse, "ID VARCHAR, NAME VARCHAR(3)")
    name = {"type": "string", "maxLength": 50}

    run = beside(
        "ALTER TABLE",
        "ALTER TABLE BILL ALTER COLUMN NAME SET DATA TYPE VARCHAR(90)",
        schema({"id": ID, "name": name}, "id"),
        record(id="1", name="x" * 50),
    )

    assert run.code == 0, run.log
    assert types(warehouse)["NAME"] == "VARCHAR(90)"


def test_somebody_else_adds_a_column_of_another_type_meanwhile(
    warehouse: Warehouse, beside: Callable[..., Run]
) -> None:
    """ADD COLUMN IF NOT EXISTS finds it, and says nothing of its type."""
    warehouse.loaded(schema({"id": ID}, "id"))

    run = beside(
        "ALTER TABLE",
        "ALTER TABLE BILL ADD COLUMN MORE BOOLEAN",
        schema({"id": ID, "more": TEXT}, "id"),
        record(id="1", more="x"),
    )

    assert "column MORE of table" in run.refusal()
    assert "is BOOLEAN, and the stream now needs VARCHAR" in run.refusal()


def test_somebody_else_makes_the_table_meanwhile(
    warehouse: Warehouse, beside: Callable[..., Run]
) -> None:
    warehouse.loaded(schema({"id": ID}, "id", stream="other"))

    run = beside(
        "CREATE TABLE",
        "CREATE TABLE BILL (NAME VARCHAR, ID VARCHAR(1))",
        schema({"id": ID, "name": TEXT, "more": TEXT}, "id"),
        record(id="10", more="x"),
    )

    assert run.code == 0, run.log
    assert warehouse.rows("ID, NAME, MORE") == [["10", None, "x"]]


@pytest.mark.parametrize("key", [ANYTHING, {"type": ["string", "integer"]}, TREE])
def test_keys_of_mixed_types_are_refused(warehouse: Warehouse, key: object) -> None:
    """Whether 1 and "1" are one key of a VARIANT is not documented."""
    refusal = warehouse.load(schema({"id": key}, "id"), record(id=1)).refusal()

    assert "the key column ID of table" in refusal
    assert "is VARIANT, in which equal keys cannot be told from others" in refusal


def test_keys_that_are_one_are_one(warehouse: Warehouse) -> None:
    """1 and 1.0, two offsets of one instant; texts differ by case and spaces."""
    keyed = schema({"n": NUMBER, "at": MOMENT, "t": TEXT, "v": TEXT}, "n", "at", "t")
    utc, other = "2026-01-01T00:00:00Z", "2026-01-01T05:30:00+05:30"

    for v in ("a", "b"):
        warehouse.loaded(
            keyed,
            record(n=1, at=utc, t="x", v=f"1{v}"),
            record(n=1.0, at=other, t="x", v=f"2{v}"),
            record(n=1, at=utc, t="x ", v=f"3{v}"),
            record(n=1, at=utc, t="X", v=f"4{v}"),
        )

    assert sorted(warehouse.rows("V")) == [["2b"], ["3b"], ["4b"]]


def test_number_keys_in_a_column_of_texts(warehouse: Warehouse) -> None:
    """A number has one text, whatever zeros it was sent with."""
    made(warehouse, "ID VARCHAR, NAME VARCHAR")

    for number in ("1", "1.0", "1E0", "1.00"):
        warehouse.loaded(
            schema({"id": NUMBER, "name": TEXT}, "id"),
            '{"type":"RECORD","stream":"bill","record":'
            f'{{"id":{number},"name":"{number}"}}}}\n',
        )

    assert warehouse.rows("ID, NAME") == [["1", "1.00"]]
