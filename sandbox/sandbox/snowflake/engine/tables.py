"""Statements on tables as the engine can run them: types, constraints, evolution."""

from __future__ import annotations

from dataclasses import dataclass

from sqlglot import exp

from sandbox.snowflake.engine import conversions
from sandbox.snowflake.engine.catalog import DEFAULT_LENGTH
from sandbox.snowflake.engine.errors import SnowflakeError, unsupported

Type = exp.DataType.Type
SHOWN = {
    "BLOB": "BINARY",
    "DOUBLE": "FLOAT",
    "INTERVAL": "TIMESTAMP_TZ(9)",
    "JSON": "VARIANT",
    "TIMESTAMP WITH TIME ZONE": "TIMESTAMP_LTZ(9)",
    "TIMESTAMP": "TIMESTAMP_NTZ(9)",
}
"""What Snowflake calls the engine's types."""

KEYS = (exp.PrimaryKey, exp.ForeignKey, exp.UniqueColumnConstraint, exp.Constraint)
KEY_KINDS = (
    exp.PrimaryKeyColumnConstraint,
    exp.UniqueColumnConstraint,
    exp.Reference,
)


SENSITIVE = {"", "utf8"}
"""Collations that compare texts by their characters."""


@dataclass(frozen=True)
class Column:
    """A column's type as the engine keeps it.

    Args:
        type: DuckDB's name, such as ``DECIMAL(38,9)``.
        length: The most characters of a VARCHAR; None for other types.
    """

    type: str
    length: int | None


def definition(statement: exp.Expr) -> exp.Expr:
    """Return a CREATE or ALTER TABLE with the engine's types and without keys.

    Snowflake keeps primary, unique and foreign keys as notes and enforces none of them;
    only the NOT NULL of a primary key counts.
    """
    changed = statement.copy()
    if isinstance(changed, exp.TruncateTable):
        changed.set("exists", None)
    required = _drop_keys(changed)
    for column in list(changed.find_all(exp.ColumnDef)):
        _drop_column_keys(column)
        _collate(column)
        if column.name in required:
            _require(column)
    for action in changed.find_all(exp.AlterColumn):
        if action.args.get("collate"):
            action.set("collate", _engine_collation(action.args["collate"].name))
    for kind in list(changed.find_all(exp.DataType)):
        if not kind.find_ancestor(exp.Query):
            kind.replace(_engine_type(kind))
    return changed


def note(column: exp.ColumnDef) -> str:
    """Return what DESCRIBE TABLE says of a column and the engine's type does not.

    Args:
        column: The column as it is defined.

    Returns:
        The decimals of its seconds, its collation, or ARRAY and OBJECT, which are
        JSON to the engine; empty for the usual ones.
    """
    kind = column.args.get("kind")
    if isinstance(kind, exp.DataType) and kind.this in conversions.TIME_MACROS:
        return f"({kind.expressions[0].name})" if kind.expressions else ""
    if isinstance(kind, exp.DataType) and kind.this in {Type.ARRAY, Type.OBJECT}:
        return str(kind.this.value)
    collation = _collation(column)
    return f" COLLATE '{collation}'" if collation else ""


def _collation(column: exp.ColumnDef) -> str:
    clause = column.find(exp.CollateColumnConstraint)
    return str(clause.this.name) if clause else ""


def default_collation(definition: exp.Expr, collation: str) -> None:
    """Give new text columns the collation of DEFAULT_DDL_COLLATION.

    https://docs.snowflake.com/en/sql-reference/parameters#default-ddl-collation

    Args:
        definition: A CREATE or ALTER TABLE; it is changed.
        collation: The parameter's value.
    """
    for column in definition.find_all(exp.ColumnDef):
        kind = column.args.get("kind")
        if (
            collation
            and isinstance(kind, exp.DataType)
            and kind.this in conversions.TEXT_TYPES
            and not column.find(exp.CollateColumnConstraint)
        ):
            clause = exp.CollateColumnConstraint(this=exp.Literal.string(collation))
            column.append("constraints", exp.ColumnConstraint(kind=clause))


def _collate(column: exp.ColumnDef) -> None:
    """Have the engine compare as a column's collation does."""
    for constraint in list(column.args.get("constraints") or []):
        if isinstance(constraint.kind, exp.CollateColumnConstraint):
            engine = _engine_collation(_collation(column))
            if engine:
                constraint.kind.set("this", engine)
            else:
                constraint.pop()


def _engine_collation(name: str) -> exp.Identifier | None:
    """Return the engine's name of a collation, or None for comparing characters.

    Raises:
        SnowflakeError: It does more than to ignore case.
    """
    if name in SENSITIVE:
        return None
    if name.endswith("-ci"):
        return exp.to_identifier("NOCASE")
    raise unsupported(f"COLLATE '{name}'")


def _engine_type(kind: exp.DataType) -> exp.DataType:
    if kind.this in conversions.INTEGER_TYPES or kind.this == Type.DECIMAL:
        return conversions.number(kind)
    if kind.this in conversions.TIME_MACROS:
        return conversions.unsized(kind)
    return kind


def _drop_keys(statement: exp.Expr) -> set[str]:
    """Remove a table's key clauses; return the columns of its primary key."""
    required: set[str] = set()
    for key in list(statement.find_all(*KEYS)):
        primary = key if isinstance(key, exp.PrimaryKey) else key.find(exp.PrimaryKey)
        if primary:
            required |= {identifier.name for identifier in primary.expressions}
        if not isinstance(key.parent, exp.ColumnConstraint):
            key.pop()
    return required


def _drop_column_keys(column: exp.ColumnDef) -> None:
    for constraint in list(column.args.get("constraints") or []):
        if isinstance(constraint.kind, KEY_KINDS):
            constraint.pop()
            if isinstance(constraint.kind, exp.PrimaryKeyColumnConstraint):
                _require(column)


def _require(column: exp.ColumnDef) -> None:
    column.append(
        "constraints", exp.ColumnConstraint(kind=exp.NotNullColumnConstraint())
    )


def check_type_change(name: str, old: Column, new: exp.DataType) -> None:
    """Refuse a change of type that Snowflake refuses.

    A VARCHAR may grow, a NUMBER may get more precision at the same scale (less only
    where the values allow it, which the sandbox refuses); nothing else changes.

    Args:
        name: The column, for the message.
        old: What the column is.
        new: What it shall be.

    Raises:
        SnowflakeError: 002108, naming both types.
    """
    if new.this in conversions.TEXT_TYPES and old.length is not None:
        length = int(new.expressions[0].name) if new.expressions else DEFAULT_LENGTH
        if length >= old.length:
            return
    kind = _engine_type(new).sql(dialect="duckdb")
    if kind.replace(" ", "") == old.type.replace(" ", ""):
        return
    if kind.startswith("DECIMAL") and old.type.startswith("DECIMAL"):
        precision, scale = _size(kind)
        old_precision, old_scale = _size(old.type)
        if scale == old_scale and precision >= old_precision:
            return
    shown = SHOWN.get(old.type, old.type).replace("DECIMAL", "NUMBER")
    if old.length is not None:
        shown = f"VARCHAR({old.length})"
    raise SnowflakeError(
        "002108",
        "22000",
        f"SQL compilation error:\ncannot change column {name} from type {shown} "
        f"to {new.sql(dialect='snowflake')}",
    )


def _size(decimal: str) -> tuple[int, int]:
    precision, scale = decimal.removeprefix("DECIMAL").strip(" ()").split(",")
    return int(precision), int(scale)
