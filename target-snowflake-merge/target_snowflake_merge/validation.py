"""Validating records against the stream's JSON Schema, quickly.

The jsonschema library is exact and slow: seconds for a thousand records with nested
details. Here a function compiled from the common keywords accepts what is plainly
valid; whatever it does not accept is left to jsonschema, whose verdict and words count.
"""

from __future__ import annotations

import decimal
import logging
import re
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from jsonschema import validators  # type: ignore[import-untyped] # it ships no types
from jsonschema.exceptions import UnknownType  # type: ignore[import-untyped] # as above
from referencing import Registry
from referencing.exceptions import Unresolvable
from singer_sdk.exceptions import InvalidJSONSchema, InvalidRecord
from singer_sdk.sinks.core import BaseJSONSchemaValidator
from singer_sdk.typing import DEFAULT_JSONSCHEMA_VALIDATOR
from typing_extensions import override

from target_snowflake_merge.drafts import newest
from target_snowflake_merge.errors import one_line
from target_snowflake_merge.json_schema import referred

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    Accepts = Callable[[Any], bool]
    Check = Callable[[Any, Any, Any, Any], Iterator[Any] | None]

logger = logging.getLogger(__name__)

TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float, Decimal),
    "boolean": (bool,),
    "object": (dict,),
    "array": (list,),
    "null": (type(None),),
}

CHECKED = {"type", "properties", "required", "items", "maxLength", "anyOf"}
HARMLESS = {"$id", "$anchor", "$defs", "definitions"}

REFERENCES = {"$ref", "$dynamicRef"}
MAX_REFERENCES = 50
"""How many references to follow at once; the stack is not deep enough for many more."""

IN_PLACE = ("allOf", "anyOf", "oneOf", "if", "then", "else")
"""Keywords whose schemas describe the value itself."""

UNEVALUATED = {"unevaluatedItems", "unevaluatedProperties"}
"""jsonschema follows references for these in a way of its own, also without end."""

REVERSING = {"not", "oneOf", "if", "contains", *UNEVALUATED}
"""Keywords that refuse a value since it fits a schema."""

RULE_LIMIT = 100
"""Characters of a rule of a schema that a warning shows."""

EXACT = decimal.Context(prec=1000)
"""jsonschema divides by multipleOf, which must not fail on 38 digits."""


def _is_whole(value: object) -> bool:
    """Tell integers as JSON Schema does: 5.0 is one, which jsonschema does not see."""
    return (
        isinstance(value, Decimal)
        and value.is_finite()
        and value == value.to_integral_value()
    )


class NotCheckedError(Exception):
    """A rule cannot be checked for a value."""


class RecordValidator(BaseJSONSchemaValidator):
    """Validates the records of one stream; formats are not looked at."""

    def __init__(self, schema: dict[str, Any], stream: str = "") -> None:
        """Compile a schema.

        Args:
            schema: The stream's JSON Schema.
            stream: The stream, for a warning.

        Raises:
            InvalidJSONSchema: It is no JSON Schema of any draft, or nested too deep for
                the jsonschema library.
        """
        super().__init__(schema)
        self._stream = stream
        self._left_out: set[str] = set()
        self._warned_of: set[str] = set()
        self._unchecked = 0
        self._followed: set[tuple[int, int]] = set()
        dialect = DEFAULT_JSONSCHEMA_VALIDATOR
        try:
            schema = self._root = newest(schema)
            error = next(dialect(dialect.META_SCHEMA).iter_errors(schema), None)
        except RecursionError as error:
            raise InvalidJSONSchema("it is nested too deep") from error
        if error is not None:
            raise InvalidJSONSchema(_said(error))
        # Without a registry it would read the schemas of others from the network.
        self._validator = self._tolerant(dialect)(schema, registry=Registry())
        self._accepts = _accepter(self._validator, schema)

    def _tolerant(self, dialect: Any) -> Any:  # noqa: ANN401 - classes that jsonschema makes at run time
        """Have a dialect accept integers such as 5.0, and what it cannot check."""
        types = dialect.TYPE_CHECKER
        checks = dict(dialect.VALIDATORS)
        checks |= {name: self._ending(checks[name]) for name in REFERENCES}
        checks |= {name: self._apart(checks[name]) for name in UNEVALUATED}
        checks = {name: self._patient(name, check) for name, check in checks.items()}
        checks |= {name: self._careful(checks[name]) for name in REVERSING}
        return validators.extend(
            dialect,
            checks,
            type_checker=types.redefine(
                "integer",
                lambda _, value: types.is_type(value, "integer") or _is_whole(value),
            ),
        )

    def _patient(self, keyword: str, check: Check) -> Check:
        """Let a keyword accept what it cannot check.

        These are patterns that Python does not know, references that lead nowhere or
        to themselves, and numbers that nothing can be computed with.
        """

        def patient(
            validator: object, value: object, instance: object, schema: object
        ) -> Iterator[Any]:
            try:
                yield from check(validator, value, instance, schema) or ()
            except (decimal.InvalidOperation, TypeError):
                # NaN, infinity, 1E+1500, a float of a stream map beside a decimal: the
                # column takes it or says what is wrong with it.
                self._unchecked += 1
            except (re.error, Unresolvable, UnknownType, NotCheckedError):
                self._unchecked += 1
                self._left_out.add(one_line(f"{keyword} {value}", RULE_LIMIT))

        return patient

    def _ending(self, check: Check) -> Check:
        """Follow no reference that is being followed for the same value."""

        def ending(
            validator: object, value: object, instance: object, schema: object
        ) -> Iterator[Any]:
            step = (id(schema), id(instance))
            if step in self._followed or len(self._followed) >= MAX_REFERENCES:
                raise NotCheckedError
            self._followed.add(step)
            try:
                yield from check(validator, value, instance, schema) or ()
            finally:
                self._followed.remove(step)

        return ending

    def _apart(self, check: Check) -> Check:
        """Check a keyword only where the references beside it come to an end."""

        def apart(
            validator: object, value: object, instance: object, schema: object
        ) -> Iterator[Any] | None:
            if not _ends(schema, self._root):
                raise NotCheckedError
            return check(validator, value, instance, schema)

        return apart

    def _careful(self, check: Check) -> Check:
        """Leave a keyword out where a rule below it cannot be checked.

        Such a rule accepts any value, for which these keywords would refuse it.
        """

        def careful(
            validator: object, value: object, instance: object, schema: object
        ) -> Iterator[Any]:
            before = self._unchecked
            errors = list(check(validator, value, instance, schema) or ())
            if self._unchecked == before:
                yield from errors

        return careful

    def _warn(self) -> None:
        """Say once of each rule that it is not checked."""
        for rule in self._left_out - self._warned_of:
            logger.warning(
                "Stream %s: its schema's %s cannot be understood here; values are not "
                "checked against it",
                *(self._stream, rule),
            )
        self._warned_of |= self._left_out

    @override
    def validate(self, record: dict[str, Any]) -> None:
        """Validate a record.

        Args:
            record: The record as it was read.

        Raises:
            InvalidRecord: The record does not fit; the message names the property.
        """
        with decimal.localcontext(EXACT):
            accepts = self._accepts(record)
            error = None if accepts else next(self._validator.iter_errors(record), None)
        if self._left_out:
            self._warn()
        if error is not None:
            where = "property " if error.absolute_path else ""
            raise InvalidRecord(f"{where}{_said(error)}", record) from error


