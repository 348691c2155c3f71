"""Finding the value for which Snowflake has refused a batch.

Snowflake's errors seldom say which row and column it was. So the batch is sent once
more, in a SELECT that tries each cast instead of demanding it:
https://docs.snowflake.com/en/sql-reference/functions-conversion
"""

from __future__ import annotations

import logging
import re
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import msgspec

from target_snowflake_merge.errors import TargetError, excerpt
from target_snowflake_merge.schema.kinds import TEXT, ColumnType, Kind
from target_snowflake_merge.warehouse import evolution, statements

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from target_snowflake_merge.errors import StatementError
    from target_snowflake_merge.sql_api.client import Result

    Ask = Callable[..., Result]
    """Executes a statement with its binds."""

logger = logging.getLogger(__name__)

DATA_ERROR = re.compile(r"100(?!090|183)\d{3}")
"""Codes of errors that a value causes, such as 100038 for a number that is none.

100090 and 100183 are about rows and procedures.
"""

NULL_REFUSED = "100072"

LARGEST_VALUE = 16 * 1024 * 1024
"""Bytes that a value may have on every account; newer ones allow more:
https://docs.snowflake.com/en/sql-reference/data-types-text
"""


class Element(msgspec.Struct):
    """What a diagnosis reads of an element of the batch."""

    record: dict[str, Any]


class RawElement(msgspec.Struct):
    """The same with the record as it was sent."""

    record: msgspec.Raw


elements_decoder = msgspec.json.Decoder(list[Element], float_hook=Decimal)
texts_decoder = msgspec.json.Decoder(list[RawElement])
properties_decoder = msgspec.json.Decoder(dict[str, msgspec.Raw])


@dataclass(frozen=True)
class Finding:
    """The value that cannot be loaded."""

    row: int
    """The place of its record in the batch."""

    key: str
    """Its property."""

    reason: str


@dataclass(frozen=True)
class Trial:
    """A condition that is true for a value that cannot be loaded."""

    key: str
    sql: str
    reason: str


def as_sentence(
    ask: Ask, table: str, payload: bytes, keys: Sequence[str], error: StatementError
) -> str:
    """Say what Snowflake said, and which value was meant where that can be found out.

    Args:
        ask: Executes a statement with its binds.
        table: The qualified name of the table.
        payload: The batch: a JSON array of elements, whose records have properties
            named as the columns, in any case.
        keys: The properties by which a record is known.
        error: Why the batch was refused.
    """
    said = str(error)
    if not DATA_ERROR.fullmatch(error.code) or not payload:
        return said
    try:
        found, records = _find(ask, table, payload, error.code)
    except (TargetError, msgspec.DecodeError) as trouble:
        logger.warning("Which value it was could not be found out: %s", trouble)
        return said
    return said if found is None else f"{said} {_sentence(found, records, keys)}"


def _sentence(
    found: Finding, records: Sequence[Mapping[str, Any]], keys: Sequence[str]
) -> str:
    record = records[found.row]
    names = ", ".join(f"{key} {excerpt(record.get(key))}" for key in keys)
    return (
        f"It was record {names or f'{found.row + 1} of the batch'}: property "
        f"{found.key} {found.reason}: {excerpt(record.get(found.key))}; correct it in "
        "the source."
    )


def _find(
    ask: Ask, table: str, payload: bytes, code: str
) -> tuple[Finding | None, list[dict[str, Any]]]:
    """Look for the value; return it, and the records of the batch."""
    records = [element.record for element in elements_decoder.decode(payload)]
    texts = [element.record for element in texts_decoder.decode(payload)]
    found = _largest(texts) or _unreadable(ask, texts)
    if found is None:
        properties = {key.upper(): key for record in records for key in record}
        trials = list(_trials(ask, table, properties, code))
        found = _failing(ask, payload, trials)
    return found, records


