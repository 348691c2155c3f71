"""What stream_maps make of schemas and records: all of it, exactly, or a sentence.

The SDK's mapper spoils schemas that say ``anyOf`` or ``oneOf``, leaves out what a
``$ref`` means, takes a record without properties for one that was filtered out, and
reads JSON as floats.
"""

from __future__ import annotations

import ast
import datetime as dt
import decimal
import json
import operator
import re
import secrets
import traceback
from contextlib import contextmanager
from decimal import Decimal
from typing import TYPE_CHECKING, Any, NoReturn

from singer_sdk.mapper import CustomStreamMap, SameRecordTransform, StreamMap
from typing_extensions import override

from target_snowflake_merge.errors import TargetError, excerpt, one_line
from target_snowflake_merge.singer.flattening import Flattener

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

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

SHARED = ("$defs", "definitions")
"""Where a schema keeps what its properties refer to."""


NOTHING = (None, "__NULL__")
"""What ``__else__`` may be: that the rest is left out."""


def check(stream_maps: object) -> None:
    """Refuse what the SDK's checks of a setting let pass, or stumble over.

    Raises:
        TargetError: An expression is empty, or ``__else__`` is not null.
    """
    maps = stream_maps if isinstance(stream_maps, dict) else {}
    places = {"stream_maps": maps} | {
        f"stream_maps of {name}": maps[name] for name in maps
    }
    for where, definition in places.items():
        for name, value in definition.items() if isinstance(definition, dict) else ():
            if name == "__else__" and value not in NOTHING:
                raise TargetError(
                    f"Setting {where}: __else__ is {excerpt(value)}, and "
                    "may only be null; correct it."
                )
            if isinstance(value, str) and not value.strip():
                raise TargetError(
                    f"Setting {where}: {name} is empty; write an expression, or null "
                    "to leave it out."
                )


def described(schema: dict[str, Any]) -> dict[str, Any]:
    """Give the SDK an object where a property's schema is a boolean or empty."""
    properties = {
        name: {"allOf": [inner]} if inner in ({}, True, False) else inner
        for name, inner in schema["properties"].items()
    }
    return {**schema, "properties": properties}


def mended(schema: dict[str, Any], source: Mapping[str, Any]) -> dict[str, Any]:
    """Mend a schema that the SDK has mapped.

    To what a mapped property may be it adds null, in ways that make ``anyOf`` no schema
    and have ``oneOf`` refuse null; ``__else__: null`` takes what is referred to away.
    """
    properties = {
        name: _nullable(inner) if isinstance(inner, dict) else inner
        for name, inner in schema["properties"].items()
    }
    shared = {name: source[name] for name in SHARED if name in source}
    return {**shared, **schema, "properties": properties}


def _nullable(schema: dict[str, Any]) -> dict[str, Any]:
    """Say in the one right way that a property may be null."""
    null = {"type": "null"}
    any_of, one_of = schema.get("anyOf"), schema.get("oneOf")
    if isinstance(any_of, list) and "null" in any_of:
        return {**schema, "anyOf": [o for o in any_of if o != "null"] + [null]}
    if isinstance(one_of, list) and len(one_of) > 1 and one_of[-1] == null:
        others = {key: schema[key] for key in schema if key != "oneOf"}
        return {**others, "anyOf": [{"oneOf": one_of[:-1]}, null]}
    return schema


class _Exact(StreamMap):
    """Flattens records without loss."""

    flattener: Flattener | None

    @override
    def flatten_record(self, record: dict[str, Any]) -> dict[str, Any]:
        return self.flattener.flattened(record) if self.flattener else record


class ExactRecord(_Exact, SameRecordTransform):
    """Leaves records as they are, but for flattening."""


class ExactStreamMap(_Exact, CustomStreamMap):
    """Maps records as the settings say."""

    @override
    def transform(self, record: dict[str, Any]) -> dict[str, Any] | None:
        """Map a record; only a filter takes it away, not that it has no properties."""
        mapped = self._transform_fn(record)
        return None if mapped is None else self.flatten_record(mapped)

    @override
    def _eval(self, *args: Any, **kwargs: Any) -> Any:
        """Write dates and times as taps do: as texts, which fit their schemas."""
        result: object = super()._eval(*args, **kwargs)
        return result.isoformat() if isinstance(result, dt.date | dt.time) else result


class ExactJson:
    """What expressions know as ``json``."""

    @staticmethod
    def loads(text: str | bytes) -> Any:  # noqa: ANN401 - whatever the JSON holds
        """Read JSON with every digit of its numbers."""
        return json.loads(text, parse_float=Decimal, parse_constant=_refuse)

    @staticmethod
    def dumps(value: object, **options: Any) -> str:  # noqa: ANN401 - those of Python
        """Write JSON with every digit of its numbers, and otherwise as Python does."""
        mark = secrets.token_hex(8)  # Python writes texts and floats, not decimals

        def marked(number: object) -> str:
            if not isinstance(number, Decimal):
                raise TypeError(f"{type(number).__name__} is no type of JSON")
            return f"{mark}{number}" if number.is_finite() else _refuse(str(number))

        text = json.dumps(value, allow_nan=False, default=marked, **options)
        return re.sub(rf'"{mark}([^"]*)"', r"\1", text)


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no number of JSON")


KINDS: dict[type[StreamMap], type[_Exact]] = {
    SameRecordTransform: ExactRecord,
    CustomStreamMap: ExactStreamMap,
}
"""What takes the place of the SDK's classes, which its mapper makes itself."""


def make_exact(stream_maps: Iterable[StreamMap]) -> None:
    """Have stream maps lose nothing."""
    for stream_map in stream_maps:
        kind = KINDS.get(type(stream_map))
        if kind:
            stream_map.__class__ = kind
        if isinstance(stream_map, _Exact):
            stream_map.flattener = Flattener.of(stream_map)
        if isinstance(stream_map, ExactStreamMap):
            stream_map.expr_evaluator.operators[ast.Div] = quotient
            stream_map.expr_evaluator.functions["json"] = ExactJson


@contextmanager
def as_sentence(stream: str) -> Iterator[None]:
    """Compute exactly, and turn what an expression raises into a sentence.

    The SDK explains expressions that are wrong in themselves, and lets what they do to
    the values end in a traceback.

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
