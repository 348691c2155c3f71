from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
import simplejson
from hypothesis import given
from hypothesis import strategies as st
from target_snowflake_merge.schema.column_types import column_type
from target_snowflake_merge.schema.json_schema import inline_refs
from target_snowflake_merge.schema.kinds import (
    INTEGER,
    TEXT,
    ColumnType,
    Kind,
    described,
)
from target_snowflake_merge.schema.upgrade import newest

if TYPE_CHECKING:
    from tests.target.conftest import Warehouse


@pytest.mark.parametrize(
    ("schema", "sql"),
    [
        ({"type": "string"}, "VARCHAR"),
        ({"type": ["null", "string"]}, "VARCHAR"),
        ({"type": "string", "maxLength": 40}, "VARCHAR(40)"),
        ({"type": "string", "maxLength": 4294967295}, "VARCHAR"),
        ({"type": "string", "maxLength": 0}, "VARCHAR"),
        ({"type": "string", "format": "uuid"}, "VARCHAR"),
        ({"type": "string", "format": "date-time"}, "TIMESTAMP_TZ(9)"),
        ({"type": ["string", "null"], "format": "date"}, "DATE"),
        ({"type": "string", "format": "time"}, "TIME(9)"),
        ({"type": "integer"}, "NUMBER(38,0)"),
        ({"type": "number"}, "NUMBER(38,9)"),
        ({"type": ["integer", "number", "null"]}, "NUMBER(38,9)"),
        ({"type": "number", "multipleOf": 0.01}, "NUMBER(38,9)"),
        ({"type": "number", "multipleOf": 0.0001}, "NUMBER(38,9)"),
        ({"type": "number", "multipleOf": 10}, "NUMBER(38,9)"),
        ({"type": "number", "multipleOf": Decimal("1E-12")}, "NUMBER(38,12)"),
        ({"type": "boolean"}, "BOOLEAN"),
        ({"type": "object"}, "VARIANT"),
        ({"type": ["array", "null"], "items": {}}, "VARIANT"),
        ({"type": ["string", "integer"]}, "VARIANT"),
        ({}, "VARIANT"),
        ({"type": "null"}, "VARIANT"),
        (True, "VARIANT"),
        ({"anyOf": [{"type": "string"}, True]}, "VARIANT"),
        ({"enum": [1, "a"]}, "VARIANT"),
        ({"$ref": "#/definitions/x"}, "VARIANT"),
        (
            {"anyOf": [{"type": "string", "format": "date-time"}, {"type": "null"}]},
            "TIMESTAMP_TZ(9)",
        ),
        (
            {
                "anyOf": [
                    {"type": "string", "format": "date-time"},
                    {"type": ["string", "null"]},
                ]
            },
            "VARCHAR",
        ),
        ({"oneOf": [{"type": "integer"}, {"type": "number"}]}, "NUMBER(38,9)"),
        ({"oneOf": [{"type": "integer"}, {"type": "object"}]}, "VARIANT"),
        (
            {
                "anyOf": [
                    {"type": "string", "maxLength": 5},
                    {"type": "string", "maxLength": 9},
                ]
            },
            "VARCHAR(9)",
        ),
        (
            {"anyOf": [{"type": "string", "maxLength": 5}, {"type": "string"}]},
            "VARCHAR",
        ),
    ],
)
def test_column_of_a_property(schema: Any, sql: str) -> None:
    assert str(column_type(schema)) == sql


OLDER = [
    ({"type": "string", "maxLength": Decimal("255.0")}, "VARCHAR(255)"),
    ({"type": "any"}, "VARIANT"),
]


def test_columns_of_older_drafts(warehouse: Warehouse) -> None:
    properties = {f"p{n}": schema for n, (schema, _) in enumerate(OLDER)}
    message = {"type": "SCHEMA", "stream": "bill", "schema": {"properties": properties}}
    warehouse.loaded(f"{simplejson.dumps(message)}\n")
    place = f'FINANCE."{warehouse.schema}"."BILL"'
    _, rows = warehouse.admin.sql(f"DESCRIBE TABLE {place}")
    assert [row[1] for row in rows[: len(OLDER)]] == [sql for _, sql in OLDER]


