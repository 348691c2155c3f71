"""MERGE on a session: each kind of statement is planned and translated once."""

# ruff: noqa: SLF001 - fakesnow's translation alone, without its book-keeping, is none of
# its public names

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar, cast

from fakesnow import dialect
from sqlglot import exp

from sandbox.snowflake.engine import (
    merge,
    names,
    parsing,
    rendering,
    shapes,
    timestamp_tz,
)
from sandbox.snowflake.engine.errors import SnowflakeError

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Mapping

    from sandbox.snowflake.engine.link import Link
    from sandbox.snowflake.engine.timestamp_tz import Columns

Made = TypeVar("Made")
OWN = re.compile(
    r"CURRENT_|SYSTEM\$|\bIDENTIFIER\s*\(|INFORMATION_SCHEMA|QUERY_HISTORY",
    re.IGNORECASE,
)
"""What is translated by more than the statement and the parameters in force."""


class Merge:
    """One MERGE statement.

    Args:
        session: Where it runs.
        statement: What the session's ``parse`` gave.
        text: Its text.
        binds: The values of its binds.
    """

    def __init__(
        self, session: Link, statement: exp.Merge, text: str, binds: Mapping[int, Any]
    ) -> None:
        self.session = session
        self.statement = statement
        self.binds = binds
        parameters = session.context.parameters
        self.is_kept = not OWN.search(text)
        is_exact = parameters["QUOTED_IDENTIFIERS_IGNORE_CASE"] == "false"
        has_shape = self.is_kept and is_exact
        self.shape = shapes.shape(text) if has_shape else shapes.Shape(text)
        in_force = (value for name, value in parameters.items() if name != "QUERY_TAG")
        self.key = (self.shape.text, session.context.database, *in_force)

    def run(self) -> dict[str, int]:
        """Run it, in an open transaction.

        Returns:
            The count of rows by ``inserted`` and so on.

        Raises:
            SnowflakeError: Several source rows would change one row.
        """
        plan: merge.Plan = self._once("plan", self._planned)
        for step in plan.prepare:
            self._prepare(step)
        parameters = self.session.context.parameters
        strict = parameters["ERROR_ON_NONDETERMINISTIC_MERGE"] == "true"
        if strict and self.session.raw(plan.ambiguous.sql(dialect="duckdb")):
            raise merge.duplicate_row(self.statement.this.sql(dialect="snowflake"))
        return self._apply(plan.clauses)

    def _once(self, what: Hashable, make: Callable[[], Made]) -> Made:
        """Return what the statement's shape and ``what`` decide, made once."""
        if not self.is_kept:
            return make()
        try:
            return self.session.translations.get((*self.key, what), make)
        except SnowflakeError as error:
            error.message = self.shape.restored(error.message)
            raise

    def _planned(self) -> merge.Plan:
        """Return the statements of the plan with resolved names."""
        shaped = self.statement
        if self.shape.parts:
            resolved = self.session.resolved(parsing.parse(self.shape.text))
            shaped = cast("exp.Merge", resolved)  # as the statement is
        plan = merge.plan(shaped)
        clauses = [replace(c, apply=_resolved(c.apply)) for c in plan.clauses]
        return replace(plan, ambiguous=_resolved(plan.ambiguous), clauses=clauses)

    def _columns(self, statement: exp.Expr) -> tuple[Columns, Hashable]:
        """Find the columns of type TIMESTAMP_TZ; also give what they decide."""
        columns = self.session.zoned_columns(statement, self.shape.restored)
        return columns, (frozenset(columns.names), *columns.target.items())

    def _prepare(self, step: exp.Expr) -> None:
        """Run one step without fakesnow's book-keeping.

        That writes to a database of its own, which the engine refuses in a transaction
        that writes to ours.
        """
        columns, decided = self._columns(step)
        instants = rendering.instants(self.binds)

        def make() -> tuple[str, rendering.Order]:
            text, order = rendering.rendered(
                step, self.session.context.translation(), columns, instants
            )
            values = rendering.values(self.binds, order)
            changed = self.session.link.cursor()._transform(
                dialect.parse_one(text), values
            )
            return changed.sql(dialect="duckdb"), order

        text, order = self._once((step.this.name, decided, instants), make)
        values = rendering.values(self.binds, order)
        self.session.raw(self.shape.restored(text), *values)

    def _apply(self, clauses: list[merge.Clause]) -> dict[str, int]:
        """Run the clauses, and count their rows."""
        columns, decided = self._columns(clauses[0].apply)  # all name the same two
        counts: dict[str, int] = {}
        texts = self._once(
            ("clauses", decided), lambda: [_texts(c, columns) for c in clauses]
        )
        for clause, prepare_and_apply in zip(clauses, texts, strict=True):
            for text in prepare_and_apply:
                [[count]] = self.session.raw(self.shape.restored(text))
            counts[clause.action] = counts.get(clause.action, 0) + count
        return counts


def _resolved(statement: exp.Expr) -> exp.Expr:
    return names.resolve(statement, ignore_case=False)


def _texts(clause: merge.Clause, columns: Columns) -> list[str]:
    """Return the engine's statements of a clause; the last one's count is the count."""
    apply = timestamp_tz.convert(clause.apply, columns)
    steps = [apply]
    if isinstance(apply, exp.Update):
        # Have the engine store offsets that change without their instants.
        own = {name for name, is_zoned in columns.target.items() if is_zoned}
        if moved := timestamp_tz.nudged(apply, own):
            steps.insert(0, moved)
    return [step.sql(dialect="duckdb") for step in steps]
