"""The values of a record, as the MERGE casts them (pure functions).

Each converter takes a value that is not null and returns what stands for it in the JSON
array that is sent: the same value, exactly, in the one form that its cast expects. What
the column cannot hold exactly is refused.
"""

from __future__ import annotations

import datetime as dt
import re
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any

import msgspec

from target_snowflake_merge.types import MAX_PRECISION, MAX_SCALE, ColumnType, Kind

if TYPE_CHECKING:
    from collections.abc import Callable

    Converter = Callable[[Any], Any]

MAX_EXACT_INTEGER = 2**53
"""Integers beyond it travel as text, since JSON readers may take them for doubles."""

NO_TEXT_LIMIT = 128 * 1024 * 1024
"""Characters of the largest VARCHAR that Snowflake knows."""

encoder = msgspec.json.Encoder(decimal_format="number")

DATE = r"(\d{4}-\d\d-\d\d)"
TIME = r"(\d\d:\d\d)(:\d\d)?(?:[.,](\d+))?"
OFFSET = r"([Zz]|[+-]\d\d(?::?\d\d)?)?"
DATE_TIME = re.compile(rf"{DATE}(?:[Tt ]{TIME}{OFFSET})?", re.ASCII)
TIME_OF_DAY = re.compile(rf"{TIME}{OFFSET}", re.ASCII)

NUMBER = re.compile(r"\s*[+-]?(?:\d+\.?\d*|\.\d+)(?:[Ee][+-]?\d+)?\s*", re.ASCII)
"""A number as text; Python's Decimal also reads 1_000 and digits of other scripts."""

SUSPICIOUS = re.compile(rb"NaN|Infinity|\d[eE][+-]?\d|[\d.]{39}")
"""Bytes of a number that PARSE_JSON would not keep exactly; text may match as well."""


class ValueRefusedError(ValueError):
    """A column cannot hold a value exactly; the message says why."""


def converter(column: ColumnType) -> Converter:
    """Choose what prepares the values of a column.

    Args:
        column: The type that the column has in the table.

    Returns:
        A function that takes a value and returns what to send. It raises
        ValueRefusedError for a value that the column cannot hold exactly.
    """
    if column.kind is Kind.NUMBER:
        return _number(column.precision, column.scale)
    if column.kind is Kind.VARCHAR:
        return _text(column.length or NO_TEXT_LIMIT)
    return CONVERTERS[column.kind]


def _number(precision: int, scale: int) -> Converter:
    """Return a converter into NUMBER(precision, scale)."""
    bound = min(10 ** (precision - scale), MAX_EXACT_INTEGER)

    def convert(value: object) -> int | str:
        if type(value) is int and -bound < value < bound:
            return value
        return decimal_text(_decimal(value), precision, scale)

    return convert


def _decimal(value: object) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal | str):
        raise ValueRefusedError("is not a number")
    if isinstance(value, str) and not NUMBER.fullmatch(value):
        raise ValueRefusedError("is not a number")
    try:
        # The shortest text of a float is the number that its writer meant.
        return Decimal(repr(value) if isinstance(value, float) else value)
    except InvalidOperation as error:
        raise ValueRefusedError("is not a number") from error


def decimal_text(value: Decimal, precision: int, scale: int) -> str:
    """Write a number in plain notation, never as 1E-7.

    Args:
        value: The number.
        precision: The digits that the column has in all.
        scale: Those of them that stand after the point.

    Returns:
        Every digit of the number.

    Raises:
        ValueRefusedError: The number is NaN or infinite, or needs more digits.
    """
    if not value.is_finite():
        raise ValueRefusedError("is not a finite number")
    if not value:
        return "0"
    if value.adjusted() >= precision - scale:
        raise ValueRefusedError(
            f"has more than {precision - scale} digits before the point"
        )
    # The smallest digit is looked at before the text is made: 1E-999999999 has a
    # thousand million of them.
    digits = value.as_tuple()
    zeros = len(digits.digits) - len(_digits(digits.digits).rstrip("0"))
    if int(digits.exponent) + zeros < -scale:
        raise ValueRefusedError(f"has more than {scale} digits after the point")
    return format(value, "f")


def _digits(digits: tuple[int, ...]) -> str:
    return "".join(map(str, digits))


def _text(limit: int) -> Converter:
    """Return a converter into VARCHAR(limit)."""

    def convert(value: object) -> str:
        text = value if isinstance(value, str) else bytes(variant(value)).decode()
        if not text.isascii():
            _check(str.encode, text, "holds half of a surrogate pair")
        if len(text) > limit:
            raise ValueRefusedError(
                f"has {len(text)} characters, and the column holds {limit}"
            )
        return text

    return convert


def boolean(value: object) -> bool:
    """Take true and false, and nothing else."""
    if not isinstance(value, bool):
        raise ValueRefusedError("is neither true nor false")
    return value


