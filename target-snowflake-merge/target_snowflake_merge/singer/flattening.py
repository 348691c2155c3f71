"""Schemas and records of which flattening loses nothing (pure).

The SDK looks at ``type`` alone to see what a property is. It leaves out what says that
in another way, such as ``anyOf``, and the scalars of what may be an object as well,
although the records still have them. Here each property is described in the one way
that it understands, before it does. Records are flattened here altogether: the SDK
makes nulls of numbers that JSON does not know, and where two properties get one name,
or something else stands in the place of an object, a value is gone.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

from singer_sdk.helpers._flattening import flatten_key

from target_snowflake_merge.errors import (
    TargetError,
    ValueRefusedError,
    excerpt,
    record_label,
)
from target_snowflake_merge.schema.json_schema import ANYTHING, alternatives
from target_snowflake_merge.schema.values import as_text

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from singer_sdk.helpers._flattening import FlatteningOptions
    from singer_sdk.mapper import StreamMap

NESTED = {"object", "array"}
DUPLICATE = "Duplicate column name produced in schema"
"""How the SDK's error begins."""

SCALARS = {"boolean", "integer", "number", "string"}


def check(config: Mapping[str, Any]) -> None:
    """Refuse flattening that does not say how deep.

    Raises:
        TargetError: The depth is missing.
    """
    depth = config.get("flattening_max_depth")
    if config.get("flattening_enabled") and depth in (None, -1):
        raise TargetError(
            "Setting flattening_max_depth is missing, and flattening_enabled needs it; "
            "set how many levels of objects become columns."
        )


def plain(schema: Mapping[str, Any], levels: int) -> dict[str, Any]:
    """Describe the properties of a schema by ``type``, as they are when flattened.

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
def as_sentence(stream: str) -> Iterator[None]:
    """Turn what the SDK raises where two properties get one name into a sentence.

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
            return {"type": ["object", "null"], "properties": inner}
    if types & NESTED or ANYTHING in types:
        scalars = SCALARS if ANYTHING in types else types - NESTED | {"string"}
        return {"type": [*sorted(scalars), "null"]}
    return {"type": [*sorted(types), "null"], **schema}


@dataclass(frozen=True)
class Flattener:
    """Flattens the records of one stream.

    ``names`` are what its flattened schema has, ``objects`` the names of the objects
    that are not there any more.
    """

    stream: str
    keys: Sequence[str]
    names: Collection[str]
    objects: Collection[str]
    options: FlatteningOptions

    @classmethod
    def of(cls, stream_map: StreamMap) -> Self | None:
        """Make one for what maps a stream, if it is to be flattened."""
        options = stream_map.flattening_options
        if not options or not stream_map.flattening_enabled:
            return None
        return cls(
            stream_map.stream_alias,
            stream_map.transformed_key_properties or (),
            stream_map.transformed_schema["properties"],
            set(_objects(stream_map.raw_schema, options)),
            options,
        )

    def flattened(self, record: dict[str, Any]) -> dict[str, Any]:
        """Flatten a record.

        Returns:
            A new one; arrays and deeper objects are JSON texts.

        Raises:
            TargetError: A value would be lost.
        """
        flat: dict[str, Any] = {}
        paths: dict[str, str] = {}
        for path, name, value in self._leaves(record, []):
            if value is None:
                flat.setdefault(name, None)
                continue
            where = f"{record_label(self.stream, self.keys, record)}: property {path}"
            if name in paths:
                raise TargetError(
                    f"{where} and property {paths[name]} are both called {name} when "
                    "they are flattened; rename one with stream_maps or choose another "
                    "flattening_separator."
                )
            paths[name] = path
            flat[name] = self._value(where, name, value)
        return flat

    def _leaves(
        self, node: Mapping[str, Any], parents: list[str]
    ) -> Iterator[tuple[str, str, Any]]:
        """Go through what is not flattened any further: path, name and value."""
        for key, value in node.items():
            name = _name(key, parents, self.options)
            is_deep = len(parents) >= self.options.max_level
            if isinstance(value, dict) and name not in self.names and not is_deep:
                yield from self._leaves(value, [*parents, key])
            else:
                yield ".".join([*parents, key]), name, value

    def _value(self, where: str, name: str, value: Any) -> Any:  # noqa: ANN401 - whatever a record holds
        if name in self.objects and name not in self.names:
            raise TargetError(
                f"{where} is no object as its schema says, but {excerpt(value)}, for "
                "which flattening has no column; correct the source or the type in the "
                "tap's catalog."
            )
        if not isinstance(value, dict | list) or name not in self.names:
            return value
        try:
            return as_text(value)
        except ValueRefusedError as error:
            raise TargetError(
                f"{where} {error}: {excerpt(value)}; correct the value in the source."
            ) from error


def _objects(
    schema: Mapping[str, Any], options: FlatteningOptions, parents: Sequence[str] = ()
) -> Iterator[str]:
    """Name the objects that are flattened; `plain` or a stream map describes them."""
    for key, inner in schema["properties"].items():
        if "object" in inner.get("type", ()) and "properties" in inner:
            yield _name(key, parents, options)
            yield from _objects(inner, options, [*parents, key])


def _name(key: str, parents: Sequence[str], options: FlatteningOptions) -> str:
    return flatten_key(
        key, [*parents], options.separator, max_key_length=options.max_key_length
    )
