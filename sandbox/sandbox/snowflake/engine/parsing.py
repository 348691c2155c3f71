"""The text of a request as parsed statements with numbered binds."""

from __future__ import annotations

import logging
import re

import sqlglot
from sqlglot import exp
from sqlglot.errors import ParseError, TokenError

from sandbox.snowflake.engine.errors import syntax, unsupported

TOKENS = re.compile(
    r"""('(?:[^'\\]|\\.|'')*'      # a string
      |"(?:[^"]|"")*"              # a quoted identifier
      |\$\$.*?\$\$                 # a dollar-quoted string
      |--[^\n]*|//[^\n]*|/\*.*?\*/ # comments
      )|(?P<bind>\?)|(?P<end>;)""",
    re.DOTALL | re.VERBOSE,
)

KINDS = (
    exp.Query,
    exp.Insert,
    exp.Update,
    exp.Delete,
    exp.Merge,
    exp.Create,
    exp.Alter,
    exp.Drop,
    exp.TruncateTable,
    exp.Comment,
    exp.Describe,
    exp.Show,
    exp.Use,
    exp.Transaction,
    exp.Commit,
    exp.Rollback,
)
"""What the sandbox runs; the engine would run more that is no Snowflake statement."""
ALONE = (exp.Use, exp.Transaction, exp.Commit, exp.Rollback, exp.Set)
PASSED_ON = {"SHOW", "EXPLAIN"}
"""Statements that sqlglot does not take apart and fakesnow knows."""
COPIES = re.compile(
    r"""("(?:[^"]|"")*"|'(?:[^'\\]|\\.|'')*')|\bCOPY\s+(?:GRANTS|TAGS)\b""",
    re.IGNORECASE,
)
"""What a CREATE TABLE takes over of the table that it replaces: the sandbox's grants
are known by names and it has no tags. sqlglot takes the words in some places only."""
COMMENT = re.compile(r"--[^\n]*|//[^\n]*|/\*.*?\*/", re.DOTALL)

# sqlglot warns about statements that it only passes on; the engine's answer says more.
logging.getLogger("sqlglot").setLevel(logging.ERROR)


def split(text: str) -> list[str]:
    """Return the statements of a text, their ``?`` numbered ``:1``, ``:2`` and so on.

    Numbers instead of marks, because a translation may change the order in which the
    parts of a statement are written. Empty statements are left out.
    """
    statements = [""]
    binds = 0
    end = 0
    for token in TOKENS.finditer(text):
        statements[-1] += text[end : token.start()]
        end = token.end()
        if token["end"]:
            statements.append("")
        elif token["bind"]:
            binds += 1
            statements[-1] += f" :{binds} "
        else:
            statements[-1] += token[0]
    statements[-1] += text[end:]
    return [text for text in statements if COMMENT.sub("", text).strip()]


def parse(text: str) -> exp.Expr:
    """Parse one statement of Snowflake SQL.

    Raises:
        SnowflakeError: 001003 for a syntax error, 000002 for what the SQL API refuses.
    """
    words = text.split(maxsplit=1)
    first = words[0].upper() if words else ""
    try:
        if first == "CREATE":
            text = COPIES.sub(lambda match: match[1] or "", text)
        statement = sqlglot.parse_one(text, read="snowflake")
    except (ParseError, TokenError) as error:
        raise syntax(_plain(str(error))) from None
    passed_on = isinstance(statement, exp.Command) and first in PASSED_ON
    if not (passed_on or isinstance(statement, KINDS)):
        raise unsupported(first)
    for table in statement.find_all(exp.Table):
        if isinstance(table.this, exp.Func):
            # The engine has functions of its own there, which read files, for one.
            raise syntax(f"unexpected '{table.name}': table functions need TABLE()")
    return statement


def check_single(statement: exp.Expr) -> None:
    """Refuse what the SQL API runs in requests with several statements only.

    https://docs.snowflake.com/en/developer-guide/sql-api/intro#limitations-of-the-sql-api

    Raises:
        SnowflakeError: 000002, it begins or ends a transaction, changes the session, or
            makes something temporary.
    """
    session = isinstance(statement, exp.Alter) and statement.kind == "SESSION"
    temporary = statement.find(exp.TemporaryProperty)
    if session or temporary or isinstance(statement, ALONE):
        raise unsupported(f"{statement.key.upper()} outside of several statements")


def _plain(message: str) -> str:
    """Return a message of sqlglot without its terminal colours."""
    return re.sub(r"\x1b\[\d+m", "", message)
