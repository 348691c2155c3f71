"""What a session offers to those who run a kind of statement on it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from contextlib import AbstractContextManager

    from sqlglot import exp

    from sandbox.snowflake.engine.context import Context, Outcome
    from sandbox.snowflake.engine.timestamp_tz import Columns
    from sandbox.snowflake.engine.translations import Translations


class Link(Protocol):
    """A session on the embedded engine."""

    context: Context
    link: Any
    """fakesnow's connection."""
    translations: Translations

    @property
    def schema(self) -> str | None:
        """The current schema by the engine's name."""

    def raw(self, sql: str, *parameters: object) -> list[tuple[Any, ...]]:
        """Run DuckDB's own SQL and return its rows."""

    def rows(self, sql: str, *parameters: object) -> Outcome:
        """Run DuckDB's own SQL and return its result."""

    def resolved(self, statement: exp.Expr) -> exp.Expr:
        """Resolve the names of a parsed statement."""

    def zoned_columns(
        self, statement: exp.Expr, named: Callable[[str], str] = ...
    ) -> Columns:
        """Find the columns of type TIMESTAMP_TZ of a statement's tables."""

    def run(self, statement: exp.Expr, binds: Mapping[int, Any]) -> Outcome:
        """Translate and run one statement as it is."""

    def use(self, schema: str) -> None:
        """Make a schema current."""

    def enter(self) -> None:
        """Make the context's database, schema and time zone current."""

    def commit(self) -> None:
        """End an open transaction, if any, and keep what it did."""

    def transaction(self) -> AbstractContextManager[None]:
        """Keep all that is done inside, or nothing."""
