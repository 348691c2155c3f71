"""Snowflake SQL as the embedded engine can run it, on parsed statements.

Everything here is pure: a statement goes in, another comes out. The functions whose names
start with ``_SB_`` are the macros of ``macros``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

from sqlglot import exp

from sandbox.snowflake import formats, variants
from sandbox.snowflake.errors import unsupported

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

Type = exp.DataType.Type
Expression = TypeVar("Expression", bound=exp.Expr)
TEXT_TYPES = {Type.VARCHAR, Type.TEXT, Type.CHAR, Type.NCHAR, Type.NVARCHAR}
INTEGER_TYPES = {Type.TINYINT, Type.SMALLINT, Type.INT, Type.BIGINT}
REAL_TYPES = {Type.FLOAT, Type.DOUBLE}
VARIANT_TYPES = {Type.VARIANT, Type.OBJECT, Type.ARRAY}
TIMESTAMP_MACROS = {
    Type.TIMESTAMPTZ: "TZ",
    Type.TIMESTAMPLTZ: "TZ",
    Type.TIMESTAMP: "NTZ",
    Type.TIMESTAMPNTZ: "NTZ",
    Type.DATETIME: "NTZ",
    Type.DATE: "DATE",
    Type.TIME: "TIME",
}
TIMESTAMP_FUNCTIONS = re.compile(r"(TRY_)?TO_TIMESTAMP(?:_(TZ|NTZ|LTZ))?$")
INTEGER = exp.DataType.build("DECIMAL(38, 0)")
BIND_NUMBER = re.compile(r"(?<!:):[0-9]+")
LOGIN_FAILURE = "SYSTEM$GET_LOGIN_FAILURE_DETAILS"
BIND = re.compile(r"_SB_BIND_(\d+)(_JSON)?\(\)")


@dataclass(frozen=True)
class Session:
    """What the session functions answer (``CURRENT_ROLE()`` and so on).

    Args:
        values: Upper-case function names and their texts; None gives NULL.
        failures: What SYSTEM$GET_LOGIN_FAILURE_DETAILS answers, by its argument.
    """

    values: Mapping[str, str | None]
    failures: Mapping[str, str] = field(default_factory=dict)


def translate(statement: exp.Expr, session: Session) -> exp.Expr:
    """Return a statement that means in the engine what it means in Snowflake."""

    def step(node: exp.Expr) -> exp.Expr:
        for kind, change in CHANGES.items():
            if isinstance(node, kind):
                return change(node)
        return _session(node, session)

    copy = statement.copy()
    if isinstance(copy, exp.Select):
        name_columns(copy)
    return _bottom_up(copy, step)


def name_columns(query: exp.Select) -> None:
    """Name the unnamed columns of a query by their own text, as Snowflake does."""
    for column in query.expressions:
        if not isinstance(column, (exp.Alias, exp.Column, exp.Star)):
            name = BIND_NUMBER.sub("?", column.sql(dialect="snowflake").upper())
            column.replace(exp.alias_(column.copy(), name, quoted=True))


def text_and_binds(statement: exp.Expr) -> tuple[str, list[tuple[int, bool]]]:
    """Return a statement's text with ``?`` for its binds, and which binds those are.

    Returns:
        The text, and per ``?`` the number of the bind and whether it is JSON text.
    """
    order: list[tuple[int, bool]] = []

    def place(match: re.Match[str]) -> str:
        order.append((int(match[1]), bool(match[2])))
        return "?"

    return BIND.sub(place, statement.sql(dialect="snowflake")), order


def _bottom_up(node: exp.Expr, step: Callable[[exp.Expr], exp.Expr]) -> exp.Expr:
    """Change the innermost expressions first, so that each is changed once."""
    for child in list(node.iter_expressions()):
        changed = _bottom_up(child, step)
        if changed is not child:
            child.replace(changed)
    return step(node)


def call(name: str, *arguments: exp.Expr) -> exp.Anonymous:
    """Return a call of one of the sandbox's macros."""
    return exp.Anonymous(this=f"_SB_{name}", expressions=list(arguments))


