"""How taps of other people declare their columns, and what becomes of their values."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec
import pytest
from singer_sdk.sql.connector import SQLToJSONSchema
from sqlalchemy.types import NUMERIC
from target_snowflake_merge.schema.column_types import column_type
from target_snowflake_merge.schema.kinds import converter
from target_snowflake_merge.schema.upgrade import newest
from target_snowflake_merge.schema.validation import RecordValidator

read = msgspec.json.Decoder(float_hook=Decimal).decode
ITEM = {"$ref": "#/definitions/sdc_recursive_integer_array"}
ARRAYS = {
    "sdc_recursive_integer_array": {"type": ["null", "integer", "array"], "items": ITEM}
}
NULL_TEXT = {"type": ["null", "string"]}
NULL_NUMBER = {"type": ["null", "number"]}
MOMENT = {"type": "string", "format": "date-time"}
BOUNDED = {
    "maximum": 10**35,
    "exclusiveMaximum": True,
    "minimum": -(10**35),
    "exclusiveMinimum": True,
}
SDK_DECIMAL = SQLToJSONSchema(use_singer_decimal=True).to_jsonschema(NUMERIC(18, 2))
SCALED = {"additionalProperties": {"scale_precision": "(19,4)"}}
PYDANTIC = {"type": "string", "pattern": r"^(?!^[-+.]*$)[+-]?0*\d*\.?\d*$"}
PLACE = {"properties": {"longitude": NULL_NUMBER, "latitude": NULL_NUMBER}}
MIDNIGHT = "2024-01-05T00:00:00.000000000+00:00"


@pytest.mark.parametrize(
    ("schema", "written", "sql", "sent"),
    [
        pytest.param(schema, *case, id=tap)
        for tap, schema, *case in (
            (
                "postgres numeric",
                {**NULL_NUMBER, "multipleOf": 1e-38, **BOUNDED},
                *("1234.56", "NUMBER(38,9)", '"1234.56"'),
            ),
            (
                "postgres array",
                {
                    "type": ["null", "array"],
                    "items": {"$ref": "#/definitions/sdc_integers"},
                },
                *("[1,[2,null],[[3]]]", "VARIANT", "[1,[2,null],[[3]]]"),
            ),
            (
                "postgres hstore",
                {"type": ["null", "object"], "properties": {}},
                *('{"a":"1"}', "VARIANT", '{"a":"1"}'),
            ),
            (
                "postgres date",
                {**NULL_TEXT, "format": "date"},
                *('"2024-01-05T00:00:00+00:00"', "DATE", '"2024-01-05"'),
            ),
            (
                "mysql decimal(65,30)",
                {**NULL_NUMBER, "multipleOf": 1e-30, **BOUNDED},
                *("0.10", "NUMBER(38,9)", '"0.10"'),
            ),
            (
                "mysql json in text",
                {"type": ["null", "object", "array"]},
                *('{"a":1.10}', "VARIANT", '{"a":1.10}'),
            ),
            (
                "mysql datetime",
                {**NULL_TEXT, "format": "date-time"},
                '"2024-01-05T00:00:00+00:00+00:00"',
                *("TIMESTAMP_TZ(9)", f'"{MIDNIGHT}"'),
            ),
            (
                "mssql float",
                {**NULL_NUMBER, "multipleOf": 1e-17},
                *("123456789.12345679", "NUMBER(38,17)", '"123456789.12345679"'),
            ),
            (
                "mssql money",
                {**NULL_NUMBER, "format": "singer.decimal", **SCALED},
                *('"922337203685477.5807"', "NUMBER(19,4)", '"922337203685477.5807"'),
            ),
            (
                "oracle, shopify",
                {**NULL_TEXT, "format": "singer.decimal"},
                *('"10.00"', "NUMBER(38,9)", '"10.00"'),
            ),
            ("singer-sdk", SDK_DECIMAL, '"9.90"', "NUMBER(38,9)", '"9.90"'),
            (
                "mongodb decimal",
                {"anyOf": [{"type": "number", "multipleOf": 1e-34}, {}]},
                *("1.50", "VARIANT", "1.50"),
            ),
            (
                "mongodb date",
                {"anyOf": [MOMENT, {}]},
                *('"2024-01-05T00:00:00Z"', "VARIANT", '"2024-01-05T00:00:00Z"'),
            ),
            (
                "salesforce",
                {"anyOf": [MOMENT, NULL_TEXT]},
                *('"2024-01-05"', "VARCHAR", '"2024-01-05"'),
            ),
            (
                "salesforce location",
                {"type": ["number", "null", "object"], **PLACE},
                *('{"longitude":1.50}', "VARIANT", '{"longitude":1.50}'),
            ),
            (
                "google-sheets",
                {"anyOf": [{**NULL_TEXT, "format": "singer.decimal"}, NULL_TEXT]},
                *('"0012"', "VARCHAR", '"0012"'),
            ),
            (
                "mixpanel",
                {**NULL_NUMBER, "multipleOf": 1e-20},
                *("0.1", "NUMBER(38,20)", '"0.1"'),
            ),
            (
                "airbyte",
                {"oneOf": [{"type": "null"}, {"type": "string", "format": "date"}]},
                *('"2024-01-05"', "DATE", '"2024-01-05"'),
            ),
            (
                "airbyte integer",
                {**NULL_NUMBER, "airbyte_type": "integer"},
                *("12345678901234567890", "NUMBER(38,9)", '"12345678901234567890"'),
            ),
            (
                "pydantic",
                {"anyOf": [{"type": "number"}, PYDANTIC, {"type": "null"}]},
                *('"1.50"', "VARIANT", '"1.50"'),
            ),
        )
    ],
)
def test_values_arrive(schema: Any, written: str, sql: str, sent: str) -> None:
    whole = {"type": "object", "properties": {"x": schema}, "definitions": ARRAYS}
    value = read(written)
    named = newest(whole, left_out=())
    column = column_type(named["properties"]["x"], named)

    RecordValidator(whole).validate({"x": value})
    RecordValidator(whole).validate({"x": None} if "null" in str(schema) else {})
    assert str(column) == sql
    assert msgspec.json.encode(converter(column, column.texts)(value)).decode() == sent
