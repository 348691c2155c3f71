"""What stream_maps make of schemas and records: nothing is lost, nothing rounded."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from target_snowflake_merge.singer.stream_maps import quotient

if TYPE_CHECKING:
    from tests.target.conftest import Warehouse

LARGE = "12345678901234567890123456789.123456789"
TRIPLE = "37037036703703703670370370367.370370367"
CENTS = 12345678901234567891
THIRD = f"0.{'3' * 28}"


def test_expressions_round_nothing(warehouse: Warehouse) -> None:
    """Python's own decimals have 28 digits, and even -x is rounded to them."""
    maps = {
        "negative": "-amount",
        "total": "amount + 0",
        "triple": "amount * 3",
        "tenth": "amount * 10 / 10",
        "third": "str(amount / amount / 3)",
        "money": "cents / 100",
    }
    numbers = {n: {"type": "number"} for n in ("id", "amount", "cents", *maps)}
    schema = {
        "type": "SCHEMA",
        "stream": "bill",
        "schema": {"properties": {**numbers, "third": {"type": "string"}}},
        "key_properties": ["id"],
    }
    record = f'{{"id": 1, "amount": {LARGE}, "cents": {CENTS}}}'
    bill = f'{{"type": "RECORD", "stream": "bill", "record": {record}}}\n'

    warehouse.loaded(schema, bill, stream_maps={"bill": maps})

    assert warehouse.rows("NEGATIVE, TOTAL, TRIPLE, TENTH, THIRD, MONEY") == [
        [f"-{LARGE}", LARGE, TRIPLE, LARGE, THIRD, "123456789012345678.910000000"]
    ]


@pytest.mark.parametrize(
    ("dividend", "divisor", "expected"),
    [
        (Decimal(LARGE), 1000, "12345678901234567890123456.789123456789"),
        (Decimal("7.50"), Decimal(2), "3.75"),
        (Decimal(1), 3, THIRD),
        (1, 4, "0.25"),
        (1, 3, THIRD),
        (CENTS, 100, "123456789012345678.91"),
    ],
)
def test_a_quotient_is_exact_or_as_usual(
    dividend: Decimal | int, divisor: Decimal | int, expected: str
) -> None:
    result = quotient(dividend, divisor)

    assert type(result) is Decimal
    assert str(result) == expected


TEXT = {"type": "string"}
INTEGER = {"type": "integer"}


def schema(*keys: str, **properties: Any) -> dict[str, Any]:
    return {
        "type": "SCHEMA",
        "stream": "bill",
        "schema": {"properties": properties},
        "key_properties": list(keys),
    }


def record(**values: Any) -> dict[str, Any]:
    return {"type": "RECORD", "stream": "bill", "record": values}


def test_a_record_may_lose_all_its_properties(warehouse: Warehouse) -> None:
    """The SDK takes it for one that was filtered out."""
    maps = {"b": None, "__filter__": "_.get('b') != 'away'"}
    rows = [record(b="x"), record(a="x"), record(b="away")]
    warehouse.loaded(schema(a=TEXT, b=TEXT), *rows, stream_maps={"bill": maps})
    assert warehouse.rows("A") == [["x"], [None]]


def test_dates_of_expressions_are_loaded(warehouse: Warehouse) -> None:
    maps = {
        "day": "datetime.date.fromisoformat(at[:10])",
        "moment": "datetime.datetime.fromisoformat(at)",
    }
    warehouse.loaded(
        schema("at", at=TEXT),
        record(at="2026-01-02T03:04:05+02:00"),
        stream_maps={"bill": maps},
    )
    seconds = "TO_VARCHAR(MOMENT, 'YYYY-MM-DD HH24:MI:SS TZHTZM')"
    assert warehouse.rows(f"TO_VARCHAR(DAY), {seconds}") == [
        ["2026-01-02", "2026-01-02 03:04:05 +0200"]
    ]


