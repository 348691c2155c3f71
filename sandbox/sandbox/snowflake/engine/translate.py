"""Snowflake SQL as the embedded engine can run it, on parsed statements.

Everything here is pure: a statement goes in, another comes out. The functions whose
names start with ``_SB_`` are the macros of ``macros``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sqlglot import exp

from sandbox.snowflake.engine import account, conversions, tables, variants
from sandbox.snowflake.engine.conversions import call
from sandbox.snowflake.engine.errors import unsupported

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

BIND_NUMBER = re.compile(r"(?<!:):[0-9]+")
WAIT = "SYSTEM$WAIT"
LOGIN_FAILURE = "SYSTEM$GET_LOGIN_FAILURE_DETAILS"
BIND = re.compile(r"_SB_BIND_(\d+)(_JSON)?\(\)")


@dataclass(frozen=True)
class Session:
    """What the session functions answer (``CURRENT_ROLE()`` and so on).

    Args:
        values: Upper-case function names and their texts; None gives NULL.
        failures: What SYSTEM$GET_LOGIN_FAILURE_DETAILS answers, by its argument.
        parameters: The account's and session's parameters in force.
    """

    values: Mapping[str, str | None]
    failures: Mapping[str, str] = field(default_factory=dict)
    parameters: Mapping[str, str] = field(
        default_factory=lambda: account.merged({}, {})
    )


def translate(statement: exp.Expr, session: Session) -> exp.Expr:
    """Return a statement that means in the engine what it means in Snowflake."""

    def step(node: exp.Expr) -> exp.Expr:
        for kind, change in CHANGES.items():
            if isinstance(node, kind):
                return change(node)
        return _session(node, session)

    changed = _bottom_up(statement.copy(), step)
    for node in list(changed.find_all(exp.Anonymous)):
        if node.name.startswith("_SB_"):
            node.replace(conversions.by_account(node, session.parameters))
    return changed


def map_timestamps(statement: exp.Expr, parameters: Mapping[str, str]) -> None:
    """Have TIMESTAMP be what the account says it is."""
    name = parameters["TIMESTAMP_TYPE_MAPPING"].upper()
    types = {"TIMESTAMP_TZ": "TIMESTAMPTZ", "TIMESTAMP_LTZ": "TIMESTAMPLTZ"}
    mapped = exp.DataType.Type[types.get(name, "TIMESTAMPNTZ")]
    for kind in statement.find_all(exp.DataType):
        if kind.this == exp.DataType.Type.TIMESTAMP:
            kind.set("this", mapped)


def name_columns(statement: exp.Expr) -> None:
    """Name the unnamed columns of a query by their own text, as Snowflake does.

    Args:
        statement: A query, a CREATE TABLE AS a query, or any other statement.
    """
    query = statement.expression if isinstance(statement, exp.Create) else statement
    for column in query.expressions if isinstance(query, exp.Select) else []:
        if not isinstance(column, (exp.Alias, exp.Column, exp.Star)):
            name = BIND_NUMBER.sub("?", column.sql(dialect="snowflake").upper())
            column.replace(exp.alias_(column.copy(), name, quoted=True))


def keep_types(statement: exp.Expr) -> exp.Expr:
    """Return a statement in which DATE_TRUNC of a DATE is one; the engine's is not."""
    changed = statement.copy()
    for node in reversed(list(changed.find_all(exp.TimestampTrunc, exp.DateTrunc))):
        if not isinstance(node.this, exp.Literal):
            node.replace(call("OF_TYPE", node.this.copy(), node.copy()))
    return changed


def text_and_binds(
    statement: exp.Expr, zoned: Collection[int] = ()
) -> tuple[str, list[tuple[int, bool]]]:
    """Return a statement's text with ``?`` for its binds, and which binds those are.

    Args:
        statement: What ``translate`` gave.
        zoned: The numbers of the binds that are of type TIMESTAMP_TZ.

    Returns:
        The text, and per ``?`` the number of the bind and whether it is JSON text.
    """
    order: list[tuple[int, bool]] = []

    def place(match: re.Match[str]) -> str:
        number = int(match[1])
        order.append((number, bool(match[2])))
        return "_SB_INSTANT(?)" if number in zoned else "?"

    return BIND.sub(place, statement.sql(dialect="snowflake")), order


def _bottom_up(node: exp.Expr, step: Callable[[exp.Expr], exp.Expr]) -> exp.Expr:
    """Change the innermost expressions first, so that each is changed once."""
    for child in list(node.iter_expressions()):
        changed = _bottom_up(child, step)
        if changed is not child:
            child.replace(changed)
    return step(node)


