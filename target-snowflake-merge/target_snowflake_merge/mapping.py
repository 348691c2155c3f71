"""Expressions of stream_maps: exact numbers, and sentences where they fail."""

from __future__ import annotations

import ast
import decimal
import operator
import traceback
from contextlib import contextmanager
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from singer_sdk.mapper import CustomStreamMap

from target_snowflake_merge.errors import TargetError, one_line

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from singer_sdk.mapper import StreamMap

EVALUATOR = "simpleeval"
"""The module in which the SDK's mapper evaluates expressions."""

EXACT = decimal.Context(prec=1000)
"""Python's own context rounds every result, also -x, to 28 digits and says nothing.

Sums and products of what columns hold have fewer than a thousand digits, and what has
more is refused by every column.
"""

USUAL = decimal.Context(prec=28)
"""Python's own precision, for quotients such as 1/3 that never end."""


FAILURES = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)
"""What functions raise for values that are not theirs, such as md5 for a null."""


def divide_exactly(stream_maps: Iterable[StreamMap]) -> None:
    """Have the expressions of stream maps divide as `quotient` does.

    Args:
        stream_maps: What maps a stream.
    """
    for stream_map in stream_maps:
        if isinstance(stream_map, CustomStreamMap):
            stream_map.expr_evaluator.operators[ast.Div] = quotient


@contextmanager
def explained(stream: str) -> Iterator[None]:
    """Compute exactly, and turn what an expression raises into a sentence.

    The SDK explains expressions that are wrong in themselves, and lets what they do to
    the values end in a traceback.

    Args:
        stream: The stream whose record is mapped.

    Raises:
        TargetError: An expression cannot be evaluated for the record.
    """
    try:
        with decimal.localcontext(EXACT):
            yield
    except FAILURES as error:
        frames = traceback.walk_tb(error.__traceback__)
        if all(frame.f_globals.get("__name__") != EVALUATOR for frame, _ in frames):
            raise
        raise TargetError(
            f"Stream {stream}: an expression of stream_maps cannot be evaluated "
            f"({one_line(str(error), 200)}); correct it. Numbers are exact decimals "
            "there: write float(x) where one meets a fraction."
        ) from error


def quotient(dividend: Any, divisor: Any) -> Any:  # noqa: ANN401 - whatever an expression divides
    """Divide exactly, or to the usual number of digits where the quotient never ends.

    A thousand digits of 1/3 would fit nowhere.

    Args:
        dividend: Usually a number.
        divisor: Usually a number.
    """
    if type(dividend) is type(divisor) is int:  # of which Python would make a float
        dividend = Decimal(dividend)
    try:
        with decimal.localcontext(EXACT) as context:
            context.traps[decimal.Inexact] = True
            return operator.truediv(dividend, divisor)
    except decimal.Inexact:
        with decimal.localcontext(USUAL):
            return operator.truediv(dividend, divisor)
