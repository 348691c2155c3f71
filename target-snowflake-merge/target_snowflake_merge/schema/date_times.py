"""Dates and times as the statements read them (pure functions)."""

from __future__ import annotations

import datetime as dt
import re

from target_snowflake_merge.errors import InvalidDateError, ValueRefusedError

MAX_DECIMALS = 9
"""Digits of a second that the types of time keep at most: nanoseconds."""

DATE = r"(\d{4}-\d\d-\d\d)"
TIME = r"((?:[01]\d|2[0-3]):[0-5]\d)(:[0-5]\d)?(?:[.,](\d+))?"
ONE_OFFSET = r" ?([+-](?:[01]\d|2[0-3])(?::?[0-5]\d)?|(?i:Z|UTC|GMT))"
OFFSETS = rf"(?:{ONE_OFFSET}{ONE_OFFSET}?)?"
"""An offset may stand twice: taps add one to what Python's isoformat() has written."""

DATE_TIME = re.compile(rf"{DATE}(?:[Tt ]{TIME}{OFFSETS})?", re.ASCII)
TIME_OF_DAY = re.compile(rf"{TIME}{OFFSETS}", re.ASCII)

MIDNIGHT = "T00:00:00.000000000+00:00"
"""The time of a date, as `timestamp` writes it."""


def timestamp(value: object, decimals: int = MAX_DECIMALS) -> str:
    """Write a date-time as ``YYYY-MM-DDTHH:MM:SS.fffffffff+HH:MM``.

    Instant and offset stay as they are; a value without an offset is taken for UTC, a
    date for its first moment in UTC, an offset that stands twice for one. Seconds have
    up to nine decimals.

    Returns:
        The text that TIMESTAMP_FORMAT of the statements reads.

    Raises:
        InvalidDateError: It is no such date-time.
        ValueRefusedError: It has more decimals of a second than the column, or two
            offsets.
    """
    match = DATE_TIME.fullmatch(_iso_text(value, "is not a date-time"))
    if not match:
        raise InvalidDateError("is not a date-time")
    day, clock, seconds, fraction, *offsets = match.groups()
    time = _clock(clock or "00:00", seconds, fraction, decimals)
    text = f"{day}T{time}{_offset(*offsets)}"
    try:
        # At its edges, the range must hold for the instant as well.
        moment = dt.datetime.fromisoformat(f"{text[:19]}{text[29:]}")
        if day[:4] in {"0001", "9999"}:
            moment.astimezone(dt.UTC)
    except ValueError as error:
        raise InvalidDateError("is not a date-time") from error
    except OverflowError as error:
        raise InvalidDateError("is outside of the years 1 to 9999 in UTC") from error
    return text


def utc_timestamp(value: object, decimals: int = MAX_DECIMALS) -> str:
    """Write a date-time for a TIMESTAMP_NTZ, which holds no offset.

    It holds the time in UTC. Other loaders keep the clock of the offset instead, so
    nobody could tell later what a value means that had one.

    Raises:
        InvalidDateError: It is no date-time.
        ValueRefusedError: Its offset is not UTC, or it has too many decimals.
    """
    text = timestamp(value, decimals)
    if not text.endswith("+00:00"):
        raise ValueRefusedError("has an offset, which the column does not hold")
    return text


def now() -> str:
    """Return the present time as the statements read it."""
    return timestamp(dt.datetime.now(dt.UTC).isoformat())


def microseconds(text: str) -> int:
    """Return the microseconds since 1970 of a time that `timestamp` has written."""
    moment = dt.datetime.fromisoformat(text)
    epoch = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
    return (moment - epoch) // dt.timedelta(microseconds=1)


def in_utc(text: str) -> str:
    """Write a date-time that `timestamp` has written with the offset of UTC."""
    moment = dt.datetime.fromisoformat(f"{text[:19]}{text[29:]}").astimezone(dt.UTC)
    return f"{moment.isoformat()[:19]}{text[19:29]}+00:00"


def date(value: object) -> str:
    """Take a date ``YYYY-MM-DD``.

    Args:
        value: The date. It may have the time 00:00:00, without an offset or in UTC, as
            many taps write dates; another one is refused: cutting it off loses it.

    Returns:
        The day.

    Raises:
        InvalidDateError: It is no date of the years 1 to 9999.
        ValueRefusedError: It is a date with a time or with another offset.
    """
    text = _iso_text(value, "is not a date")
    try:
        moment = timestamp(text)
    except InvalidDateError as error:
        raise InvalidDateError("is not a date") from error
    if not moment.endswith(MIDNIGHT):
        raise ValueRefusedError("is not a date: it has a time, which a DATE has not")
    return moment.removesuffix(MIDNIGHT)


def time_of_day(value: object, decimals: int = MAX_DECIMALS) -> str:
    """Write a time of day as ``HH:MM:SS.fffffffff``.

    Args:
        value: The time; its offset, where given, must be UTC, since a TIME has none.
        decimals: The decimals of a second that the column keeps.

    Raises:
        ValueRefusedError: It is no time, has another offset, or too many decimals.
    """
    match = TIME_OF_DAY.fullmatch(_iso_text(value, "is not a time of day"))
    if not match:
        raise ValueRefusedError("is not a time of day")
    clock, seconds, fraction, *offsets = match.groups()
    if _offset(*offsets) != "+00:00":
        raise ValueRefusedError("has an offset, which a TIME column does not hold")
    return _clock(clock, seconds, fraction, decimals)


def _iso_text(value: object, reason: str) -> str:
    """Return text as it is; stream maps may make dates and times of Python."""
    if isinstance(value, dt.date | dt.time):
        return value.isoformat()
    if not isinstance(value, str):
        raise ValueRefusedError(reason)
    return value


def _clock(clock: str, seconds: str | None, fraction: str | None, most: int) -> str:
    decimals = (fraction or "").rstrip("0")
    if fraction and not seconds:  # ISO 8601 reads 12:30.5 as 12:30:30
        raise ValueRefusedError("has a fraction of a minute; write seconds")
    if len(decimals) > most:
        raise ValueRefusedError(f"has more than {most} decimals of a second")
    return f"{clock}{seconds or ':00'}.{decimals:0<9}"


def _offset(offset: str | None, again: str | None = None) -> str:
    """Write an offset as ``+HH:MM``; none is that of UTC."""
    if again and _offset(offset) != _offset(again):
        raise ValueRefusedError("has two offsets")
    if not offset or offset[0] not in "+-":
        return "+00:00"
    digits = offset.replace(":", "").ljust(5, "0")
    return "+00:00" if digits.endswith("0000") else f"{digits[:3]}:{digits[3:]}"