def upper_case(node: Expression) -> Expression:
    """Fold a statement's unquoted names to upper case, as Snowflake does."""
    for name in node.find_all(exp.Identifier):
        if not name.quoted:
            name.set("this", name.name.upper())
    return node


def _bind(node: exp.Expr) -> exp.Expr:
    return call(f"BIND_{node.name}") if node.name else node


def _cast(node: exp.Expr) -> exp.Expr:
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
    cast = exp.TryCast if attempt else exp.Cast
    if kind in TEXT_TYPES:
        return _text(value, to, attempt)
    if kind in INTEGER_TYPES or kind == Type.DECIMAL:
        number = INTEGER.copy() if kind in INTEGER_TYPES else sized(to)
        return cast(this=call(f"{attempt}NUMBER", value), to=number)
    if kind in REAL_TYPES:
        return call(f"{attempt}DOUBLE", value)
    if kind == Type.BOOLEAN:
        return call(f"{attempt}BOOLEAN", value)
    if kind in VARIANT_TYPES:
        return call("VARIANT", value)
    if macro := TIMESTAMP_MACROS.get(kind):
        return cast(this=call(f"{attempt}{macro}", value), to=unsized(to))
    return cast(this=value, to=to)


def _text(value: exp.Expr, to: exp.DataType, attempt: str) -> exp.Expr:
    """Snowflake cuts nothing off: a text that is too long is an error."""
    if to.expressions:
        return call(f"{attempt}SIZED_TEXT", value, to.expressions[0].this)
    return call("TEXT", value)


def sized(to: exp.DataType) -> exp.DataType:
    """Return a NUMBER type with its precision and scale written out."""
    if len(to.expressions) == 1:
        return exp.DataType.build(f"DECIMAL({to.expressions[0].name}, 0)")
    return to if to.expressions else INTEGER.copy()


def unsized(to: exp.DataType) -> exp.DataType:
    """Return a time type without its precision: the engine always has microseconds."""
    kind = Type.TIMESTAMPTZ if to.this == Type.TIMESTAMPLTZ else to.this
    return exp.DataType(this=kind, nested=False)


def _bracket(node: exp.Expr) -> exp.Expr:
    key = node.expressions[0] if len(node.expressions) == 1 else None
    if not isinstance(key, exp.Literal):
        return node
    return get(node.this, [key.name])


def _get(node: exp.Expr) -> exp.Expr:
    key = node.expression
    if not isinstance(key, exp.Literal):
        raise unsupported("GET with a key that is no literal")
    return get(node.this, [key.name])


def _dot(node: exp.Expr) -> exp.Expr:
    """``details[0].Account``: a point after a bracket goes on with the path."""
    inner = node.this
    if isinstance(inner, exp.Anonymous) and inner.name == "_SB_GET":
        return get(inner, [node.expression.name])
    return node


def _values(node: exp.Expr) -> exp.Expr:
    """The columns of VALUES are called COLUMN1 and so on."""
    alias = node.args.get("alias")
    rows = node.expressions
    named = alias and alias.args.get("columns")
    if not rows or named or not node.find_ancestor(exp.From):
        return node
    names = [
        exp.to_identifier(f"COLUMN{n}") for n, _ in enumerate(rows[0].expressions, 1)
    ]
    called = alias.this if alias and alias.this else exp.to_identifier("_SB_VALUES")
    node.set("alias", exp.TableAlias(this=called, columns=names))
    return node


def _position(node: exp.Expr) -> exp.Expr:
    """``$1`` is the first column."""
    if isinstance(node.this, exp.Literal) and not node.this.is_string:
        return exp.column(f"COLUMN{node.this.name}")
    return node


def _path(node: exp.Expr) -> exp.Expr:
    if not isinstance(node.expression, exp.JSONPath):
        raise unsupported("GET_PATH with a path that is no literal")
    steps = [
        str(part.this)
        for part in node.expression.expressions
        if isinstance(part, (exp.JSONPathKey, exp.JSONPathSubscript))
    ]
    return get(node.this, steps)


