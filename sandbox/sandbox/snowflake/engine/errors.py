"""Snowflake's errors, and how the engine's exceptions become them.

Codes and SQL states are the documented ones; the messages follow Snowflake's wording
because people, and some clients, search for it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from typing_extensions import override

from sandbox.snowflake.engine import names

if TYPE_CHECKING:
    from collections.abc import Callable

RAISED = re.compile(r"SF\|(\d{6})\|(\w{5})\|(.*)", re.DOTALL)
"""How the engine's macros spell an error that they raise: code, SQL state, message."""


@dataclass
class SnowflakeError(Exception):
    """A statement or request that Snowflake refuses.

    Args:
        code: Snowflake's six-digit error code.
        sql_state: The five characters of the SQL state.
        message: One text for people.
        status: The HTTP status that carries the error in the SQL API.
    """

    code: str
    sql_state: str
    message: str
    status: int = 422

    def __post_init__(self) -> None:
        self.message = names.show(self.message)

    @override
    def __str__(self) -> str:
        return f"{self.code} ({self.sql_state}): {self.message}"


def compilation(message: str, code: str, sql_state: str) -> SnowflakeError:
    """Return an error that Snowflake finds before it runs anything."""
    return SnowflakeError(code, sql_state, f"SQL compilation error:\n{message}")


def missing(kind: str, name: str) -> SnowflakeError:
    """Return the error for an object that is not there, or that the role may not see.

    Args:
        kind: ``Object``, ``Table``, ``Schema``, ``Database`` or ``Warehouse``.
        name: The name as the statement or request gave it.
    """
    return compilation(
        f"{kind} '{name}' does not exist or not authorized.", "002003", "02000"
    )


def insufficient_privileges(kind: str, name: str) -> SnowflakeError:
    """Return the error for something that the role may see but not do."""
    return SnowflakeError(
        "003001",
        "42501",
        f"SQL access control error:\n"
        f"Insufficient privileges to operate on {kind} '{name}'",
    )


def invalid_identifier(name: str) -> SnowflakeError:
    """Return the error for a column that no source of the statement has."""
    return compilation(
        f"error line 1 at position 7\ninvalid identifier '{name}'", "000904", "42000"
    )


def cancelled() -> SnowflakeError:
    """Return the error for a statement that a client cancelled."""
    return SnowflakeError("000604", "57014", "SQL execution canceled")


def syntax(message: str) -> SnowflakeError:
    """Return the error for text that is no Snowflake SQL."""
    return compilation(f"syntax error {message}", "001003", "42000")


def unsupported(what: str) -> SnowflakeError:
    """Return the error for a feature that Snowflake or its SQL API does not offer."""
    return compilation(f"Unsupported feature '{what}'.", "000002", "0A000")


def _null_column(_: re.Match[str]) -> SnowflakeError:
    return SnowflakeError("100072", "22000", "NULL result in a non-nullable column")


def _out_of_range(match: re.Match[str]) -> SnowflakeError:
    message = f"Number out of representable range: type FIXED, value {match[1]}"
    return SnowflakeError("100046", "22003", message)


def _not_a_date(match: re.Match[str]) -> SnowflakeError:
    return SnowflakeError("100040", "22007", f"Date '{match[1]}' is not recognized")


def _not_a_timestamp(match: re.Match[str]) -> SnowflakeError:
    message = f"Timestamp '{match[1]}' is not recognized"
    return SnowflakeError("100035", "22007", message)


def _not_a_number(match: re.Match[str]) -> SnowflakeError:
    message = f"Numeric value '{match[1]}' is not recognized"
    return SnowflakeError("100038", "22018", message)


def _not_json(match: re.Match[str]) -> SnowflakeError:
    message = f"Error parsing JSON: {match[1].strip()[:100]}"
    return SnowflakeError("100069", "22P02", message)


def _raised(match: re.Match[str]) -> SnowflakeError:
    return SnowflakeError(match[1], match[2], match[3].split("\n\nLINE")[0].strip())


TRANSLATIONS: list[tuple[str, Callable[[re.Match[str]], SnowflakeError]]] = [
    (RAISED.pattern, _raised),
    (r"NOT NULL constraint failed", _null_column),
    (r'Could not convert string [\'"](.*?)[\'"] to DECIMAL', _out_of_range),
    (r"Could not cast value (\S+) to DECIMAL", _out_of_range),
    (r"Casting value \"?([^\"\s]+)\"? to type DECIMAL.* failed", _out_of_range),
    (r'Could not convert string [\'"](.*?)[\'"] to (?:U?\w*INT|DOUBLE)', _not_a_number),
    (r'timestamp field value.*?: "(.*?)"', _not_a_timestamp),
    (r'invalid timestamp field format: "(.*?)"', _not_a_timestamp),
    (r'date field value.*?: "(.*?)"', _not_a_date),
    (r'invalid date field format: "(.*?)"', _not_a_date),
    (r"Malformed JSON(.*)", _not_json),
    (
        r"Referenced column \"(.*?)\" (?:not found|was not found)",
        lambda m: invalid_identifier(m[1]),
    ),
    (
        r"does not have a column (?:named|with name) \"(.*?)\"",
        lambda m: invalid_identifier(m[1]),
    ),
    (
        r"Referenced update column (\S+) not found",
        lambda m: invalid_identifier(m[1]),
    ),
    (
        r"Table \"(?:.*?)\" does not have a column named \"(.*?)\"",
        lambda m: invalid_identifier(m[1]),
    ),
    (r"Referenced table \"(.*?)\" not found", lambda m: invalid_identifier(m[1])),
    (
        r"Schema with name \"?([^\"\s]+)\"? does not exist",
        lambda m: missing("Schema", m[1]),
    ),
    (
        r"Table with name \"?([^\"\s]+)\"? does not exist",
        lambda m: missing("Object", m[1]),
    ),
    (
        r"Function with name \"?([^\"\s]+)\"? does not exist",
        lambda m: compilation(f"Unknown function {m[1].upper()}.", "002140", "42601"),
    ),
    (
        r"(?:Table|Schema) with name \"(.*?)\" already exists",
        lambda m: compilation(f"Object '{m[1]}' already exists.", "002002", "42710"),
    ),
    (
        r"Column with name (\S+) already exists",
        lambda m: compilation(
            f"column '{m[1].strip(chr(34))}' already exists", "001430", "42601"
        ),
    ),
    (
        r"must appear in the GROUP BY clause|column \"(.*?)\" must appear",
        lambda m: compilation(
            f"'{m[1]}' is not a valid group by expression", "000979", "42601"
        ),
    ),
]
"""Patterns of DuckDB's messages, and the error that Snowflake gives instead; the first
one that is found counts."""


def from_engine(error: Exception) -> SnowflakeError:
    """Return the error that Snowflake would give where the embedded engine fails.

    Args:
        error: An exception of DuckDB, of sqlglot or of fakesnow. What it says decides;
            the engine's own classes are too coarse.
    """
    if isinstance(error, SnowflakeError):
        return error
    text = str(error)
    for pattern, make in TRANSLATIONS:
        if match := re.search(pattern, text, re.DOTALL):
            return make(match)
    code = f"{getattr(error, 'errno', None) or 1003:06d}"
    state = getattr(error, "sqlstate", None) or "42000"
    # The connector's errors put code and state before the text.
    plain = str(getattr(error, "raw_msg", None) or text)
    return SnowflakeError(code, state, f"SQL compilation error:\n{plain}")
