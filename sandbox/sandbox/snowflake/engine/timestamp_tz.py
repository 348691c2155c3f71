"""TIMESTAMP_TZ in the engine: an instant that remembers its offset.

The engine has no such type, so its INTERVAL stands for it: months, days and
microseconds, which the engine compares, sorts, groups and joins by their sum (a month
is thirty days), however that sum is spread over the three. So the sum says the instant,
and the months say the offset, which no comparison sees. Everything is moved by a
million days, so that no part is negative and each sum has one normal form.

One difference is left: an UPDATE outside of a MERGE that sets an equal instant with
another offset leaves the old offset.

What Snowflake converts silently where a TIMESTAMP_TZ meets another type is written
out here, on translated statements (pure).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sqlglot import exp

from sandbox.snowflake.engine.conversions import call

if TYPE_CHECKING:
    from collections.abc import Iterator

ENGINE_TYPE = "INTERVAL"
DAY = 86_400_000_000
"""Microseconds."""
SHIFT_DAYS = 1_000_000
SHIFT_MINUTES = 1440
MONTH_DAYS = 30

OFFSET = ":[0-9.]+([+-])([0-9]{2}):?([0-9]{2})?$"
"""The offset at the end of a text with a time."""


def decode(months: int, days: int, microseconds: int) -> tuple[int, int]:
    """Return the microseconds since 1970 and the offset in minutes.

    Args:
        months: The parts of the engine's interval.
        days: As above.
        microseconds: As above.
    """
    total = (days + MONTH_DAYS * months - SHIFT_DAYS) * DAY + microseconds
    return total, months - SHIFT_MINUTES


MONTHS = "(datepart('year', t) * 12 + datepart('month', t))"
MICROSECONDS = (
    "(datepart('hour', t) * 3600000000 + datepart('minute', t) * 60000000"
    " + datepart('microsecond', t))"
)


def _instant(cast: str) -> str:
    """Return the body that reads an ISO text; one without offset is local time."""
    sign = f"CASE regexp_extract(t, '{OFFSET}', 1) WHEN '-' THEN -1 ELSE 1 END"
    hours = f"CAST(regexp_extract(t, '{OFFSET}', 2) AS INTEGER)"
    minutes = f"coalesce(TRY_CAST(regexp_extract(t, '{OFFSET}', 3) AS INTEGER), 0)"
    offset = f"""CASE
        WHEN t LIKE '%Z' THEN 0
        WHEN regexp_matches(t, '{OFFSET}') THEN ({sign}) * ({hours} * 60 + {minutes})
        ELSE (epoch_us({cast}(t AS TIMESTAMP)) - us) // 60000000 END"""
    made = _let("m", offset, "_SB_TZ_MAKE(us, m)")
    return _let("t", "x", _let("us", f"epoch_us({cast}(t AS TIMESTAMPTZ))", made))


def _let(name: str, value: str, body: str) -> str:
    """Return an expression that evaluates a value once and calls it by a name."""
    return f"list_transform([{value}], lambda {name}: {body})[1]"


def _parts(body: str) -> str:
    return f"list_transform([TRY_CAST(x AS INTERVAL)], lambda t: {body})[1]"


MACROS = {
    "_SB_TZ_MAKE(us, minutes)": f"""
        to_months(CAST(minutes + {SHIFT_MINUTES} AS INTEGER))
        + to_days(CAST((us + {SHIFT_DAYS * DAY}) // {DAY}
            - {MONTH_DAYS} * (minutes + {SHIFT_MINUTES}) AS INTEGER))
        + to_microseconds((us + {SHIFT_DAYS * DAY}) % {DAY})""",
    "_SB_INSTANT(x)": _instant("CAST"),
    "_SB_TRY_INSTANT(x)": _instant("TRY_CAST"),
    "_SB_TZ_MICROSECONDS(x)": _parts(
        f"(datepart('day', t) + {MONTH_DAYS} * {MONTHS} - {SHIFT_DAYS}) * {DAY}"
        f" + {MICROSECONDS}"
    ),
    "_SB_TZ_OFFSET(x)": _parts(f"{MONTHS} - {SHIFT_MINUTES}"),
    "_SB_TZ_UTC(x)": "make_timestamp(CAST(_SB_TZ_MICROSECONDS(x) AS BIGINT))",
    "_SB_TZ_LOCAL(x)": """make_timestamp(CAST(
        _SB_TZ_MICROSECONDS(x) + _SB_TZ_OFFSET(x) * 60000000 AS BIGINT))""",
    "_SB_TZ_SPELLED(x, colon)": """list_transform([_SB_TZ_OFFSET(x)], lambda m:
        CASE WHEN m < 0 THEN '-' ELSE '+' END || lpad(CAST(abs(m) // 60 AS VARCHAR), 2,
        '0') || colon || lpad(CAST(abs(m) % 60 AS VARCHAR), 2, '0'))[1]""",
    "_SB_TZ_ISO(x)": """strftime(_SB_TZ_LOCAL(x), '%Y-%m-%d %H:%M:%S.%f')
        || _SB_TZ_SPELLED(x, ':')""",
    "_SB_TZ_TEXT(x)": """strftime(_SB_TZ_LOCAL(x), '%Y-%m-%d %H:%M:%S.%g ')
        || _SB_TZ_SPELLED(x, '')""",
}
"""What the engine is taught about the type; see ``macros``."""

