"""Translated statements as the text that the embedded engine is given (pure)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sandbox.snowflake.engine import (
    errors,
    kinds,
    timestamp_tz,
    translate,
    variants,
)
from sandbox.snowflake.engine.context import Instant

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from sqlglot import exp

Order = list[tuple[int, bool]]
"""Per ``?`` the number of the bind and whether it is JSON text."""


def rendered(
    statement: exp.Expr,
    session: translate.Session,
    columns: timestamp_tz.Columns,
    instants: Collection[int],
) -> tuple[str, Order]:
    """Return a statement's text with ``?`` for its binds, and which binds those are.

    Args:
        statement: A statement with resolved names.
        session: What the session functions answer.
        columns: The columns of type TIMESTAMP_TZ of its tables.
        instants: What ``instants`` gave.
    """
    changed = translate.translate(statement, session)
    zoned = timestamp_tz.convert(changed, columns)
    settled = kinds.settle(translate.keep_types(zoned))
    return translate.text_and_binds(settled, instants)


def instants(binds: Mapping[int, Any]) -> tuple[int, ...]:
    """Return the numbers of the binds that are of type TIMESTAMP_TZ."""
    return tuple(n for n, value in binds.items() if isinstance(value, Instant))


def values(binds: Mapping[int, Any], order: Order) -> list[Any]:
    """Return the values of a text's ``?``.

    Raises:
        SnowflakeError: 002049, a bind has no value.
    """
    return [_value(binds, number, is_json=json) for number, json in order]


def _value(binds: Mapping[int, Any], number: int, *, is_json: bool) -> object:
    """Return a bind's value, JSON text in the form that keeps every digit."""
    if number not in binds:
        raise errors.SnowflakeError(
            "002049",
            "42601",
            f"SQL compilation error:\nBind variable :{number} not set.",
        )
    value = binds[number]
    if is_json and value is not None:
        return variants.canonical(str(value)) if str(value).strip() else None
    return value
