"""What the engine is taught: Snowflake's conversions, as SQL macros.

Each conversion exists twice: the strict one raises Snowflake's error, the one whose
name starts with ``_SB_TRY`` gives NULL. VARIANT is the engine's JSON type. A JSON
number that a double cannot hold exactly carries the exponent ``e99999`` (see
``variants``), which makes the engine keep its digits as text; every way out of a
VARIANT takes it off again.
"""

from __future__ import annotations

from sandbox.snowflake import formats
from sandbox.snowflake.variants import EXACT

NUMERIC = "[+-]?([0-9]+[.]?[0-9]*|[.][0-9]+)([eE][+-]?[0-9]+)?"
TRUE_WORDS = "'true', 't', 'yes', 'y', 'on', '1'"
FALSE_WORDS = "'false', 'f', 'no', 'n', 'off', '0'"

SHARED = {
    "_SB_JSON(x)": "CAST(x AS JSON)",
    "_SB_GET(x, path)": "json_extract(CAST(x AS JSON), path)",
    "_SB_JSON_TEXT(j)": rf"""CASE
        WHEN contains(CAST(j AS VARCHAR), '{EXACT}') AND json_type(j) <> 'VARCHAR'
        THEN regexp_replace(j ->> '$', '([0-9]){EXACT}([],}}]|$)', '\1\2', 'g')
        ELSE j ->> '$' END""",
    "_SB_TEXT(x)": """CASE
        WHEN typeof(x) = 'JSON' THEN _SB_JSON_TEXT(TRY_CAST(x AS JSON))
        ELSE CAST(x AS VARCHAR) END""",
    "_SB_SIZED_TEXT(x, n)": """CASE
        WHEN length(_SB_TEXT(x)) > n
        THEN error('SF|100078|22000|String ''' || left(_SB_TEXT(x), 100)
            || ''' is too long and would be truncated')
        ELSE _SB_TEXT(x) END""",
    "_SB_TRY_SIZED_TEXT(x, n)": """CASE
        WHEN length(_SB_TEXT(x)) <= n THEN _SB_TEXT(x) END""",
    "_SB_STRIP_NULL(x)": "CASE WHEN CAST(x AS VARCHAR) <> 'null' THEN x END",
    "_SB_IS_JSON_NULL(x)": "CAST(x AS VARCHAR) = 'null'",
    "_SB_VARIANT(x)": f"""CASE
        WHEN typeof(x) = 'JSON' THEN TRY_CAST(x AS JSON)
        WHEN typeof(x) LIKE 'DECIMAL%'
        THEN CAST(CAST(x AS VARCHAR) || '{EXACT}' AS JSON)
        ELSE to_json(x) END""",
    "_SB_TYPEOF(j)": f"""CASE json_type(j)
        WHEN 'VARCHAR' THEN 'VARCHAR' WHEN 'NULL' THEN 'NULL_VALUE'
        WHEN 'BIGINT' THEN 'INTEGER' WHEN 'UBIGINT' THEN 'INTEGER'
        WHEN 'DOUBLE' THEN CASE
            WHEN contains(CAST(j AS VARCHAR), 'e')
                AND NOT contains(CAST(j AS VARCHAR), '{EXACT}')
            THEN 'DOUBLE' ELSE 'DECIMAL' END
        ELSE json_type(j) END""",
    "_SB_ARRAY_SIZE(j)": """CASE
        WHEN json_type(j) = 'ARRAY' THEN json_array_length(j) END""",
}


def error(code: str, state: str, before: str, value: str, after: str) -> str:
    """Return an expression that fails with a Snowflake error naming a value.

    Args:
        code: Snowflake's error code.
        state: The SQL state.
        before: The message's text before the value.
        value: An SQL expression for the value.
        after: The message's text after the value.
    """
    start = f"SF|{code}|{state}|{before}".replace("'", "''")
    end = after.replace("'", "''")
    return f"error('{start}' || {value} || '{end}')"


def strict_and_try(
    name: str, template: str, code: str, state: str, kind: tuple[str, str]
) -> dict[str, str]:
    """Return both macros of one conversion.

    Args:
        name: The macro's name and parameters, such as ``NUMBER(x)``.
        template: Its body; ``{refuse}`` stands where a value is refused.
        code: The error's code.
        state: The error's SQL state.
        kind: What the message calls the value, such as ``Numeric value``; and what
            the type is called where the value is a VARIANT, such as ``FIXED``.
    """
    what, variant_type = kind
    text = error(code, state, f"{what} '", "_SB_TEXT(x)", "' is not recognized")
    variant = error(
        "100071",
        "22000",
        "Failed to cast variant value ",
        "CAST(x AS VARCHAR)",
        f" to {variant_type}",
    )
    refuse = f"CASE WHEN typeof(x) = 'JSON' THEN {variant} ELSE {text} END"
    return {
        f"_SB_{name}": template.format(refuse=refuse),
        f"_SB_TRY_{name}": template.format(refuse="NULL"),
    }


NUMBER = (
    """CASE
    WHEN _SB_TEXT(x) IS NULL THEN NULL
    WHEN typeof(x) = 'BOOLEAN'
    THEN CASE CAST(x AS VARCHAR) WHEN 'true' THEN '1' ELSE '0' END
    WHEN regexp_full_match(trim(_SB_TEXT(x)), '"""
    + NUMERIC.replace("{", "{{").replace("}", "}}")
    + """')
    THEN trim(_SB_TEXT(x))
    ELSE {refuse} END"""
)

