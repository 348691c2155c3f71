"""From the tenant's swagger to the JSON Schema of a stream (pure)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tap_acumatica.errors import AcumaticaError

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

Schema = dict[str, Any]

ID: Schema = {"type": "string", "format": "uuid"}
NOTE: Schema = {"type": ["string", "null"]}
CUSTOM: Schema = {"type": ["object", "null"]}
ROW_NUMBER: Schema = {"type": ["integer", "null"]}

_SYSTEM_MEMBERS = frozenset(
    {"id", "rowNumber", "note", "custom", "error", "files", "_links"}
)
_KEPT_FORMATS = frozenset({"date", "date-time", "uuid"})


class Swagger:
    """An endpoint's swagger.json (OpenAPI 3.0)."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        """Wrap a decoded swagger.json.

        Raises:
            AcumaticaError: The document describes no schemas.
        """
        try:
            self._definitions: Mapping[str, Schema] = document["components"]["schemas"]
        except (KeyError, TypeError) as error:
            raise AcumaticaError(
                "The endpoint's swagger.json has no components.schemas, so it is no "
                "OpenAPI 3 description."
            ) from error

    def __contains__(self, entity: str) -> bool:
        return entity in self._definitions

    def stream_schema(self, entity: str, expand: Collection[str]) -> Schema:
        """Return the schema of an entity's unwrapped records.

        Args:
            entity: A top-level entity, such as ``Bill``.
            expand: The paths of the linked and detail entities that are asked for;
                the others never arrive, so they are no part of the schema.
        """
        fields = self._fields(entity, "", expand)
        return {
            "type": "object",
            "properties": {"id": ID, **fields, "note": NOTE, "custom": CUSTOM},
        }

    def expandable(self, entity: str, paths: Collection[str]) -> tuple[str, ...]:
        """Return those of the paths that the entity has in this version."""
        return tuple(path for path in paths if self._has(entity, path.split("/")))

    def _has(self, entity: str, path: list[str]) -> bool:
        member = self._properties(entity).get(path[0])
        if member is None:
            return False
        return len(path) == 1 or self._has(_entity_name(member), path[1:])

    def _fields(self, entity: str, path: str, expand: Collection[str]) -> Schema:
        fields = {}
        for name, member in self._properties(entity).items():
            below = f"{path}/{name}" if path else name
            if (field := self._field(member, below, expand)) is not None:
                fields[name] = field
        return fields

    def _field(
        self, member: Schema, path: str, expand: Collection[str]
    ) -> Schema | None:
        if member.get("type") == "array":
            if path not in expand:
                return None
            line = self._nested(member, path, expand)
            line["properties"] = {"rowNumber": ROW_NUMBER, **line["properties"]}
            return {"type": ["array", "null"], "items": line}
        if value := self._wrapped(_entity_name(member)):
            return _scalar(value)
        return self._nested(member, path, expand) if path in expand else None

    def _nested(self, member: Schema, path: str, expand: Collection[str]) -> Schema:
        fields = self._fields(_entity_name(member), path, expand)
        return {
            "type": ["object", "null"],
            "properties": {**fields, "note": NOTE, "custom": CUSTOM},
        }

    def _wrapped(self, name: str) -> Schema | None:
        """Return the schema of the value in a wrapper such as ``DecimalValue``."""
        value: Schema | None = (
            self._definitions[name].get("properties", {}).get("value")
        )
        return value

    def _properties(self, entity: str) -> Schema:
        """Return an entity's own fields, without the members that all entities have."""
        definition = self._definitions[entity]
        parts = definition.get("allOf", [definition])
        return {
            name: member
            for part in parts
            for name, member in part.get("properties", {}).items()
            if name not in _SYSTEM_MEMBERS
        }


def _entity_name(member: Schema) -> str:
    reference: str = member.get("items", member)["$ref"]
    return reference.rpartition("/")[2]


def _scalar(value: Schema) -> Schema:
    scalar: Schema = {"type": [value["type"], "null"]}
    if value.get("format") in _KEPT_FORMATS:
        scalar["format"] = value["format"]
    return scalar
