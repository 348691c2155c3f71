from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from target_snowflake_merge.types import (
    INTEGER,
    ColumnType,
    Kind,
    column_type,
    from_information_schema,
)


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
        ({"type": "number", "multipleOf": 1e-50}, "NUMBER(38,37)"),
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


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        (("TEXT", "16777216", None, None), ColumnType(Kind.VARCHAR, length=16777216)),
        (("NUMBER", None, "38", "9"), ColumnType(Kind.NUMBER, scale=9)),
        (("NUMBER", None, "10", "0"), ColumnType(Kind.NUMBER, precision=10)),
        (("VARIANT", None, None, None), ColumnType(Kind.VARIANT)),
        (("FLOAT", None, None, None), ColumnType(Kind.FOREIGN, name="FLOAT")),
    ],
)
def test_column_of_an_existing_table(
    row: tuple[str | None, ...], expected: ColumnType
) -> None:
    names = (
        "DATA_TYPE",
        "CHARACTER_MAXIMUM_LENGTH",
        "NUMERIC_PRECISION",
        "NUMERIC_SCALE",
    )

    assert from_information_schema(dict(zip(names, row, strict=True))) == expected


NINE = ColumnType(Kind.NUMBER, scale=9)
FLOAT = ColumnType(Kind.FOREIGN, name="FLOAT")


@pytest.mark.parametrize(
    ("present", "wanted", "holds"),
    [
        (NINE, INTEGER, True),
        (INTEGER, NINE, False),
        (ColumnType(Kind.VARIANT), NINE, True),
        (ColumnType(Kind.VARCHAR), NINE, False),
        (FLOAT, NINE, False),
        (FLOAT, ColumnType(Kind.VARCHAR), False),
    ],
)
def test_which_column_holds_which_values(
    *, present: ColumnType, wanted: ColumnType, holds: bool
) -> None:
    assert present.holds(wanted) is holds


def test_text_columns_only_grow() -> None:
    short, long = (ColumnType(Kind.VARCHAR, length=n) for n in (10, 20))

    assert short.is_shorter(long)
    assert short.is_shorter(ColumnType(Kind.VARCHAR))
    assert not long.is_shorter(short)
    assert not ColumnType(Kind.VARCHAR).is_shorter(long)


@given(st.integers(min_value=0, max_value=37))
def test_the_scale_is_never_below_the_finest_step(decimals: int) -> None:
    step = Decimal(1).scaleb(-decimals)

    column = column_type({"type": "number", "multipleOf": step})

    assert column.scale == max(9, decimals)
