"""Explaining why an expression of stream_maps cannot be evaluated."""

from __future__ import annotations

import traceback
from contextlib import contextmanager
from typing import TYPE_CHECKING

from target_snowflake_merge.errors import TargetError, one_line

if TYPE_CHECKING:
    from collections.abc import Iterator

EVALUATOR = "simpleeval"
"""The module in which the SDK's mapper evaluates expressions."""


@contextmanager
def explained(stream: str) -> Iterator[None]:
    """Turn what an expression raises into a sentence.

    The SDK explains expressions that are wrong in themselves, and lets what they do to
    the values end in a traceback.

    Args:
        stream: The stream whose record is mapped.

    Raises:
        TargetError: An expression cannot be evaluated for the record.
    """
    try:
        yield
    except (TypeError, ValueError, ArithmeticError, LookupError) as error:
        frames = traceback.walk_tb(error.__traceback__)
        if all(frame.f_globals.get("__name__") != EVALUATOR for frame, _ in frames):
            raise
        raise TargetError(
            f"Stream {stream}: an expression of stream_maps cannot be evaluated "
            f"({one_line(str(error), 200)}); correct it. Numbers are exact decimals "
            "there: write float(x) where one meets a fraction."
        ) from error
