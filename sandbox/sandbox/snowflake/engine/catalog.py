"""What Snowflake says about its objects: INFORMATION_SCHEMA and DESCRIBE TABLE.

Views in the database file, in the engine's own SQL; fakesnow sends queries of
INFORMATION_SCHEMA to views of these names. Columns as documented under
https://docs.snowflake.com/en/sql-reference/info-schema
"""

from __future__ import annotations

from sandbox import config
from sandbox.snowflake.engine.names import shown

LENGTHS = "_fs_global._fs_information_schema._fs_columns_ext"
"""Where fakesnow remembers the lengths of VARCHAR columns, in memory only."""
HOME = f"{config.DATABASE}._fs_information_schema"
KEPT_LENGTHS = f"{HOME}._sb_text_lengths"
"""The copy of the lengths in the database file."""
DEFAULT_LENGTH = 16_777_216
"""Characters of a VARCHAR that declares no length."""
BINARY_LENGTH = 8_388_608
OWN = "('main', 'pg_catalog', '_fs_information_schema')"
"""Schemas of the engine, which are none of Snowflake's."""

NOTE = "_SB:"
"""How the comment on a column begins that keeps what the engine's type does not."""
COMMENT = f"CASE WHEN NOT starts_with(coalesce(comment, ''), '{NOTE}') THEN comment END"

TYPE = """CASE
    WHEN data_type LIKE 'DECIMAL%' OR data_type LIKE '%INT' THEN 'NUMBER'
    WHEN data_type = 'VARCHAR' THEN 'TEXT'
    WHEN data_type IN ('DOUBLE', 'FLOAT') THEN 'FLOAT'
    WHEN data_type = 'BLOB' THEN 'BINARY'
    WHEN data_type = 'TIMESTAMP' THEN 'TIMESTAMP_NTZ'
    WHEN data_type = 'TIMESTAMP WITH TIME ZONE' THEN 'TIMESTAMP_LTZ'
    WHEN data_type = 'INTERVAL' THEN 'TIMESTAMP_TZ'
    WHEN data_type = 'JSON' THEN 'VARIANT'
    ELSE data_type END"""

COLUMNS = f"""SELECT
    database_name AS TABLE_CATALOG,
    {shown("schema_name")} AS TABLE_SCHEMA,
    {shown("table_name")} AS TABLE_NAME,
    {shown("column_name")} AS COLUMN_NAME,
    column_index AS ORDINAL_POSITION,
    column_default AS COLUMN_DEFAULT,
    CASE WHEN is_nullable THEN 'YES' ELSE 'NO' END AS IS_NULLABLE,
    {TYPE} AS DATA_TYPE,
    CASE data_type
        WHEN 'VARCHAR'
        THEN coalesce(ext_character_maximum_length, {DEFAULT_LENGTH})
        WHEN 'BLOB' THEN {BINARY_LENGTH} END AS CHARACTER_MAXIMUM_LENGTH,
    CASE data_type
        WHEN 'VARCHAR' THEN least(
            4 * coalesce(ext_character_maximum_length, {DEFAULT_LENGTH}),
            {DEFAULT_LENGTH})
        WHEN 'BLOB' THEN {BINARY_LENGTH} END AS CHARACTER_OCTET_LENGTH,
    CASE WHEN data_type LIKE 'DECIMAL%' THEN numeric_precision
        WHEN data_type LIKE '%INT' THEN 38 END AS NUMERIC_PRECISION,
    CASE WHEN data_type LIKE 'DECIMAL%' OR data_type LIKE '%INT'
        THEN 10 END AS NUMERIC_PRECISION_RADIX,
    CASE WHEN data_type LIKE 'DECIMAL%' THEN numeric_scale
        WHEN data_type LIKE '%INT' THEN 0 END AS NUMERIC_SCALE,
    'NO' AS IS_IDENTITY,
    {COMMENT} AS COMMENT,
    CASE WHEN starts_with(comment, '{NOTE}') THEN substr(comment, {len(NOTE) + 1})
        END AS NOTE
FROM duckdb_columns() LEFT JOIN {LENGTHS} ON
    ext_table_schema = schema_name AND ext_table_name = table_name
    AND ext_column_name = column_name
WHERE database_name = '{config.DATABASE}' AND schema_name NOT IN {OWN}"""  # noqa: S608 - constants