ADDRESS = {
    "properties": {"city": {"$ref": "#/$defs/city~1name"}},
    "$defs": {
        "city/name": {"type": ["string", "null"], "maxLength": 40},
        "code": {"allOf": [{"$ref": "#/$defs/city~1name"}, {"maxLength": 9}]},
        "loop": {"$ref": "#/$defs/loop"},
        "tree": {"anyOf": [{"$ref": "#/$defs/tree"}, {"type": "string"}]},
        "amount": {"type": "number", "multipleOf": Decimal("1E-12")},
        "choice": {"anyOf": [{"type": "null"}, {"type": "boolean"}]},
        "named": {"items": [{"$anchor": "flag", "type": "boolean"}]},
        "old": {"$id": "#day", "type": "string", "format": "date"},
    },
}


@pytest.mark.parametrize(
    ("schema", "sql"),
    [
        ({"$ref": "#/$defs/city~1name"}, "VARCHAR(40)"),
        ({"$ref": "#/$defs/city~1name", "description": "x"}, "VARCHAR(40)"),
        ({"$ref": "#/$defs/code"}, "VARCHAR(9)"),
        ({"$ref": "#/$defs/amount"}, "NUMBER(38,12)"),
        ({"anyOf": [{"$ref": "#/$defs/amount"}, {"type": "null"}]}, "NUMBER(38,12)"),
        ({"$ref": "#/$defs/loop"}, "VARIANT"),
        ({"$ref": "#/$defs/tree"}, "VARIANT"),
        ({"$ref": "#"}, "VARIANT"),
        ({"$ref": "#/$defs/choice/anyOf/1"}, "BOOLEAN"),
        *(({"$ref": f"#/$defs/choice/anyOf/{n}"}, "VARIANT") for n in (2, -1, "x")),
        ({"$ref": "#flag"}, "BOOLEAN"),
        ({"$ref": "#day"}, "DATE"),
        ({"$ref": "#none"}, "VARIANT"),
        ({"$ref": "#/$defs/none"}, "VARIANT"),
        ({"$ref": "https://example.com/schema.json"}, "VARIANT"),
    ],
)
def test_references_are_followed(schema: Any, sql: str) -> None:
    assert str(column_type(schema, ADDRESS)) == sql


@pytest.mark.parametrize(
    "schema",
    [
        *(None, "x", 5, [], {"type": None}, {"type": 5}, {"type": {"a": 1}}),
        *({"anyOf": 5}, {"oneOf": "x"}, {"anyOf": [5]}, {"enum": 5}, {"allOf": 5}),
        {"allOf": [5], "properties": {"x": 5}},
    ],
)
def test_what_is_no_schema_may_be_anything(schema: Any) -> None:
    """Where records are not validated, nobody has looked at the schema before."""
    assert str(column_type(schema)) == "VARIANT"


def test_a_format_may_be_anything() -> None:
    schema = {"type": "string", "format": ["date"]}
    assert str(column_type(newest(schema, left_out=()))) == "VARCHAR"


@pytest.mark.parametrize(
    ("formats", "times"),
    [
        (["date-time", None], Kind.TIMESTAMP_TZ),
        (["date", None], Kind.DATE),
        (["time", "uuid"], Kind.TIME),
        (["date", "date-time"], Kind.TIMESTAMP_TZ),
        (["date", "date-time", None], Kind.TIMESTAMP_TZ),
        (["time", "date-time"], None),
        ([None, "uuid"], None),
        (["singer.decimal", None], None),
    ],
)
def test_texts_that_may_be_times(formats: list[str | None], times: Kind | None) -> None:
    """A new column is one of texts; one of times that is there takes what is one."""
    options = [{"type": "string"} | ({"format": f} if f else {}) for f in formats]

    column = column_type({"anyOf": [*options, {"type": "null"}]})
    mixed = column_type({"anyOf": [*options, {}]})

    assert column == ColumnType(Kind.VARCHAR, texts=times)
    assert mixed == ColumnType(Kind.VARIANT, texts=times)


