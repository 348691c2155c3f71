"""What statements of one kind have in common, and what is their own (pure)."""

from __future__ import annotations

from functools import partial

import pytest
from sandbox.snowflake.engine import names, shapes
from sandbox.snowflake.engine.translations import KEPT, Translations

STATEMENT = """MERGE INTO "FINANCE"."{schema}"."BILL" AS t USING (
SELECT CAST('{id}' AS VARCHAR) AS "_SDC_REQUEST_ID", TO_DATE(CAST('{day}' AS VARCHAR))
FROM "FINANCE"."{schema}"."OTHER"
) AS s ON t."ID" = s."ID"
"""


def filled(schema: str, **texts: str) -> str:
    return STATEMENT.format(schema=schema, **texts)


def test_statements_that_differ_in_schemas_and_texts_have_one_shape() -> None:
    one = shapes.shape(filled("S1", id="a-b", day="2026-01-01"))
    other = shapes.shape(filled("sales", id="c d", day="2026-12-31"))
    assert one.text == other.text
    assert one.parts == ("S1", "a-b", "2026-01-01")
    assert other.parts == (names.keep("sales"), "c d", "2026-12-31")
    assert one.restored(one.text) == filled("S1", id="a-b", day="2026-01-01")


def test_equal_parts_are_equal_in_the_shape() -> None:
    same = shapes.shape(filled("S1", id="x", day="x"))
    different = shapes.shape(filled("S1", id="x", day="y"))
    assert same.text != different.text
    assert same.parts == ("S1", "x")


@pytest.mark.parametrize(
    "text",
    [
        """SELECT v['a'], 'CAST', "FINANCE"."S1" """,
        """SELECT CAST('it''s' AS VARCHAR) AS "A", CAST('\\\\' AS VARCHAR) AS "B" """,
        """SELECT TO_CHAR(x, CAST('YYYY' AS VARCHAR))""",
        """SELECT $$ (CAST('a' AS VARCHAR)) $$""",
        """SELECT (CAST('\uf8f00\uf8f1' AS VARCHAR))""",
        """SELECT '\uf8f00\uf8f1', (CAST('a' AS VARCHAR))""",
        """SELECT "OTHER"."S1"."BILL".x""",
    ],
)
def test_all_else_stays(text: str) -> None:
    assert shapes.shape(text) == shapes.Shape(text)


def test_what_was_made_for_a_key_is_made_once_until_others_take_its_place() -> None:
    translations = Translations()
    made: list[object] = []

    def noted(key: object) -> object:
        made.append(key)
        return key

    for key in ["a", "b", "a", *range(KEPT - 1), "a", "b"]:
        assert translations.get(key, partial(noted, key)) == key
    assert made == ["a", "b", *range(KEPT - 1), "b"]
    assert len(translations.kept) == KEPT
