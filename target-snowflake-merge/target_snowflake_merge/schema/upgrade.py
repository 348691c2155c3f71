"""JSON Schemas of any draft since 4, in the words of the newest one (pure functions).

Taps of databases say ``exclusiveMaximum: true``, as in draft 4; lists of ``items`` and
fragments as ``$id`` are of draft 7. Schemas mix them, and hardly one names its draft
rightly, so that none is chosen: what is old is rewritten wherever it stands, and words
that only draft 3 has are refused.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from target_snowflake_merge.errors import TargetError, excerpt

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping

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

HOLDING = {
    *NAMED - {"dependentRequired"},
    *("additionalItems", "additionalProperties", "allOf", "anyOf", "contains", "else"),
    *("if", "items", "not", "oneOf", "prefixItems", "propertyNames", "then"),
}
"""Keywords below which there are schemas, so that a word of draft 3 is one there."""


def refuse_draft_3(stream: str, schema: Any) -> None:  # noqa: ANN401 - a schema may be anything
    """Refuse what draft 3 alone says, as it would be passed over.

    Raises:
        TargetError: It has such a word; stream, word and property are named.
    """
    for path, part in _parts(schema):
        for word in _words_of_draft_3(part):
            where = f" at {excerpt(path)}" if path else ""
            raise TargetError(
                f"Stream {stream}: its schema has the word {word}{where} as in draft 3 "
                "of JSON Schema, which is not understood; let the tap say it in the "
                "words of a newer draft."
            )


def _words_of_draft_3(schema: Mapping[str, Any]) -> Iterator[str]:
    yield from {"extends", "disallow", "divisibleBy"} & schema.keys()
    if isinstance(schema.get("required"), bool):
        yield "required"
    types = schema.get("type")
    if isinstance(types, list) and any(isinstance(name, dict) for name in types):
        yield "type"


def _parts(schema: Any) -> Iterator[tuple[str, dict[str, Any]]]:  # noqa: ANN401 - as above
    """Go through a schema and all that are in it, with the paths of properties."""
    parts = [("", schema)]
    for path, part in parts:  # which grows meanwhile
        if isinstance(part, list):
            parts += [(path, inner) for inner in part]
        elif isinstance(part, dict):
            yield path, part
            for keyword in HOLDING & part.keys():
                inner = part[keyword]
                if keyword in NAMED and isinstance(inner, dict):
                    start = f"{path}." if path else ""
                    parts += [(f"{start}{name}", inner[name]) for name in inner]
                else:
                    parts.append((path, inner))


def newest(schema: Any, left_out: Collection[str] = ANNOTATIONS) -> Any:  # noqa: ANN401 - a schema may be an object or a boolean, and a wrong one anything
    """Rewrite a schema, and all that are in it.

    Returns:
        A new one. What is wrong in any draft stays as it is.
    """
    if isinstance(schema, list):
        return [newest(inner, left_out) for inner in schema]
    if not isinstance(schema, dict):
        return schema
    new: dict[str, Any] = {
        "$ref" if keyword == "$recursiveRef" else keyword: _inner(
            keyword, value, left_out
        )
        for keyword, value in schema.items()
        if keyword not in left_out
    }
    _rewrite_limits(new)
    _rewrite_items(new)
    _rewrite_dependencies(new)
    if "any" in _listed(new, "type"):
        del new["type"]
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
        is_list = isinstance(needed, list)
        keyword = "dependentRequired" if is_list else "dependentSchemas"
        new[keyword] = {**new.get(keyword, {}), name: needed}


def _listed(new: Mapping[str, Any], keyword: str) -> list[Any]:
    value = new.get(keyword, [])
    return value if isinstance(value, list) else [value]
