"""How batches and loads are shown to people and programs (pure but for one reader)."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

import msgspec

from target_snowflake_merge.errors import excerpt
from target_snowflake_merge.journal.entry import DISCARDABLE
from target_snowflake_merge.journal.run_folder import entries, folders, readable
from target_snowflake_merge.sql_api.account import same_destination

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from target_snowflake_merge.journal.entry import Entry

    Load = dict[str, str | None]
    """A row of the ledger, as the SQL API gives it."""

NOTHING = "Nothing was loaded yet, as far as this role can see."

TIMES = ("STARTED_AT", "FINISHED_AT")
COUNTS = {"ROWS", "INSERTED", "UPDATED", "DELETED"}
COLUMNS = ["STATUS", "STARTED_AT", "STREAM", "KIND", *sorted(COUNTS), "REQUEST_ID"]


def unsettled(path: Path, destination: str) -> list[Entry]:
    """Return what a journal holds that has failed or whose outcome is unknown.

    Returns:
        The statements, in the order in which they were made.

    Raises:
        TargetError: A file of the journal is damaged.
    """
    with readable(path):
        if not path.is_dir():
            return []
    return [
        entry
        for folder in folders(path)
        for entry in entries(folder)
        if same_destination(entry.destination, destination)
        and entry.status in DISCARDABLE
        and not entry.replays
    ]


def chosen(found: Sequence[Entry]) -> str:
    """List batches of the journal."""
    if not found:
        return "The journal holds no such batch."
    header = ["STATUS", "CREATED", "STREAM", "KIND", "ROWS", "REQUEST_ID", "ERROR"]
    return table([header, *(_cells(entry) for entry in found)])


def discarded(given_up: Sequence[Entry]) -> str:
    """Say what was discarded; a replay has the rows of its batch."""
    rows = sum(entry.rows for entry in given_up if not entry.replays)
    return f"Discarded: {len(given_up)} statements, {rows} rows."


def _cells(entry: Entry) -> list[str]:
    return [
        entry.status,
        _utc(entry.created_at),
        entry.stream,
        entry.kind,
        str(entry.rows),
        entry.request_id,
        excerpt(entry.error),
    ]


def as_text(here: Sequence[Entry], loads: Iterable[Load]) -> str:
    """Show the ledger as a table, below what the journal has open."""
    parts = []
    if here:
        parts += ["In this machine's journal (see snowflake-merge replay):"]
        parts += [chosen(here), ""]
    rows = [[*(_shown(load, name) for name in COLUMNS), _error(load)] for load in loads]
    parts.append(table([[*COLUMNS, "ERROR"], *rows]) if rows else NOTHING)
    return "\n".join(parts)


def as_json(here: Sequence[Entry], loads: Iterable[Load]) -> dict[str, Any]:
    """Give programs the same: the ledger, and what the journal has open."""
    return {
        "journal": [msgspec.to_builtins(entry) for entry in here],
        "loads": [
            {name.lower(): _value(load, name) for name in load} for load in loads
        ],
    }


def _value(load: Load, name: str) -> str | int | None:
    value = load[name]
    if value is None:
        return None
    if name in TIMES:
        return moment(value)
    return int(value) if value.isdecimal() else value


def _shown(load: Load, name: str) -> str:
    value = _value(load, name)
    return "" if value is None else _utc(value) if name in TIMES else str(value)


def _utc(time: object) -> str:
    """Show a time of UTC to the second, as ``replay --since`` takes it."""
    return f"{str(time)[:19]}Z"


def _error(load: Load) -> str:
    return excerpt(load["ERROR"] or "")


def moment(text: str) -> str:
    """Read a TIMESTAMP_TZ of a result as ISO 8601, in UTC.

    It comes as seconds since 1970 and an offset:
    https://docs.snowflake.com/en/developer-guide/sql-api/handling-responses
    """
    seconds, _, fraction = text.partition(" ")[0].partition(".")
    whole = dt.datetime.fromtimestamp(int(seconds), dt.UTC)
    return whole.replace(microsecond=int(f"{fraction:0<6}"[:6])).isoformat()


def table(rows: Sequence[Sequence[str]]) -> str:
    """Align rows, the first of which are the headings."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(
            cell.ljust(width) for cell, width in zip(row, widths, strict=True)
        ).rstrip()
        for row in rows
    )
