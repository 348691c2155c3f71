"""Casts and TO_ functions as Snowflake does them, on parsed expressions (pure)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from sqlglot import exp

from sandbox.snowflake.engine import account, formats
from sandbox.snowflake.engine.errors import unsupported

if TYPE_CHECKING:
    from collections.abc import Mapping

Type = exp.DataType.Type
TEXT_TYPES = {Type.VARCHAR, Type.TEXT, Type.CHAR, Type.NCHAR, Type.NVARCHAR}
INTEGER_TYPES = {Type.TINYINT, Type.SMALLINT, Type.INT, Type.BIGINT}
VARIANT_TYPES = {Type.VARIANT, Type.OBJECT, Type.ARRAY}
TIME_MACROS = {
    Type.TIMESTAMPTZ: "TZ",
    Type.TIMESTAMPLTZ: "TZ",
    Type.TIMESTAMP: "NTZ",
    Type.TIMESTAMPNTZ: "NTZ",
    Type.DATETIME: "NTZ",
    Type.DATE: "DATE",
    Type.TIME: "TIME",
}
PLAIN_MACROS = {
    Type.FLOAT: "DOUBLE",
    Type.DOUBLE: "DOUBLE",
    Type.BOOLEAN: "BOOLEAN",
    Type.BINARY: "BINARY_HEX",
}
TIMESTAMP_FUNCTIONS = re.compile(r"(TRY_)?TO_TIMESTAMP(?:_(TZ|NTZ|LTZ))?$")

FRACTIONS = re.compile(r"%f_?(nine|six|three)?")
OFFSETS = re.compile(r"(%:?z)")


def call(name: str, *arguments: exp.Expr) -> exp.Anonymous:
    """Return a call of one of the sandbox's macros."""
    return exp.Anonymous(this=f"_SB_{name}", expressions=list(arguments))


def cast(node: exp.Expr) -> exp.Expr:
    """``CAST(x AS T)``, ``x::T`` and ``TRY_CAST(x AS T)``."""
    attempt = "TRY_" if isinstance(node, exp.TryCast) else ""
    return convert(node.this, node.args["to"], attempt)


def convert(value: exp.Expr, to: exp.DataType, attempt: str = "") -> exp.Expr:
    """Return a conversion as Snowflake does it.

    Args:
        value: What to convert; a VARIANT gives its own value.
        to: The type.
        attempt: ``TRY_`` for NULL instead of an error, else empty.
    """
    kind = to.this
    if kind in TEXT_TYPES:
        return _text(value, to, attempt)
    if kind in INTEGER_TYPES or kind == Type.DECIMAL:
        return _cast_to(call(f"{attempt}NUMBER", value), number(to), attempt)
    if kind in VARIANT_TYPES:
        return call("VARIANT", value)
    if macro := PLAIN_MACROS.get(kind):
        return call(f"{attempt}{macro}", value)
    if macro := TIME_MACROS.get(kind):
        return _cast_to(call(f"{attempt}{macro}", value), unsized(to), attempt)
    return _cast_to(value, to, attempt)


def _cast_to(value: exp.Expr, to: exp.DataType, attempt: str) -> exp.Expr:
    """Return the engine's own cast, of a value that has Snowflake's form already."""
    if to.this == Type.INTERVAL:
        return call(f"{attempt}INSTANT", value)
    if attempt:
        # Without the flag sqlglot writes CAST, where it cannot see that this is a text.
        return exp.TryCast(this=value, to=to, requires_string=True)
    return exp.Cast(this=value, to=to)


def _text(value: exp.Expr, to: exp.DataType, attempt: str) -> exp.Expr:
    """Snowflake cuts nothing off: a text that is too long is an error."""
    if to.expressions:
        return call(f"{attempt}SIZED_TEXT", value, to.expressions[0].this)
    return call("TEXT", value)


def number(to: exp.DataType) -> exp.DataType:
    """Return a NUMBER type with its precision and scale written out."""
    if to.this in INTEGER_TYPES or not to.expressions:
        return exp.DataType.build("DECIMAL(38, 0)")
    if len(to.expressions) == 1:
        return exp.DataType.build(f"DECIMAL({to.expressions[0].name}, 0)")
    return to


def unsized(to: exp.DataType) -> exp.DataType:
    """Return the engine's time type: it always has microseconds; see ``zoned``."""
    kinds = {Type.TIMESTAMPLTZ: Type.TIMESTAMPTZ, Type.TIMESTAMPTZ: Type.INTERVAL}
    return exp.DataType(this=kinds.get(to.this, to.this), nested=False)


def _formatted(node: exp.Expr, kind: str, type_: exp.DataType, macro: str) -> exp.Expr:
    attempt = "TRY_" if node.args.get("safe") else ""
    model = node.args.get("format")
    if model is None:
        return _cast_to(call(f"{attempt}{macro}", node.this), type_, attempt)
    how = formats.rewrite(model.name)
    texts = [how.pattern, how.replacement, kind, formats.model(model.name)]
    literals = [exp.Literal.string(text) for text in texts]
    iso = call(f"{attempt}FORMATTED", node.this, *literals)
    return _cast_to(iso, type_, attempt)


def to_date(node: exp.Expr) -> exp.Expr:
    """``TO_DATE`` and ``TRY_TO_DATE``, with a format model or without."""
    return _formatted(node, "date", exp.DataType.build("DATE"), "DATE")


