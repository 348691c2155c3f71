"""Validating records against the stream's JSON Schema, exactly and quickly.

jsonschema-rs takes decimals, and matches patterns in a time that grows only with the
text. It refuses a schema as a whole for a pattern or a reference that it does not know,
so the module `understood` takes these out before. It compares what it refuses for a
bound of more than 64 bits as doubles, so that is compared here once more.
"""

from __future__ import annotations

import logging
import operator
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from jsonschema_rs import Draft202012Validator, ValidationError, ValidationErrorKind

from target_snowflake_merge.errors import (
    EXCERPT_LENGTH,
    RecordRefusedError,
    TargetError,
    one_line,
)
from target_snowflake_merge.schema.understood import LINEAR, understood
from target_snowflake_merge.schema.upgrade import newest

if TYPE_CHECKING:
    from collections.abc import Sequence

logger = logging.getLogger(__name__)

TOO_DEEP = "Recursion limit reached"
"""How jsonschema-rs says so."""

BOUNDS = {
    "maximum": operator.le,
    "exclusiveMaximum": operator.lt,
    "minimum": operator.ge,
    "exclusiveMinimum": operator.gt,
}
"""The keywords with a bound, and what a number must be to it."""


class RecordValidator:
    """Validates the records of one stream; formats are not looked at."""

    def __init__(self, schema: dict[str, Any], stream: str = "") -> None:
        """Compile a schema.

        Raises:
            TargetError: It is no JSON Schema of any draft, or nested too deep.
        """
        try:
            known, left_out = understood(newest(schema))
            self._validator = Draft202012Validator(
                known, validate_formats=False, pattern_options=LINEAR, offline=True
            )
        except ValidationError as error:
            raise _no_schema(stream, _said(error)) from error
        except (RecursionError, ValueError) as error:
            is_deep = isinstance(error, RecursionError) or str(error) == TOO_DEEP
            reason = "it is nested too deep" if is_deep else one_line(str(error))
            raise _no_schema(stream, reason) from error
        for rule in left_out:
            logger.warning(
                "Stream %s: its schema's %s cannot be understood here; values are not "
                "checked against it",
                *(stream, rule),
            )

    def validate(self, record: dict[str, Any]) -> None:
        """Validate a record.

        Raises:
            RecordRefusedError: The record does not fit.
        """
        try:
            if not self._validator.is_valid(record):
                self._refuse(record)
        except UnicodeEncodeError:  # columns tell where half of a surrogate pair stands
            self.validate(_encodable(record))
        except ValueError as error:  # stream maps can make what JSON does not have
            raise RecordRefusedError(str(error)) from error

    def _refuse(self, record: dict[str, Any]) -> None:
        """Say what is wrong first.

        NaN and infinity count as null to jsonschema-rs: the columns refuse them.
        """
        for error in self._validator.iter_errors(record):
            if _is_finite(record, error.instance_path) and _is_true(error):
                where = "property " if error.instance_path else ""
                raise RecordRefusedError(f"{where}{_said(error)}") from error


def _no_schema(stream: str, reason: str) -> TargetError:
    return TargetError(
        f"Stream {stream}: its schema is no JSON Schema: "
        f"{one_line(reason, 2 * EXCERPT_LENGTH)}; correct the tap's catalog or set "
        "validate_records to false."
    )


def _said(error: ValidationError) -> str:
    """Return what is wrong, behind where it is."""
    path = ".".join(map(str, error.instance_path))
    return f"{path}: {error.message}" if path else error.message


def _is_finite(record: dict[str, Any], path: Sequence[str | int]) -> bool:
    value: Any = record
    for step in path:
        value = value[step]
    return not isinstance(value, float | Decimal) or Decimal(value).is_finite()


def _is_true(error: ValidationError) -> bool:
    """Whether what is said of a bound, there or in a branch, is so to the digit."""
    kind, value = error.kind, error.instance
    if isinstance(kind, ValidationErrorKind.AnyOf | ValidationErrorKind.OneOfNotValid):
        fitting = [branch for branch in kind.context if not any(map(_is_true, branch))]
        is_one = isinstance(kind, ValidationErrorKind.OneOfNotValid)
        return not fitting or (is_one and len(fitting) > 1)
    holds = BOUNDS.get(kind.name)
    return not holds or not holds(Decimal(str(value)), Decimal(str(kind.value)))


def _encodable(value: Any) -> Any:  # noqa: ANN401 - whatever a record holds
    """Put a question mark in the place of each half of a surrogate pair."""
    if isinstance(value, str):
        return value.encode(errors="replace").decode()
    if isinstance(value, list):
        return [_encodable(item) for item in value]
    if isinstance(value, dict):
        return {_encodable(key): _encodable(item) for key, item in value.items()}
    return value
