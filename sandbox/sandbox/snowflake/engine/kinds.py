"""Which of the engine's types a translated expression has, where its text tells (pure).

Most macros of ``macros`` ask what type their argument is. The engine plans every branch
of such a question, and again for every place where the argument stands, which takes
most of the time of a small statement. So each of them has a form for a value that is
known to be JSON, and one for a text, and `settle` has statements call these.
"""

from __future__ import annotations

from sqlglot import exp

JSON, TEXT = "JSON", "VARCHAR"
KINDS = (JSON, TEXT)
"""The engine's types that macros have forms for."""

PREFIX = "_SB_"
CONVERTED = ("NUMBER", "DATE", "TIME", "NTZ", "TZ", "FORMATTED", "SIZED_TEXT")
GIVEN = {
    **dict.fromkeys(("GET", "JSON", "PARSE_JSON", "TRY_PARSE_JSON", "VARIANT"), JSON),
    **dict.fromkeys((*CONVERTED, *(f"TRY_{name}" for name in CONVERTED), "TEXT"), TEXT),
}
"""What the macros give."""
FORMS = {
    *("TEXT", "SIZED_TEXT", "NUMBER", "DOUBLE", "BOOLEAN", "DATE", "TIME", "NTZ", "TZ"),
    *("FORMATTED", "AS_DATE", "AS_TIME", "AS_NTZ", "AS_TZ"),
    *("BINARY_HEX", "BINARY_BASE64", "BINARY_UTF8"),
}
"""The macros that have forms, but for their attempts (``TRY_…``)."""


def form(name: str, kind: str | None) -> str:
    """Return the name of a macro's form.

    Args:
        name: The macro's name without ``_SB_``.
        kind: What its argument is known to be; None for the macro that asks.
    """
    return f"{PREFIX}{kind}_{name}" if kind else f"{PREFIX}{name}"


def kind_of(value: exp.Expr) -> str | None:
    """Return the type of a translated expression, or None where it must be asked."""
    if isinstance(value, exp.Paren):
        return kind_of(value.this)
    if isinstance(value, exp.Literal):
        return TEXT if value.is_string else None
    if isinstance(value, exp.Anonymous):
        return GIVEN.get(value.name.removeprefix(PREFIX))
    return None


def settle(statement: exp.Expr) -> exp.Expr:
    """Have a translated statement call the forms of macros; it is changed."""
    # From the outside in: what is inside still has the names of `GIVEN`.
    for node in list(statement.find_all(exp.Anonymous)):
        name = node.name.removeprefix(PREFIX)
        if node.expressions and name.removeprefix("TRY_") in FORMS:
            node.set("this", form(name, kind_of(node.expressions[0])))
    return statement