def timestamp(value: object) -> str:
    """Write a date-time as ``YYYY-MM-DDTHH:MM:SS.fffffffff+HH:MM``.

    Instant and offset stay as they are; a value without an offset is taken for UTC, a
    date for its first moment. Seconds have up to nine decimals.

    Args:
        value: A date-time of ISO 8601 or RFC 3339 with a four-digit year.

    Returns:
        The text that TIMESTAMP_FORMAT of the statements reads.

    Raises:
        ValueRefusedError: It is no such date-time.
    """
    match = DATE_TIME.fullmatch(_iso_text(value))
    if not match:
        raise ValueRefusedError("is not a date-time")
    day, clock, seconds, fraction, offset = match.groups()
    _check(dt.date.fromisoformat, day, "is not a date-time")
    return f"{day}T{_clock(clock or '00:00', seconds, fraction)}{_offset(offset)}"


def date(value: object) -> str:
    """Take a date ``YYYY-MM-DD``.

    Args:
        value: The date. One with a time is refused: cutting the time off loses it.

    Returns:
        The same text.

    Raises:
        ValueRefusedError: It is no date of the years 1 to 9999.
    """
    text = _iso_text(value)
    if not re.fullmatch(DATE, text, re.ASCII):
        raise ValueRefusedError("is not a date")
    _check(dt.date.fromisoformat, text, "is not a date")
    return text


def time_of_day(value: object) -> str:
    """Write a time of day as ``HH:MM:SS.fffffffff``.

    Args:
        value: The time; its offset, where given, must be UTC, since a TIME has none.

    Returns:
        The text that TIME_FORMAT of the statements reads.

    Raises:
        ValueRefusedError: It is no time, or has another offset.
    """
    match = TIME_OF_DAY.fullmatch(_iso_text(value))
    if not match:
        raise ValueRefusedError("is not a time of day")
    clock, seconds, fraction, offset = match.groups()
    if _offset(offset) != "+00:00":
        raise ValueRefusedError("has an offset, which a TIME column does not hold")
    return _clock(clock, seconds, fraction)


def _iso_text(value: object) -> str:
    """Return text as it is; stream maps may make dates and times of Python."""
    if isinstance(value, dt.date | dt.time):
        return value.isoformat()
    return value if isinstance(value, str) else ""


def _clock(clock: str, seconds: str | None, fraction: str | None) -> str:
    whole = f"{clock}{seconds or ':00'}"
    _check(dt.time.fromisoformat, whole, "is not a time of day")
    decimals = (fraction or "").rstrip("0")
    if len(decimals) > 9:  # noqa: PLR2004 - nanoseconds
        raise ValueRefusedError("has more than nine decimals of a second")
    return f"{whole}.{decimals:0<9}"


def _offset(offset: str | None) -> str:
    if offset in {None, "Z", "z"}:
        return "+00:00"
    digits = str(offset).replace(":", "").ljust(5, "0")
    hours, minutes = digits[1:3], digits[3:]
    _check(dt.time.fromisoformat, f"{hours}:{minutes}", "has no possible offset")
    return f"{digits[0]}{hours}:{minutes}"


def _check(parse: Callable[[str], object], text: str, reason: str) -> None:
    try:
        parse(text)
    except ValueError as error:
        raise ValueRefusedError(reason) from error


def variant(value: object) -> msgspec.Raw:
    """Encode a value of any type as JSON whose numbers PARSE_JSON keeps exactly.

    Args:
        value: An object, array or scalar, as it was decoded.

    Returns:
        The JSON text.

    Raises:
        ValueRefusedError: It holds NaN, infinity, a number with more digits than
            Snowflake keeps, or half of a surrogate pair.
    """
    try:
        encoded = encoder.encode(value)
        if SUSPICIOUS.search(encoded):
            encoded = encoder.encode(_exact(value))
    except UnicodeEncodeError as error:
        raise ValueRefusedError("holds half of a surrogate pair") from error
    return msgspec.Raw(encoded)


def _exact(value: object) -> object:
    """Write the numbers inside a value so that they survive, or refuse them."""
    match value:
        case dict():
            return {key: _exact(item) for key, item in value.items()}
        case list():
            return [_exact(item) for item in value]
        case bool():
            return value
        case Decimal() | float() | int():
            return msgspec.Raw(_json_number(_decimal(value)).encode())
        case _:
            return value


def _json_number(value: Decimal) -> str:
    """Write a number of a VARIANT.

    PARSE_JSON keeps plain notation of up to 38 digits as a decimal and reads the rest
    as a double (https://docs.snowflake.com/en/sql-reference/functions/parse_json), so a
    number outside goes only where a double prints the same digits again.
    """
    if not value.is_finite():
        raise ValueRefusedError("holds a number that is not finite")
    text = format(value, "f") if abs(value.adjusted()) < MAX_PRECISION else ""
    whole, _, decimals = text.lstrip("-").partition(".")
    digits = len(whole.lstrip("0") + decimals)
    if text and digits <= MAX_PRECISION and len(decimals) <= MAX_SCALE:
        return text
    if Decimal(repr(float(value))) == value:
        return repr(float(value))
    raise ValueRefusedError(f"holds a number of more than {MAX_PRECISION} digits")


CONVERTERS: dict[Kind, Converter] = {
    Kind.BOOLEAN: boolean,
    Kind.TIMESTAMP_TZ: timestamp,
    Kind.DATE: date,
    Kind.TIME: time_of_day,
    Kind.VARIANT: variant,
}
