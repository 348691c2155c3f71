"""Which column a property of a JSON Schema gets (pure functions).

Snowflake's data types: https://docs.snowflake.com/en/sql-reference/intro-summary-data-types
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from typing_extensions import override

from target_snowflake_merge.json_schema import alternatives

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_PRECISION = 38
"""Digits of a NUMBER."""

DEFAULT_SCALE = 9
"""Digits after the point of a number that does not say how many it needs."""

MAX_SCALE = 37
"""The largest scale that Snowflake allows."""

MAX_LENGTH = 16_777_216
"""Characters of a VARCHAR without a length on accounts of before the 2024_08 bundle."""


MAX_DECIMALS = 9
"""Digits of a second that the types of time keep at most: nanoseconds."""


class Kind(StrEnum):
    """The types of column that this target fills."""

    VARCHAR = "VARCHAR"
    NUMBER = "NUMBER"
    FLOAT = "FLOAT"
    BOOLEAN = "BOOLEAN"
    TIMESTAMP_TZ = "TIMESTAMP_TZ"
    TIMESTAMP_NTZ = "TIMESTAMP_NTZ"
    TIMESTAMP_LTZ = "TIMESTAMP_LTZ"
    DATE = "DATE"
    TIME = "TIME"
    VARIANT = "VARIANT"
    ARRAY = "ARRAY"
    OBJECT = "OBJECT"
    FOREIGN = "FOREIGN"
    """Any other type, such as BINARY and GEOGRAPHY."""


TIMESTAMPS = {Kind.TIMESTAMP_TZ, Kind.TIMESTAMP_NTZ, Kind.TIMESTAMP_LTZ}
SEMI_STRUCTURED = {Kind.VARIANT, Kind.ARRAY, Kind.OBJECT}

HELD = {
    Kind.VARCHAR: {
        *(Kind.VARCHAR, Kind.NUMBER, Kind.FLOAT, Kind.BOOLEAN),
        *(Kind.TIMESTAMP_TZ, Kind.DATE, Kind.TIME),
    },
    Kind.NUMBER: {Kind.NUMBER, Kind.FLOAT},
    Kind.FLOAT: {Kind.NUMBER, Kind.FLOAT},
    Kind.BOOLEAN: {Kind.BOOLEAN},
    Kind.DATE: {Kind.DATE},
    Kind.TIME: {Kind.TIME},
    Kind.ARRAY: {Kind.VARIANT},
    Kind.OBJECT: {Kind.VARIANT},
    **{kind: {Kind.TIMESTAMP_TZ, Kind.DATE} for kind in TIMESTAMPS},
    Kind.FOREIGN: set(),
}
"""Per kind of an existing column the kinds whose values it may hold without loss.

