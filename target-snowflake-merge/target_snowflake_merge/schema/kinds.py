"""The kinds of columns: what each holds, and how values come into it (pure).

A new kind is one row of `KINDS` and one converter in the module `values`.
Snowflake's data types: https://docs.snowflake.com/en/sql-reference/intro-summary-data-types
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from typing_extensions import override

from target_snowflake_merge.schema import values
from target_snowflake_merge.schema.date_times import (
    MAX_DECIMALS,
    date,
    time_of_day,
    timestamp,
    utc_timestamp,
)
from target_snowflake_merge.schema.values import MAX_PRECISION, NO_TEXT_LIMIT

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from target_snowflake_merge.schema.values import Converter

DEFAULT_SCALE = 9
"""Digits after the point of a number that does not say how many it needs."""

MAX_LENGTH = 16_777_216
"""Characters of a VARCHAR without a length on accounts of before the 2024_08 bundle."""


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


@dataclass(frozen=True)
class ColumnType:
    """The type of a column.

    ``length`` counts characters (None: no limit of our own), ``scale`` the digits after
    the point out of ``precision`` digits in all, ``decimals`` those of a second,
    ``name`` is a foreign type's own, ``collation`` says how texts are compared where
    the column does not compare them character by character. ``texts`` is what texts may
    be besides, by their schema: times, or objects and arrays as JSON (VARIANT).
    """

    kind: Kind
    length: int | None = None
    precision: int = MAX_PRECISION
    scale: int = 0
    decimals: int = MAX_DECIMALS
    name: str = ""
    collation: str = ""
    texts: Kind | None = None

    @override
    def __str__(self) -> str:
        """Return the type as SQL writes it."""
        sizes = [getattr(self, name) for name in self.traits.sizes]
        if sizes and None not in sizes:
            return f"{self.kind}({','.join(map(str, sizes))})"
        return self.name or str(self.kind)

    @property
    def traits(self) -> Traits:
        """What holds for all columns of its kind."""
        return KINDS[self.kind]

    def holds(self, other: ColumnType) -> bool:
        """Say whether a column of this type may hold the values of another, exactly.

        Values that it cannot hold are refused one by one.
        """
        held = self.traits.holds
        return other.kind in held or other.texts in held

    def is_like(self, other: ColumnType) -> bool:
        """Say whether values of another type are the same in this one, once widened."""
        return (
            self.kind is other.kind
            and self.kind is not Kind.FOREIGN
            and self.scale == other.scale
            and self.decimals >= other.decimals
        )

    def widened(self, other: ColumnType) -> ColumnType:
        """Return this type, as much wider as Snowflake allows and another one needs.

        The length of a text and the precision of a number can grow, a scale cannot
        change: https://docs.snowflake.com/en/sql-reference/sql/alter-table-column
        """
        if self.kind is other.kind is Kind.VARCHAR:
            mine, needed = self.length or MAX_LENGTH, other.length or MAX_LENGTH
            return replace(self, length=other.length) if mine < needed else self
        if self.kind is other.kind is Kind.NUMBER:
            needed = max(self.precision, other.precision, self.scale + other.whole)
            return replace(self, precision=min(needed, MAX_PRECISION))
        return self

    @property
    def whole(self) -> int:
        """The digits before the point."""
        return self.precision - self.scale


@dataclass(frozen=True)
class Traits:
    """What holds for all columns of a kind.

    Args:
        holds: The kinds whose values an existing column may hold without loss. Whether
            it holds a certain value is up to the converter.
        cast: The SQL that casts a VARIANT, whatever the account's input formats:
            ``{value}`` is it, ``{text}`` the same as VARCHAR, which keeps every digit
            of a number that was sent as text, ``{type}`` the column's type.
        tried: The same of a text that may be none of its values, which gives null then;
            nothing where every text is one.
        converter: Makes what prepares the values of a column: it returns the same value
            in the one form that the cast expects, or raises ValueRefusedError.
        sizes: The parts of `ColumnType` that SQL writes behind the kind.
        sent: A sample as it is sent, of what loads make columns for.
        read: The same as the SQL API writes it: dates in days, times in seconds.
    """

    holds: Collection[Kind]
    cast: str
    tried: str
    converter: Callable[[ColumnType], Converter]
    sizes: tuple[str, ...] = ()
    sent: object = None
    read: str = ""


def _parsed(function: str, written: str, text: str = "{text}") -> tuple[str, str]:
    """Write the cast of a text in a format, and the one that is only tried.

    https://docs.snowflake.com/en/sql-reference/date-time-input-output
    """
    cast = f"{function}({text}, '{written}')"
    return cast, f"TRY_{cast}"


def _timed(convert: Callable[[object, int], str]) -> Callable[[ColumnType], Converter]:
    return lambda column: lambda value: convert(value, column.decimals)


NUMBERS, TIMES = {Kind.NUMBER, Kind.FLOAT}, {Kind.TIMESTAMP_TZ, Kind.DATE}
LOCAL = 'YYYY-MM-DD"T"HH24:MI:SS.FF9'
WITHOUT_OFFSET = f"LEFT({{text}}, {len('YYYY-MM-DDTHH:MM:SS.123456789')})"
"""Of a time whose offset is UTC's, for a column that keeps none."""