@pytest.mark.parametrize(
    ("schema", "joined"),
    [
        ({"properties": {"id": True}}, {"properties": {"id": True}}),
        (
            {
                "properties": {"id": {"type": "integer"}},
                "allOf": [{"properties": {"x": True}}, True, {"$ref": "#/$defs/more"}],
                "$defs": {"more": {"allOf": [{"properties": {"y": {}}}]}},
            },
            {
                "properties": {"id": {"type": "integer"}, "x": True, "y": {}},
                "$defs": {"more": {"allOf": [{"properties": {"y": {}}}]}},
            },
        ),
        (
            {
                "$ref": "#/definitions/b",
                "definitions": {"b": {"properties": {"i": {}}}},
            },
            {"properties": {"i": {}}, "definitions": {"b": {"properties": {"i": {}}}}},
        ),
        (
            {
                "properties": {"id": {"type": "string"}, "x": {}},
                "allOf": [{"properties": {"id": {"maxLength": 5}, "x": {}}}],
            },
            {
                "properties": {
                    "id": {"allOf": [{"type": "string"}, {"maxLength": 5}]},
                    "x": {},
                }
            },
        ),
        (
            {
                "required": ["a", "b"],
                "additionalProperties": True,
                "allOf": [
                    {"required": ["b", "c"], "additionalProperties": False},
                    {"required": None, "minProperties": 2},
                ],
            },
            {
                "properties": {},
                "required": ["a", "b", "c"],
                "additionalProperties": True,
                "allOf": [{"required": None, "minProperties": 2}],
            },
        ),
        ({"$ref": "#", "properties": {"id": {}}}, {"properties": {"id": {}}}),
        ({"$ref": "#/none"}, {"$ref": "#/none", "properties": {}}),
        ({"allOf": 5}, {"allOf": 5, "properties": {}}),
        (
            {"allOf": [{"properties": 5}]},
            {"allOf": [{"properties": 5}], "properties": {}},
        ),
    ],
)
def test_a_schema_in_parts_is_joined(schema: Any, joined: Any) -> None:
    assert inline_refs(schema) == joined


@pytest.mark.parametrize(
    ("schema", "sql"),
    [
        ({"enum": ["a", "b", None]}, "VARCHAR"),
        ({"const": 5}, "NUMBER(38,0)"),
        ({"const": True}, "BOOLEAN"),
        ({"enum": [1, Decimal("1.5")]}, "NUMBER(38,9)"),
        ({"enum": [1, {"a": 1}]}, "VARIANT"),
        ({"enum": [None]}, "VARIANT"),
        ({"type": "string", "enum": ["2024-01-01"], "format": "date"}, "DATE"),
        ({"allOf": [{"type": "string"}, {"maxLength": 3}]}, "VARCHAR(3)"),
        ({"allOf": [{"type": ["string", "null"]}, {"type": "string"}]}, "VARCHAR"),
        ({"allOf": [{"type": "number"}, {"type": "integer"}]}, "NUMBER(38,0)"),
        ({"type": "string", "allOf": [{"format": "date"}, True]}, "DATE"),
        ({"type": "integer", "minimum": 0, "maximum": 10**60}, "NUMBER(38,0)"),
        ({"type": "number", "maximum": 9, "multipleOf": 1e-7}, "NUMBER(38,9)"),
        ({"type": "number", "multipleOf": 5}, "NUMBER(38,9)"),
        ({"type": "string", "maxLength": 16_777_216}, "VARCHAR(16777216)"),
        ({"type": "string", "maxLength": 16_777_217}, "VARCHAR"),
        ({"type": "string", "maxLength": 134_217_729}, "VARCHAR"),
        ({"type": "string", "format": "binary"}, "VARCHAR"),
        ({"type": "string", "contentEncoding": "base64"}, "VARCHAR"),
        ({"type": []}, "VARIANT"),
        ({"type": [{"type": "string"}, "null"]}, "VARIANT"),
    ],
)
def test_column_of_a_less_common_schema(schema: Any, sql: str) -> None:
    """MeltanoLabs#67 and #77 ask for the lengths and steps."""
    assert str(column_type(schema)) == sql