def get(value: exp.Expr, steps: list[str]) -> exp.Expr:
    """Return an access to a part of a VARIANT; accesses to accesses become one path.

    Args:
        value: The VARIANT.
        steps: Keys and positions, from the outside in.
    """
    pointer = "".join("/" + s.replace("~", "~0").replace("/", "~1") for s in steps)
    if isinstance(value, exp.Anonymous) and value.name == "_SB_GET":
        value, path = value.expressions
        pointer = path.name + pointer
    return call("GET", value, exp.Literal.string(pointer))


def _parse_json(node: exp.Expr) -> exp.Expr:
    value = node.this
    attempt = "TRY_" if node.args.get("safe") else ""
    if isinstance(value, exp.Anonymous) and BIND.fullmatch(f"{value.name}()"):
        if attempt:
            return call("TRY_PARSE_JSON", value)
        return call("JSON", exp.Anonymous(this=f"{value.name}_JSON"))
    if isinstance(value, exp.Literal) and not attempt:
        return call("JSON", exp.Literal.string(variants.canonical(value.name)))
    return call(f"{attempt}PARSE_JSON", value)


def _formatted(node: exp.Expr, kind: str, type_: exp.DataType, macro: str) -> exp.Expr:
    attempt = "TRY_" if node.args.get("safe") else ""
    cast = exp.TryCast if attempt else exp.Cast
    model = node.args.get("format")
    if model is None:
        return cast(this=call(f"{attempt}{macro}", node.this), to=type_)
    how = formats.rewrite(model.name)
    texts = [how.pattern, how.replacement, kind, formats.model(model.name)]
    literals = [exp.Literal.string(text) for text in texts]
    iso = call(f"{attempt}FORMATTED", node.this, *literals)
    return cast(this=iso, to=type_)


def _to_date(node: exp.Expr) -> exp.Expr:
    return _formatted(node, "date", exp.DataType.build("DATE"), "DATE")


def _to_time(node: exp.Expr) -> exp.Expr:
    return _formatted(node, "time", exp.DataType.build("TIME"), "TIME")


def _to_timestamp(node: exp.Expr) -> exp.Expr:
    target = node.args.get("target_type") or exp.DataType(this=Type.TIMESTAMPNTZ)
    macro = TIMESTAMP_MACROS.get(target.this, "NTZ")
    return _formatted(node, "timestamp", unsized(target), macro)


def _to_number(node: exp.Expr) -> exp.Expr:
    precision, scale = node.args.get("precision"), node.args.get("scale")
    if node.args.get("format"):
        raise unsupported("TO_NUMBER with a format")
    size = f"{precision.name if precision else 38}, {scale.name if scale else 0}"
    attempt = "TRY_" if node.args.get("safe") else ""
    return convert(node.this, exp.DataType.build(f"DECIMAL({size})"), attempt)


def _to_double(node: exp.Expr) -> exp.Expr:
    return call("TRY_DOUBLE" if node.args.get("safe") else "DOUBLE", node.this)


def _to_boolean(node: exp.Expr) -> exp.Expr:
    return call("TRY_BOOLEAN" if node.args.get("safe") else "BOOLEAN", node.this)


def _to_char(node: exp.Expr) -> exp.Expr:
    return node if node.args.get("format") else call("TEXT", node.this)


def _aggregate(node: exp.Expr) -> exp.Expr:
    """An aggregate of numbers over a part of a VARIANT reads it as a number."""
    if isinstance(node.this, exp.Anonymous) and node.this.name == "_SB_GET":
        node.set("this", call("DOUBLE", node.this))
    return node


def _one_argument(macro: str) -> Callable[[exp.Expr], exp.Expr]:
    return lambda node: call(macro, node.this)


def _table_flatten(node: exp.Expr) -> exp.Expr:
    if not isinstance(node.this, exp.Explode):
        return node
    source, _ = _flatten_arguments(node.this)
    return exp.Table(this=call("FLATTEN", source), alias=node.args.get("alias"))