def _bind(node: exp.Expr) -> exp.Expr:
    return call(f"BIND_{node.name}") if node.name else node


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
    if isinstance(value, exp.Literal) and not attempt and value.name.strip():
        return call("JSON", exp.Literal.string(variants.canonical(value.name)))
    return call(f"{attempt}PARSE_JSON", value)


def _array(node: exp.Expr) -> exp.Expr:
    """The elements of an array may be of different types."""
    elements = [call("VARIANT", element) for element in node.expressions]
    compact = "_COMPACT" if isinstance(node, exp.ArrayConstructCompact) else ""
    return call(f"ARRAY{compact}", exp.Array(expressions=elements))


def _of_array(node: exp.Expr) -> exp.Expr:
    """The engine's functions take lists, and arrays are JSON."""
    node.set("this", call("LIST", node.this))
    node.set("expressions", [call("LIST", other) for other in node.expressions])
    if isinstance(node, (exp.ArrayContains, exp.ArrayPosition, exp.ArrayAppend)):
        node.set("expression", call("VARIANT", node.expression))
    if isinstance(node, (exp.ArrayContains, exp.ArrayPosition)):
        return node
    # A copy: the node itself is about to be replaced.
    return call("ARRAY", node.copy())


def _aggregate(node: exp.Expr) -> exp.Expr:
    """An aggregate of numbers over a part of a VARIANT reads it as a number."""
    if isinstance(node.this, exp.Anonymous) and node.this.name == "_SB_GET":
        node.set("this", call("DOUBLE", node.this))
    return node


def _collate(node: exp.Expr) -> exp.Expr:
    """``COLLATE(x, 'utf8')`` compares by characters, whatever the column does."""
    if node.expression.name not in tables.SENSITIVE:
        raise unsupported(f"COLLATE(…, '{node.expression.name}')")
    node.set("expression", exp.to_identifier("C"))
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


def _session(node: exp.Expr, session: Session) -> exp.Expr:
    if isinstance(node, exp.Anonymous) and conversions.TIMESTAMP_FUNCTIONS.match(
        node.name.upper()
    ):
        return conversions.timestamp_function(node)
    if not isinstance(node, exp.Func):
        return node
    name = node.name if isinstance(node, exp.Anonymous) else node.sql_name()
    if name.upper() == LOGIN_FAILURE and node.expressions:
        details = session.failures.get(node.expressions[0].name)
        return exp.Literal.string(details) if details else exp.null()
    if name.upper() == WAIT:
        return exp.Literal.string(f"waited {node.expressions[0].name} seconds")
    if name.upper() not in session.values or node.expressions:
        return node
    value = session.values[name.upper()]
    return exp.null() if value is None else exp.Literal.string(value)


CHANGES: dict[type[exp.Expr], Callable[[exp.Expr], exp.Expr]] = {
    exp.Placeholder: _bind,
    exp.Cast: conversions.cast,
    exp.Bracket: _bracket,
    exp.Dot: _dot,
    exp.GetExtract: _get,
    exp.JSONExtract: _path,
    exp.ParseJSON: _parse_json,
    exp.StripNullValue: _one_argument("STRIP_NULL"),
    exp.IsNullValue: _one_argument("IS_JSON_NULL"),
    exp.Typeof: _one_argument("TYPEOF"),
    exp.ToVariant: _one_argument("VARIANT"),
    exp.Array: _array,
    exp.ArrayConstructCompact: _array,
    exp.ArrayToString: lambda n: call("ARRAY_TO_STRING", n.this, n.expression),
    exp.ArrayAppend: _of_array,
    exp.ArrayConcat: _of_array,
    exp.ArrayContains: _of_array,
    exp.ArrayDistinct: _of_array,
    exp.ArrayPosition: _of_array,
    exp.ArraySlice: _of_array,
    exp.ArraySize: _one_argument("ARRAY_SIZE"),
    exp.ArrayUniqueAgg: _one_argument("ARRAY_UNIQUE_AGG"),
    exp.JSONKeys: _one_argument("OBJECT_KEYS"),
    exp.StrToTime: conversions.to_timestamp,
    exp.TsOrDsToDate: conversions.to_date,
    exp.TsOrDsToTime: conversions.to_time,
    exp.ToNumber: conversions.to_number,
    exp.ToDouble: conversions.to_double,
    exp.ToBoolean: conversions.to_boolean,
    exp.ToChar: conversions.to_char,
    exp.ToBinary: conversions.to_binary,
    exp.TimeToStr: conversions.time_to_text,
    exp.Collate: _collate,
    exp.TableFromRows: _table_flatten,
    exp.Join: _lateral_join,
    exp.Values: _values,
    exp.Parameter: _position,
    exp.Sum: _aggregate,
    exp.Avg: _aggregate,
}
"""What becomes of each kind of expression. A subclass follows its class: TRY_CAST is a
CAST."""