def _ends(schema: object, root: dict[str, Any], above: tuple[int, ...] = ()) -> bool:
    """Say whether all that describes a value can be gone through."""
    if not isinstance(schema, dict):
        return True
    reference = schema.get("$dynamicRef", schema.get("$ref", "#/"))
    if id(schema) in above or not str(reference).startswith("#/"):
        return False
    parts = list(schema.get("dependentSchemas", {}).values())
    for keyword in IN_PLACE:
        part = schema.get(keyword, [])
        parts += part if isinstance(part, list) else [part]
    if "$ref" in schema:
        parts.append(referred(schema["$ref"], root))
    return all(_ends(part, root, (*above, id(schema))) for part in parts)


def _said(error: Any) -> str:  # noqa: ANN401 - an error of jsonschema, whose types nobody knows
    """Return what jsonschema says is wrong, behind where it is."""
    path = ".".join(map(str, error.absolute_path))
    message = re.sub(r"Decimal\('(.*?)'\)", r"\1", error.message)
    return f"{path}: {message}" if path else message


def _accepter(validator: Any, schema: Any) -> Accepts:  # noqa: ANN401 - jsonschema makes its classes at run time, and a schema may be an object or a boolean
    """Compile a schema into a function that accepts plainly valid values."""
    if not isinstance(schema, dict) or not set(schema) <= CHECKED | HARMLESS:
        accepts: Accepts = validator.evolve(schema=schema).is_valid
        return accepts
    options = [_accepter(validator, option) for option in schema.get("anyOf", ())]
    types = _types(schema)
    inner = {
        "dict": _object(validator, schema),
        "list": _array(validator, schema),
        "str": _text(schema),
    }

    def check(value: object) -> bool:
        kind = type(value)
        if types and kind not in types and not (int in types and _is_whole(value)):
            return False
        if options and not any(option(value) for option in options):
            return False
        accepts = inner.get(kind.__name__)
        return accepts is None or accepts(value)

    return check


def _text(schema: Mapping[str, Any]) -> Accepts | None:
    longest = schema.get("maxLength")
    return None if longest is None else lambda value: bool(len(value) <= longest)


def _types(schema: Mapping[str, Any]) -> frozenset[type]:
    names = schema.get("type", ())
    names = [names] if isinstance(names, str) else names
    return frozenset(kind for name in names for kind in TYPES[name])


def _object(validator: Any, schema: Mapping[str, Any]) -> Accepts | None:  # noqa: ANN401 - as above
    properties = {
        name: _accepter(validator, inner)
        for name, inner in schema.get("properties", {}).items()
    }
    required = frozenset(schema.get("required", ()))
    if not properties and not required:
        return None

    def check(value: dict[str, Any]) -> bool:
        if not required <= value.keys():
            return False
        for name, item in value.items():
            accepts = properties.get(name)
            if accepts is not None and not accepts(item):
                return False
        return True

    return check


def _array(validator: Any, schema: Mapping[str, Any]) -> Accepts | None:  # noqa: ANN401 - as above
    items = schema.get("items")
    if items is None:
        return None
    check = _accepter(validator, items)
    return lambda value: all(map(check, value))