def test_json_in_expressions_keeps_every_digit(warehouse: Warehouse) -> None:
    maps = {"amount": "json.loads(text)['x']", "again": "json.dumps(json.loads(text))"}
    text = f'{{"x": {LARGE}, "y": [1.10, "a", null]}}'
    warehouse.loaded(
        schema("id", id=TEXT, text=TEXT, amount={"type": "number"}),
        record(id="1", text=text),
        stream_maps={"bill": maps},
    )
    assert warehouse.rows("AMOUNT, AGAIN") == [[LARGE, text]]


@pytest.mark.parametrize("expression", ["json.loads('[NaN]')", "json.dumps(x)"])
def test_json_has_no_nan(warehouse: Warehouse, expression: str) -> None:
    row = '{"type": "RECORD", "stream": "bill", "record": {"x": NaN}}\n'
    maps = {"bill": {"y": expression}}
    refusal = warehouse.load(schema(x={}, y={}), row, stream_maps=maps).refusal()
    assert "(NaN is no number of JSON)" in refusal


@pytest.mark.parametrize(
    ("maps", "said"),
    [
        ({"bill": {"__else__": "x"}}, "stream_maps of bill: __else__ is x, and may "),
        ({"__else__": "x"}, "stream_maps: __else__ is x, and may only be null; "),
        ({"bill": {"p": " "}}, "stream_maps of bill: p is empty; write an expression"),
        ({"bill": {"__filter__": ""}}, "stream_maps of bill: __filter__ is empty; "),
    ],
)
def test_wrong_stream_maps_are_explained(
    warehouse: Warehouse, maps: dict[str, Any], said: str
) -> None:
    refusal = warehouse.load(schema("id", id=TEXT), stream_maps=maps).refusal()
    assert refusal.startswith(f"Setting {said}")


NULL = {"type": "null"}
MOMENT = {"type": "string", "format": "date-time"}
AT = "2026-01-02T03:04:05Z"
DEFINED = {"$ref": "#/definitions/whole"}
ALONE = {"__else__": None, "id": "id"}
FLAT = {"flattening_enabled": True, "flattening_max_depth": 1}


@pytest.mark.parametrize(
    ("described", "values", "maps", "column"),
    [
        ({"anyOf": [MOMENT, NULL]}, [AT, None], {"p": "p"}, "TIMESTAMP_TZ(9)"),
        ({"anyOf": [INTEGER]}, [5], {"p": "p + 1"}, "NUMBER(38,0)"),
        ({"oneOf": [MOMENT, NULL]}, [AT, None], {"p": "p"}, "TIMESTAMP_TZ(9)"),
        ({"oneOf": [TEXT, NULL, INTEGER]}, [5, "a", None], {"p": "p"}, "VARIANT"),
        (DEFINED, [5], ALONE | {"p": "p"}, "NUMBER(38,0)"),
        ({"anyOf": [DEFINED, NULL]}, [5, None], ALONE | {"p": "p"}, "NUMBER(38,0)"),
        (True, [5, "a", None], {"q": "p"}, "VARIANT"),
        ({}, [5, "a", None], {"q": "p"}, "VARIANT"),
        (INTEGER, [5], {"q": "p"}, "NUMBER(38,0)"),
    ],
)
def test_a_mapped_property_keeps_its_type(
    warehouse: Warehouse,
    described: Any,
    values: list[Any],
    maps: dict[str, str | None],
    column: str,
) -> None:
    """To ``anyOf`` and ``oneOf`` the SDK adds null in ways that spoil them."""
    message = schema("id", id=DEFINED, p=described)
    message["schema"]["definitions"] = {"whole": INTEGER}
    rows = [record(id=number, p=value) for number, value in enumerate(values)]
    for flat in ({}, FLAT):
        run = warehouse.loaded(message, *rows, stream_maps={"bill": maps}, **flat)
        assert "cannot be understood" not in run.log

    place = f'FINANCE."{warehouse.schema}"."BILL"'
    kinds = {
        row[0]: row[1] for row in warehouse.admin.sql(f"DESCRIBE TABLE {place}")[1]
    }
    assert kinds["Q" if "q" in maps else "P"] == column
    assert kinds["ID"] == "NUMBER(38,0)"
    assert warehouse.rows("COUNT(*)") == [[len(rows)]]
