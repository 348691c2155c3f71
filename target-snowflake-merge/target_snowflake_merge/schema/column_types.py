"""Which column a property of a JSON Schema gets (pure functions)."""

from __future__ import annotations

import re
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any

from target_snowflake_merge.schema.json_schema import alternatives
from target_snowflake_merge.schema.kinds import (
    DEFAULT_SCALE,
    INTEGER,
    MAX_LENGTH,
    NESTED,
    ColumnType,
    Kind,
)
from target_snowflake_merge.schema.upgrade import is_decimal, whole_number
from target_snowflake_merge.schema.values import MAX_PRECISION, MAX_SCALE

if TYPE_CHECKING:
    from collections.abc import Mapping

AMOUNT_DIGITS = 18
"""Digits before the point that an amount may have whose schema names no maximum."""

FORMATS = {
    "date-time": Kind.TIMESTAMP_TZ,
    "date": Kind.DATE,
    "time": Kind.TIME,
}

NUMERIC = {"integer", "number", "string"}
"""The types of numbers; texts are numbers where their format says so."""

EXCLUSIVE = ("exclusiveMaximum", "exclusiveMinimum")
LIMITS = (*EXCLUSIVE, "maximum", "minimum")


def column_type(
    schema: Mapping[str, Any] | bool,  # noqa: FBT001 - a schema may be true or false
    root: Mapping[str, Any] | None = None,
    *,
    number: Kind = Kind.NUMBER,
) -> ColumnType:
    """Choose the column for a property.

    ``minimum`` and ``maximum`` say what is allowed today, and a column that they had
    chosen could not change its scale tomorrow: they count only where ``multipleOf``
    leaves no room for them. ``uuid``, ``binary`` and all other formats stay texts,
    which come out as they went in: BINARY would have to guess how the bytes were
    written.

    Args:
        schema: The property's JSON Schema, in the words of the newest draft, though
            with its ``format``. ``null`` among its types is ignored: every
            column may be null.
        root: The stream's schema, in which references are looked up.
        number: The column of a number that does not say how many digits it needs:
            NUMBER or FLOAT.

    Returns:
        The type; VARIANT for objects, arrays, mixed types and schemas without a type.
    """
    options = [
        ("string" if name in NUMERIC and is_decimal(option) else name, option)
        for name, option in alternatives(schema, root or {})
    ]
    types = {name for name, _ in options}
    texts = [option for name, option in options if name == "string"]
    if types == {"boolean"}:
        return ColumnType(Kind.BOOLEAN)
    if types and types <= {"object", "array"}:
        return NESTED
    if types and types <= NUMERIC and all(map(is_decimal, texts)):
        return _number(options, number)
    if types == {"string"}:
        return _text(texts)
    return ColumnType(Kind.VARIANT, texts=_common_time(_formats(texts)))


def _formats(options: list[Mapping[str, Any]]) -> set[Kind | None]:
    """Return the kinds of time that texts may be, and None where they may be others."""
    return {FORMATS.get(str(option.get("format"))) for option in options}


def _text(options: list[Mapping[str, Any]]) -> ColumnType:
    formats = _formats(options)
    texts = _common_time(formats)
    if texts and len(formats) == 1:
        return ColumnType(texts)
    lengths = [option.get("maxLength") for option in options]
    if all(isinstance(length, int) and 0 < length <= MAX_LENGTH for length in lengths):
        longest = max(length or 0 for length in lengths)
        return ColumnType(Kind.VARCHAR, length=longest, texts=texts)
    return ColumnType(Kind.VARCHAR, texts=texts)


def _common_time(formats: set[Kind | None]) -> Kind | None:
    """Return the one kind of time that holds what texts may be, if there is one."""
    kinds = formats - {None}
    if kinds == {Kind.DATE, Kind.TIMESTAMP_TZ}:
        return Kind.TIMESTAMP_TZ
    return next(iter(kinds)) if len(kinds) == 1 else None


