"""The parameters that an account sets, and what they are where nobody did.

https://docs.snowflake.com/en/sql-reference/parameters
"""

from __future__ import annotations

import functools
import zoneinfo
from typing import TYPE_CHECKING

import sqlglot
from sqlglot import exp

from sandbox.snowflake.engine import formats
from sandbox.snowflake.engine.errors import SnowflakeError

if TYPE_CHECKING:
    from collections.abc import Mapping

AUTO = "AUTO"
DEFAULTS = {
    "AUTOCOMMIT": "true",
    "BINARY_INPUT_FORMAT": "HEX",
    "DATE_INPUT_FORMAT": AUTO,
    "DATE_OUTPUT_FORMAT": "YYYY-MM-DD",
    "DEFAULT_DDL_COLLATION": "",
    "ERROR_ON_NONDETERMINISTIC_MERGE": "true",
    "QUERY_TAG": "",
    "QUOTED_IDENTIFIERS_IGNORE_CASE": "false",
    "ROWS_PER_RESULTSET": "0",
    "TIMESTAMP_INPUT_FORMAT": AUTO,
    "TIMESTAMP_TYPE_MAPPING": "TIMESTAMP_NTZ",
    "TIMEZONE": "America/Los_Angeles",
    "TIME_INPUT_FORMAT": AUTO,
    "TIME_OUTPUT_FORMAT": "HH24:MI:SS",
}
"""The parameters that the sandbox obeys, and their defaults.

Output formats of values travel in ``CAST(… AS VARCHAR)`` only; the SQL API's results
have an encoding of their own."""
CHOICES = {
    "BINARY_INPUT_FORMAT": {"HEX", "BASE64", "UTF8", "UTF-8"},
    "DEFAULT_DDL_COLLATION": {"", "UTF8", "EN-CI"},
    "TIMESTAMP_TYPE_MAPPING": {"TIMESTAMP_NTZ", "TIMESTAMP_LTZ", "TIMESTAMP_TZ"},
}
FORMATS = {name for name in DEFAULTS if name.endswith(("INPUT_FORMAT",))}
NUMBERS = {"ROWS_PER_RESULTSET"}
FLAGS = {name for name, value in DEFAULTS.items() if value in {"true", "false"}}
DESCRIPTIONS = {
    "AUTOCOMMIT": "each statement is a transaction of its own",
    "BINARY_INPUT_FORMAT": "input format for binary",
    "DATE_INPUT_FORMAT": "input format for date",
    "DATE_OUTPUT_FORMAT": "display format for date",
    "DEFAULT_DDL_COLLATION": "collation of new text columns",
    "ERROR_ON_NONDETERMINISTIC_MERGE": "raise an error when a merge-update matches "
    "several source rows with one target row",
    "QUERY_TAG": "string (up to 2000 characters) used to tag statements",
    "QUOTED_IDENTIFIERS_IGNORE_CASE": "quoted identifiers fold to upper case",
    "ROWS_PER_RESULTSET": "maximum number of rows in a result set",
    "TIMESTAMP_INPUT_FORMAT": "input format for timestamp",
    "TIMESTAMP_TYPE_MAPPING": "which type TIMESTAMP stands for",
    "TIMEZONE": "time zone",
    "TIME_INPUT_FORMAT": "input format for time",
    "TIME_OUTPUT_FORMAT": "display format for time",
}


def kind(name: str) -> str:
    """Return the type of a parameter, as SHOW PARAMETERS names it."""
    if name in NUMBERS:
        return "NUMBER"
    return "BOOLEAN" if name in FLAGS else "STRING"


def checked(given: Mapping[str, str]) -> dict[str, str]:
    """Return parameters of an account with their names in upper case.

    Raises:
        ValueError: The sandbox does not know a parameter, or cannot obey its value.
    """
    parameters = {name.upper(): value for name, value in given.items()}
    for name, value in parameters.items():
        if name not in DEFAULTS:
            raise ValueError(f"No such account parameter: {name}")
        if not _fits(name, value):
            raise ValueError(f"The sandbox does not obey {name} = {value}")
    return parameters


def _fits(name: str, value: str) -> bool:
    if name in FLAGS:
        return value in {"true", "false"}
    if name in NUMBERS:
        return value.isdecimal()
    if name in CHOICES:
        return value.upper() in CHOICES[name]
    if name == "TIMEZONE":
        return is_timezone(value)
    if name in FORMATS and value != AUTO:
        try:
            formats.rewrite(directives(value))
        except SnowflakeError:
            return False
    return True


def is_timezone(name: str) -> bool:
    """Say whether there is a time zone of a name."""
    return name in _timezones()


@functools.cache
def _timezones() -> set[str]:
    """Return the names of all time zones: hundreds of files are read for them."""
    return zoneinfo.available_timezones()


def directives(model: str) -> str:
    """Return a format model such as ``DD/MM/YYYY`` as ``strptime`` directives."""
    literal = exp.Literal.string(model).sql(dialect="snowflake")
    parsed = sqlglot.parse_one(f"TO_TIMESTAMP('x', {literal})", read="snowflake")
    return str(parsed.args["format"].name)


def merged(account: Mapping[str, str], session: Mapping[str, str]) -> dict[str, str]:
    """Return the parameters in force.

    Args:
        account: What the account sets.
        session: What the request sets, by any names.
    """
    own = {name.upper(): value for name, value in session.items()}
    return {
        name: own.get(name, account.get(name, value))
        for name, value in DEFAULTS.items()
    }
