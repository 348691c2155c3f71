"""Which column a property of a JSON Schema gets (pure functions).

Snowflake's data types: https://docs.snowflake.com/en/sql-reference/intro-summary-data-types
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from typing_extensions import override

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

MAX_PRECISION = 38
"""Digits of a NUMBER."""

DEFAULT_SCALE = 9
"""Digits after the point of a number that does not say how many it needs."""

MAX_SCALE = 37
"""The largest scale that Snowflake allows."""

MAX_LENGTH = 16_777_216
"""Characters of a VARCHAR without a length on accounts of before the 2024_08 bundle."""


class Kind(StrEnum):
    """The types of column that this target makes."""

    VARCHAR = "VARCHAR"
    NUMBER = "NUMBER"
    BOOLEAN = "BOOLEAN"
    TIMESTAMP_TZ = "TIMESTAMP_TZ"
    DATE = "DATE"
    TIME = "TIME"
    VARIANT = "VARIANT"
    FOREIGN = "FOREIGN"
    """Any type that this target never makes."""


@dataclass(frozen=True)
class ColumnType:
    """The type of a column.

    ``length`` counts characters (None: no limit of our own), ``scale`` the digits after
    the point out of ``precision`` digits in all, ``name`` is a foreign type's own.
    """

    kind: Kind
    length: int | None = None
    precision: int = MAX_PRECISION
    scale: int = 0
    name: str = ""

    @override
    def __str__(self) -> str:
        """Return the type as SQL writes it."""
        if self.kind is Kind.NUMBER:
            return f"NUMBER({self.precision},{self.scale})"
        if self.kind is Kind.VARCHAR and self.length:
            return f"VARCHAR({self.length})"
        if self.kind in {Kind.TIMESTAMP_TZ, Kind.TIME}:
            return f"{self.kind}(9)"
        return self.name or str(self.kind)

    def holds(self, other: ColumnType) -> bool:
        """Say whether a column of this type takes the values of another, exactly.

        Values that are larger than the column are refused one by one.
        """
        if self.kind is Kind.VARIANT:
            return True
        return self.kind is other.kind and self.scale >= other.scale

    def is_shorter(self, other: ColumnType) -> bool:
        """Say whether this text column must grow to hold the other's texts."""
        mine, needed = self.length or MAX_LENGTH, other.length or MAX_LENGTH
        return self.kind is other.kind is Kind.VARCHAR and mine < needed


VARIANT = ColumnType(Kind.VARIANT)
INTEGER = ColumnType(Kind.NUMBER)
TEXT = ColumnType(Kind.VARCHAR)
TIMESTAMP = ColumnType(Kind.TIMESTAMP_TZ)

FORMATS = {
    "date-time": Kind.TIMESTAMP_TZ,
    "date": Kind.DATE,
    "time": Kind.TIME,
}


def column_type(schema: Mapping[str, Any] | bool) -> ColumnType:  # noqa: FBT001 - a schema may be true or false
    """Choose the column for a property.

    Args:
        schema: The property's JSON Schema. ``null`` among its types is ignored: every
            column may be null.

    Returns:
        The type; VARIANT for objects, arrays, mixed types and schemas without a type.
    """
    options = list(_alternatives(schema))
    types = {name for name, _ in options}
    if types == {"string"}:
        return _text([option for _, option in options])
    if types == {"boolean"}:
        return ColumnType(Kind.BOOLEAN)
    if types == {"integer"}:
        return INTEGER
    if types and types <= {"integer", "number"}:
        scale = max(_scale(option) for _, option in options)
        return ColumnType(Kind.NUMBER, scale=scale)
    return VARIANT


def _alternatives(
    schema: Mapping[str, Any] | bool,  # noqa: FBT001 - as above
) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield each type that a value may have, with the schema that describes it."""
    if isinstance(schema, bool):
        yield "anything", {}
        return
    nested = schema.get("anyOf") or schema.get("oneOf")
    if nested:
        for option in nested:
            whole = isinstance(option, bool)
            yield from _alternatives(
                option if whole else {**_without_choices(schema), **option}
            )
        return
    types = schema.get("type", "anything")
    for name in [types] if isinstance(types, str) else types:
        if name != "null":
            yield name, schema


def _without_choices(schema: Mapping[str, Any]) -> dict[str, Any]:
    return {key: schema[key] for key in schema if key not in {"anyOf", "oneOf"}}


def _text(options: list[Mapping[str, Any]]) -> ColumnType:
    formats = {option.get("format") for option in options}
    known = FORMATS.get(formats.pop() or "") if len(formats) == 1 else None
    if known:
        return ColumnType(known)
    lengths = [option.get("maxLength") for option in options]
    if all(isinstance(length, int) and 0 < length <= MAX_LENGTH for length in lengths):
        return ColumnType(Kind.VARCHAR, length=max(length or 0 for length in lengths))
    return TEXT


def _scale(schema: Mapping[str, Any]) -> int:
    """Return the digits after the point that ``multipleOf`` asks for, 9 at least."""
    try:
        step = Decimal(str(schema.get("multipleOf", 1))).normalize()
    except InvalidOperation:
        return DEFAULT_SCALE
    exponent = step.as_tuple().exponent
    digits = -exponent if isinstance(exponent, int) else 0
    return min(max(DEFAULT_SCALE, digits), MAX_SCALE)


def from_information_schema(row: Mapping[str, str | None]) -> ColumnType:
    """Read the type of an existing column.

    Args:
        row: A row of INFORMATION_SCHEMA.COLUMNS, numbers as text.

    Returns:
        The type.
    """
    name = row["DATA_TYPE"] or ""
    if name == "TEXT":
        length = row["CHARACTER_MAXIMUM_LENGTH"]
        return ColumnType(Kind.VARCHAR, length=int(length) if length else None)
    if name == "NUMBER":
        precision, scale = row["NUMERIC_PRECISION"], row["NUMERIC_SCALE"]
        return ColumnType(
            Kind.NUMBER,
            precision=int(precision or MAX_PRECISION),
            scale=int(scale or 0),
        )
    if name in Kind.__members__:
        return ColumnType(Kind(name))
    return ColumnType(Kind.FOREIGN, name=name)
