"""SHOW statements: what they list, as queries of the engine.

The columns are the first and the useful ones of those documented under
https://docs.snowflake.com/en/sql-reference/sql/show
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sandbox import config
from sandbox.snowflake.engine import account
from sandbox.snowflake.engine.catalog import HOME
from sandbox.snowflake.engine.errors import missing, unsupported

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from sqlglot import exp

Rows = list[dict[str, str]]

LISTS = {
    "DATABASES": f"""SELECT to_timestamp(0) AS "created_on",
        '{config.DATABASE}' AS "name", '' AS "origin", 'N' AS "is_default",
        'Y' AS "is_current", '{config.ROLE}' AS "owner", '' AS "comment" """,
    "WAREHOUSES": f"""SELECT '{config.WAREHOUSE}' AS "name", 'STARTED' AS "state",
        'STANDARD' AS "type", 'X-Small' AS "size", 'Y' AS "is_current",
        '600' AS "auto_suspend", 'true' AS "auto_resume",
        '{config.ROLE}' AS "owner" """,
    "SCHEMAS": f"""SELECT CREATED AS "created_on", SCHEMA_NAME AS "name",
        'N' AS "is_default", CATALOG_NAME AS "database_name",
        SCHEMA_OWNER AS "owner", coalesce(COMMENT, '') AS "comment"
        FROM {HOME}._fs_schemata ORDER BY 2""",  # noqa: S608 - constants
    "TABLES": f"""SELECT CREATED AS "created_on", TABLE_NAME AS "name",
        TABLE_CATALOG AS "database_name", TABLE_SCHEMA AS "schema_name",
        'TABLE' AS "kind", coalesce(COMMENT, '') AS "comment",
        ROW_COUNT AS "rows", BYTES AS "bytes", TABLE_OWNER AS "owner"
        FROM {HOME}._fs_tables ORDER BY 3, 4, 2""",  # noqa: S608 - constants
    "COLUMNS": f"""SELECT TABLE_NAME AS "table_name", TABLE_SCHEMA AS "schema_name",
        COLUMN_NAME AS "column_name", CASE DATA_TYPE
            WHEN 'NUMBER' THEN '{{"type":"FIXED","precision":' || NUMERIC_PRECISION
                || ',"scale":' || NUMERIC_SCALE
            WHEN 'TEXT' THEN '{{"type":"TEXT","length":' || CHARACTER_MAXIMUM_LENGTH
                || ',"byteLength":' || CHARACTER_OCTET_LENGTH
            WHEN 'FLOAT' THEN '{{"type":"REAL"'
            ELSE '{{"type":"' || DATA_TYPE || '"' || CASE
                WHEN DATA_TYPE LIKE 'TIME%' THEN ',"precision":0,"scale":9' ELSE ''
                END
            END || ',"nullable":' || lower(CAST(IS_NULLABLE = 'YES' AS VARCHAR))
            || '}}' AS "data_type",
        lower(CAST(IS_NULLABLE = 'YES' AS VARCHAR)) AS "null?",
        coalesce(COLUMN_DEFAULT, '') AS "default", 'COLUMN' AS "kind",
        coalesce(COMMENT, '') AS "comment", TABLE_CATALOG AS "database_name"
        FROM {HOME}._fs_columns ORDER BY 9, 2, 1, ORDINAL_POSITION""",  # noqa: S608 - constants
}
LISTS["OBJECTS"] = LISTS["TABLES"]
NONE = """SELECT * FROM (SELECT to_timestamp(0) AS "created_on", '' AS "database_name",
    '' AS "schema_name", '' AS "table_name", '' AS "column_name", 1 AS "key_sequence",
    '' AS "constraint_name") WHERE FALSE"""
"""Keys are notes that the sandbox does not keep."""
LISTS |= {"PRIMARY KEYS": NONE, "UNIQUE KEYS": NONE, "IMPORTED KEYS": NONE}

NAME = r'(?:"(?:[^"]|"")*"|[\w$]+)'
PARAMETERS = re.compile(
    r"\s*PARAMETERS(?:\s+LIKE\s+'((?:[^']|'')*)')?"
    r"(?:\s+(?:IN|FOR)\s+(?:ACCOUNT|SESSION|USER|WAREHOUSE|DATABASE|SCHEMA).*)?\s*$",
    re.IGNORECASE,
)
GRANTS = re.compile(
    rf"\s*GRANTS(?:\s+TO\s+(ROLE|USER)\s+({NAME})"
    rf"|\s+ON\s+(DATABASE|SCHEMA|TABLE|WAREHOUSE)\s+({NAME}(?:\.{NAME})*))?\s*$",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Listing:
    """What a SHOW statement lists.

    Args:
        query: The engine's query.
        values: Its parameters.
    """

    query: str
    values: list[str]


def listing(show: exp.Show, schema: str | None) -> Listing:
    """Return the query for a SHOW statement that sqlglot takes apart.

    Args:
        show: The statement, its names shown.
        schema: The current schema, shown.

    Raises:
        SnowflakeError: The sandbox does not list such objects.
    """
    kind = str(show.this)
    if kind not in LISTS:
        raise unsupported(f"SHOW {kind}")
    conditions = _scope(show, kind, schema)
    like = show.args.get("like")
    if like:
        column = "column_name" if kind == "COLUMNS" else "name"
        conditions[f'"{column}" ILIKE ?'] = like.name
    where = " AND ".join(conditions) or "TRUE"
    limit = show.args.get("limit")
    rows = f" LIMIT {limit.expression.name}" if limit else ""
    query = f"SELECT * FROM ({LISTS[kind]}) WHERE {where}{rows}"  # noqa: S608 - constants
    return Listing(query, list(conditions.values()))


def _scope(show: exp.Show, kind: str, schema: str | None) -> dict[str, str]:
    """Return conditions on schema and table, each with its value."""
    scope, within = show.args.get("scope"), show.args.get("scope_kind")
    if kind not in {"TABLES", "OBJECTS", "COLUMNS"}:
        return {}
    if within == "SCHEMA" and scope:
        return {'"schema_name" = ?': scope.name}
    if within == "TABLE" and scope:
        return {
            '"schema_name" = ?': scope.db or schema or "",
            '"table_name" = ?': scope.name,
        }
    if not within and schema:
        return {'"schema_name" = ?': schema}
    return {}


def parameters(rest: str, in_force: Mapping[str, str], own: Mapping[str, str]) -> Rows:
    """Return the rows of SHOW PARAMETERS.

    Args:
        rest: The statement after SHOW.
        in_force: The parameters as this session has them.
        own: What the account sets.

    Raises:
        SnowflakeError: The statement is of another form.
    """
    match = PARAMETERS.match(rest)
    if not match:
        raise unsupported(f"SHOW {rest.strip()}")
    like = match[1]
    return [
        {
            "key": name,
            "value": value,
            "default": account.DEFAULTS[name],
            "level": "ACCOUNT" if name in own else "",
            "description": account.DESCRIPTIONS[name],
            "type": account.kind(name),
        }
        for name, value in in_force.items()
        if like is None or _like(like, name)
    ]


def _like(pattern: str, text: str) -> bool:
    """Say whether a text fits a LIKE pattern, whatever its case, as SHOW does it."""
    parts = {"%": ".*", "_": "."}
    expression = "".join(parts.get(c, re.escape(c)) for c in pattern)
    return re.fullmatch(expression, text, re.IGNORECASE) is not None


def grants(rest: str, given: Iterable[tuple[str, str, str]], database: str) -> Rows:
    """Return the rows of SHOW GRANTS.

    Args:
        rest: The statement after SHOW.
        given: What the role may do: privilege, kind of object, dotted name.
        database: Completes the names of schemas.

    Raises:
        SnowflakeError: The statement is of another form, or names another role or user.
    """
    match = GRANTS.match(rest)
    if not match:
        raise unsupported(f"SHOW {rest.strip()}")
    if match[1] and _name(match[2]) not in {config.ROLE, config.USER}:
        raise missing(match[1].capitalize(), _name(match[2]))
    if (match[1] or "").upper() == "USER":
        return [
            {"role": config.ROLE, "granted_to": "USER", "grantee_name": config.USER}
        ]
    on = (match[3] or "").upper()
    name = _full(match[4], on, database) if on else None
    return [
        {
            "privilege": privilege,
            "granted_on": kind,
            "name": of,
            "granted_to": "ROLE",
            "grantee_name": config.ROLE,
            "grant_option": "false",
        }
        for privilege, kind, of in given
        if name in {None, of} and on in {"", kind}
    ]


def _name(text: str) -> str:
    quoted = text.startswith('"')
    return text[1:-1].replace('""', '"') if quoted else text.upper()


def _full(text: str, kind: str, database: str) -> str:
    parts = [_name(part) for part in re.findall(NAME, text)]
    wanted = {"SCHEMA": 2}.get(kind, len(parts))
    return ".".join([database, *parts][-wanted:] if wanted > len(parts) else parts)