MADE = {"_SB_INSTANT", "_SB_TRY_INSTANT"}
SAME = (exp.Paren, exp.Alias, exp.Max, exp.Min, exp.AnyValue, exp.Window)
"""Expressions of their argument's type."""
MIXED = (exp.Coalesce, exp.Greatest, exp.Least)
COMPARISONS = (exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE)
DURATIONS = (exp.DateDiff, exp.TimestampDiff)
PARTS = (
    exp.DateAdd,
    exp.TimestampAdd,
    exp.TimestampTrunc,
    exp.DateTrunc,
    exp.Extract,
    exp.Year,
    exp.Month,
    exp.Day,
    exp.Hour,
    exp.Minute,
    exp.Second,
    exp.DayOfWeek,
    exp.LastDay,
)


@dataclass(frozen=True)
class Columns:
    """The columns of this type.

    Args:
        names: Their names.
        target: Whether each column of the table that is inserted into is of this type,
            by name, in order.
    """

    names: set[str]
    target: dict[str, bool] = field(default_factory=dict)


def convert(statement: exp.Expr, columns: Columns) -> exp.Expr:
    """Return a translated statement whose silent conversions are written out."""
    changed = statement.copy()
    zoned = Zoned(set(columns.names))
    zoned.learn(changed)
    if not zoned.names and not any(columns.target.values()):
        return changed
    if isinstance(changed, exp.Insert):
        _assign(changed, columns.target, zoned)
    for node in list(changed.walk()):
        zoned.change(node)
    return changed


def nudged(update: exp.Update, names: set[str]) -> exp.Update | None:
    """Return an UPDATE that puts a day after the new instant; None if it has none.

    The engine does not store a value that equals the old one, so an offset would never
    change alone. Run before the UPDATE itself, this makes the values differ.

    Args:
        update: An UPDATE that chooses its rows by their ids.
        names: The columns of this type.
    """
    changed: exp.Update = update.copy()
    moved = [e for e in changed.expressions if e.this.name in names]
    day = exp.Anonymous(this="to_days", expressions=[exp.Literal.number(1)])
    for setting in moved:
        value = setting.expression
        value.replace(exp.Add(this=value.copy(), expression=day.copy()))
    changed.set("expressions", moved)
    return changed if moved else None


@dataclass
class Zoned:
    """Tells which expressions are of this type.

    Args:
        names: The names of columns that are.
    """

    names: set[str]

    def learn(self, statement: exp.Expr) -> None:
        """Add the columns of sub-selects; an inner one may come after an outer one."""
        for alias in reversed(list(statement.find_all(exp.Alias))):
            if self.has(alias.this):
                self.names.add(alias.alias)

    def has(self, node: exp.Expr | None) -> bool:
        """Say whether an expression is of this type."""
        if isinstance(node, exp.Column):
            return node.name in self.names
        if isinstance(node, exp.Anonymous):
            return node.name in MADE
        if isinstance(node, SAME):
            return self.has(node.this)
        if isinstance(node, MIXED):
            return any(map(self.has, self.arguments(node)))
        if isinstance(node, exp.Case):
            branches = [branch.args["true"] for branch in node.args["ifs"]]
            return any(map(self.has, [*branches, node.args.get("default")]))
        return False

    @staticmethod
    def arguments(node: exp.Expr) -> list[exp.Expr]:
        """Return a function's arguments."""
        return [node.this, *node.expressions]

    def change(self, node: exp.Expr) -> None:
        """Write out the conversions of one expression's arguments."""
        if isinstance(node, COMPARISONS):
            self._agree([node.this, node.expression])
        elif isinstance(node, exp.Between):
            self._agree([node.this, node.args["low"], node.args["high"]])
        elif isinstance(node, (exp.In, *MIXED)):
            self._agree(self.arguments(node))
        elif isinstance(node, (*PARTS, *DURATIONS)):
            clock = "TZ_UTC" if isinstance(node, DURATIONS) else "TZ_LOCAL"
            for argument in list(node.iter_expressions()):
                if self.has(argument):
                    argument.replace(call(clock, argument.copy()))

    def _agree(self, sides: list[exp.Expr]) -> None:
        if any(map(self.has, sides)):
            for side in sides:
                self.cast(side)

    def cast(self, value: exp.Expr) -> None:
        """Have a value be of this type."""
        inner = value.this if isinstance(value, exp.Alias) else value
        if not (self.has(inner) or isinstance(inner, (exp.Null, exp.Star, exp.Query))):
            inner.replace(call("INSTANT", call("TZ", inner.copy())))


def _assign(insert: exp.Insert, target: dict[str, bool], zoned: Zoned) -> None:
    named = insert.this.expressions if isinstance(insert.this, exp.Schema) else []
    names = [column.name for column in named] or list(target)
    for row in _rows(insert.expression):
        for name, value in zip(names, row, strict=False):
            if target.get(name):
                zoned.cast(value)


def _rows(source: exp.Expr) -> Iterator[list[exp.Expr]]:
    """Give the rows, or projections, that an INSERT takes its values from."""
    if isinstance(source, exp.Values):
        for row in source.expressions:
            yield row.expressions
    elif isinstance(source, exp.SetOperation):
        yield from _rows(source.left)
        yield from _rows(source.right)
    elif isinstance(source, exp.Select):
        yield source.expressions
