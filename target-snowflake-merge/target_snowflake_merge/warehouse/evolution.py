"""What must change in a table before it can hold a stream's values (pure functions)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from target_snowflake_merge.errors import TargetError
from target_snowflake_merge.schema.kinds import (
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
    """Read what DESCRIBE TABLE says."""
    return {
        str(row["name"]): Column(
            described(str(row["type"])),
            nullable=row["null?"] != "N",
            has_default=bool(row["default"]),
            is_computed=bool(row.get("expression")),
        )
        for row in rows
    }


def named(needs: TableRequirements, present: Collection[str]) -> dict[str, str]:
    """Find out what the columns are called in the table.

    Returns:
        The names in the table by the names in upper case. The target's own columns
        are always called by the latter.

    Raises:
        TargetError: A name is ambiguous.
    """
    return {
        name: name
        if name in needs.own
        else identifiers.existing(needs.stream, needs.table, name, present)
        for name in needs.columns
    }


def check_new(needs: TableRequirements) -> None:
    """Check what a table of our own could not do either.

    Raises:
        TargetError: A part of the key is of no type by which rows are known.
    """
    for name in needs.keys:
        _check_key(needs, name, needs.columns[name])


def changes(needs: TableRequirements, present: Mapping[str, Column]) -> list[str]:
    """Write the statements that let a table hold a stream's values.

    New columns are added, texts get longer, numbers more precise. Columns that the
    stream does not know stay as they are.

    Returns:
        The statements; none when the table is ready.

    Raises:
        TargetError: The table has to be changed by hand.
    """
    called = named(needs, present)
    _check_required(needs, set(called.values()), present)
    return list(_changes(needs, called, present))


def _changes(
    needs: TableRequirements,
    called: Mapping[str, str],
    present: Mapping[str, Column],
) -> Iterator[str]:
    for name, wanted in needs.columns.items():
        column = present.get(called[name])
        if column is None:
            yield statements.add_column(needs.table, called[name], wanted)
            continue
        _check_type(needs, called[name], column.type, wanted)
        if name in needs.keys:
            _check_key(needs, called[name], column.type)
        wider = column.type.widened(wanted)
        if wider != column.type:
            yield statements.widen_column(needs.table, called[name], wider)


def _check_type(
    needs: TableRequirements, name: str, present: ColumnType, wanted: ColumnType
) -> None:
    """Refuse a column that cannot hold the values.

    The numbers that the target fills itself are compared, so texts of them will not do.
    Its times are not; pipelinewise-target-snowflake keeps _SDC_DELETED_AT as a text.
    """
    fits = present.holds(wanted)
    if name in needs.own:
        is_time = wanted.kind in TIMESTAMPS
        alike = {*TIMESTAMPS, Kind.VARCHAR} if is_time else {wanted.kind}
        fits = present.kind in alike
    if not fits:
        raise TargetError(
            f"Stream {needs.stream}: column {name} of table {needs.table} is "
            f"{present}, and the stream now needs {wanted}; rename or drop the column, "
            "or load the stream into another table."
        )


def _check_key(needs: TableRequirements, name: str, column: ColumnType) -> None:
    """Refuse keys of mixed types: what 1 and "1" are to Snowflake is not documented."""
    if column.kind in SEMI_STRUCTURED:
        raise TargetError(
            f"Stream {needs.stream}: the key column {name} of table {needs.table} is "
            f"{column.kind}, in which equal keys cannot be told from others; give the "
            "key one type, in the tap's catalog or by stream_maps, such as str(…)."
        )


def _check_required(
    needs: TableRequirements,
    filled: Collection[str],
    present: Mapping[str, Column],
) -> None:
    for name, column in present.items():
        if not (column.nullable or column.has_default or name in filled):
            raise TargetError(
                f"Stream {needs.stream}: column {name} of table {needs.table} may "
                "not be null and has no default, and the stream does not fill it; let "
                "it be null or give it a default."
            )