def to_time(node: exp.Expr) -> exp.Expr:
    """``TO_TIME`` and ``TRY_TO_TIME``."""
    return _formatted(node, "time", exp.DataType.build("TIME"), "TIME")


def to_timestamp(node: exp.Expr) -> exp.Expr:
    """``TO_TIMESTAMP_TZ(x, model)`` and its kin."""
    target = node.args.get("target_type") or exp.DataType(this=Type.TIMESTAMPNTZ)
    macro = TIME_MACROS.get(target.this, "NTZ")
    return _formatted(node, "timestamp", unsized(target), macro)


def to_number(node: exp.Expr) -> exp.Expr:
    """``TO_NUMBER`` and its other names."""
    precision, scale = node.args.get("precision"), node.args.get("scale")
    if node.args.get("format"):
        raise unsupported("TO_NUMBER with a format")
    size = f"{precision.name if precision else 38}, {scale.name if scale else 0}"
    attempt = "TRY_" if node.args.get("safe") else ""
    return convert(node.this, exp.DataType.build(f"DECIMAL({size})"), attempt)


def to_double(node: exp.Expr) -> exp.Expr:
    """``TO_DOUBLE`` and ``TRY_TO_DOUBLE``."""
    return call("TRY_DOUBLE" if node.args.get("safe") else "DOUBLE", node.this)


def to_boolean(node: exp.Expr) -> exp.Expr:
    """``TO_BOOLEAN`` and ``TRY_TO_BOOLEAN``."""
    return call("TRY_BOOLEAN" if node.args.get("safe") else "BOOLEAN", node.this)


def to_char(node: exp.Expr) -> exp.Expr:
    """``TO_CHAR`` and ``TO_VARCHAR``, with a format of dates and times or without."""
    model = node.args.get("format")
    if model is None:
        return call("TEXT", node.this)
    if not isinstance(model, exp.Literal):
        raise unsupported("TO_CHAR with a format that is no literal")
    return _spelled(node.this, account.directives(model.name))


def time_to_text(node: exp.Expr) -> exp.Expr:
    """``TO_CHAR`` of what sqlglot knows to be a date or time."""
    return _spelled(node.this, node.args["format"].name)


def _spelled(value: exp.Expr, directives: str) -> exp.Expr:
    """Write a date or time: the engine knows no offsets, they are put between."""
    if "%" not in directives:
        raise unsupported("TO_CHAR with a format of numbers")
    texts: list[exp.Expr] = []
    for part in OFFSETS.split(FRACTIONS.sub(_fraction, directives)):
        if part in {"%:z", "%z"}:
            colon = exp.Literal.string(":" if ":" in part else "")
            instant = call("INSTANT", call("TZ", value.copy()))
            texts.append(call("TZ_SPELLED", instant, colon))
        elif part:
            texts.append(call("SPELLED", value.copy(), exp.Literal.string(part)))
    joined = texts[0]
    for text in texts[1:]:
        joined = exp.DPipe(this=joined, expression=text)
    return joined


def _fraction(match: re.Match[str]) -> str:
    """Return the engine's directive for a fraction: milliseconds or microseconds."""
    return "%g" if match[1] == "three" else "%f"


def timestamp_function(node: exp.Expr) -> exp.Expr:
    """``TO_TIMESTAMP_TZ(x)`` and its kin without a format model."""
    name = TIMESTAMP_FUNCTIONS.match(str(node.this).upper())
    if not name or len(node.expressions) != 1:
        return node
    kind = Type[f"TIMESTAMP{name[2]}" if name[2] else "TIMESTAMPNTZ"]
    return convert(node.expressions[0], exp.DataType(this=kind), name[1] or "")


def to_binary(node: exp.Expr) -> exp.Expr:
    """``TO_BINARY`` and ``TRY_TO_BINARY``."""
    attempt = "TRY_" if node.args.get("safe") else ""
    given = node.args.get("format")
    kind = given.name.upper().replace("-", "") if given else "HEX"
    return call(f"{attempt}BINARY_{kind}", node.this)


FORMATTED = {
    "DATE": ("DATE_INPUT_FORMAT", "date"),
    "TIME": ("TIME_INPUT_FORMAT", "time"),
    "NTZ": ("TIMESTAMP_INPUT_FORMAT", "timestamp"),
    "TZ": ("TIMESTAMP_INPUT_FORMAT", "timestamp"),
}
"""Which parameter says how each macro reads a text, and what messages call it."""


def by_account(node: exp.Anonymous, parameters: Mapping[str, str]) -> exp.Expr:
    """Have a conversion without a format of its own obey the account's parameters."""
    attempt, _, name = node.name.removeprefix("_SB_").rpartition("TRY_")
    prefix = f"{attempt}TRY_" if "TRY_" in node.name else ""
    if name == "BINARY_HEX":
        kind = parameters["BINARY_INPUT_FORMAT"].upper().replace("-", "")
        return call(f"{prefix}BINARY_{kind}", *node.expressions)
    parameter, kind = FORMATTED.get(name, ("", ""))
    model = parameters.get(parameter, account.AUTO)
    if model == account.AUTO:
        return node
    directives = account.directives(model)
    how = formats.rewrite(directives)
    texts = [how.pattern, how.replacement, kind, formats.model(directives)]
    literals = [exp.Literal.string(text) for text in texts]
    return call(f"{prefix}AS_{name}", *node.expressions, *literals)
