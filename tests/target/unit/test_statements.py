import pytest
import sqlglot
from hypothesis import given
from hypothesis import strategies as st
from sqlglot import exp
from target_snowflake_merge.schema.kinds import INTEGER, TEXT, ColumnType, Kind
from target_snowflake_merge.warehouse import statements

TABLE = statements.qualified("FINANCE", "ERP", "ORDER")
COLUMNS = {
    "ID": TEXT,
    "GROUP": ColumnType(Kind.NUMBER, scale=9),
    "AT": ColumnType(Kind.TIMESTAMP_TZ),
    "DAY": ColumnType(Kind.DATE),
    "VALUE": ColumnType(Kind.TIME),
    "DONE": ColumnType(Kind.BOOLEAN),
    "LINES": ColumnType(Kind.VARIANT),
    'QUO"TE': ColumnType(Kind.VARCHAR, length=5),
}
SOURCES = [
    *(
        statements.property_source(name, name.lower(), COLUMNS[name])
        for name in COLUMNS
    ),
    statements.element_source("_SDC_SEQUENCE", "sequence", INTEGER),
    statements.constant_source("_SDC_REQUEST_ID", "it's 5 o'clock \\", TEXT),
]

EXPECTED = """\
MERGE INTO "DB"."S"."T" AS t
USING (
SELECT * FROM (
SELECT
  CAST(f.value['record']['Id'] AS VARCHAR) AS "ID",
  CAST(CAST(f.value['record']['amount'] AS VARCHAR) AS NUMBER(38,9)) AS "AMOUNT",
  CAST(CAST(f.value['sequence'] AS VARCHAR) AS NUMBER(38,0)) AS "_SDC_SEQUENCE"
FROM TABLE(FLATTEN(INPUT => PARSE_JSON(?))) AS f
) AS r
QUALIFY ROW_NUMBER() OVER (
  PARTITION BY r."ID"
  ORDER BY r."_SDC_SEQUENCE" DESC
) = 1
) AS s
ON t."ID" = s."ID"
WHEN MATCHED AND (t."_SDC_SEQUENCE" IS NULL OR s."_SDC_SEQUENCE" >= t."_SDC_SEQUENCE")
THEN UPDATE SET "AMOUNT" = s."AMOUNT", "_SDC_SEQUENCE" = s."_SDC_SEQUENCE"
WHEN NOT MATCHED THEN INSERT ("ID", "AMOUNT", "_SDC_SEQUENCE")
VALUES (s."ID", s."AMOUNT", s."_SDC_SEQUENCE")"""


def parsed(sql: str) -> exp.Expr:
    return sqlglot.parse_one(sql, dialect="snowflake")


def test_the_merge_in_full() -> None:
    sources = [
        statements.property_source("ID", "Id", TEXT),
        statements.property_source(
            "AMOUNT", "amount", ColumnType(Kind.NUMBER, scale=9)
        ),
        statements.element_source("_SDC_SEQUENCE", "sequence", INTEGER),
    ]

    merge = statements.merge(statements.qualified("DB", "S", "T"), sources, ["ID"])

    assert merge == EXPECTED


@pytest.mark.parametrize("keys", [["ID"], ["ID", 'QUO"TE', "VALUE"], []])
def test_every_merge_is_snowflake_sql_with_one_bind(keys: list[str]) -> None:
    sources = [*SOURCES, statements.row_source()]

    merge = parsed(statements.merge(TABLE, sources, keys))

    assert isinstance(merge, exp.Merge)
    assert len(list(merge.find_all(exp.Placeholder))) == 1


def test_without_keys_rows_are_only_inserted() -> None:
    merge = statements.merge(TABLE, [*SOURCES, statements.row_source()], [])

    assert "WHEN MATCHED" not in merge
    assert 'ON t."_SDC_REQUEST_ID" = s."_SDC_REQUEST_ID" AND t."_SDC_ROW"' in merge


names = st.text(min_size=1).filter(lambda text: "\x00" not in text)


@given(names)
def test_any_name_stays_one_identifier(name: str) -> None:
    column = parsed(f"SELECT {statements.identifier(name)}").find(exp.Identifier)

    assert column is not None
    assert column.name == name


@given(names)
def test_any_property_is_read_by_its_exact_name(name: str) -> None:
    source = statements.property_source("C", name, TEXT)

    literals = parsed(source.sql).find_all(exp.Literal)

    assert {literal.name for literal in literals} == {"record", name}
