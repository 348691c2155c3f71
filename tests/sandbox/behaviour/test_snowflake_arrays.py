"""Arrays, keys and truncated dates, as Snowflake's documentation has them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sandbox.table import distinct

if TYPE_CHECKING:
    from tests.sandbox.conftest import SnowflakeClient

OF_ROWS = {
    "ARRAY_UNIQUE_AGG(id)": "[1,3]",
    "ARRAY_UNIQUE_AGG(amount)": "[2.500000000,2.750000000]",
    "ARRAY_UNIQUE_AGG(name)": '["x","y"]',
    "ARRAY_UNIQUE_AGG(nothing)": "[]",
    "ARRAY_SIZE(ARRAY_UNIQUE_AGG(id))": "2",
    "ARRAY_AGG(DISTINCT id)": "[1,3]",
}
OF_A_ROW = {
    "OBJECT_KEYS(doc)": ("variant", '["a","b"]'),
    "OBJECT_KEYS(PARSE_JSON('{}'))": ("variant", "[]"),
    "ARRAY_SIZE(OBJECT_KEYS(doc))": ("fixed", "2"),
    "DATE_TRUNC('month', day)": ("date", "19844"),
    "DATE_TRUNC(week, day)": ("date", "19849"),
    "DATE_TRUNC('year', '2024-05-09'::DATE)": ("date", "19723"),
    "DATE_TRUNC('year', DATE_TRUNC('month', day))": ("date", "19723"),
    "TRUNC(day, 'month')": ("date", "19844"),
    "DATE_TRUNC('month', at)": ("timestamp_ntz", "1714521600.000000000"),
    "PARSE_JSON('')": ("variant", None),
    "PARSE_JSON(' \n\t')": ("variant", None),
    "PARSE_JSON(blank)": ("variant", None),
    "ARRAY_CONSTRUCT(1, 'x')": ("variant", '[1,"x"]'),
    "ARRAY_CONSTRUCT()": ("variant", "[]"),
    "[1.25, 'x', TRUE, doc]": ("variant", '[1.25,"x",true,{"a":1,"b":null}]'),
    "ARRAY_CONSTRUCT(1, 'x')[1]::VARCHAR": ("text", "x"),
    "ARRAY_CONSTRUCT_COMPACT(1, NULL, 'x')": ("variant", '[1,"x"]'),
    "ARRAY_CONTAINS('x'::VARIANT, ARRAY_CONSTRUCT(1, 'x'))": ("boolean", "true"),
    "ARRAY_CAT(many, ARRAY_CONSTRUCT('z'))": ("variant", '[1,2,"z"]'),
    "ARRAY_APPEND(many, 3)": ("variant", "[1,2,3]"),
    "ARRAY_DISTINCT(ARRAY_CONSTRUCT(1, 1))": ("variant", "[1]"),
    "ARRAY_SLICE(many, 0, 1)": ("variant", "[1]"),
    "ARRAY_POSITION(2, many)": ("fixed", "1"),
    "ARRAY_TO_STRING(many, '-')": ("text", "1-2"),
}


@pytest.fixture
def table(snowflake: SnowflakeClient) -> SnowflakeClient:
    snowflake.run(
        "CREATE TABLE t (id INT, amount NUMBER(38,9), name VARCHAR, day DATE, "
        "at TIMESTAMP_NTZ, doc OBJECT, many ARRAY, blank VARCHAR, nothing INT)"
    )
    snowflake.run(
        "INSERT INTO t SELECT 1, 2.5, 'x', '2024-05-09', '2024-05-09 08:50:57', "
        """PARSE_JSON('{"a":1,"b":null}'), ARRAY_CONSTRUCT(1, 2), ' ', NULL"""
    )
    snowflake.run(
        "INSERT INTO t (id, amount, name) VALUES (3, 2.75, 'y'), (1, 2.5, 'x')"
    )
    return snowflake


def test_aggregates_make_arrays(table: SnowflakeClient) -> None:
    """Their order is not promised, nor here."""
    columns = ", ".join(f"{text} AS C{n}" for n, text in enumerate(OF_ROWS))
    [row] = table.rows(f"SELECT {columns} FROM t")  # noqa: S608 - the test's own text
    assert dict(zip(OF_ROWS, map(sorted, row), strict=True)) == {
        text: sorted(value) for text, value in OF_ROWS.items()
    }


def test_functions_have_the_documented_types_and_values(table: SnowflakeClient) -> None:
    columns = ", ".join(f"{text} AS C{n}" for n, text in enumerate(OF_A_ROW))
    query = f"SELECT {columns} FROM t WHERE day IS NOT NULL"  # noqa: S608 - as above
    answer = table.run(query)
    types = [column["type"] for column in answer["resultSetMetaData"]["rowType"]]
    [row] = answer["data"]
    found = zip(types, row, strict=True)
    assert dict(zip(OF_A_ROW, found, strict=True)) == OF_A_ROW


def test_no_column_of_a_json_line_hides_another() -> None:
    assert distinct(["ID", "ID", "A", "ID_2", "ID"]) == [
        "ID",
        "ID_3",
        "A",
        "ID_2",
        "ID_4",
    ]
