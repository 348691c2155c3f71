"""swagger.json: OpenAPI 3.0 as current builds describe an endpoint."""

from __future__ import annotations

from typing import Any

from sandbox.acumatica.endpoints import READABLE, Endpoint, EntityType

Schema = dict[str, Any]

WRAPPED: dict[str, Schema] = {
    "StringValue": {"type": "string"},
    "DecimalValue": {"type": "number", "format": "double"},
    "DateTimeValue": {"type": "string", "format": "date-time"},
    "GuidValue": {"type": "string", "format": "uuid"},
    "IntValue": {"type": "integer", "format": "int32"},
    "ShortValue": {"type": "integer", "format": "int32"},
    "LongValue": {"type": "integer", "format": "int64"},
    "BooleanValue": {"type": "boolean"},
}
"""The wrappers, and the schema of the value inside each."""

CUSTOM_FIELDS = {
    "CustomBooleanField": "BooleanValue",
    "CustomDateTimeField": "DateTimeValue",
    "CustomDecimalField": "DecimalValue",
    "CustomGuidField": "GuidValue",
    "CustomIntField": "IntValue",
    "CustomLongField": "LongValue",
    "CustomShortField": "ShortValue",
    "CustomStringField": "StringValue",
}
"""The types of custom fields, and the wrapper whose value each of them holds."""

ERROR = {"type": "string", "readOnly": True}


def reference(name: str) -> Schema:
    """A reference to a schema of this document."""
    return {"$ref": f"#/components/schemas/{name}"}


def document(endpoint: Endpoint) -> Schema:
    """The description of an endpoint: all entities, the paths of readable ones."""
    return {
        "openapi": "3.0.1",
        "info": {"title": f"{endpoint.name}/{endpoint.version}", "version": "3"},
        "servers": [{"url": endpoint.path}],
        "paths": paths(endpoint),
        "components": {
            "schemas": schemas(endpoint),
            "securitySchemes": {"oauth2": {"type": "http", "scheme": "bearer"}},
        },
        "security": [{"oauth2": []}],
    }


def schemas(endpoint: Endpoint) -> Schema:
    """The schemas of wrappers, of what every entity has, and of all entities."""
    wrappers = {name: wrapper(value) for name, value in WRAPPED.items()}
    entities = {
        name: entity_schema(entity) for name, entity in endpoint.entities.items()
    }
    return wrappers | custom_field_schemas() | {"Entity": ENTITY} | LINKS | entities


def wrapper(value: Schema) -> Schema:
    """A wrapper: the value, and the error that the server may put beside it."""
    return {"type": "object", "properties": {"value": value, "error": ERROR}}


def custom_field_schemas() -> Schema:
    """Custom fields: an abstract one with a discriminator, and one per type."""
    base = {
        "required": ["type"],
        "type": "object",
        "properties": {"type": {"type": "string"}},
        "discriminator": {"propertyName": "type"},
    }
    kinds = {
        name: extension("CustomField", {"value": WRAPPED[kind]})
        for name, kind in CUSTOM_FIELDS.items()
    }
    return {"CustomField": base} | kinds


def extension(base: str, properties: Schema) -> Schema:
    """A schema that adds properties to another one."""
    return {
        "allOf": [reference(base), {"type": "object", "properties": properties}],
    }


ENTITY: Schema = {
    "type": "object",
    "properties": {
        "id": {"type": "string", "format": "uuid"},
        "rowNumber": {"type": "integer", "format": "int64"},
        "note": {"type": "string"},
        "custom": {
            "type": "object",
            "additionalProperties": {
                "type": "object",
                "additionalProperties": reference("CustomField"),
            },
        },
        "error": ERROR,
        "files": {"type": "array", "items": reference("FileLink")},
        "_links": reference("EntityLinks"),
    },
}
"""What every entity has beside its fields."""

LINKS: Schema = {
    "FileLink": {
        "type": "object",
        "properties": {
            "id": {"type": "string", "format": "uuid"},
            "filename": {"type": "string"},
            "href": {"type": "string"},
            "comment": {"type": "string"},
        },
    },
    "EntityLinks": {
        "type": "object",
        "properties": {
            "self": {"type": "string"},
            "files:put": {"type": "string"},
        },
        "readOnly": True,
    },
}


def entity_schema(entity: EntityType) -> Schema:
    """An entity: what every entity has, and its fields."""
    return extension(
        "Entity", {name: field_schema(kind) for name, kind in entity.fields.items()}
    )


def field_schema(kind: str) -> Schema:
    """A field: a wrapper, a linked entity or an array of detail lines."""
    name = kind.removesuffix("[]")
    if name == kind:
        return reference(name)
    return {"type": "array", "items": reference(name)}


def paths(endpoint: Endpoint) -> Schema:
    """The paths of the top-level entities that can be read."""
    found: Schema = {}
    for name in filter(endpoint.entities.__contains__, READABLE):
        found[f"/{name}"] = {
            "get": operation(name, "GetList", list_parameters(), many=True),
            "put": operation(name, "PutEntity", list_parameters()[:3]),
        }
        found[f"/{name}/{{ids}}"] = {
            "get": operation(name, "GetByKeys", one_parameters("ids")),
            "delete": operation(name, "DeleteByKeys", [path_parameter("ids")]),
        }
        found[f"/{name}/{{id}}"] = {
            "get": operation(name, "GetById", one_parameters("id")),
            "delete": operation(name, "DeleteById", [path_parameter("id")]),
        }
        found[f"/{name}/$adHocSchema"] = {"get": operation(name, "GetAdHocSchema", [])}
    return found


def operation(
    entity: str, name: str, parameters: list[Schema], *, many: bool = False
) -> Schema:
    """One operation and what it answers."""
    schema = reference(entity)
    if many:
        schema = {"type": "array", "items": schema}
    content = {"application/json": {"schema": schema}}
    deletes = name.startswith("Delete")
    answer = {"204": {"description": "Deleted"}}
    return {
        "tags": [entity],
        "operationId": f"{entity}_{name}",
        "parameters": parameters,
        "responses": answer
        if deletes
        else {"200": {"description": "OK", "content": content}},
    }


def query_parameter(name: str, kind: str = "string") -> Schema:
    """A parameter of the query."""
    return {"name": name, "in": "query", "schema": {"type": kind}}


def path_parameter(name: str) -> Schema:
    """The id, or the keys with slashes between them."""
    schema = {"type": "string"} | ({"format": "uuid"} if name == "id" else {})
    return {"name": name, "in": "path", "required": True, "schema": schema}


def list_parameters() -> list[Schema]:
    """The parameters of a list."""
    texts = [query_parameter(f"${name}") for name in ("select", "expand", "custom")]
    return [
        *texts,
        query_parameter("$filter"),
        query_parameter("$skip", "integer"),
        query_parameter("$top", "integer"),
    ]


def one_parameters(name: str) -> list[Schema]:
    """The parameters of a read of one record."""
    return [path_parameter(name), *list_parameters()[:3]]
