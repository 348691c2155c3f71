"""Names as the engine keeps them.

To Snowflake "a" and "A" are two names, to the engine they are one. So the lower-case
letters of a name stand in the engine as characters of Unicode's private use area, which
no name of Snowflake holds; one character for one, which makes the way back a simple
``translate``, in SQL as well.

An unquoted name folds to upper case; so does a quoted one where the account sets
QUOTED_IDENTIFIERS_IGNORE_CASE:
https://docs.snowflake.com/en/sql-reference/identifiers-syntax
"""

from __future__ import annotations

from string import ascii_lowercase
from typing import TYPE_CHECKING

from sqlglot import exp

if TYPE_CHECKING:
    from sqlglot.expressions import Identifier

KEPT = "".join(chr(0xE000 + ord(letter)) for letter in ascii_lowercase)
"""What stands for ``a`` to ``z``."""
TO_KEPT = str.maketrans(ascii_lowercase, KEPT)
TO_SHOWN = str.maketrans(KEPT, ascii_lowercase)


def keep(name: str) -> str:
    """Return the engine's name for a name as Snowflake shows it."""
    return name.translate(TO_KEPT)


def show(name: str) -> str:
    """Return a name, or a text with names of the engine, as Snowflake shows it."""
    return name.translate(TO_SHOWN)


def shown(expression: str) -> str:
    """Return the SQL that shows a name of the engine, given as an expression."""
    return f"translate({expression}, '{KEPT}', '{ascii_lowercase}')"


def resolve(statement: exp.Expr, *, ignore_case: bool) -> exp.Expr:
    """Return a statement whose names are all quoted and the engine's own.

    Args:
        statement: As Snowflake would parse it.
        ignore_case: Whether quoted names fold to upper case, too.
    """
    changed = statement.copy()
    for name in changed.find_all(exp.Identifier):
        if not _is_key(name):
            _resolve(name, ignore_case=ignore_case)
    return changed


def _is_key(name: Identifier) -> bool:
    """Say whether a name is a key of a VARIANT, as in ``v['a'].b``."""
    dot = name.parent
    return isinstance(dot, exp.Dot) and dot.find(exp.Bracket) is not None


def _resolve(name: Identifier, *, ignore_case: bool) -> None:
    text = name.name
    folds = ignore_case or not name.quoted
    # A name that was resolved before is quoted: folding does not touch what is kept.
    name.set("this", keep(text.upper() if folds else text))
    name.args["quoted"] = True


def folded(identifier: exp.Expr) -> str:
    """Return the name that an identifier stands for."""
    quoted = isinstance(identifier, exp.Identifier) and identifier.quoted
    return identifier.name if quoted else identifier.name.upper()