@pytest.mark.parametrize(
    ("schema", "sql"),
    [
        ({"type": "number"}, "FLOAT"),
        ({"type": ["integer", "number"]}, "FLOAT"),
        ({"type": "number", "multipleOf": 0.01}, "NUMBER(38,9)"),
        ({"type": "integer"}, "NUMBER(38,0)"),
    ],
)
def test_numbers_may_be_floats(schema: Any, sql: str) -> None:
    assert str(column_type(schema, number=Kind.FLOAT)) == sql


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("VARCHAR(16777216)", ColumnType(Kind.VARCHAR, length=16_777_216)),
        (
            "VARCHAR(20) COLLATE 'en-ci'",
            ColumnType(Kind.VARCHAR, length=20, collation="en-ci"),
        ),
        ("NUMBER(38,9)", NINE := ColumnType(Kind.NUMBER, scale=9)),
        ("NUMBER(10,0)", TEN := ColumnType(Kind.NUMBER, precision=10)),
        ("FLOAT", FLOAT := ColumnType(Kind.FLOAT)),
        ("VARIANT", ColumnType(Kind.VARIANT)),
        ("TIME(0)", ColumnType(Kind.TIME, decimals=0)),
        ("TIMESTAMP_NTZ(3)", NTZ := ColumnType(Kind.TIMESTAMP_NTZ, decimals=3)),
        ("BINARY(8388608)", ColumnType(Kind.FOREIGN, name="BINARY(8388608)")),
        ("ARRAY", ColumnType(Kind.ARRAY)),
        ("ARRAY(NUMBER(38,0))", ColumnType(Kind.FOREIGN, name="ARRAY(NUMBER(38,0))")),
        ("MAP(VARCHAR, INT)", ColumnType(Kind.FOREIGN, name="MAP(VARCHAR, INT)")),
        ("GEOGRAPHY", GEOGRAPHY := ColumnType(Kind.FOREIGN, name="GEOGRAPHY")),
    ],
)
def test_column_of_an_existing_table(text: str, expected: ColumnType) -> None:
    assert described(text) == expected
    assert str(expected) in text


SOMETIMES = ColumnType(Kind.VARCHAR, texts=Kind.TIMESTAMP_TZ)
DATE, TIMESTAMP, VARIANT = map(ColumnType, (Kind.DATE, Kind.TIMESTAMP_TZ, Kind.VARIANT))


@pytest.mark.parametrize(
    ("present", "wanted", "holds"),
    [
        (NINE, INTEGER, True),
        (INTEGER, NINE, True),  # as long as the values are whole
        (VARIANT, NINE, True),
        (TEXT, NINE, True),
        (TEXT, TIMESTAMP, True),
        (TEXT, VARIANT, False),  # a text of "1" and the number 1 would be one
        (FLOAT, NINE, True),
        (FLOAT, TEXT, False),
        (NINE, TEXT, False),
        (NTZ, DATE, True),
        (NTZ, TIMESTAMP, True),
        (DATE, TIMESTAMP, False),
        (TIMESTAMP, TEXT, False),
        (ColumnType(Kind.ARRAY), VARIANT, True),
        (ColumnType(Kind.ARRAY), TEXT, False),
        (GEOGRAPHY, TEXT, False),
        (GEOGRAPHY, VARIANT, False),
        (VARIANT, GEOGRAPHY, True),
        (NTZ, SOMETIMES, True),
        (TIMESTAMP, SOMETIMES, True),
        (DATE, SOMETIMES, False),
        (NINE, SOMETIMES, False),
    ],
)
def test_which_column_may_hold_which_values(
    *, present: ColumnType, wanted: ColumnType, holds: bool
) -> None:
    assert present.holds(wanted) is holds


