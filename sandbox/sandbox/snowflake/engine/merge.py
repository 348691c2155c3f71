"""MERGE as a few plain statements.

The engine's own MERGE knows neither Snowflake's error for ambiguous rows nor where its
counts come from. So the source is stored first, then joined to the target once: the
pairs say which clause applies to which row, which is where ambiguity shows, and are
applied clause by clause. All of it happens in one transaction.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlglot import exp, select

from sandbox.snowflake.engine.errors import SnowflakeError, syntax, unsupported

SOURCE = "_SB_MERGE_SOURCE"
PAIRS = "_SB_MERGE_PAIRS"


@dataclass(frozen=True)
class Clause:
    """One ``WHEN … THEN …``: its number, what it does, and the statement that does it.

    Args:
        number: The value of the pairs' ``OP`` column.
        action: ``inserted``, ``updated`` or ``deleted``, as in the result's column.
        apply: The statement; its count is the clause's count.
    """

    number: int
    action: str
    apply: exp.Expr


@dataclass(frozen=True)
class Plan:
    """The statements of a MERGE, in the order in which to run them.

    Args:
        prepare: Statements that store the source and the pairs.
        ambiguous: A query that gives a row if a target row would be changed twice.
        clauses: The clauses in the statement's order.
    """

    prepare: list[exp.Expr]
    ambiguous: exp.Expr
    clauses: list[Clause]


def plan(merge: exp.Merge) -> Plan:
    """Return the statements that do what a MERGE does.

    Raises:
        SnowflakeError: The MERGE has no clause, or values that do not fit its columns.
    """
    whens = merge.args["whens"].expressions
    store = _temporary(SOURCE, select("*").from_(merge.args["using"].copy()))
    values: list[exp.Expr] = []
    clauses = [
        Clause(number, *_apply(merge, when, values, number))
        for number, when in enumerate(whens)
    ]
    pairs = _temporary(PAIRS, _pairs(merge, whens, values))
    return Plan([store, pairs], _ambiguous(clauses), clauses)


def duplicate_row(count: int) -> SnowflakeError:
    """Return the error for a target row that several source rows would change."""
    return SnowflakeError(
        "100090",
        "42P18",
        f"Duplicate row detected during DML action\nRow Values: [{count}]",
    )


def _temporary(name: str, rows: exp.Expr) -> exp.Create:
    return exp.Create(
        this=exp.to_table(name),
        kind="TABLE",
        replace=True,
        properties=exp.Properties(expressions=[exp.TemporaryProperty()]),
        expression=rows,
    )


def _called(table: exp.Expr) -> exp.Identifier:
    """Return the name by which the statement calls a table or sub-select."""
    alias = table.args.get("alias")
    name: exp.Identifier = alias.this if alias else table.this
    return name.copy()


def _target_id(merge: exp.Merge) -> exp.Column:
    return exp.Column(this=exp.to_identifier("ROWID"), table=_called(merge.this))


def _pairs(
    merge: exp.Merge, whens: list[exp.When], values: list[exp.Expr]
) -> exp.Select:
    """Every source row, with the target row it matches and the clause that applies."""
    source = exp.to_table(SOURCE)
    source.set("alias", exp.TableAlias(this=_called(merge.args["using"])))
    columns = [
        exp.alias_(value.copy(), f"V{number}") for number, value in enumerate(values)
    ]
    return (
        select(exp.alias_(_operation(merge, whens), "OP"))
        .select(exp.alias_(_target_id(merge), "TARGET_ID"), *columns)
        .from_(source)
        .join(merge.this.copy(), on=merge.args["on"].copy(), join_type="LEFT")
    )


def _operation(merge: exp.Merge, whens: list[exp.When]) -> exp.Case:
    case = exp.Case()
    for number, when in enumerate(whens):
        is_there = exp.Is(this=_target_id(merge), expression=exp.null())
        applies: exp.Expr = exp.not_(is_there) if when.args["matched"] else is_there
        if condition := when.args.get("condition"):
            applies = exp.and_(applies, condition.copy())
        case = case.when(applies, exp.Literal.number(number))
    return case


def _apply(
    merge: exp.Merge, when: exp.When, values: list[exp.Expr], number: int
) -> tuple[str, exp.Expr]:
    then = when.args["then"]
    if isinstance(then, exp.Insert):
        return "inserted", _insert(merge, then, values, number)
    if isinstance(then, exp.Update):
        return "updated", _update(merge, then, values, number)
    if then.name.upper() == "DELETE":
        return "deleted", _delete(merge, number)
    raise unsupported(f"MERGE … THEN {then.sql()}")


def _value(expression: exp.Expr, values: list[exp.Expr]) -> exp.Column:
    """Have the pairs keep an expression; return the column that will hold it."""
    values.append(expression)
    return exp.column(f"V{len(values) - 1}", table=PAIRS)


def _insert(
    merge: exp.Merge, then: exp.Insert, values: list[exp.Expr], number: int
) -> exp.Insert:
    columns = (
        [column.this.copy() for column in then.this.expressions] if then.this else []
    )
    given = then.expression.expressions
    if columns and len(columns) != len(given):
        raise syntax("Insert value list does not match column list")
    rows = (
        select(*[_value(v, values) for v in given]).from_(PAIRS).where(f"OP = {number}")
    )
    target = _unaliased(merge)
    into = exp.Schema(this=target, expressions=columns) if columns else target
    return exp.Insert(this=into, expression=rows)


def _unaliased(merge: exp.Merge) -> exp.Table:
    target: exp.Table = merge.this.copy()
    target.set("alias", None)
    return target


def _update(
    merge: exp.Merge, then: exp.Update, values: list[exp.Expr], number: int
) -> exp.Update:
    settings = [
        exp.EQ(
            this=exp.Column(this=e.this.this.copy()),
            expression=_value(e.expression, values),
        )
        for e in then.expressions
    ]
    return exp.Update(
        this=_unaliased(merge),
        expressions=settings,
        from_=exp.From(this=exp.to_table(PAIRS)),
        where=exp.Where(this=_chosen(merge, number)),
    )


def _delete(merge: exp.Merge, number: int) -> exp.Delete:
    return exp.Delete(
        this=_unaliased(merge),
        using=[exp.to_table(PAIRS)],
        where=exp.Where(this=_chosen(merge, number)),
    )


def _chosen(merge: exp.Merge, number: int) -> exp.Expr:
    own = exp.Column(this=exp.to_identifier("ROWID"), table=merge.this.this.copy())
    paired = exp.column("TARGET_ID", table=PAIRS)
    operation = exp.column("OP", table=PAIRS)
    return exp.and_(
        exp.EQ(this=own, expression=paired),
        exp.EQ(this=operation, expression=exp.Literal.number(number)),
    )


def _ambiguous(clauses: list[Clause]) -> exp.Select:
    """Find a row that several source rows change in different ways.

    A row that several source rows delete is not ambiguous.
    """
    updates = [str(c.number) for c in clauses if c.action == "updated"]
    changes = [str(c.number) for c in clauses if c.action != "inserted"]
    return (
        select("TARGET_ID")
        .from_(PAIRS)
        .where(f"OP IN ({', '.join(changes or ['-1'])})")
        .group_by("TARGET_ID")
        .having("COUNT(*) > 1")
        .having(f"COUNT_IF(OP IN ({', '.join(updates or ['-1'])})) > 0")
        .limit(1)
    )
