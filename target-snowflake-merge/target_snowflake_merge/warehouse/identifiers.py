"""The names of tables and columns (pure functions).

Streams and properties become names in upper case, quoted: they mean the same whether or
not the account sets QUOTED_IDENTIFIERS_IGNORE_CASE, and people type most of them
unquoted: https://docs.snowflake.com/en/sql-reference/identifiers-syntax

A stream's name is the table's as a whole. Other targets take what stands behind the
last dash, so that ``eu-orders`` and ``us-orders`` end in one table, and the rows of one
overwrite those of the other.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from target_snowflake_merge.errors import TargetError, excerpt
from target_snowflake_merge.warehouse.statements import REQUEST_ID, ROW

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

MAX_LENGTH = 255
"""Characters of an identifier."""

LEDGER = "_SDC_LOADS"
"""The table of the audit, which no stream may fill."""

OWN = {REQUEST_ID, ROW}
"""Columns of this target alone; no tap means them by properties of their names."""


def table(stream: str) -> str:
    """Return the name of a stream's table.

    Raises:
        TargetError: No table can have the name.
    """
    name = stream.upper()
    what = f"Stream {excerpt(stream)}"
    _check(name, what, "its name", "rename it with stream_maps (__alias__)")
    return name


def columns(stream: str, properties: Iterable[str]) -> dict[str, str]:
    """Return the names of the columns of a stream.

    Returns:
        The names in upper case, by property.

    Raises:
        TargetError: Two properties have one name in upper case, no column can have a
            name, or the stream has the name of the ledger.
    """
    if stream.upper() == LEDGER:
        raise TargetError(
            f"Stream {stream}: {LEDGER} is the table of the ledger; rename the stream "
            "with stream_maps (__alias__)."
        )
    taken: dict[str, str] = {}
    where = f"Stream {stream}"
    for key in properties:
        name = key.upper()
        if name in taken:
            raise TargetError(
                f"{where}: properties {taken[name]} and {key} both belong into column "
                f"{name}; rename one with stream_maps."
            )
        if name in OWN:
            raise TargetError(
                f"{where}: property {key} has the name of a column that this target "
                "fills itself; rename it with stream_maps."
            )
        what = f"the name of property {excerpt(key) or '(empty)'}"
        _check(name, where, what, "rename it with stream_maps")
        taken[name] = key
    return {key: name for name, key in taken.items()}


def _check(name: str, where: str, what: str, remedy: str) -> None:
    if not name:
        raise TargetError(f"{where}: {what} is empty; {remedy}.")
    if "\0" in name:
        raise TargetError(f"{where}: {what} holds a NUL character; {remedy}.")
    if len(name) > MAX_LENGTH:
        raise TargetError(
            f"{where}: {what} has {len(name)} characters, and Snowflake allows "
            f"{MAX_LENGTH}; {remedy}."
        )


def existing(stream: str, table: str, name: str, present: Collection[str]) -> str:
    """Find a column in a table that another tool may have made.

    Returns:
        The name itself where it is there, or where nothing like it is; else the one
        name that differs in case only. A second column beside it would leave its keys
        unknown, and every row would be inserted again.

    Raises:
        TargetError: Several names differ in case only.
    """
    if name in present:
        return name
    alike = [other for other in present if other.upper() == name]
    if len(alike) > 1:
        raise TargetError(
            f"Stream {stream}: table {table} has the columns {' and '.join(alike)}, "
            f"and either may be meant by {name}; rename or drop one."
        )
    return alike[0] if alike else name
