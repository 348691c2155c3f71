"""Values keep every digit and character on their way in and out."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

if TYPE_CHECKING:
    from tests.sandbox.conftest import SnowflakeClient

MODEL = "YYYY-MM-DD HH24:MI:SS.FF9TZH:TZM"
READ = "SELECT {} FROM TABLE(FLATTEN(INPUT => PARSE_JSON(?))) AS f ORDER BY f.index"
server = settings(
    max_examples=25,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
decimals = st.decimals(
    min_value=Decimal(-10) ** 28,
    max_value=Decimal(10) ** 28,
    places=9,
    allow_nan=False,
    allow_infinity=False,
)


@server
@given(values=st.lists(decimals, min_size=1, max_size=40))
def test_json_decimals_are_exact(
    snowflake: SnowflakeClient, values: list[Decimal]
) -> None:
    numbers = "[" + ",".join(f"{value:f}" for value in values) + "]"
    texts = json.dumps([f"{value:f}" for value in values])
    for bind in (numbers, texts):
        rows = snowflake.rows(
            READ.format("f.value::NUMBER(38,9), f.value::VARCHAR::NUMBER(38,9)"), bind
        )
        for value, row in zip(values, rows, strict=True):
            assert [Decimal(cell) for cell in row] == [value, value]


@server
@given(values=st.lists(st.decimals(-1000, 1000, places=12), min_size=1, max_size=20))
def test_decimals_inside_a_variant_are_exact(
    snowflake: SnowflakeClient, values: list[Decimal]
) -> None:
    [[stored]] = snowflake.rows(
        "SELECT PARSE_JSON(?)", "[" + ",".join(f"{v:f}" for v in values) + "]"
    )
    assert json.loads(stored, parse_float=Decimal, parse_int=Decimal) == values


text = st.text(st.characters(exclude_categories=["Cs"]), max_size=50)


@server
@given(values=st.lists(text, min_size=1, max_size=20))
def test_texts_are_unchanged(snowflake: SnowflakeClient, values: list[str]) -> None:
    rows = snowflake.rows(READ.format("f.value::VARCHAR"), json.dumps(values))
    assert [cell for [cell] in rows] == values


@server
@example(key="$A")
@given(key=text)
def test_any_key_can_be_read(snowflake: SnowflakeClient, key: str) -> None:
    bind = json.dumps([{key: "x", "other": {key: "y"}}])
    quoted = "'" + key.replace("\\", "\\\\").replace("'", "''") + "'"
    columns = f"f.value[{quoted}]::VARCHAR, GET(f.value:other, {quoted})::VARCHAR"
    assert snowflake.rows(READ.format(columns), bind) == [["x", "y"]]


@pytest.mark.parametrize(
    ("number", "shown"),
    [
        ("1.10", "1.1"),
        ("100.000", "100"),
        ("0.000000001", "0.000000001"),
        ("-12345678901234567890.123456789", "-12345678901234567890.123456789"),
        ("123456789012345678901234567890", "123456789012345678901234567890"),
        ('"12e99999"', "12e99999"),
    ],
)
def test_json_numbers_as_text(
    snowflake: SnowflakeClient, number: str, shown: str
) -> None:
    assert snowflake.value("PARSE_JSON(?)::VARCHAR", number) == shown
    assert snowflake.value("PARSE_JSON(?):a::VARCHAR", f'{{"a":{number}}}') == shown


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("v:a", "1"),
        ("v:a:b", None),
        ("v:c.d", "2"),
        ('v:"c"."d"', "2"),
        ('v:"c":"d"', "2"),
        ("v['c']['d']", "2"),
        ("v:c['d']", "2"),
        ("GET(v:c, 'd')", "2"),
        ("GET_PATH(v, 'c.d')", "2"),
        ("v:e[1]", "4"),
        ("v['e'][0]", "3"),
        ("GET(v:e, 1)", "4"),
        ("v:e[1]::INT + 1", "5"),
        ("v:f[0].g", "5"),
        ("v['f'][0].g", "5"),
        ('v:"it\'s a ""key"""', "6"),
        ("v['a/b~c']", "7"),
        ("v:A", None),
        ("v:missing", None),
        ("v:nothing", "null"),
        ("v:nothing::VARCHAR", None),
        ("STRIP_NULL_VALUE(v:nothing)", None),
        ("IS_NULL_VALUE(v:nothing)", "true"),
        ("TYPEOF(v:a)", "INTEGER"),
        ("TYPEOF(v:e)", "ARRAY"),
        ("TYPEOF(v:c)", "OBJECT"),
        ("ARRAY_SIZE(v:e)", "2"),
        ("v:e", "[3,4]"),
        ("v:e::VARCHAR", "[3,4]"),
    ],
)
def test_paths_into_a_variant(
    snowflake: SnowflakeClient, path: str, value: str | None
) -> None:
    document = json.dumps(
        {
            "a": 1,
            "c": {"d": 2},
            "e": [3, 4],
            "f": [{"g": 5}],
            'it\'s a "key"': 6,
            "a/b~c": 7,
            "nothing": None,
        }
    )
    assert snowflake.value(f"{path} FROM (SELECT PARSE_JSON(?) AS v)", document) == (
        value
    )