A VARIANT holds any. Whether it holds a certain value is up to the converters in the
module `values`, which refuse what would change.
"""


@dataclass(frozen=True)
class ColumnType:
    """The type of a column.

    ``length`` counts characters (None: no limit of our own), ``scale`` the digits after
    the point out of ``precision`` digits in all, ``decimals`` those of a second,
    ``name`` is a foreign type's own, ``collation`` says how texts are compared where
    the column does not compare them character by character.
    """

    kind: Kind
    length: int | None = None
    precision: int = MAX_PRECISION
    scale: int = 0
    decimals: int = MAX_DECIMALS
    name: str = ""
    collation: str = ""

    @override
    def __str__(self) -> str:
        """Return the type as SQL writes it."""
        if self.kind is Kind.NUMBER:
            return f"NUMBER({self.precision},{self.scale})"
        if self.kind is Kind.VARCHAR and self.length:
            return f"VARCHAR({self.length})"
        if self.kind is Kind.TIME or self.kind in TIMESTAMPS:
            return f"{self.kind}({self.decimals})"
        return self.name or str(self.kind)

    def holds(self, other: ColumnType) -> bool:
        """Say whether a column of this type may hold the values of another, exactly.

        Values that it cannot hold are refused one by one.
        """
        return self.kind is Kind.VARIANT or other.kind in HELD[self.kind]

    def widened(self, other: ColumnType) -> ColumnType:
        """Return this type, as much wider as Snowflake allows and another one needs.

        The length of a text and the precision of a number can grow, a scale cannot
        change: https://docs.snowflake.com/en/sql-reference/sql/alter-table-column
        """
        if self.kind is other.kind is Kind.VARCHAR:
            mine, needed = self.length or MAX_LENGTH, other.length or MAX_LENGTH
            return replace(self, length=other.length) if mine < needed else self
        if self.kind is other.kind is Kind.NUMBER:
            return replace(self, precision=max(self.precision, other.precision))
        return self


VARIANT = ColumnType(Kind.VARIANT)
INTEGER = ColumnType(Kind.NUMBER)
TEXT = ColumnType(Kind.VARCHAR)
TIMESTAMP = ColumnType(Kind.TIMESTAMP_TZ)

FORMATS = {
    "date-time": Kind.TIMESTAMP_TZ,
    "date": Kind.DATE,
    "time": Kind.TIME,
}


def column_type(
    schema: Mapping[str, Any] | bool,  # noqa: FBT001 - a schema may be true or false
    root: Mapping[str, Any] | None = None,
    *,
    number: Kind = Kind.NUMBER,
) -> ColumnType:
    """Choose the column for a property.

    ``minimum`` and ``maximum`` do not count: they say what is allowed today, and a
    column that they had chosen could not change its scale tomorrow. ``uuid``,
    ``binary`` and all other formats stay texts, which come out as they went in: BINARY
    would have to guess how the bytes were written.

    Args:
        schema: The property's JSON Schema, in the words of the newest draft, though
            with its ``format``. ``null`` among its types is ignored: every
            column may be null.
        root: The stream's schema, in which references are looked up.
        number: The column of a number without ``multipleOf``: NUMBER or FLOAT.

    Returns:
        The type; VARIANT for objects, arrays, mixed types and schemas without a type.
    """
    options = list(alternatives(schema, root or {}))
    types = {name for name, _ in options}
    if types == {"string"}:
        return _text([option for _, option in options])
    if types == {"boolean"}:
        return ColumnType(Kind.BOOLEAN)
    if types == {"integer"}:
        return INTEGER
    if types and types <= {"integer", "number"}:
        return _number([option for name, option in options if name == "number"], number)
    return VARIANT


def _text(options: list[Mapping[str, Any]]) -> ColumnType:
    formats = {str(option.get("format")) for option in options}
    known = FORMATS.get(formats.pop()) if len(formats) == 1 else None
    if known:
        return ColumnType(known)
    lengths = [option.get("maxLength") for option in options]
    if all(isinstance(length, int) and 0 < length <= MAX_LENGTH for length in lengths):
        return ColumnType(Kind.VARCHAR, length=max(length or 0 for length in lengths))
    return TEXT


def _number(options: list[Mapping[str, Any]], number: Kind) -> ColumnType:
    """Return the column of numbers: one scale, or FLOAT where it was asked for."""
    steps = [option.get("multipleOf") for option in options]
    if number is Kind.FLOAT and None in steps:
        return ColumnType(Kind.FLOAT)
    return ColumnType(Kind.NUMBER, scale=max(map(_scale, steps)))


def _scale(step: object) -> int:
    """Return the digits after the point that ``multipleOf`` asks for, 9 at least."""
    try:
        normal = Decimal(str(1 if step is None else step)).normalize()
    except InvalidOperation:
        return DEFAULT_SCALE
    exponent = normal.as_tuple().exponent
    digits = -exponent if isinstance(exponent, int) else 0
    return min(max(DEFAULT_SCALE, digits), MAX_SCALE)


DESCRIBED = re.compile(
    r"(?P<name>\w+)(?:\((?P<sizes>[\d, ]+)\))?(?: +COLLATE +'(?P<collation>[^']*)')?"
)
"""A type as DESCRIBE TABLE prints it."""


def described(text: str) -> ColumnType:
    """Read the type of an existing column.

    INFORMATION_SCHEMA.COLUMNS tells neither the decimals of a time nor a collation;
    DESCRIBE TABLE does: https://docs.snowflake.com/en/sql-reference/sql/desc-table

    Args:
        text: The type, such as ``TIMESTAMP_NTZ(3)`` or ``VARCHAR(20) COLLATE 'en-ci'``.

    Returns:
        The type.
    """
    match = DESCRIBED.fullmatch(text)
    if not match or match["name"] not in Kind.__members__:
        return ColumnType(Kind.FOREIGN, name=text)
    kind = Kind(match["name"])
    sizes = [int(size) for size in (match["sizes"] or "").split(",") if size]
    if kind is Kind.VARCHAR:
        length = sizes[0] if sizes else None
        return ColumnType(kind, length=length, collation=match["collation"] or "")
    if kind is Kind.NUMBER and sizes:
        return ColumnType(kind, precision=sizes[0], scale=(sizes[1:] or [0])[0])
    if (kind is Kind.TIME or kind in TIMESTAMPS) and sizes:
        return ColumnType(kind, decimals=sizes[0])
    # A structured type, such as ARRAY(NUMBER), takes no values of other shapes.
    return ColumnType(Kind.FOREIGN, name=text) if sizes else ColumnType(kind)
