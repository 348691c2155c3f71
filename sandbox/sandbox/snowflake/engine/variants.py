"""JSON text on its way into and out of VARIANT values.

Snowflake's PARSE_JSON keeps plain decimals exact, turns scientific notation into a
double and refuses duplicate keys. The engine reads every number with a fraction as a
double, but keeps the text of one that no double can hold; so a decimal that would lose
digits gets an exponent that no double can hold, and loses it again on the way out.
"""

from __future__ import annotations

import json
import re
from typing import Any, NoReturn

import msgspec

from sandbox.snowflake.engine.errors import SnowflakeError

EXACT = "e99999"
"""The exponent that marks a number whose text is to be kept."""

MARKED = re.compile(r'("(?:[^"\\]|\\.)*")|' + EXACT)
SAFE_DIGITS = 15
"""Decimal digits that a double always gives back."""


def canonical(text: str) -> str:
    """Return JSON text that the engine reads without losing a digit.

    Args:
        text: What PARSE_JSON was given.

    Raises:
        SnowflakeError: 100069, the text is no JSON or an object has a key twice.
    """
    try:
        value = json.loads(
            text,
            parse_float=_decimal,
            parse_int=_integer,
            parse_constant=_refuse,
            object_pairs_hook=_unique,
        )
        return msgspec.json.encode(value).decode()
    except (ValueError, RecursionError) as error:
        raise SnowflakeError(
            "100069", "22P02", f"Error parsing JSON: {error}"
        ) from None


def display(text: str) -> str:
    """Return stored JSON text as Snowflake would show it, without our marks."""
    if EXACT not in text:
        return text
    return MARKED.sub(lambda match: match[1] or "", text)


def _decimal(text: str) -> float | msgspec.Raw:
    if "e" in text or "E" in text:
        return float(text)
    plain = text.rstrip("0").rstrip(".")
    digits = plain.lstrip("-0.").replace(".", "")
    if len(digits) <= SAFE_DIGITS and not plain.lstrip("-").startswith("0.0000"):
        return msgspec.Raw(plain.encode()) if "." in plain else int(plain)
    return msgspec.Raw(f"{plain}{EXACT}".encode())


def _integer(text: str) -> int | msgspec.Raw:
    return int(text) if len(text) <= SAFE_DIGITS else msgspec.Raw(text.encode())


def _refuse(text: str) -> NoReturn:
    raise ValueError(f"unknown keyword {text!r}")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) < len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for n, key in enumerate(keys) if key in keys[:n])
        raise ValueError(f"duplicate object attribute {twice!r}")
    return members