AS_TEXT, AS_IT_IS = "CAST({text} AS {type})", "CAST({value} AS {type})"

KINDS = {
    Kind.VARCHAR: Traits(
        {Kind.VARCHAR, Kind.BOOLEAN, Kind.TIME, *NUMBERS, *TIMES},
        *("{text}", ""),
        lambda column: values.text(column.length or NO_TEXT_LIMIT),
        ("length",),
    ),
    Kind.NUMBER: Traits(
        NUMBERS,
        *(AS_TEXT, f"TRY_{AS_TEXT}"),
        lambda column: values.number(column.precision, column.scale),
        ("precision", "scale"),
        *["-12345678901234567890.123456789"] * 2,
    ),
    Kind.FLOAT: Traits(NUMBERS, AS_TEXT, f"TRY_{AS_TEXT}", lambda _: values.double),
    Kind.BOOLEAN: Traits(
        {Kind.BOOLEAN},
        *(AS_IT_IS, "TRY_TO_BOOLEAN({text})"),
        lambda _: values.boolean,
        sent=True,
        read="true",
    ),
    Kind.TIMESTAMP_TZ: Traits(
        TIMES,
        *_parsed("TO_TIMESTAMP_TZ", f"{LOCAL}TZH:TZM"),
        _timed(timestamp),
        ("decimals",),
        *("2026-03-04T05:06:07.123456000+00:00", "1772600767.123456000 1440"),
    ),
    Kind.TIMESTAMP_LTZ: Traits(
        TIMES,
        *_parsed("TO_TIMESTAMP_LTZ", f"{LOCAL}TZH:TZM"),
        _timed(timestamp),
        ("decimals",),
    ),
    Kind.TIMESTAMP_NTZ: Traits(
        TIMES,
        *_parsed("TO_TIMESTAMP_NTZ", LOCAL, WITHOUT_OFFSET),
        _timed(utc_timestamp),
        ("decimals",),
    ),
    Kind.DATE: Traits(
        {Kind.DATE},
        *_parsed("TO_DATE", "YYYY-MM-DD"),
        lambda _: date,
        sent="2026-03-04",
        read="20516",
    ),
    Kind.TIME: Traits(
        {Kind.TIME},
        *_parsed("TO_TIME", "HH24:MI:SS.FF9"),
        _timed(time_of_day),
        ("decimals",),
        *("05:06:07.123456000", "18367.123456000"),
    ),
    Kind.VARIANT: Traits(
        set(Kind), "{value}", "", lambda _: values.variant, sent={}, read="{}"
    ),
    Kind.ARRAY: Traits({Kind.VARIANT}, AS_IT_IS, "", lambda _: values.array),
    Kind.OBJECT: Traits({Kind.VARIANT}, AS_IT_IS, "", lambda _: values.json_object),
    Kind.FOREIGN: Traits((), "{value}", "", lambda _: values.variant),
}
"""The kinds, by what SQL calls them."""


def converter(column: ColumnType, texts: Kind | None = None) -> Converter:
    """Choose what prepares the values of a column.

    Returns:
        A function that takes a value and returns what to send. It raises
        ValueRefusedError for a value that the column cannot hold exactly.
    """
    convert = column.traits.converter(column)
    if texts is Kind.VARIANT:
        return lambda value: convert(values.from_json(value))
    return convert


VARIANT = ColumnType(Kind.VARIANT)
NESTED = ColumnType(Kind.VARIANT, texts=Kind.VARIANT)
INTEGER = ColumnType(Kind.NUMBER)
DECIMAL = ColumnType(Kind.NUMBER, scale=DEFAULT_SCALE)
TEXT = ColumnType(Kind.VARCHAR)
TIMESTAMP = ColumnType(Kind.TIMESTAMP_TZ)

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
    """
    match = DESCRIBED.fullmatch(text)
    if not match or match["name"] not in Kind.__members__:
        return ColumnType(Kind.FOREIGN, name=text)
    kind = Kind(match["name"])
    sizes = [int(size) for size in (match["sizes"] or "").split(",") if size]
    if len(sizes) > len(KINDS[kind].sizes):
        # A structured type, such as ARRAY(NUMBER), takes no values of other shapes.
        return ColumnType(Kind.FOREIGN, name=text)
    known: dict[str, Any] = dict(zip(KINDS[kind].sizes, sizes, strict=False))
    return ColumnType(kind, collation=match["collation"] or "", **known)
