"""JSON Schemas of any draft since 3, in the words of the newest one (pure functions).

Taps of databases say ``exclusiveMaximum: true``, as in draft 4; lists of ``items`` and
fragments as ``$id`` are of draft 7, ``required: true`` is of draft 3. Schemas mix them,
and hardly one names its draft rightly, so that none is chosen: what is old is rewritten
wherever it stands.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

ANNOTATIONS = {
    "$comment",
    "$schema",
    "contentEncoding",
    "contentMediaType",
    "default",
    "deprecated",
    "description",
    "examples",
    "format",  # the casts of the columns check what they need
    "readOnly",
    "title",
    "writeOnly",
}
"""What no record is checked against, so that it may also be wrong."""

NAMED = {
    "$defs",
    "definitions",
    "dependencies",
    "dependentRequired",
    "dependentSchemas",
    "patternProperties",
    "properties",
}
"""Keywords that hold schemas, or lists of names, under names of the schema's own."""

VALUES = {"const", "enum"}
"""Keywords that hold values, which may look like schemas."""

COUNTS = {
    f"{limit}{counted}"
    for limit in ("max", "min")
    for counted in ("Contains", "Items", "Length", "Properties")
}
"""Keywords that hold a whole number, which may be written as 255.0."""

MAX_DIGITS = 30
"""Digits of such a number that are looked at; 1E+999999999 is no integer to make."""

DECIMALS = ("singer.decimal", "x-singer.decimal")
"""Formats of decimal numbers that are written as texts."""

RENAMED = {"divisibleBy": "multipleOf", "$recursiveRef": "$ref"}


def newest(schema: Any, left_out: Collection[str] = ANNOTATIONS) -> Any:  # noqa: ANN401 - a schema may be an object or a boolean, and a wrong one anything
    """Rewrite a schema, and all that are in it.

    Args:
        schema: The schema, of one draft or of several.
        left_out: Keywords that the new one is not to have.

    Returns:
        A new one. What is wrong in any draft stays as it is.
    """
    if isinstance(schema, list):
        return [newest(inner, left_out) for inner in schema]
    if not isinstance(schema, dict):
        return schema
    new: dict[str, Any] = {
        RENAMED.get(keyword) or keyword: _inner(keyword, value, left_out)
        for keyword, value in schema.items()
        if keyword not in left_out
    }
    _rewrite_limits(new)
    _rewrite_items(new)
    _rewrite_dependencies(new)
    _rewrite_types(new)
    _rewrite_required(new, schema)
    _rewrite_name(new)
    if is_decimal(schema):
        _rewrite_decimal(new)
    return new


def is_decimal(schema: Mapping[str, Any]) -> bool:
    """Say whether a schema describes decimal numbers, as texts or not."""
    return schema.get("format") in DECIMALS


def whole_number(value: Any) -> Any:  # noqa: ANN401 - whatever a schema holds
    """Return an integer where a whole number is written with a point or exponent."""
    if not isinstance(value, float | Decimal):
        return value
    number = Decimal(value)
    if not number.is_finite() or number.adjusted() > MAX_DIGITS:
        return value
    return int(number) if number == number.to_integral_value() else value


def _rewrite_decimal(new: dict[str, Any]) -> None:
    """Let a decimal be a text and a number: taps describe one and send the other."""
    types = _listed(new, "type")
    if any(name in types for name in ("integer", "number", "string")):
        missing = [name for name in ("number", "string") if name not in types]
        new["type"] = [*types, *missing]


def _rewrite_name(new: dict[str, Any]) -> None:
    """Make an anchor of a fragment, which is no ``$id`` any more."""
    name = new.get("$id", "")
    if not isinstance(name, str) or re.search("#.", name):
        del new["$id"]
        if isinstance(name, str) and re.fullmatch(r"#[A-Za-z_][\w.-]*", name, re.ASCII):
            new.setdefault("$anchor", name[1:])


def _inner(keyword: str, value: Any, left_out: Collection[str]) -> Any:  # noqa: ANN401 - as above
    if keyword in COUNTS:
        return whole_number(value)
    return held(keyword, value, lambda inner: newest(inner, left_out))


def held(keyword: str, value: Any, each: Callable[[Any], Any]) -> Any:  # noqa: ANN401 - as above
    """Change the schemas that a keyword holds.

    Args:
        keyword: The keyword.
        value: What it holds: a schema, a list of them, some under names, or none.
        each: Changes a schema or a list of them, and leaves everything else.
    """
    if keyword in VALUES:
        return value
    if keyword in NAMED and isinstance(value, dict):
        return {name: each(inner) for name, inner in value.items()}
    return each(value)


def _rewrite_limits(new: dict[str, Any]) -> None:
    """Make numbers of what only says that a limit is not allowed itself."""
    for limit, exclusive in (
        ("minimum", "exclusiveMinimum"),
        ("maximum", "exclusiveMaximum"),
    ):
        if isinstance(new.get(exclusive), bool) and new.pop(exclusive) and limit in new:
            new[exclusive] = new.pop(limit)


def _rewrite_items(new: dict[str, Any]) -> None:
    """Rewrite a list of items, and what says how it may go on."""
    if isinstance(new.get("items"), list):
        first = new.pop("items")
        if first:
            new["prefixItems"] = first
        if "additionalItems" in new:
            new["items"] = new.pop("additionalItems")


def _rewrite_dependencies(new: dict[str, Any]) -> None:
    """Tell the names that a property needs from the schemas."""
    if not isinstance(new.get("dependencies"), dict):
        return
    for name, needed in new.pop("dependencies").items():
        is_named = isinstance(needed, str | list)
        keyword = "dependentRequired" if is_named else "dependentSchemas"
        inner = [needed] if isinstance(needed, str) else needed
        new[keyword] = {**new.get(keyword, {}), name: inner}


def _rewrite_types(new: dict[str, Any]) -> None:
    """Rewrite what draft 3 has instead of ``anyOf``, ``allOf`` and ``not``."""
    parts = [part for part in _listed(new, "extends") if isinstance(part, dict)]
    if "disallow" in new:
        disallowed = {"type": _listed(new, "disallow")}
        _rewrite_types(disallowed)
        parts.append({"not": disallowed})
    types = _listed(new, "type")
    schemas = [name for name in types if isinstance(name, dict)]
    if "any" in types:
        del new["type"]
    elif schemas and isinstance(new["type"], list):
        names = [name for name in types if not isinstance(name, dict)]
        parts.append({"anyOf": [*([{"type": names}] if names else []), *schemas]})
        del new["type"]
    if parts and isinstance(new.setdefault("allOf", []), list):
        new["allOf"] += parts
    for keyword in ("extends", "disallow"):
        new.pop(keyword, None)


def _listed(new: dict[str, Any], keyword: str) -> list[Any]:
    value = new.get(keyword, [])
    return value if isinstance(value, list) else [value]


def _rewrite_required(new: dict[str, Any], schema: dict[str, Any]) -> None:
    """List the properties that say of themselves that they are required."""
    properties = schema.get("properties")
    inner = properties if isinstance(properties, dict) else {}
    names = [
        name
        for name, described in inner.items()
        if isinstance(described, dict) and described.get("required") is True
    ]
    if isinstance(new.get("required"), bool):
        del new["required"]
    if names and isinstance(new.setdefault("required", []), list):
        new["required"] += [n for n in names if n not in new["required"]]
