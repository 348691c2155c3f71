"""Dates and times: Snowflake's format models as patterns of the engine.

Snowflake reads a text by a format model or refuses it; the engine's own casts guess.
So each text is checked against a pattern first and rewritten as ISO 8601, which the
engine reads exactly. sqlglot has already turned a model such as ``YYYY-MM-DD`` into
``strptime`` directives when it parsed the statement.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from sandbox.snowflake.engine.errors import SnowflakeError

DIRECTIVE = re.compile(
    r"%f_(?:nine|zero|one|two|three|four|five|seven|eight)|%:z|%-z|%-d|%[A-Za-z]|."
)
FRACTION = "f"
PATTERNS = {
    "%Y": ("Y", "[0-9]{4}"),
    "%m": ("m", "[0-9]{2}"),
    "%d": ("d", "[0-9]{2}"),
    "%-d": ("d", "[0-9]{2}"),
    "%H": ("H", "[0-9]{2}"),
    "%M": ("M", "[0-9]{2}"),
    "%S": ("S", "[0-9]{2}"),
    "%:z": ("z", "[+-][0-9]{2}:[0-9]{2}"),
    "%z": ("z", "[+-][0-9]{4}"),
    "%-z": ("z", "[+-][0-9]{2}"),
}
"""Per directive the part of a date and time, and what Snowflake accepts for it.

Fractions (``FF0`` to ``FF9``) are read with any number of digits up to nine."""

SPELLING = {
    "%Y": "YYYY",
    "%m": "MM",
    "%d": "DD",
    "%-d": "DD",
    "%H": "HH24",
    "%M": "MI",
    "%S": "SS",
    "%:z": "TZH:TZM",
    "%z": "TZHTZM",
    "%-z": "TZH",
    "%f": "FF6",
    "T": '"T"',
}
DIGITS = (
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
)

AUTO_DATE = "^([0-9]{4}-[0-9]{2}-[0-9]{2})(?:[ T][0-9:.]+(?: ?(?:Z|[+-][0-9:]+))?)?$"
AUTO_TIME = "^([0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:[.][0-9]{1,9})?)?)$"
AUTO_TIMESTAMP = (
    "^([0-9]{4}-[0-9]{2}-[0-9]{2})(?:[ T]([0-9]{2}:[0-9]{2}(?::[0-9]{2}"
    "(?:[.][0-9]{1,9})?)?)(?: ?(Z|[+-][0-9]{2}(?::[0-9]{2})?))?)?$"
)
"""The ISO forms that AUTO recognizes.

An offset without its colon (``+0000``) belongs to
other forms and is refused after a date written with dashes, as Snowflake does."""


@dataclass(frozen=True)
class Rewrite:
    r"""How to check a text and spell it as ISO 8601.

    Args:
        pattern: An RE2 pattern that an accepted text matches as a whole.
        replacement: The ISO text, with ``\1`` and so on for the groups.
    """

    pattern: str
    replacement: str


def rewrite(directives: str) -> Rewrite:
    """Return the pattern for a format model.

    Args:
        directives: The model as ``strptime`` directives, as sqlglot gives it.

    Raises:
        SnowflakeError: The model has a part that the sandbox does not read, such as
            month names or a twelve-hour clock.
    """
    pattern, parts = "", []
    for directive in DIRECTIVE.findall(directives):
        if directive.startswith("%f"):
            parts.append(FRACTION)
            pattern += "([0-9]{1,9})"
        elif directive in PATTERNS:
            part, expression = PATTERNS[directive]
            parts.append(part)
            pattern += f"({expression})"
        elif directive.startswith("%"):
            raise SnowflakeError(
                "100037", "22007", f"The sandbox does not read the format {directives}"
            )
        else:
            pattern += (
                re.escape(directive) if directive in r".+*?()[]{}|^$\\" else directive
            )
    return Rewrite(f"^{pattern}$", _iso({part: n for n, part in enumerate(parts, 1)}))


def model(directives: str) -> str:
    """Return a format model as Snowflake's messages show it.

    Args:
        directives: The model as ``strptime`` directives.
    """

    def spell(directive: str) -> str:
        if directive.startswith("%f_"):
            return f"FF{DIGITS.index(directive.removeprefix('%f_'))}"
        return SPELLING.get(directive, directive)

    return "".join(map(spell, DIRECTIVE.findall(directives)))


def _iso(groups: dict[str, int]) -> str:
    """Spell ISO 8601 from numbered groups; a part without one is its smallest."""

    def part(name: str, smallest: str) -> str:
        return f"\\{groups[name]}" if name in groups else smallest

    date = f"{part('Y', '1970')}-{part('m', '01')}-{part('d', '01')}"
    time = f"{part('H', '00')}:{part('M', '00')}:{part('S', '00')}"
    fraction = f".{part(FRACTION, '')}" if FRACTION in groups else ""
    return f"{date} {time}{fraction}{part('z', '')}"
