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

from jsonschema import (  # type: ignore[import-untyped] # it ships no types
    Draft3Validator,
    Draft4Validator,
    Draft7Validator,
    validators,
)
from referencing import Registry
from referencing.exceptions import Unresolvable
from singer_sdk.exceptions import InvalidJSONSchema, InvalidRecord
from singer_sdk.sinks.core import BaseJSONSchemaValidator
from singer_sdk.typing import DEFAULT_JSONSCHEMA_VALIDATOR
from typing_extensions import override

from target_snowflake_merge.errors import one_line

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    Accepts = Callable[[Any], bool]
    Check = Callable[[Any, Any, Any, Any], Iterator[Any] | None]

logger = logging.getLogger(__name__)

OLDER_DIALECTS = (Draft7Validator, Draft4Validator, Draft3Validator)
"""What a schema may be written in that is none of the newest dialect.

Taps of databases say ``exclusiveMaximum: true``, as in draft 4; lists of ``items`` and
fragments as ``$id`` are of draft 7, ``required: true`` is of draft 3.
"""

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
HARMLESS = {
    "$comment",
    "$id",
    "$schema",
    "default",
    "description",
    "examples",
    "format",  # an annotation: the casts of the columns check what they need
    "readOnly",
    "title",
    "writeOnly",
}

TYPE_OF_DRAFT_3 = {"enum": [*TYPES, "any"]}
META_SCHEMA_OF_DRAFT_3 = {
    **Draft3Validator.META_SCHEMA,
    "properties": {
        **Draft3Validator.META_SCHEMA["properties"],
        "type": {
            "type": [
                TYPE_OF_DRAFT_3,
                {"type": "array", "items": {"type": [TYPE_OF_DRAFT_3, {"$ref": "#"}]}},
            ]
        },
    },
}
"""Draft 3 allows any text as a type, and jsonschema fails at a record where one is."""

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


class RecordValidator(BaseJSONSchemaValidator):
    """Validates the records of one stream; formats are not looked at."""

    def __init__(self, schema: dict[str, Any], stream: str = "") -> None:
        """Compile a schema.

        Args:
            schema: The stream's JSON Schema.
            stream: The stream, for a warning.

        Raises:
            InvalidJSONSchema: It is no JSON Schema of any dialect.
        """
        super().__init__(schema)
        self._stream = stream
        self._left_out: set[str] = set()
        self._warned_of: set[str] = set()
        dialect = _dialect(schema)
        # Else jsonschema goes by $schema again, and has no part in what is done here.
        schema = {name: schema[name] for name in schema if name != "$schema"}
        # Without a registry it would read the schemas of others from the network.
        self._validator = self._tolerant(dialect)(schema, registry=Registry())
        is_quick = dialect is not Draft3Validator  # whose keywords mean other things
        accepts = self._validator.is_valid
        self._accepts = _accepter(self._validator, schema) if is_quick else accepts

    def _tolerant(self, dialect: Any) -> Any:  # noqa: ANN401 - classes that jsonschema makes at run time
        """Have a dialect accept integers such as 5.0, and what it cannot check."""
        types = dialect.TYPE_CHECKER
        return validators.extend(
            dialect,
            {
                keyword: self._patient(keyword, check)
                for keyword, check in dialect.VALIDATORS.items()
            },
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
                return
            except (re.error, Unresolvable, RecursionError):
                # No warning yet: at the bottom of a loop there is no stack for it.
                self._left_out.add(one_line(f"{keyword} {value}", RULE_LIMIT))

        return patient

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


def _said(error: Any) -> str:  # noqa: ANN401 - an error of jsonschema, whose types nobody knows
    """Return what jsonschema says is wrong, behind where it is."""
    path = ".".join(map(str, error.absolute_path))
    message = re.sub(r"Decimal\('(.*?)'\)", r"\1", error.message)
    return f"{path}: {message}" if path else message


def _dialect(schema: dict[str, Any]) -> Any:  # noqa: ANN401 - as above
    """Choose the dialect that ``$schema`` names, or else the first that fits."""
    named = validators.validator_for(schema, default=DEFAULT_JSONSCHEMA_VALIDATOR)
    for dialect in (named, *OLDER_DIALECTS):
        if _fault(dialect, schema) is None:
            return dialect
    raise InvalidJSONSchema(_fault(named, schema))


def _fault(dialect: Any, schema: dict[str, Any]) -> str | None:  # noqa: ANN401 - as above
    """Say what makes a schema none of a dialect, if anything."""
    is_old = dialect is Draft3Validator
    meta_schema = META_SCHEMA_OF_DRAFT_3 if is_old else dialect.META_SCHEMA
    error = next(dialect(meta_schema).iter_errors(schema), None)
    return None if error is None else _said(error)


def _accepter(validator: Any, schema: Any) -> Accepts:  # noqa: ANN401 - jsonschema makes its classes at run time, and a schema may be an object or a boolean
    """Compile a schema into a function that accepts plainly valid values."""
    is_simple = isinstance(schema, dict) and set(schema) <= CHECKED | HARMLESS
    if not is_simple or isinstance(schema.get("items"), list):
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