@pytest.mark.parametrize(
    ("expression", "code", "state"),
    [
        ("'12a'::NUMBER(38,9)", "100038", "22018"),
        ("''::NUMBER(38,9)", "100038", "22018"),
        ("'1_0'::INT", "100038", "22018"),
        ("TO_NUMBER('x', 10, 2)", "100038", "22018"),
        ("'x'::FLOAT", "100038", "22018"),
        ("1000::NUMBER(3,0)", "100046", "22003"),
        ("'1000'::NUMBER(3,0)", "100046", "22003"),
        ("'maybe'::BOOLEAN", "100037", "22018"),
        ("'2024-02-30'::DATE", "100040", "22007"),
        ("'20107-05-10'::DATE", "100040", "22007"),
        ("TO_DATE('2024/01/01', 'YYYY-MM-DD')", "100096", "22007"),
        ("'2024-01-01T00:00:00+0000'::TIMESTAMP_TZ", "100035", "22007"),
        ("'2024-01-01T25:00:00Z'::TIMESTAMP_TZ", "100035", "22007"),
        ("'yesterday'::TIMESTAMP_NTZ", "100035", "22007"),
        ("'25 o clock'::TIME", "100108", "22007"),
        ("PARSE_JSON('\"x\"')::NUMBER(38,0)", "100071", "22000"),
        ("PARSE_JSON('{}')::DATE", "100071", "22000"),
        ("'abc'::VARCHAR(2)", "100078", "22000"),
        ("PARSE_JSON('{')", "100069", "22P02"),
        ('PARSE_JSON(\'{"a":1,"a":2}\')', "100069", "22P02"),
        ("PARSE_JSON('NaN')", "100069", "22P02"),
    ],
)
def test_a_value_that_does_not_fit_is_an_error(
    snowflake: SnowflakeClient, expression: str, code: str, state: str
) -> None:
    assert snowflake.error(f"SELECT {expression}") == (code, state)


def test_the_message_shows_the_value(snowflake: SnowflakeClient) -> None:
    message = snowflake.post("SELECT '12a'::NUMBER").json()["message"]
    assert message == "Numeric value '12a' is not recognized"
    message = snowflake.post("SELECT TO_DATE('x', 'YYYY-MM-DD')").json()["message"]
    assert message == "Can't parse 'x' as date with format 'YYYY-MM-DD'"


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("TRY_CAST('12a' AS NUMBER(38,9))", None),
        ("TRY_CAST('1000' AS NUMBER(3,0))", None),
        ("TRY_CAST('2024-02-30' AS DATE)", None),
        ("TRY_TO_DATE('2024-02-28', 'YYYY-MM-DD')", "19781"),
        ("TRY_TO_DATE('28.02.2024', 'YYYY-MM-DD')", None),
        ("TRY_TO_TIMESTAMP_TZ('x', '" + MODEL + "')", None),
        ("TRY_TO_NUMBER('1.25', 10, 2)", "1.25"),
        ("TRY_TO_BOOLEAN('x')", None),
        ("TRY_PARSE_JSON('{')", None),
        ("TRY_PARSE_JSON(NULL)", None),
        ("TO_BOOLEAN('YES')", "true"),
        ("'off'::BOOLEAN", "false"),
        ("'1.5'::NUMBER(38,0)", "2"),
        ("' 1.5 '::NUMBER(38,1)", "1.5"),
        ("'1e-9'::NUMBER(38,9)", "0.000000001"),
        ("5::BOOLEAN", "true"),
        ("TRUE::INT", "1"),
        ("'2024-03-01'::TIMESTAMP_NTZ", "1709251200.000000000"),
        ("'2024-03-01T10:00:00+02:00'::TIMESTAMP_NTZ", "1709287200.000000000"),
        ("'2024-03-01T10:00:00Z'::DATE", "19783"),
        ("TO_TIMESTAMP_NTZ('2024-03-01 10:00:00')", "1709287200.000000000"),
        (
            "TO_TIMESTAMP_TZ('2024-03-01 10:00:00.1234567-05:30', '" + MODEL + "')",
            "1709307000.123456000 1110",
        ),
        ("TO_TIME('10:11:12.5', 'HH24:MI:SS.FF9')", "36672.500000000"),
        ("SUM(column1) FROM VALUES (0.1), (0.2)", "0.3"),
        ("1.5::NUMBER(38,4)::VARIANT::VARCHAR", "1.5000"),
    ],
)
def test_conversions(
    snowflake: SnowflakeClient, expression: str, value: str | None
) -> None:
    assert snowflake.value(expression) == value
