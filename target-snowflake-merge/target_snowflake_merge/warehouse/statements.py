"""The SQL that this target sends (pure functions).

Every name is quoted and in upper case, so that it means the same whether or not the
account sets QUOTED_IDENTIFIERS_IGNORE_CASE, and so that people type it unquoted.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from target_snowflake_merge.schema.kinds import INTEGER, TIMESTAMP, ColumnType

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

SEQUENCE = "_SDC_SEQUENCE"
REQUEST_ID = "_SDC_REQUEST_ID"
ROW = "_SDC_ROW"
DELETED_AT = "_SDC_DELETED_AT"
TABLE_VERSION = "_SDC_TABLE_VERSION"

ELEMENTS = "TABLE(FLATTEN(INPUT => PARSE_JSON(?))) AS f"
"""The elements of the JSON array that is the statement's only bind."""


@dataclass(frozen=True)
class Source:
    """A column of the MERGE's source: its name, its type and the SQL of its value."""

    name: str
    type: ColumnType
    sql: str


def identifier(name: str) -> str:
    """Quote a name."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    r"""Quote a text; in Snowflake's constants a backslash escapes as well."""
    return "'" + text.replace("\\", "\\\\").replace("'", "''") + "'"


def qualified(*names: str) -> str:
    """Join the parts of a name, such as database, schema and table."""
    return ".".join(map(identifier, names))


def property_sources(
    names: Mapping[str, str], columns: Mapping[str, ColumnType]
) -> list[Source]:
    """Read the properties of the record; ``names`` says in which column each ends."""
    return [property_source(name, key, columns[name]) for key, name in names.items()]


def property_source(name: str, key: str, column: ColumnType) -> Source:
    """Read a property of the record and cast it to its column."""
    return Source(name, column, cast(f"f.value['record'][{literal(key)}]", column))


def element_source(name: str, key: str, column: ColumnType) -> Source:
    """Read what an element of the array says about its record, such as its sequence."""
    return Source(name, column, cast(f"f.value[{literal(key)}]", column))


def constant_source(name: str, text: str, column: ColumnType) -> Source:
    """Give a value that is the same in all rows of a batch, as its cast reads it."""
    return Source(name, column, cast(literal(text), column))


def row_source() -> Source:
    """Give the place of a row within its batch, for tables without a key.

    It stands in the element, so that it stays the same when a batch is halved.
    """
    return element_source(ROW, "row", INTEGER)


def cast(value: str, column: ColumnType) -> str:
    """Cast a VARIANT to the type of a column."""
    text = f"CAST({value} AS VARCHAR)"
    return column.traits.cast.format(value=value, text=text, type=column)


def merge(table: str, sources: Sequence[Source], keys: Sequence[str]) -> str:
    """Write the MERGE of one batch.

    Its only bind is a JSON array. Rows with one key are reduced to the one with the
    largest sequence, compared on the values as they were cast, and a row of the table
    is replaced only by an observation that is not older.

    Args:
        table: The qualified name of the table.
        sources: The columns to write.
        keys: The names of the key columns. Without keys, a row is known by its request
            id and its place in the batch, and is only ever inserted.
    """
    names = [source.name for source in sources]
    collated = {source.name for source in sources if source.type.collation}
    matched_by = " AND ".join(
        _equal(key, is_collated=key in collated) for key in keys or [REQUEST_ID, ROW]
    )
    update = f"\n{_update(names, keys)}" if keys else ""
    return (
        f"MERGE INTO {table} AS t\n"
        f"USING (\n{_batch(sources, keys)}\n) AS s\n"
        f"ON {matched_by}{update}\n"
        f"WHEN NOT MATCHED{insertion(names)}"
    )


def _equal(key: str, *, is_collated: bool) -> str:
    """Compare a key character by character, whatever the column's collation.

    A collation such as ``en-ci`` comes with the account's DEFAULT_DDL_COLLATION and
    makes one key of two: https://docs.snowflake.com/en/sql-reference/collation
    """
    name = identifier(key)
    own = f"COLLATE(t.{name}, 'utf8')" if is_collated else f"t.{name}"
    return f"{own} = s.{name}"


def insertion(names: Sequence[str]) -> str:
    """Write the end of a MERGE, before which `guarded` can put a condition."""
    return f" THEN INSERT ({_list(names, '{0}')})\nVALUES ({_list(names, 's.{0}')})"


def guarded(sql: str, at: int, first_sequence: int) -> str:
    """Let a MERGE, whose `insertion` begins ``at``, insert only later observations.

    Rows that are there already are updated as ever, by their sequence.
    """
    condition = f" AND s.{identifier(SEQUENCE)} >= {first_sequence}"
    return f"{sql[:at]}{condition}{sql[at:]}"


def upsert(table: str, columns: Mapping[str, ColumnType], key: str) -> str:
    """Write a MERGE whose source rows, called as the columns, always win."""
    rows = ",\n  ".join(
        f"{cast(f'f.value[{literal(name)}]', column)} AS {identifier(name)}"
        for name, column in columns.items()
    )
    changed = [name for name in columns if name != key]
    return (
        f"MERGE INTO {table} AS t\n"
        f"USING (\nSELECT\n  {rows}\nFROM {ELEMENTS}\n) AS s\n"
        f"ON t.{identifier(key)} = s.{identifier(key)}\n"
        f"WHEN MATCHED THEN UPDATE SET {_list(changed, '{0} = s.{0}')}\n"
        f"WHEN NOT MATCHED{insertion(list(columns))}"
    )