def _largest(records: Sequence[msgspec.Raw]) -> Finding | None:
    """Find a value that is too large for some accounts.

    Only a batch of one record holds such a value, and Snowflake has refused it.
    """
    for row, record in enumerate(records):
        for key, value in properties_decoder.decode(record).items():
            size = len(bytes(value))
            if size > LARGEST_VALUE:
                return Finding(row, key, f"has {size} bytes")
    return None


def _unreadable(ask: Ask, records: Sequence[msgspec.Raw]) -> Finding | None:
    """Find a value that PARSE_JSON does not read."""
    row = _first_unreadable(ask, records)
    if row is None:
        return None
    properties = properties_decoder.decode(records[row])
    place = _first_unreadable(ask, list(properties.values()))
    # A record of nothing but readable values has a name twice.
    key = ", ".join(properties) if place is None else list(properties)[place]
    return Finding(row, key, "is no JSON that Snowflake reads")


def _first_unreadable(ask: Ask, texts: Sequence[msgspec.Raw]) -> int | None:
    payload = msgspec.json.encode([bytes(text).decode() for text in texts]).decode()
    rows = ask(first_unreadable(), payload).rows
    return int(rows[0]["ROW"] or 0) if rows else None


def _trials(
    ask: Ask, table: str, properties: Mapping[str, str], code: str
) -> Iterator[Trial]:
    """Give the conditions to try.

    The table's columns are read anew: somebody may have changed them.
    """
    columns = evolution.read(ask(statements.describe(table)).rows)
    fed = [(column, properties.get(column.upper())) for column in columns]
    if code == NULL_REFUSED:
        for column, key in fed:
            if not (columns[column].nullable or column.startswith("_SDC_")):
                reason = f"is null, and column {column} may not be"
                yield Trial(key or column, f"{text(key or column)} IS NULL", reason)
    for column, key in fed:
        kind = columns[column].type
        if key and (failing := failing_cast(text(key), kind)):
            yield Trial(key, failing, f"does not fit into {kind}")


def _failing(ask: Ask, payload: bytes, trials: Sequence[Trial]) -> Finding | None:
    """Find the first value for which a condition is true."""
    if not trials:
        return None
    sql = first_failing([trial.sql for trial in trials])
    rows = ask(sql, payload.decode()).rows
    if not rows:
        return None
    trial = trials[int(rows[0]["TRIAL"] or 0)]
    return Finding(int(rows[0]["ROW"] or 0), trial.key, trial.reason)


# The SQL (pure functions).


def text(key: str) -> str:
    """Read a property of a record as text."""
    return statements.property_source(key, key, TEXT).sql


def failing_cast(value: str, column: ColumnType) -> str:
    """Write the condition that a text cannot become a value of a column.

    Returns:
        The condition; empty where every text can.
    """
    if column.kind is Kind.VARCHAR:
        return f"LENGTH({value}) > {column.length}" if column.length else ""
    tried = column.traits.tried.format(text=value, type=column)
    return f"{value} IS NOT NULL AND {tried} IS NULL" if tried else ""


def first_failing(conditions: Sequence[str]) -> str:
    """Find the first record of a batch for which one of some conditions is true.

    Returns:
        The statement, whose bind is the batch. It gives the place of the record and
        of the condition, or no row.
    """
    cases = "\n  ".join(
        f"WHEN {condition} THEN {place}" for place, condition in enumerate(conditions)
    )
    return (
        'SELECT r."ROW", r."TRIAL" FROM (\n'  # noqa: S608 - names are quoted
        f'SELECT f.index AS "ROW", CASE\n  {cases}\nEND AS "TRIAL"\n'
        f"FROM {statements.ELEMENTS}\n"
        ') AS r\nWHERE r."TRIAL" IS NOT NULL\n'
        'ORDER BY r."TRIAL", r."ROW"\nLIMIT 1'
    )


def first_unreadable() -> str:
    """Find the first text that is no JSON; the bind is a JSON array of texts."""
    return (
        f'SELECT f.index AS "ROW"\nFROM {statements.ELEMENTS}\n'
        "WHERE TRY_PARSE_JSON(CAST(f.value AS VARCHAR)) IS NULL\n"
        "ORDER BY f.index\nLIMIT 1"
    )
