"""Casts and TO_ functions as Snowflake does them, on parsed expressions (pure)."""

from __future__ import annotations

import re

from sqlglot import exp

from sandbox.snowflake import formats
from sandbox.snowflake.errors import unsupported

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
}
TIMESTAMP_FUNCTIONS = re.compile(r"(TRY_)?TO_TIMESTAMP(?:_(TZ|NTZ|LTZ))?$")


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
    """Return a time type without its precision: the engine always has microseconds."""
    kind = Type.TIMESTAMPTZ if to.this == Type.TIMESTAMPLTZ else to.this
    return exp.DataType(this=kind, nested=False)


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
    """``TO_CHAR`` and ``TO_VARCHAR``; the engine knows those with a format."""
    return node if node.args.get("format") else call("TEXT", node.this)


def timestamp_function(node: exp.Expr) -> exp.Expr:
    """``TO_TIMESTAMP_TZ(x)`` and its kin without a format model."""
    name = TIMESTAMP_FUNCTIONS.match(str(node.this).upper())
    if not name or len(node.expressions) != 1:
        return node
    zone = "NTZ" if name[2] in {None, "NTZ"} else "TZ"
    kind = Type.TIMESTAMPNTZ if zone == "NTZ" else Type.TIMESTAMPTZ
    return convert(node.expressions[0], exp.DataType(this=kind), name[1] or "")