@pytest.mark.parametrize(
    ("present", "wanted", "wider"),
    [
        ("VARCHAR(10)", "VARCHAR(20)", "VARCHAR(20)"),
        ("VARCHAR(10)", "VARCHAR", "VARCHAR"),
        ("VARCHAR(20)", "VARCHAR(10)", "VARCHAR(20)"),
        ("VARCHAR", "VARCHAR(10)", "VARCHAR"),
        ("VARCHAR(10)", "NUMBER(38,9)", "VARCHAR(10)"),
        ("NUMBER(10,2)", "NUMBER(38,9)", "NUMBER(38,2)"),
        ("NUMBER(10,2)", "NUMBER(38,0)", "NUMBER(38,2)"),
        ("NUMBER(38,9)", "NUMBER(38,0)", "NUMBER(38,9)"),
        ("NUMBER(10,2)", "FLOAT", "NUMBER(10,2)"),
        ("NUMBER(10,4)", "NUMBER(10,2)", "NUMBER(12,4)"),
        ("NUMBER(10,2)", "NUMBER(12,4)", "NUMBER(12,2)"),
        ("NUMBER(38,9)", "NUMBER(38,2)", "NUMBER(38,9)"),
        ("TIME(0)", "TIME(9)", "TIME(0)"),
    ],
)
def test_columns_only_grow(present: str, wanted: str, wider: str) -> None:
    """MeltanoLabs#120: VARCHAR was not widened."""
    assert str(described(present).widened(described(wanted))) == wider


def test_a_column_that_grows_keeps_its_collation() -> None:
    wider = described("VARCHAR(5) COLLATE 'en-ci'").widened(TEXT)

    assert wider == ColumnType(Kind.VARCHAR, collation="en-ci")


@given(st.integers(min_value=0, max_value=37))
def test_the_scale_is_never_below_the_finest_step(decimals: int) -> None:
    step = Decimal(1).scaleb(-decimals)
    schema = {"type": "number", "multipleOf": step, "maximum": 9}

    assert column_type(schema).scale == max(9, decimals)


def numeric(step: object, **limits: Any) -> dict[str, Any]:
    return {"type": ["null", "number"], "multipleOf": step, **limits}


@pytest.mark.parametrize(
    ("schema", "sql"),
    [
        (numeric(Decimal("1E-20")), "NUMBER(38,20)"),  # leaves 18 digits for an amount
        (numeric(Decimal("1E-21")), "NUMBER(38,9)"),
        (numeric(1e-50), "NUMBER(38,9)"),
        (numeric(0.1**9), "NUMBER(38,9)"),  # 1.0000000000000005e-09
        (numeric(1e-17), "NUMBER(38,17)"),
        (numeric(1e-34), "NUMBER(38,9)"),
        (numeric(1e-38, maximum=1e62, exclusiveMaximum=True), "NUMBER(38,9)"),
        (numeric(1e-38, exclusiveMaximum=Decimal("1E62")), "NUMBER(38,9)"),
        (numeric(1e-30, exclusiveMaximum=10**35), "NUMBER(38,9)"),
        (numeric(1e-30, exclusiveMaximum=10**8), "NUMBER(38,30)"),
        (numeric(1e-30, maximum=10**8 - 1), "NUMBER(38,30)"),
        (numeric(1e-30, maximum=10**8), "NUMBER(38,9)"),
        (numeric(1e-30, maximum=9, minimum=-(10**8)), "NUMBER(38,9)"),
        (
            numeric(1e-30, exclusiveMaximum=1e8, exclusiveMinimum=-1e8),
            "NUMBER(38,30)",
        ),
        (numeric(1e-30, minimum=0), "NUMBER(38,9)"),
        (numeric(1e-37, maximum=0.5), "NUMBER(38,37)"),
        (numeric(1e-38, maximum=0.5), "NUMBER(38,9)"),
        (numeric(1e-30, maximum="x", exclusiveMaximum=Decimal("NaN")), "NUMBER(38,9)"),
        (numeric(0.01, maximum=1e36), "NUMBER(38,9)"),
        (numeric("x"), "NUMBER(38,9)"),
        (numeric(Decimal("Infinity")), "NUMBER(38,9)"),
    ],
)
def test_a_step_that_leaves_no_room_is_no_wish(schema: Any, sql: str) -> None:
    """Of what PostgreSQL, MySQL, SQL Server, MongoDB and Mixpanel taps send."""
    assert str(column_type(newest(schema, left_out=()))) == sql