def _number(options: list[tuple[str, Mapping[str, Any]]], number: Kind) -> ColumnType:
    """Return the column of numbers: one scale, or FLOAT where it was asked for."""
    asked = [
        INTEGER if name == "integer" else _asked(option) for name, option in options
    ]
    if number is Kind.FLOAT and None in asked:
        return ColumnType(Kind.FLOAT)
    columns = [
        column or ColumnType(Kind.NUMBER, scale=DEFAULT_SCALE) for column in asked
    ]
    scale = max(column.scale for column in columns)
    whole = max(column.whole for column in columns)
    return ColumnType(
        Kind.NUMBER, precision=min(whole + scale, MAX_PRECISION), scale=scale
    )


def _asked(option: Mapping[str, Any]) -> ColumnType | None:
    """Return the column that a schema's digits ask for, if they do."""
    if is_decimal(option):
        return _decimal(*_digits(option))
    scale = _scale(option.get("multipleOf"))
    return None if scale is None else _stepped(scale, _largest(option))


def _stepped(scale: int, whole: int) -> ColumnType | None:
    """Return the column of a number's finest step, 9 digits after the point at least.

    Taps of databases send 1E-38 for a number of which they know nothing: what leaves no
    room before the point is no wish.
    """
    is_wish = scale <= min(MAX_SCALE, max(DEFAULT_SCALE, MAX_PRECISION - whole))
    return ColumnType(Kind.NUMBER, scale=max(DEFAULT_SCALE, scale)) if is_wish else None


def _scale(step: object) -> int | None:
    """Return the digits after the point that ``multipleOf`` has, if there are any."""
    try:
        normal = Decimal(str(step)).normalize()
    except InvalidOperation:
        return None
    exponent = normal.as_tuple().exponent
    return max(-exponent, 0) if isinstance(exponent, int) else None


def _largest(option: Mapping[str, Any]) -> int:
    """Return the digits before the point of a schema's largest number."""
    limits = {name: _whole_digits(option.get(name), name) for name in LIMITS}
    if limits["maximum"] is limits["exclusiveMaximum"] is None:
        return AMOUNT_DIGITS
    return max(digits for digits in limits.values() if digits is not None)


def _whole_digits(limit: object, name: str) -> int | None:
    """Return the digits before the point of what a limit allows."""
    if isinstance(limit, bool) or not isinstance(limit, int | float | Decimal):
        return None
    size = abs(Decimal(str(limit) if isinstance(limit, float) else limit))
    if not size.is_finite():
        return None
    first, *others = size.as_tuple().digits
    is_round = first == 1 and not any(others)  # below 100 there are two digits
    return max(size.adjusted() + (not (is_round and name in EXCLUSIVE)), 0)


def _decimal(precision: int | None, scale: int | None) -> ColumnType | None:
    """Return the column of a DECIMAL of a database, if its digits are known."""
    if scale is None:
        return None
    if precision is None:
        return _stepped(scale, AMOUNT_DIGITS)
    whole, scale = max(precision - scale, 0), max(scale, 0)
    if whole + scale <= MAX_PRECISION and scale <= MAX_SCALE:
        return ColumnType(Kind.NUMBER, precision=max(whole + scale, 1), scale=scale)
    return ColumnType(Kind.NUMBER, scale=scale) if scale <= DEFAULT_SCALE else None


def _digits(option: Mapping[str, Any]) -> tuple[int | None, int | None]:
    """Return precision and scale of a decimal, as far as its schema has them.

    Descendants of pipelinewise-tap-mssql write them as
    ``"additionalProperties": {"scale_precision": "(18,2)"}``, the precision first.
    """
    more = option.get("additionalProperties")
    if isinstance(more, dict):
        written = re.fullmatch(r"\((\d+), *(-?\d+)\)", str(more.get("scale_precision")))
        if written:
            return int(written[1]), int(written[2])
    precision, scale = (whole_number(option.get(n)) for n in ("precision", "scale"))
    return (
        precision if type(precision) is int else None,
        scale if type(scale) is int else None,
    )
