"""Statements without what differs from each to the next of its kind (pure).

Translating a statement takes longer than running it on a few rows. Loaders send the
same statement again and again, but for the schema, and for literals such as the request
id. So these are taken out before it is translated, and put back into what comes of it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from sandbox import config
from sandbox.snowflake.engine import names

TEXT = "[ !#-&(-\\[\\]-~]+"
PART = re.compile(
    rf"""(?<="{config.DATABASE}"\.")(?P<schema>[^"]+)(?="\.)
      |(?<=\(CAST\(')(?P<first>{TEXT})(?='[ ]AS[ ]VARCHAR\))
      |(?<=\bCAST\(')(?P<named>{TEXT})(?='[ ]AS[ ]VARCHAR\)[ ]AS[ ]")""",
    re.VERBOSE,
)
"""A schema between quotes in a table's whole name; a literal that is cast to a text and
is a function's first argument, or a column with a name of its own.

The translation passes them on as they are, whatever they say."""
FIRST, LAST = "\uf8f0", "\uf8f1"
MARK = re.compile(f"{FIRST}([0-9]+){LAST}")


@dataclass(frozen=True)
class Shape:
    """A statement whose parts are replaced by marks.

    Args:
        text: The statement; equal parts have the same mark.
        parts: What each mark stands for in the engine's SQL.
    """

    text: str
    parts: tuple[str, ...] = ()

    def restored(self, text: str) -> str:
        """Return a text with the parts in place of their marks."""
        return MARK.sub(lambda mark: self.parts[int(mark[1])], text)


def shape(text: str) -> Shape:
    """Return the shape of a statement of Snowflake SQL whose quoted names are exact."""
    if "$$" in text or FIRST in text or LAST in text:
        return Shape(text)
    parts: dict[str, int] = {}

    def mark(match: re.Match[str]) -> str:
        part = names.keep(match[0]) if match["schema"] else match[0]
        return f"{FIRST}{parts.setdefault(part, len(parts))}{LAST}"

    marked = PART.sub(mark, text)
    return Shape(marked, tuple(parts))