def _lateral_join(node: exp.Expr) -> exp.Expr:
    """``, LATERAL FLATTEN(… OUTER => TRUE)`` keeps the row on its left: a left join."""
    lateral = node.this
    if not (isinstance(lateral, exp.Lateral) and isinstance(lateral.this, exp.Explode)):
        return node
    source, outer = _flatten_arguments(lateral.this)
    alias = lateral.args.get("alias")
    if alias:
        alias = exp.TableAlias(this=alias.this)
    flat = exp.Lateral(this=call("FLATTEN", source), alias=alias)
    if outer:
        return exp.Join(this=flat, side="LEFT", on=exp.true())
    return exp.Join(this=flat, kind="CROSS")


def _flatten_arguments(explode: exp.Expr) -> tuple[exp.Expr, bool]:
    """Return FLATTEN's input (its PATH applied) and whether it is OUTER."""
    named: dict[str, exp.Expr] = {}
    for argument in [explode.this, *explode.expressions]:
        is_named = isinstance(argument, exp.Kwarg)
        name = argument.this.name.upper() if is_named else "INPUT"
        named[name] = argument.expression if is_named else argument
    for name in ("RECURSIVE", "MODE"):
        if name in named:
            raise unsupported(f"FLATTEN with {name}")
    source = named["INPUT"]
    if path := named.get("PATH"):
        source = get(source, path.name.split("."))
    outer = named.get("OUTER")
    return source, outer is not None and outer.sql().upper() == "TRUE"


def _timestamp_function(node: exp.Expr) -> exp.Expr:
    """``TO_TIMESTAMP_TZ(x)`` without a format model."""
    name = TIMESTAMP_FUNCTIONS.match(str(node.this).upper())
    if not name or len(node.expressions) != 1:
        return node
    zone = "NTZ" if name[2] in {None, "NTZ"} else "TZ"
    kind = Type.TIMESTAMPNTZ if zone == "NTZ" else Type.TIMESTAMPTZ
    return convert(node.expressions[0], exp.DataType(this=kind), name[1] or "")


def _session(node: exp.Expr, session: Session) -> exp.Expr:
    if isinstance(node, exp.Anonymous) and TIMESTAMP_FUNCTIONS.match(node.name.upper()):
        return _timestamp_function(node)
    if not isinstance(node, exp.Func):
        return node
    name = node.name if isinstance(node, exp.Anonymous) else node.sql_name()
    if name.upper() == LOGIN_FAILURE and node.expressions:
        details = session.failures.get(node.expressions[0].name)
        return exp.Literal.string(details) if details else exp.null()
    if name.upper() not in session.values or node.expressions:
        return node
    value = session.values[name.upper()]
    return exp.null() if value is None else exp.Literal.string(value)


CHANGES: dict[type[exp.Expr], Callable[[exp.Expr], exp.Expr]] = {
    exp.Placeholder: _bind,
    exp.Cast: _cast,
    exp.Bracket: _bracket,
    exp.Dot: _dot,
    exp.GetExtract: _get,
    exp.JSONExtract: _path,
    exp.ParseJSON: _parse_json,
    exp.StripNullValue: _one_argument("STRIP_NULL"),
    exp.IsNullValue: _one_argument("IS_JSON_NULL"),
    exp.Typeof: _one_argument("TYPEOF"),
    exp.ToVariant: _one_argument("VARIANT"),
    exp.ArraySize: _one_argument("ARRAY_SIZE"),
    exp.StrToTime: _to_timestamp,
    exp.TsOrDsToDate: _to_date,
    exp.TsOrDsToTime: _to_time,
    exp.ToNumber: _to_number,
    exp.ToDouble: _to_double,
    exp.ToBoolean: _to_boolean,
    exp.ToChar: _to_char,
    exp.TableFromRows: _table_flatten,
    exp.Join: _lateral_join,
    exp.Values: _values,
    exp.Parameter: _position,
    exp.Sum: _aggregate,
    exp.Avg: _aggregate,
}
"""What becomes of each kind of expression. A subclass follows its class: TRY_CAST is a
CAST."""
