"""Validating records against the stream's JSON Schema, quickly.

The jsonschema library is exact and slow: seconds for a thousand records with nested
details. Here a function compiled from the common keywords accepts what is plainly
valid; whatever it does not accept is left to jsonschema, whose verdict and words count.
"""

from __future__ import annotations

import decimal
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from singer_sdk.exceptions import InvalidRecord
from singer_sdk.sinks.core import BaseJSONSchemaValidator, JSONSchemaValidator
from typing_extensions import override

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Accepts = Callable[[Any], bool]

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

    def __init__(self, schema: dict[str, Any]) -> None:
        """Compile a schema.

        Args:
            schema: The stream's JSON Schema.

        Raises:
            InvalidJSONSchema: It is no JSON Schema.
        """
        super().__init__(schema)
        self._validator = JSONSchemaValidator(schema).validator
        self._accepts = _accepter(self._validator, schema)

    @override
    def validate(self, record: dict[str, Any]) -> None:
        """Validate a record.

        Args:
            record: The record as it was read.

        Raises:
            InvalidRecord: The record does not fit; the message names the property.
        """
        with decimal.localcontext(EXACT):
            if self._accepts(record):
                return
            for error in self._validator.iter_errors(record):
                if error.validator == "type" and _is_whole(error.instance):
                    continue
                path = ".".join(map(str, error.absolute_path))
                where = f"property {path}: " if path else ""
                raise InvalidRecord(f"{where}{error.message}", record) from error


def _accepter(validator: Any, schema: Any) -> Accepts:  # noqa: ANN401 - jsonschema makes its classes at run time, and a schema may be an object or a boolean
    """Compile a schema into a function that accepts plainly valid values."""
    if isinstance(schema, bool) or set(schema) - CHECKED - HARMLESS:
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
