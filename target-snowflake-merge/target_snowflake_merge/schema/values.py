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

from target_snowflake_merge.errors import ValueRefusedError
from target_snowflake_merge.schema.duplicate_names import repeated_name

if TYPE_CHECKING:
    from collections.abc import Callable

    Converter = Callable[[Any], Any]

MAX_PRECISION = 38
"""Digits of a NUMBER."""

MAX_SCALE = 37
"""The largest scale that Snowflake allows."""

MAX_EXACT_INTEGER = 2**53
"""Integers beyond it travel as text, since JSON readers may take them for doubles."""

NO_TEXT_LIMIT = 128 * 1024 * 1024
"""Characters of the largest VARCHAR that Snowflake knows."""

TEXT_DIGITS = 1_000
"""Digits before and after the point that a number in a VARCHAR may have."""

encoder = msgspec.json.Encoder(decimal_format="number")
decoder = msgspec.json.Decoder(float_hook=Decimal)

NUMBER = re.compile(r"\s*[+-]?(?:\d+\.?\d*|\.\d+)(?:[Ee][+-]?\d+)?\s*", re.ASCII)
"""A number as text; Python's Decimal also reads 1_000 and digits of other scripts."""

SUSPICIOUS = re.compile(rb"NaN|Infinity|\d[eE][+-]?\d|[\d.]{39}")
"""Bytes of a number that PARSE_JSON would not keep exactly; text may match as well."""


NUL_IN_NAME = "holds an object that has a NUL character in a name"
"""PARSE_JSON may take such a name for the one without it, so that one value is lost:
Snowflake's own client refuses them since snowflakedb/snowflake-ingest-java#972. In
texts a NUL is kept.
"""

SURROGATE = "holds half of a surrogate pair"


def number(precision: int, scale: int) -> Converter:
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


def double(value: object) -> str:
    """Write a number for a FLOAT, which is a double.

    Raises:
        ValueRefusedError: It has digits that the double would not print again.
    """
    exact = _decimal(value)
    if not exact.is_finite():
        raise ValueRefusedError("is not a finite number")
    text = repr(float(exact))
    if Decimal(text) != exact:
        raise ValueRefusedError("has more digits than a FLOAT keeps")
    return text


def text(limit: int) -> Converter:
    """Return a converter into VARCHAR(limit)."""

    def convert(value: object) -> str:
        text = value if isinstance(value, str) else as_text(value)
        if not text.isascii():
            _refuse_surrogates(text)
        if len(text) > limit:
            raise ValueRefusedError(
                f"has {len(text)} characters, and the column holds {limit}"
            )
        return text

    return convert


def _refuse_surrogates(text: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise ValueRefusedError(SURROGATE) from error


def as_text(value: object) -> str:
    """Write a value that is no text for a VARCHAR.

    A number has one text, whatever zeros it was sent with: 1.0 and 1 are one key.

    Returns:
        A number in plain notation, ``true`` or ``false``, a date or time as ISO 8601,
        anything else as JSON.

    Raises:
        ValueRefusedError: It holds what does not survive.
    """
    if isinstance(value, dt.date | dt.time):
        return value.isoformat()
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        return bytes(variant(value)).decode()
    number = _decimal(value)
    # Nothing rounds a text; the bounds keep 1E+999999999 from being written out.
    text = decimal_text(number, precision=2 * TEXT_DIGITS, scale=TEXT_DIGITS)
    return text.rstrip("0").rstrip(".") if "." in text else text


def boolean(value: object) -> bool:
    """Take true and false, and nothing else."""
    if not isinstance(value, bool):
        raise ValueRefusedError("is neither true nor false")
    return value


def variant(value: object) -> msgspec.Raw:
    """Encode a value of any type as JSON whose numbers PARSE_JSON keeps exactly.

    Raises:
        ValueRefusedError: It holds NaN, infinity, a number with more digits than
            Snowflake keeps, half of a surrogate pair, or a name with a NUL.
    """
    try:
        encoded = encoder.encode(value)
        if b"\\u0000" in encoded and _has_nul_in_name(value):
            raise ValueRefusedError(NUL_IN_NAME)
        if SUSPICIOUS.search(encoded):
            encoded = encoder.encode(_exact(value))
    except UnicodeEncodeError as error:
        raise ValueRefusedError(SURROGATE) from error
    return msgspec.Raw(encoded)


def from_json(value: object) -> object:
    """Read an object or an array that was written as text; any other text stays one.

    Taps of the PipelineWise family send the JSON columns of databases so.
    """
    if not isinstance(value, str) or not value.lstrip().startswith(("{", "[")):
        return value
    try:
        found = decoder.decode(value)
    except (msgspec.DecodeError, ValueError, ArithmeticError, RecursionError):
        return value
    name = repeated_name(value.encode(), found)
    if name is not None:
        raise ValueRefusedError("holds JSON with a name that stands twice in an object")
    return found


def _has_nul_in_name(value: object) -> bool:
    if isinstance(value, list):
        return any(map(_has_nul_in_name, value))
    if not isinstance(value, dict):
        return False
    return any("\0" in key or _has_nul_in_name(value[key]) for key in value)


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


def array(value: object) -> msgspec.Raw:
    """Take an array."""
    if not isinstance(value, list):
        raise ValueRefusedError("is no array")
    return variant(value)


def json_object(value: object) -> msgspec.Raw:
    """Take an object."""
    if not isinstance(value, dict):
        raise ValueRefusedError("is no object")
    return variant(value)
