"""A table that a server reads out as it likes: too little, too early, or not at all."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

KEY = "LastModifiedDateTime"
NESTED = ("Details", "TaxDetails")
BEGIN = datetime(2026, 1, 1, 10, tzinfo=UTC)
ALL = 10**9
BOUND = re.compile(KEY + r" (ge|lt) (?:datetimeoffset')?([^' ]+)")

Row = dict[str, Any]


def row(name: str, minute: float | None, **members: Any) -> Row:
    """Return a row that was modified in a minute; None leaves the field empty."""
    modified = {}
    if minute is not None:
        modified["value"] = (BEGIN + timedelta(minutes=minute)).isoformat()
    return {"id": name, KEY: modified, **members}


def rows(count: int) -> list[Row]:
    """Return rows in the order of their keys, the newest first."""
    return [row(f"a{n:04}", count - n) for n in range(count)]


def lines(*names: str) -> list[Row]:
    return [{"id": f"line of {name}", "rowNumber": 1} for name in names]


@dataclass
class OddTable:
    """Serves the rows of one entity.

    Attributes:
        rows: The rows, in the order in which they are listed.
        entity: Its name.
        limit: How many rows a list holds at most, whatever ``$top`` says.
        found: How many rows a list holds at most that is asked for through a filter.
        hollow: Parameters with which lists are empty.
        ignored: Parameters without effect.
        most: How many expansions and custom fields lists can hold; they are empty
            where more are asked for.
        only_by_id: Members that are empty in lists.
        asked: The parameters of the requests for lists.
        read: The ids that were read alone.
    """

    rows: list[Row]
    entity: str = "Bill"
    limit: int = ALL
    found: int = ALL
    hollow: tuple[str, ...] = ()
    ignored: tuple[str, ...] = ()
    most: int = ALL
    only_by_id: tuple[str, ...] = ()
    asked: list[dict[str, str]] = field(default_factory=list)
    read: list[str] = field(default_factory=list)

    def __call__(self, name: str, query: dict[str, str]) -> Any:
        """Answer a request for the entity, or for one of its records."""
        if name == self.entity:
            self.asked.append(query)
            return self.listed({k: query[k] for k in query if k not in self.ignored})
        self.read.append(name)
        found = [row for row in self.rows if row["id"] == name]
        return shown(found[0], query) if found else (404, {})

    def listed(self, query: dict[str, str]) -> list[Row]:
        if len(members(query)) > self.most or query.keys() & set(self.hollow):
            return []
        bounds = BOUND.findall(query.get("$filter", ""))
        found = [row for row in self.rows if lies_within(row, bounds)]
        skip, top = int(query.get("$skip", 0)), int(query.get("$top", ALL))
        most = min(top, self.limit, self.found if bounds else ALL)
        page = found[skip : skip + most]
        return [shown(row, query, *self.only_by_id) for row in page]


def members(query: dict[str, str]) -> list[str]:
    """Return the expansions and custom fields that are asked for."""
    asked = (query.get(name, "").split(",") for name in ("$expand", "$custom"))
    return [name for names in asked for name in names if name]


def lies_within(row: Row, bounds: list[tuple[str, str]]) -> bool:
    if not bounds:
        return True
    if not (text := row[KEY].get("value")):
        return False
    value = datetime.fromisoformat(text)
    return all(
        value >= datetime.fromisoformat(bound)
        if operator == "ge"
        else value < datetime.fromisoformat(bound)
        for operator, bound in bounds
    )


def shown(row: Row, query: dict[str, str], *empty: str) -> Row:
    """Return a row with those of its members that are asked for."""
    names = set(members(query))
    views = {} if "custom" in empty else row.get("custom", {})
    custom = {
        view: {name: fields[name] for name in fields if f"{view}.{name}" in names}
        for view, fields in views.items()
    }
    plain = {k: v for k, v in row.items() if k not in NESTED}
    nested = {k: [] if k in empty else row.get(k, []) for k in NESTED if k in names}
    return plain | nested | {"custom": {v: f for v, f in custom.items() if f}}