def _batch(sources: Iterable[Source], keys: Sequence[str]) -> str:
    """Write the sub-select that turns the bind into rows, one per key.

    The casts stand in a select of their own: beside them, a name such as "VALUE" or
    "INDEX" would mean FLATTEN's column and not the record's.
    """
    columns = ",\n  ".join(f"{s.sql} AS {identifier(s.name)}" for s in sources)
    rows = f"SELECT\n  {columns}\nFROM {ELEMENTS}"
    if not keys:
        return rows
    return (
        f"SELECT * FROM (\n{rows}\n) AS r\n"  # noqa: S608 - values travel as a bind
        f"QUALIFY ROW_NUMBER() OVER (\n"
        f"  PARTITION BY {_list(keys, 'r.{0}')}\n"
        f"  ORDER BY r.{identifier(SEQUENCE)} DESC\n"
        f") = 1"
    )


def _update(names: Sequence[str], keys: Sequence[str]) -> str:
    sequence = identifier(SEQUENCE)
    changed = [name for name in names if name not in keys]
    return (
        f"WHEN MATCHED AND (t.{sequence} IS NULL OR s.{sequence} >= t.{sequence})\n"
        f"THEN UPDATE SET {_list(changed, '{0} = s.{0}')}"
    )


def _list(names: Iterable[str], pattern: str, separator: str = ", ") -> str:
    return separator.join(pattern.format(identifier(name)) for name in names)


def create_schema(database: str, schema: str) -> str:
    """Make the schema where it is missing."""
    return f"CREATE SCHEMA IF NOT EXISTS {qualified(database, schema)}"


def create_table(table: str, columns: Mapping[str, ColumnType]) -> str:
    """Make the table where it is missing."""
    return f"CREATE TABLE IF NOT EXISTS {table} (\n  {_definitions(columns)}\n)"


def _definitions(columns: Mapping[str, ColumnType]) -> str:
    return ",\n  ".join(f"{identifier(name)} {columns[name]}" for name in columns)


def add_column(table: str, name: str, column: ColumnType) -> str:
    """Add a column where it is missing."""
    return f"ALTER TABLE {table} ADD COLUMN IF NOT EXISTS {identifier(name)} {column}"


def widen_column(table: str, name: str, column: ColumnType) -> str:
    """Let a column hold longer texts or larger numbers; its collation stays."""
    collation = f" COLLATE {literal(column.collation)}" if column.collation else ""
    return (
        f"ALTER TABLE {table} ALTER COLUMN {identifier(name)} "
        f"SET DATA TYPE {column}{collation}"
    )


def describe(table: str) -> str:
    """Read the columns of a table."""
    return f"DESCRIBE TABLE {table}"


def schema_exists(database: str) -> str:
    """Look for a schema; its bind is the schema's name."""
    return (
        "SELECT SCHEMA_NAME\n"
        f"FROM {identifier(database)}.INFORMATION_SCHEMA.SCHEMATA\n"
        "WHERE SCHEMA_NAME = ?"
    )


def mark_deleted(
    table: str,
    deleted_at: str,
    first_sequence: int,
    version: int,
    column: ColumnType = TIMESTAMP,
) -> str:
    """Mark the rows that were last observed before a version's first record.

    Rows of the version itself stay: taps that read increments announce the version of
    their first complete reading again in every run.

    The mark counts as an observation at the time of that record: whoever has seen such
    a row since then, in a run beside this one, has seen it later and brings it back; a
    batch from before it does not, however late it is sent.
    """
    deleted = identifier(DELETED_AT)
    return (
        f"UPDATE {table} SET\n"
        f"  {deleted} = {cast(literal(deleted_at), column)},\n"
        f"  {identifier(SEQUENCE)} = {first_sequence}\n"
        f"WHERE {deleted} IS NULL\n"
        f"  AND {_is_gone(first_sequence, version)}"
    )


def delete(table: str, first_sequence: int, version: int) -> str:
    """Remove the rows that `mark_deleted` would mark, and those that it has marked."""
    gone = _is_gone(first_sequence, version)
    return f"DELETE FROM {table}\nWHERE {gone}"  # noqa: S608 - names are quoted


def _is_gone(first_sequence: int, version: int) -> str:
    sequence, own = identifier(SEQUENCE), identifier(TABLE_VERSION)
    return (
        f"({sequence} IS NULL OR {sequence} < {first_sequence})\n"
        f"  AND ({own} IS NULL OR {own} <> {cast(literal(str(version)), INTEGER)})"
    )


def largest_sequence(table: str) -> str:
    """Find the last observation that a table holds."""
    sequence = identifier(SEQUENCE)
    return f"SELECT MAX({sequence}) AS {sequence} FROM {table}"  # noqa: S608 - names are quoted


def watermarks(ledger: str) -> str:
    """Find the largest sequences that statements for each table have had."""
    return (
        "SELECT TABLE_NAME, KIND, LOAD_METHOD, STATUS, TABLE_VERSION, "
        "MAX(LAST_SEQUENCE) AS LAST_SEQUENCE\n"
        f"FROM {ledger}\n"
        "GROUP BY TABLE_NAME, KIND, LOAD_METHOD, STATUS, TABLE_VERSION"
    )


def loads(ledger: str, limit: int, *, by_stream: bool) -> str:
    """List the ledger, failures on top; the stream is a bind where it is asked for."""
    where = "WHERE STREAM = ?\n" if by_stream else ""
    return (
        f"SELECT * FROM {ledger}\n{where}"  # noqa: S608 - names are quoted
        "ORDER BY CASE STATUS WHEN 'failed' THEN 0 ELSE 1 END, "
        "STARTED_AT DESC, REQUEST_ID\n"
        f"LIMIT {limit:d}"
    )