TABLES = f"""SELECT
    database_name AS TABLE_CATALOG,
    {shown("schema_name")} AS TABLE_SCHEMA,
    {shown("table_name")} AS TABLE_NAME,
    '{config.ROLE}' AS TABLE_OWNER,
    'BASE TABLE' AS TABLE_TYPE,
    'NO' AS IS_TRANSIENT,
    estimated_size AS ROW_COUNT,
    0 AS BYTES,
    1 AS RETENTION_TIME,
    to_timestamp(0) AS CREATED,
    to_timestamp(0) AS LAST_ALTERED,
    comment AS COMMENT
FROM duckdb_tables()
WHERE database_name = '{config.DATABASE}' AND schema_name NOT IN {OWN}"""  # noqa: S608 - constants

SCHEMATA = f"""SELECT
    database_name AS CATALOG_NAME,
    CASE schema_name WHEN '_fs_information_schema' THEN 'INFORMATION_SCHEMA'
        ELSE {shown("schema_name")} END AS SCHEMA_NAME,
    '{config.ROLE}' AS SCHEMA_OWNER,
    'NO' AS IS_TRANSIENT,
    'NO' AS IS_MANAGED_ACCESS,
    1 AS RETENTION_TIME,
    to_timestamp(0) AS CREATED,
    to_timestamp(0) AS LAST_ALTERED,
    comment AS COMMENT
FROM duckdb_schemas()
WHERE database_name = '{config.DATABASE}'
    AND schema_name NOT IN ('main', 'pg_catalog')"""  # noqa: S608 - constants

VIEWS = {
    "_sb_columns": COLUMNS,
    "_fs_columns": f"SELECT * EXCLUDE (NOTE) FROM {HOME}._sb_columns",  # noqa: S608 - a constant
    "_fs_tables": TABLES,
    "_fs_schemata": SCHEMATA,
}

SPELLED_TYPE = """CASE DATA_TYPE
    WHEN 'TEXT' THEN 'VARCHAR(' || CHARACTER_MAXIMUM_LENGTH || ')' || coalesce(NOTE, '')
    WHEN 'BINARY' THEN 'BINARY(' || CHARACTER_MAXIMUM_LENGTH || ')'
    WHEN 'NUMBER' THEN 'NUMBER(' || NUMERIC_PRECISION || ',' || NUMERIC_SCALE || ')'
    ELSE CASE WHEN DATA_TYPE LIKE 'TIME%' THEN DATA_TYPE || coalesce(NOTE, '(9)')
        WHEN DATA_TYPE = 'VARIANT' THEN coalesce(NOTE, DATA_TYPE)
        ELSE DATA_TYPE END
    END"""

DESCRIBE = f"""SELECT
    COLUMN_NAME AS "name",
    {SPELLED_TYPE} AS "type",
    'COLUMN' AS "kind",
    CASE IS_NULLABLE WHEN 'YES' THEN 'Y' ELSE 'N' END AS "null?",
    COLUMN_DEFAULT AS "default",
    'N' AS "primary key",
    'N' AS "unique key",
    NULL AS "check",
    NULL AS "expression",
    COMMENT AS "comment",
    NULL AS "policy name",
    NULL AS "privacy domain"
FROM {HOME}._sb_columns
WHERE TABLE_SCHEMA = ? AND TABLE_NAME = ?
ORDER BY ORDINAL_POSITION"""  # noqa: S608 - constants


def creation() -> list[str]:
    """Return the statements that create the views."""
    return [
        f"CREATE OR REPLACE VIEW {HOME}.{name} AS {query}"
        for name, query in VIEWS.items()
    ]