DOUBLE = """CASE
    WHEN _SB_TEXT(x) IS NULL THEN NULL
    WHEN TRY_CAST(trim(_SB_TEXT(x)) AS DOUBLE) IS NOT NULL
    THEN TRY_CAST(trim(_SB_TEXT(x)) AS DOUBLE)
    ELSE {refuse} END"""

BOOLEAN = f"""CASE
    WHEN _SB_TEXT(x) IS NULL THEN NULL
    WHEN lower(trim(_SB_TEXT(x))) IN ({TRUE_WORDS}) THEN TRUE
    WHEN lower(trim(_SB_TEXT(x))) IN ({FALSE_WORDS}) THEN FALSE
    WHEN typeof(x) NOT IN ('VARCHAR', 'JSON') AND TRY_CAST(CAST(x AS VARCHAR) AS DOUBLE)
        IS NOT NULL THEN TRY_CAST(CAST(x AS VARCHAR) AS DOUBLE) <> 0
    ELSE {{refuse}} END"""


def _by_pattern(pattern: str, replacement: str) -> str:
    """Return the body of a macro that takes texts of a pattern and spells them anew."""
    quoted = pattern.replace("{", "{{").replace("}", "}}")
    return rf"""CASE
        WHEN _SB_TEXT(x) IS NULL THEN NULL
        WHEN regexp_matches(trim(_SB_TEXT(x)), '{quoted}')
        THEN trim(regexp_replace(trim(_SB_TEXT(x)), '{quoted}', '{replacement}'))
        ELSE {{refuse}} END"""


FORMATTED = """CASE
    WHEN _SB_TEXT(x) IS NULL THEN NULL
    WHEN regexp_matches(_SB_TEXT(x), pattern)
    THEN regexp_replace(_SB_TEXT(x), pattern, replacement)
    ELSE {refuse} END"""

TABLES = {
    "_SB_FLATTEN(x)": """SELECT
        1 AS SEQ,
        CASE WHEN json_type(CAST(x AS JSON)) = 'OBJECT' THEN e.key END AS "KEY",
        CASE WHEN json_type(CAST(x AS JSON)) = 'OBJECT' THEN e.key
             ELSE '[' || e.key || ']' END AS PATH,
        CASE WHEN json_type(CAST(x AS JSON)) = 'ARRAY'
             THEN CAST(e.key AS BIGINT) END AS "INDEX",
        e.value AS "VALUE",
        CAST(x AS JSON) AS THIS
        FROM json_each(CAST(x AS JSON)) AS e
        WHERE json_type(CAST(x AS JSON)) IN ('ARRAY', 'OBJECT')"""
}


def scalars() -> dict[str, str]:
    """Return the body of every scalar macro by its head, in the order of creation."""
    refused = (
        "error('SF|100096|22007|Can''t parse ''' || _SB_TEXT(x) || ''' as ' || kind"
        " || ' with format ''' || model || '''')"
    )
    parse = {
        "_SB_PARSE_JSON(x)": "CASE WHEN trim(CAST(x AS VARCHAR)) <> '' THEN CASE "
        "WHEN json_valid(CAST(x AS VARCHAR)) "
        "THEN CAST(CAST(x AS VARCHAR) AS JSON) ELSE "
        + error("100069", "22P02", "Error parsing JSON: ", "left(x, 100)", "")
        + " END END",
        "_SB_TRY_PARSE_JSON(x)": "CASE WHEN json_valid(CAST(x AS VARCHAR)) "
        "THEN CAST(CAST(x AS VARCHAR) AS JSON) END",
    }
    iso = formats.AUTO_TIMESTAMP
    formatted = "(x, pattern, replacement, kind, model)"
    return (
        SHARED
        | parse
        | strict_and_try(
            "NUMBER(x)", NUMBER, "100038", "22018", ("Numeric value", "FIXED")
        )
        | strict_and_try(
            "DOUBLE(x)", DOUBLE, "100038", "22018", ("Numeric value", "REAL")
        )
        | strict_and_try(
            "BOOLEAN(x)", BOOLEAN, "100037", "22018", ("Boolean value", "BOOLEAN")
        )
        | strict_and_try(
            "DATE(x)",
            _by_pattern(formats.AUTO_DATE, r"\1"),
            "100040",
            "22007",
            ("Date", "DATE"),
        )
        | strict_and_try(
            "TIME(x)",
            _by_pattern(formats.AUTO_TIME, r"\1"),
            "100108",
            "22007",
            ("Time", "TIME"),
        )
        | strict_and_try(
            "NTZ(x)",
            _by_pattern(iso, r"\1 \2"),
            "100035",
            "22007",
            ("Timestamp", "TIMESTAMP_NTZ"),
        )
        | strict_and_try(
            "TZ(x)",
            _by_pattern(iso, r"\1 \2\3"),
            "100035",
            "22007",
            ("Timestamp", "TIMESTAMP_TZ"),
        )
        | {
            f"_SB_FORMATTED{formatted}": FORMATTED.format(refuse=refused),
            f"_SB_TRY_FORMATTED{formatted}": FORMATTED.format(refuse="NULL"),
        }
    )


def creation(database: str) -> list[str]:
    """Return the statements that create the macros in a database's main schema."""
    head = f"CREATE OR REPLACE MACRO {database}.main."
    return [f"{head}{name} AS ({body})" for name, body in scalars().items()] + [
        f"{head}{name} AS TABLE {body}" for name, body in TABLES.items()
    ]
