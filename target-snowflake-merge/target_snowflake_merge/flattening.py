"""Schemas of which flattening loses nothing (pure functions).

The SDK looks at ``type`` alone to see what a property is. It leaves out what says that
in another way, such as ``anyOf``, and the scalars of what may be an object as well,
although the records still have them. Here each property is described in the one way
that it understands, before it does.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from target_snowflake_merge.errors import TargetError
from target_snowflake_merge.types import ANYTHING, alternatives

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

NESTED = {"object", "array"}
DUPLICATE = "Duplicate column name produced in schema"
"""How the SDK's error begins."""

SCALARS = {"boolean", "integer", "number", "string"}


def plain(schema: Mapping[str, Any], levels: int) -> dict[str, Any]:
    """Describe the properties of a schema by ``type``, as they are when flattened.

    Args:
        schema: The stream's JSON Schema.
        levels: How many levels of objects are flattened.

    Returns:
        The schema. What stays an object or an array below them is a JSON text, and only
        properties that stay themselves are still required.
    """
    properties = {
        name: _plain(inner, schema, levels)
        for name, inner in schema["properties"].items()
    }
    flat = {**schema, "properties": properties}
    if isinstance(schema.get("required"), list):
        flat["required"] = [
            name
            for name in schema["required"]
            if "properties" not in properties.get(name, {})
        ]
    return flat


@contextmanager
def explained(stream: str) -> Iterator[None]:
    """Turn what the SDK raises where two properties get one name into a sentence.

    Args:
        stream: The stream whose schema is flattened.

    Raises:
        TargetError: Two of its properties get one name.
    """
    try:
        yield
    except ValueError as error:
        told, _, name = str(error).partition(": ")
        if told != DUPLICATE:
            raise
        raise TargetError(
            f"Stream {stream}: flattening makes one property {name} of two; rename one "
            "with stream_maps, or choose another flattening_separator or a larger "
            "flattening_max_key_length."
        ) from error


def _plain(schema: Any, root: Mapping[str, Any], levels: int) -> dict[str, Any]:  # noqa: ANN401 - a schema may be an object or a boolean
    """Describe a property; one that is flattened has ``properties``."""
    if isinstance(schema, dict) and not isinstance(schema.get("type", ""), str | list):
        # Nothing that the SDK could look at; the validation refuses it.
        return {"type": [*sorted(SCALARS), "null"], "allOf": [schema]}
    options = list(alternatives(schema, root))
    types = {name for name, _ in options}
    if types == {"object"} and levels:
        *others, (_, only) = options
        properties = only.get("properties")
        if properties and isinstance(properties, dict) and not others:
            inner = {
                name: _plain(item, root, levels - 1)
                for name, item in properties.items()
            }
            for described in inner.values():
                described.pop("required", None)  # it is missing where its object is
            return {"type": ["object", "null"], "properties": inner}
    if types & NESTED or ANYTHING in types:
        scalars = SCALARS if ANYTHING in types else types - NESTED | {"string"}
        return {"type": [*sorted(scalars), "null"]}
    return {"type": [*sorted(types), "null"], **schema}
