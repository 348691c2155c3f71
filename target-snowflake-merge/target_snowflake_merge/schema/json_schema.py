"""What a JSON Schema means: its choices, references and parts (pure functions)."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

TYPE_NAMES = {
    str: "string",
    bool: "boolean",
    int: "integer",
    float: "number",
    Decimal: "number",
    dict: "object",
    list: "array",
    type(None): "null",
}
"""What JSON Schema calls the types of the values of ``enum`` and ``const``."""

ANYTHING = "anything"
"""Stands for the types of a schema that names none."""

MAX_DEPTH = 20
"""How deep choices and references may be nested before the type counts as unknown."""


def alternatives(
    schema: Mapping[str, Any] | bool,  # noqa: FBT001 - as above
    root: Mapping[str, Any],
    depth: int = 0,
) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Find out which types a value may have, apart from null.

    Args:
        schema: The JSON Schema of the value.
        root: The stream's schema, in which references are looked up.
        depth: How deep this schema is nested in choices.

    Yields:
        Each type, or `ANYTHING`, with the schema that describes it.
    """
    if not isinstance(schema, dict) or depth > MAX_DEPTH:
        yield ANYTHING, {}
        return
    schema = _joined(schema, root, depth)
    choices = _listed(schema, "anyOf") or _listed(schema, "oneOf")
    if choices:
        others = {key: schema[key] for key in schema if key not in {"anyOf", "oneOf"}}
        for choice in choices:
            is_part = isinstance(choice, dict)
            yield from alternatives(
                {**others, **choice} if is_part else choice, root, depth + 1
            )
        return
    for name in _types(schema):
        if name != "null":
            yield name, schema


def _types(schema: Mapping[str, Any]) -> list[str]:
    """Return the types that a schema names, or those of the values that it lists."""
    if "type" in schema:
        name = schema["type"]
        names = [name] if isinstance(name, str) else _listed(schema, "type")
        known = [name if isinstance(name, str) else ANYTHING for name in names]
        return known or [ANYTHING]
    listed = [schema["const"]] if "const" in schema else _listed(schema, "enum")
    return [TYPE_NAMES[type(value)] for value in listed] or [ANYTHING]


def _listed(schema: Mapping[str, Any], keyword: str) -> list[Any]:
    """Return what a keyword lists; without validation it may be anything."""
    listed = schema.get(keyword)
    return listed if isinstance(listed, list) else []


def _joined(
    schema: Mapping[str, Any], root: Mapping[str, Any], depth: int
) -> Mapping[str, Any]:
    """Join a schema with what it refers to and with all parts of its ``allOf``."""
    parts = [*_listed(schema, "allOf")]
    if "$ref" in schema:
        parts.append(referred(str(schema["$ref"]), root))
    if not parts or depth > MAX_DEPTH:
        return schema
    joined = {key: schema[key] for key in schema if key not in {"$ref", "allOf"}}
    for part in parts:
        if isinstance(part, dict):
            more = _joined(part, root, depth + 1)
            types = _common(_types(joined), _types(more))
            joined = {**joined, **more, **({"type": types} if types else {})}
    return joined


def _common(some: list[str], others: list[str]) -> list[str]:
    """Return the types that are in both lists; none where either allows anything."""
    if ANYTHING in some or ANYTHING in others:
        return [name for name in [*some, *others] if name != ANYTHING]
    wide = {"integer"} if "number" in some or "number" in others else set()
    return [n for n in some if n in others] or sorted({*some, *others} & wide)


def referred(reference: str, root: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return what a reference within a stream's schema means, if anything."""
    if not reference.startswith("#"):
        return {}
    start, *steps = unquote(reference[1:]).split("/")
    found: Any = _anchored(start, root) if start else root
    for step in steps:
        name = step.replace("~1", "/").replace("~0", "~")
        if isinstance(found, list):
            found = dict(enumerate(found)).get(int(name) if name.isdecimal() else -1)
        else:
            found = found.get(name) if isinstance(found, dict) else None
    return found if isinstance(found, dict) else {}


def _anchored(name: str, root: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the part of a schema that has a name of its own, if there is one."""
    parts: list[Any] = [root]
    for part in parts:  # which grows meanwhile
        if isinstance(part, dict):
            if part.get("$anchor") == name or part.get("$id") == f"#{name}":
                return part
            parts += part.values()
        elif isinstance(part, list):
            parts += part
    return {}


GATHERED = {"allOf", "$ref", "properties", "required", "additionalProperties"}
"""What a part of a stream's schema is told of at the root, or means nothing without."""


def inline_refs(schema: dict[str, Any]) -> dict[str, Any]:
    """Gather the properties that a stream's schema has in its ``allOf`` and ``$ref``.

    What is gathered leaves its part, whose rules would go on applying to records that
    stream maps and flattening have changed.

    Returns:
        The same, with all properties and the required ones at the root; a property
        that several parts describe is described by all of them.
    """
    if not {"allOf", "$ref"} & schema.keys():
        return schema
    properties: dict[str, Any] = {}
    required: list[Any] = []
    parts = _parts(schema)
    for part in parts:
        found = part.get("properties")
        for name, inner in found.items() if isinstance(found, dict) else ():
            known = properties.setdefault(name, inner)
            if known != inner:
                properties[name] = {"allOf": [known, inner]}
        required += [n for n in _listed(part, "required") if n not in required]
    rest = [more for part in parts[1:] if (more := _rest(part, schema, GATHERED))]
    return {
        **_rest(schema, schema, {"allOf", "$ref"}),
        "properties": properties,
        **({"required": required} if required else {}),
        **({"allOf": rest} if rest else {}),
    }


def _rest(
    part: dict[str, Any], root: dict[str, Any], gathered: set[str]
) -> dict[str, Any]:
    """Return what is left of a part, and what is wrong in it, for the validation."""
    kept = {
        "allOf": not isinstance(part.get("allOf"), list),
        "properties": not isinstance(part.get("properties"), dict),
        "required": not isinstance(part.get("required"), list),
        "$ref": not referred(str(part.get("$ref")), root),
    }
    return {
        name: value
        for name, value in part.items()
        if name not in gathered or kept.get(name)
    }


def _parts(schema: dict[str, Any]) -> list[dict[str, Any]]:
    """Return a stream's schema and all that it is joined with, each once."""
    parts = [schema]
    for part in parts:  # which grows meanwhile
        named = [*_listed(part, "allOf")]
        if "$ref" in part:
            named.append(referred(str(part["$ref"]), schema))
        for more in named:
            if isinstance(more, dict) and all(more is not known for known in parts):
                parts.append(more)
    return parts
