"""What stops a run, in sentences for the person who operates it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from singer_sdk.exceptions import MissingKeyPropertiesError, SingerSDKError
from singer_sdk.singerlib.exceptions import SingerError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

EXCERPT_LENGTH = 100
"""Characters of an offending value, name or line that a sentence shows."""


class TargetError(Exception):
    """One sentence: what is wrong, where, and what to do about it.

    The command prints it on standard error and ends with exit code 1. It never holds a
    secret.
    """


class SettingError(TargetError):
    """A setting is missing or wrong."""


class OutputError(TargetError):
    """Nothing can be written to standard output any more."""


class MissingKeyError(TargetError, MissingKeyPropertiesError):
    """A record lacks a part of its key, or the part is null."""


class StatementError(TargetError):
    """Snowflake refused a statement, definitely: sending it again cannot help."""

    def __init__(self, message: str, *, code: str = "") -> None:
        """Describe the refusal.

        Args:
            message: The sentence for the operator.
            code: Snowflake's six-digit error code, where the answer held one.
        """
        super().__init__(message)
        self.code = code


class StatementTooLargeError(StatementError):
    """The request was too large (HTTP 413): fewer rows may pass."""


def one_line(text: str, limit: int = 500) -> str:
    """Squeeze white space and cut a text, so that it fits into one sentence."""
    squeezed = " ".join(text.split())
    return squeezed if len(squeezed) <= limit else f"{squeezed[:limit]}…"


def excerpt(value: object) -> str:
    """Show a value in an error, on one line and cut."""
    return one_line(str(value), EXCERPT_LENGTH)


def record_label(stream: str, keys: Sequence[str], record: Mapping[str, object]) -> str:
    """Name a record in an error by its stream and key."""
    key = ", ".join(f"{key} {excerpt(record.get(key))}" for key in keys)
    return f"Stream {stream}, record {key or '(no key)'}"


class RecordRefusedError(Exception):
    """A record does not fit its schema; the message names the property and says why."""


class ValueRefusedError(ValueError):
    """A column cannot hold a value exactly; the message says why."""


class InvalidDateError(ValueRefusedError):
    """A text is no date, or none that Snowflake knows, such as ``0000-00-00``."""


EXPLAINED = (TargetError, SingerSDKError, SingerError)
"""Errors whose messages say it all, so that a command needs no traceback."""
