"""What must change in a table before it can hold a stream's values (pure functions)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from target_snowflake_merge.errors import TargetError
from target_snowflake_merge.schema.column_types import (
    SEMI_STRUCTURED,
    TIMESTAMPS,
    ColumnType,
    Kind,
    described,
)
from target_snowflake_merge.warehouse import identifiers, statements

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping


@dataclass(frozen=True)
class Column:
    """A column of an existing table."""

    type: ColumnType
    nullable: bool = True
    has_default: bool = False
    is_computed: bool = False


@dataclass(frozen=True)
class TableRequirements:
    """What a stream needs of its table.

    Args:
        stream: The stream.
        table: The qualified name of the table.
        columns: The columns, in order, by their names in upper case.
        own: Those of them that this target fills itself.
        keys: Those of them that are the key.
    """

    stream: str
    table: str
    columns: Mapping[str, ColumnType]
    own: Collection[str] = ()
    keys: Collection[str] = ()


def read(rows: Iterable[Mapping[str, str | None]]) -> dict[str, Column]:
    """Read what DESCRIBE TABLE says.

    Args:
        rows: Its rows: https://docs.snowflake.com/en/sql-reference/sql/desc-table

    Returns:
        The columns by name, in the order of the table.
    """
    return {
        str(row["name"]): Column(
            described(str(row["type"])),
            nullable=row["null?"] != "N",
            has_default=bool(row["default"]),
            is_computed=bool(row.get("expression")),
        )
        for row in rows
    }


def named(demand: TableRequirements, present: Collection[str]) -> dict[str, str]:
    """Find out what the columns are called in the table.

    Args:
        demand: What the stream needs.
        present: The columns of the table.

    Returns:
        The names in the table by the names in upper case. The target's own columns
        are always called by the latter.

    Raises:
        TargetError: A name is ambiguous.
    """
    return {
        name: name
        if name in demand.own
        else identifiers.existing(demand.stream, demand.table, name, present)
        for name in demand.columns
    }


def check_new(demand: TableRequirements) -> None:
    """Check what a table of our own could not do either.

    Args:
        demand: What the stream needs.

    Raises:
        TargetError: A part of the key is of no type by which rows are known.
    """
    for name in demand.keys:
        _check_key(demand, name, demand.columns[name])


def changes(demand: TableRequirements, present: Mapping[str, Column]) -> list[str]:
    """Write the statements that let a table hold a stream's values.

    New columns are added, texts get longer, numbers more precise. Columns that the
    stream does not know stay as they are.

    Args:
        demand: What the stream needs.
        present: The columns of the table.

    Returns:
        The statements; none when the table is ready.

    Raises:
        TargetError: The table has to be changed by hand.
    """
    called = named(demand, present)
    _check_required(demand, set(called.values()), present)
    return list(_changes(demand, called, present))


def _changes(
    demand: TableRequirements, called: Mapping[str, str], present: Mapping[str, Column]
) -> Iterator[str]:
    for name, wanted in demand.columns.items():
        column = present.get(called[name])
        if column is None:
            yield statements.add_column(demand.table, called[name], wanted)
            continue
        _check_type(demand, called[name], column.type, wanted)
        if name in demand.keys:
            _check_key(demand, called[name], column.type)
        wider = column.type.widened(wanted)
        if wider != column.type:
            yield statements.widen_column(demand.table, called[name], wider)


def _check_type(
    demand: TableRequirements, name: str, present: ColumnType, wanted: ColumnType
) -> None:
    """Refuse a column that cannot hold the values.

    The numbers that the target fills itself are compared, so texts of them will not do.
    Its times are not; pipelinewise-target-snowflake keeps _SDC_DELETED_AT as a text.
    """
    fits = present.holds(wanted)
    if name in demand.own:
        is_time = wanted.kind in TIMESTAMPS
        alike = {*TIMESTAMPS, Kind.VARCHAR} if is_time else {wanted.kind}
        fits = present.kind in alike
    if not fits:
        raise TargetError(
            f"Stream {demand.stream}: column {name} of table {demand.table} is "
            f"{present}, and the stream now needs {wanted}; rename or drop the column, "
            "or load the stream into another table."
        )


def _check_key(demand: TableRequirements, name: str, column: ColumnType) -> None:
    """Refuse keys of mixed types: what 1 and "1" are to Snowflake is not documented."""
    if column.kind in SEMI_STRUCTURED:
        raise TargetError(
            f"Stream {demand.stream}: the key column {name} of table {demand.table} is "
            f"{column.kind}, in which equal keys cannot be told from others; give the "
            "key one type, in the tap's catalog or by stream_maps, such as str(…)."
        )


def _check_required(
    demand: TableRequirements, filled: Collection[str], present: Mapping[str, Column]
) -> None:
    for name, column in present.items():
        if not (column.nullable or column.has_default or name in filled):
            raise TargetError(
                f"Stream {demand.stream}: column {name} of table {demand.table} may "
                "not be null and has no default, and the stream does not fill it; let "
                "it be null or give it a default."
            )