def test_a_number_of_unknown_digits_may_be_a_float() -> None:
    assert column_type(numeric(1e-38), number=Kind.FLOAT) == FLOAT
    assert column_type(decimal(), number=Kind.FLOAT) == FLOAT
    assert str(column_type(decimal(scale=2), number=Kind.FLOAT)) == "NUMBER(38,9)"


def decimal(kind: Any = "string", **more: Any) -> dict[str, Any]:
    return {"type": ["null", kind], "format": "singer.decimal", **more}


SQL_SERVER = {"additionalProperties": {"scale_precision": "(19,12)"}}
WRONG = {"additionalProperties": {"scale_precision": "(None,2)"}}


@pytest.mark.parametrize(
    ("schema", "sql"),
    [
        (decimal(), "NUMBER(38,9)"),
        (decimal(precision=18, scale=2), "NUMBER(18,2)"),
        (
            decimal(precision=18, scale=2, format="x-singer.decimal"),
            "NUMBER(18,2)",
        ),
        (decimal(precision=Decimal("18.0"), scale=0), "NUMBER(18,0)"),
        (decimal(precision=None, scale=None), "NUMBER(38,9)"),
        (decimal(precision=18), "NUMBER(38,9)"),  # may be the 53 bits of a double
        (decimal(scale=2), "NUMBER(38,9)"),
        (decimal(scale=12), "NUMBER(38,12)"),
        (decimal(scale=30), "NUMBER(38,9)"),
        (decimal(precision=38, scale=37), "NUMBER(38,37)"),
        (decimal(precision=38, scale=38), "NUMBER(38,9)"),
        (decimal(precision=40, scale=2), "NUMBER(38,2)"),
        (decimal(precision=65, scale=30), "NUMBER(38,9)"),
        (decimal(precision=10, scale=-2), "NUMBER(12,0)"),
        (decimal(precision=2, scale=4), "NUMBER(4,4)"),
        (decimal(precision=0, scale=0), "NUMBER(1,0)"),
        (decimal(precision="18", scale=True), "NUMBER(38,9)"),
        (decimal("number", **SQL_SERVER), "NUMBER(19,12)"),
        (decimal("number", **WRONG), "NUMBER(38,9)"),
        (decimal("integer"), "NUMBER(38,9)"),
        (decimal() | {"type": ["null", "string", "integer"]}, "NUMBER(38,9)"),
        (decimal() | {"type": ["null", "string", "boolean"]}, "VARIANT"),
        (decimal("boolean"), "BOOLEAN"),
        (
            {"anyOf": [decimal(precision=9, scale=2), {"type": "integer"}]},
            "NUMBER(38,2)",
        ),
        ({"anyOf": [decimal(precision=9, scale=2), {"type": "null"}]}, "NUMBER(9,2)"),
        (
            {"anyOf": [decimal(precision=9, scale=2), decimal(precision=9, scale=4)]},
            "NUMBER(11,4)",
        ),
        ({"anyOf": [decimal(), {"type": ["null", "string"]}]}, "VARCHAR"),
        ({"type": "string", "format": "decimal"}, "VARCHAR"),
    ],
)
def test_decimals_that_are_written_as_texts(schema: Any, sql: str) -> None:
    """Of the SDK's use_singer_decimal, and of Oracle, SQL Server and sheets taps."""
    assert str(column_type(newest(schema, left_out=()))) == sql
