"""The forms of macros for values of a known type, against those that ask for it."""

from __future__ import annotations

import functools
from typing import Any

import duckdb
import pytest
from sandbox.snowflake.engine import kinds, macros, parsing, translate
from sqlglot import exp

TEXTS = [
    "",
    " 12.50 ",
    "-1e3",
    "true",
    "off",
    "12:30",
    "2024-02-29",
    "2024-02-29T10:11:12.5Z",
    "2024-02-29 10:11:12 -05:30",
    "2024-02-30",
    "0AFF",
    "QUJD",
    "ä{",
]
JSON = [
    *("null", "0", "12.5", "1.10e99999", "true", '"no"', '"2024-02-29"', '""'),
    *('"2024-02-29T10:11:12.5+05:30"', '"0aff"', '{"a": 0.1e99999}', "[1, 2]"),
]
MODEL = ["^([0-9]{4})-(..)-(..)$", r"\1-\2-\3", "date", "YYYY-MM-DD"]


@functools.cache
def engine() -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    connection.execute("ATTACH ':memory:' AS FINANCE; SET schema = 'FINANCE.main'")
    connection.execute("SET TimeZone = 'UTC'")
    for statement in macros.creation("FINANCE"):
        connection.execute(statement)
    return connection


def arguments(name: str) -> str:
    """Return what a macro is given beside the value."""
    if name.endswith("SIZED_TEXT"):
        return ", 4"
    is_model = "FORMATTED" in name or name.removeprefix("TRY_").startswith("AS_")
    return "".join(f", '{text}'" for text in MODEL) if is_model else ""


def outcome(call: str, values: list[str], kind: str) -> list[Any]:
    """Return a call's type and value for each value, or how it fails."""
    source = f"(SELECT CAST(unnest(?) AS {kind}) AS v)"
    query = (
        f"SELECT typeof(x), CAST(x AS VARCHAR) FROM (SELECT {call} AS x FROM {source})"  # noqa: S608 - the test's own
    )
    try:
        return engine().execute(query, [values]).fetchall()
    except duckdb.Error as error:
        return [str(error).splitlines()[0]]


@pytest.mark.parametrize("name", sorted(kinds.FORMS))
@pytest.mark.parametrize(("kind", "values"), [(kinds.TEXT, TEXTS), (kinds.JSON, JSON)])
def test_a_form_gives_what_the_macro_that_asks_gives(
    name: str, kind: str, values: list[str]
) -> None:
    def both(name: str, values: list[str]) -> list[Any]:
        asked, known = (
            outcome(f"{kinds.form(name, k)}(v{arguments(name)})", values, kind)
            for k in (None, kind)
        )
        assert known == asked
        return known

    if name == "TEXT":
        assert {row[0] for row in both(name, values)} == {kinds.TEXT}
        return
    tried = both(f"TRY_{name}", values)
    taken = [v for v, row in zip(values, tried, strict=True) if row[1] is not None]
    refused = [v for v in values if v not in taken and v != "null"]
    assert both(name, taken) == [row for row in tried if row[1] is not None]
    if name in kinds.GIVEN:
        assert {row[0] for row in tried} == {kinds.GIVEN[name]}
    for value in refused[:2]:
        [error] = both(name, [value])
        assert "SF|" in error


@pytest.mark.parametrize(
    ("expression", "text"),
    [
        ("v:a::VARCHAR", "_SB_JSON_TEXT(_SB_GET(v, '/a'))"),
        (
            "CAST(CAST(v:a AS VARCHAR) AS DATE)",
            "CAST(_SB_VARCHAR_DATE(_SB_JSON_TEXT(_SB_GET(v, '/a'))) AS DATE)",
        ),
        ("TRY_CAST(v:a AS BOOLEAN)", "_SB_JSON_TRY_BOOLEAN(_SB_GET(v, '/a'))"),
        ("('x')::VARCHAR(2)", "_SB_VARCHAR_SIZED_TEXT(('x'), 2)"),
        ("v::VARCHAR", "_SB_TEXT(v)"),
        ("1::VARCHAR", "_SB_TEXT(1)"),
    ],
)
def test_a_statement_calls_the_form_that_its_text_tells(
    expression: str, text: str
) -> None:
    statement = parsing.parse(f"SELECT {expression} AS x")
    changed = translate.translate(statement, translate.Session({}))
    assert kinds.settle(changed).sql(dialect="snowflake") == f"SELECT {text} AS x"


def test_what_is_said_to_be_json_is_json() -> None:
    calls = {
        **dict.fromkeys(("JSON", "PARSE_JSON", "TRY_PARSE_JSON"), "'[1]'"),
        "GET": "'[1]', '/0'",
        "VARIANT": "1.5",
    }
    named = {name for name, kind in kinds.GIVEN.items() if kind == kinds.JSON}
    assert named == set(calls)
    for name, given in calls.items():
        [[kind]] = engine().sql(f"SELECT typeof(_SB_{name}({given}))").fetchall()
        assert kind == "JSON"


def test_only_calls_of_macros_are_settled() -> None:
    assert kinds.kind_of(exp.column("a")) is None
    assert kinds.kind_of(exp.Literal.number(1)) is None
