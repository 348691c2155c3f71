"""Where and as whom a statement runs, and what it gives."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import pyarrow as pa  # type: ignore[import-untyped] # it ships no types

from sandbox import config
from sandbox.snowflake.engine import account, translate
from sandbox.snowflake.engine.history import History
from sandbox.snowflake.engine.privileges import Grants

if TYPE_CHECKING:
    from collections.abc import Mapping

DONE = [{"status": "Statement executed successfully."}]
"""The result of a statement that has none of its own."""


@dataclass(frozen=True)
class Context:
    """Where and as whom a statement runs.

    Args:
        database: Upper-case name, or None.
        schema: Name as SHOW prints it, or None.
        role: The role.
        warehouse: The warehouse, or None.
        account: The parameters that the account sets.
        session: The parameters that the session sets, by upper-case names.
        grants: What the role may do.
        history: The statements so far.
        failures: Details of failed sign-ins as JSON text, by their UUID.
    """

    database: str | None = config.DATABASE
    schema: str | None = None
    role: str = config.ROLE
    warehouse: str | None = config.WAREHOUSE
    account: Mapping[str, str] = field(default_factory=dict)
    session: Mapping[str, str] = field(default_factory=dict)
    grants: Grants = field(default_factory=Grants)
    history: History = field(default_factory=History)
    failures: Mapping[str, str] = field(default_factory=dict)

    @property
    def parameters(self) -> Mapping[str, str]:
        """The parameters in force."""
        return account.merged(self.account, self.session)

    def with_parameters(self, changes: Mapping[str, str | None]) -> Context:
        """Return the context after ALTER SESSION; None unsets a parameter."""
        session = {**self.session, **changes}
        kept = {name: value for name, value in session.items() if value is not None}
        return replace(self, session=kept)

    def translation(self) -> translate.Session:
        """Return what the translation of a statement has to know."""
        own = {
            "CURRENT_ROLE": self.role,
            "CURRENT_WAREHOUSE": self.warehouse,
            "CURRENT_USER": config.USER,
            "CURRENT_ACCOUNT": config.ACCOUNT,
            "CURRENT_DATABASE": self.database,
            "CURRENT_SCHEMA": self.schema,
        }
        return translate.Session(own, self.failures, self.parameters)


class Instant(str):
    """A bind of type TIMESTAMP_TZ: a moment with its offset, as ISO text."""

    __slots__ = ()


@dataclass(frozen=True)
class Outcome:
    """What a statement gives.

    Args:
        table: The rows.
        types: The engine's type of each column.
        stats: Rows inserted, updated and deleted by a DML statement; None otherwise.
    """

    table: pa.Table
    types: list[str]
    stats: dict[str, int] | None = None


def listed(rows: list[dict[str, str]]) -> Outcome:
    """Return texts as a result; without rows it has one column."""
    columns = list(rows[0]) if rows else ["name"]
    texts = {name: pa.array([r[name] for r in rows], pa.string()) for name in columns}
    return Outcome(pa.table(texts), ["VARCHAR"] * len(columns))
