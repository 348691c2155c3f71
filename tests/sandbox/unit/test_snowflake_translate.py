"""The translation of SQL, JSON and formats, as pure functions."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sandbox.snowflake.engine import (
    errors,
    formats,
    merge,
    parsing,
    translate,
    variants,
)
from sqlglot import exp

SESSION = translate.Session({"CURRENT_ROLE": "LOADER"})


def translated(statement: str) -> tuple[str, list[tuple[int, bool]]]:
    [text] = parsing.split(statement)
    changed = translate.translate(parsing.parse(text), SESSION)
    return translate.text_and_binds(changed)


@pytest.mark.parametrize(
    ("statement", "text"),
    [
        ("v:a.b AS x", "_SB_GET(v, '/a/b') AS x"),
        ("v['a']['b'] AS x", "_SB_GET(v, '/a/b') AS x"),
        ("v['a/b~c'] AS x", "_SB_GET(v, '/a~1b~0c') AS x"),
        ("v:a[0]::DATE AS x", "CAST(_SB_DATE(_SB_GET(v, '/a/0')) AS DATE) AS x"),
        ("a::INT AS x", "CAST(_SB_NUMBER(a) AS DECIMAL(38, 0)) AS x"),
        ("a::VARCHAR AS x", "_SB_TEXT(a) AS x"),
        ("a::VARCHAR(5) AS x", "_SB_SIZED_TEXT(a, 5) AS x"),
        (
            "TRY_CAST(a AS NUMBER(5)) AS x",
            "TRY_CAST(_SB_TRY_NUMBER(a) AS DECIMAL(5, 0)) AS x",
        ),
        ("a::TIMESTAMP_LTZ(9) AS x", "CAST(_SB_TZ(a) AS TIMESTAMPTZ) AS x"),
        ("TO_TIMESTAMP_TZ(a) AS x", "_SB_INSTANT(_SB_TZ(a)) AS x"),
        ("PARSE_JSON('1.10') AS x", "_SB_JSON('1.1') AS x"),
        ("CURRENT_ROLE() AS x", "'LOADER' AS x"),
    ],
)
def test_expressions(statement: str, text: str) -> None:
    assert translated(f"SELECT {statement}")[0] == f"SELECT {text}"


def test_binds_are_numbered_in_the_order_of_the_text() -> None:
    text, order = translated("SELECT :2, ?::VARCHAR AS b, PARSE_JSON(?) AS c")
    assert text.count("?") == 3
    assert order == [(2, False), (1, False), (2, True)]


@pytest.mark.parametrize(
    ("text", "statements"),
    [
        ("SELECT 1; SELECT 2;", ["SELECT 1", " SELECT 2"]),
        ("SELECT ';' ; ", ["SELECT ';' "]),
        ("SELECT 'it''s ; \\' ?'", ["SELECT 'it''s ; \\' ?'"]),
        ('SELECT "a;""?"', ['SELECT "a;""?"']),
        ("SELECT $$ ; ? $$", ["SELECT $$ ; ? $$"]),
        ("SELECT 1 -- ; ?\n, ?", ["SELECT 1 -- ; ?\n,  :1 "]),
        ("/* ; ? */ SELECT ?::INT", ["/* ; ? */ SELECT  :1 ::INT"]),
        (" ; ", []),
    ],
)
def test_splitting(text: str, statements: list[str]) -> None:
    assert parsing.split(text) == statements


def test_a_merge_becomes_plain_statements() -> None:
    statement = parsing.parse(
        "MERGE INTO d.s.t AS x USING (SELECT :1 AS k, 2 AS v) AS y ON x.k = y.k "
        "WHEN MATCHED AND y.v > x.v THEN UPDATE SET x.v = y.v "
        "WHEN NOT MATCHED THEN INSERT (k, v) VALUES (y.k, y.v)"
    )
    assert isinstance(statement, exp.Merge)
    plan = merge.plan(statement)
    texts = [c.apply.sql(dialect="snowflake") for c in plan.clauses]
    assert [clause.action for clause in plan.clauses] == ["updated", "inserted"]
    assert "LEFT JOIN d.s.t AS x ON x.k = y.k" in plan.prepare[1].sql()
    assert texts[0].startswith("UPDATE d.s.t SET v = _SB_MERGE_PAIRS.V0 FROM")
    assert texts[1].startswith("INSERT INTO d.s.t (k, v) SELECT _SB_MERGE_PAIRS.V1")


def test_a_merge_with_the_wrong_number_of_values() -> None:
    statement = parsing.parse(
        "MERGE INTO t USING s ON t.k = s.k "
        "WHEN NOT MATCHED THEN INSERT (k, v) VALUES (s.k)"
    )
    assert isinstance(statement, exp.Merge)
    with pytest.raises(errors.SnowflakeError, match="does not match column list"):
        merge.plan(statement)


@pytest.mark.parametrize(
    ("directives", "model", "text", "iso"),
    [
        ("%Y-%m-%d", "YYYY-MM-DD", "2024-02-29", "2024-02-29 00:00:00"),
        ("%d.%m.%Y", "DD.MM.YYYY", "29.02.2024", "2024-02-29 00:00:00"),
        (
            "%Y-%m-%dT%H:%M:%S.%f_nine%:z",
            'YYYY-MM-DD"T"HH24:MI:SS.FF9TZH:TZM',
            "2024-02-29T10:11:12.5-05:30",
            "2024-02-29 10:11:12.5-05:30",
        ),
        ("%H:%M", "HH24:MI", "10:11", "1970-01-01 10:11:00"),
    ],
)
def test_format_models(directives: str, model: str, text: str, iso: str) -> None:
    rewrite = formats.rewrite(directives)
    assert formats.model(directives) == model
    [row] = duckdb.execute(
        "SELECT regexp_matches($text, $pattern), "
        "regexp_replace($text, $pattern, $replacement)",
        {
            "text": text,
            "pattern": rewrite.pattern,
            "replacement": rewrite.replacement,
        },
    ).fetchall()
    assert row == (True, iso)


def test_format_models_that_the_sandbox_does_not_read() -> None:
    with pytest.raises(errors.SnowflakeError, match="does not read"):
        formats.rewrite("%d %B %Y")


numbers = st.decimals(allow_nan=False, allow_infinity=False).filter(
    lambda number: -40 < number.adjusted() < 40
)
documents = st.recursive(
    st.none()
    | st.booleans()
    | numbers.map(lambda number: f"#{number:f}")
    | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="#")),
    lambda inner: st.lists(inner) | st.dictionaries(st.text("abc"), inner),
    max_leaves=10,
)


@given(document=documents)
def test_json_comes_back_with_every_digit(document: Any) -> None:
    """Texts that start with # stand for numbers."""
    text = json.dumps(document)
    text = "".join(
        part[1:-1].removeprefix("#") if part.startswith('"#') else part
        for part in split_strings(text)
    )
    shown = variants.display(variants.canonical(text))
    assert read(shown) == read(text)


def split_strings(text: str) -> list[str]:
    parts = parsing.TOKENS.split(text)
    return [part for part in parts if part]


def read(text: str) -> Any:
    return json.loads(text, parse_float=Decimal, parse_int=Decimal)


@pytest.mark.parametrize(
    "text", ["{", "", '{"a": 1, "a": 2}', "[NaN]", "[Infinity]", '"\\ud800"', "1 2"]
)
def test_json_that_is_refused(text: str) -> None:
    with pytest.raises(errors.SnowflakeError, match="Error parsing JSON"):
        variants.canonical(text)


@pytest.mark.parametrize(
    ("raised", "code"),
    [
        (duckdb.ConversionException("Could not convert string 'x' to INT64"), "100038"),
        (duckdb.InvalidInputException("SF|100096|22007|Can't parse 'x'"), "100096"),
        (duckdb.CatalogException("Table with name X does not exist!"), "002003"),
        (errors.SnowflakeError("100090", "42P18", "x"), "100090"),
        (RuntimeError("whatever"), "001003"),
    ],
)
def test_errors_of_the_engine(raised: Exception, code: str) -> None:
    assert errors.from_engine(raised).code == code
