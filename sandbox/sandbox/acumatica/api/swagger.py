"""swagger.json: OpenAPI 3.0 of current builds, Swagger 2.0 of older ones."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sandbox.acumatica.api.selection import ODATA_4

if TYPE_CHECKING:
    from sandbox.acumatica.model.endpoints import Endpoint, EntityType

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

SELECTED = {
    "type": "object",
    "properties": {"id": {"type": "string"}, "description": {"type": "string"}},
}

WRAPPED_5: dict[str, Schema] = {
    "DateOnlyValue": {"type": "string", "format": "date"},
    "StringSingleSelectValue": SELECTED,
    "StringMultiSelectValue": {"type": "array", "items": SELECTED},
    "IntSingleSelectValue": {
        "type": "object",
        "properties": {
            "id": {"type": "integer", "format": "int32"},
            "description": {"type": "string"},
        },
    },
}
"""The wrappers that contract version 5 adds."""

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


def document(endpoint: Endpoint, site: str) -> Schema:
    """The description of an endpoint: all entities, the paths of readable ones.

    Args:
        endpoint: The endpoint.
        site: The path below which the instance is served.
    """
    return {
        "openapi": "3.0.1",
        "info": {
            "title": f"{endpoint.name}/{endpoint.version}",
            "version": str(endpoint.contract),
        },
        "servers": [{"url": site + endpoint.path}],
        "paths": paths(endpoint),
        "components": {
            "schemas": schemas(endpoint),
            "parameters": PARAMETERS,
            "securitySchemes": {"oauth2": {"type": "http", "scheme": "bearer"}},
        },
        "security": [{"oauth2": []}],
    }


def schemas(endpoint: Endpoint) -> Schema:
    """The schemas of wrappers, of what every entity has, and of all entities."""
    values = WRAPPED | (WRAPPED_5 if endpoint.contract >= ODATA_4 else {})
    wrappers = {name: wrapper(value) for name, value in values.items()}
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
        "additionalProperties": {"type": "string"},
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
    members = ["select", "expand"]
    if endpoint.contract < ODATA_4:
        members.append("custom")
    for name in endpoint.readable:
        listed = [*members, "filter", "skip", "top"]
        found[f"/{name}"] = {
            "get": operation(name, "GetList", listed, many=True),
            "put": operation(name, "PutEntity", members),
        }
        for key, by in (("ids", "Keys"), ("id", "Id")):
            found[f"/{name}/{{{key}}}"] = {
                "get": operation(name, f"GetBy{by}", [key, *members]),
                "delete": operation(name, f"DeleteBy{by}", [key]),
            }
        found[f"/{name}/$adHocSchema"] = {"get": operation(name, "GetAdHocSchema", [])}
    return found


def operation(
    entity: str, name: str, parameters: list[str], *, many: bool = False
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
        "parameters": [{"$ref": f"#/components/parameters/{p}"} for p in parameters],
        "responses": answer
        if deletes
        else {"200": {"description": "OK", "content": content}},
    }


def query_parameter(name: str, kind: str = "string") -> Schema:
    """A parameter of the query."""
    return {"name": f"${name}", "in": "query", "schema": {"type": kind}}


def path_parameter(name: str, schema: Schema) -> Schema:
    """A part of the path."""
    return {"name": name, "in": "path", "required": True, "schema": schema}


PARAMETERS: Schema = {
    "ids": path_parameter("ids", {"type": "string"}),
    "id": path_parameter("id", {"type": "string", "format": "uuid"}),
    "select": query_parameter("select"),
    "expand": query_parameter("expand"),
    "custom": query_parameter("custom"),
    "filter": query_parameter("filter"),
    "skip": query_parameter("skip", "integer"),
    "top": query_parameter("top", "integer"),
}
"""The key of a record (with slashes between its parts, or its id), and the query."""


def old_document(endpoint: Endpoint, site: str) -> Schema:
    """The same description in Swagger 2.0, as older builds write it."""
    new = document(endpoint, site)
    return {
        "swagger": "2.0",
        "info": new["info"],
        "basePath": site + endpoint.path,
        "consumes": ["application/json"],
        "produces": ["application/json"],
        "paths": {path: old_operations(item) for path, item in new["paths"].items()},
        "definitions": {
            name: old_schema(schema)
            for name, schema in new["components"]["schemas"].items()
        },
    }


def old_operations(item: Schema) -> Schema:
    """The operations of a path."""
    return {method: old_operation(operation) for method, operation in item.items()}


def old_operation(operation: Schema) -> Schema:
    """An operation: parameters and answers without a level of nesting."""
    parameters = [old_parameter(each["$ref"]) for each in operation["parameters"]]
    responses = {
        status: old_response(response)
        for status, response in operation["responses"].items()
    }
    return operation | {"parameters": parameters, "responses": responses}


def old_parameter(reference: str) -> Schema:
    """A parameter, with its type beside its name."""
    parameter = PARAMETERS[reference.rpartition("/")[2]]
    rest = {name: value for name, value in parameter.items() if name != "schema"}
    return {**rest, **parameter["schema"]}


def old_response(response: Schema) -> Schema:
    """An answer, with its schema beside the description."""
    if "content" not in response:
        return response
    schema = response["content"]["application/json"]["schema"]
    return {"description": response["description"], "schema": old_schema(schema)}


def old_schema(node: Any) -> Any:  # noqa: ANN401 - JSON
    """A schema whose references lead to ``definitions``."""
    if isinstance(node, list):
        return [old_schema(item) for item in node]
    if not isinstance(node, dict):
        return node
    if isinstance(target := node.get("$ref"), str):
        return {"$ref": f"#/definitions/{target.rpartition('/')[2]}"}
    if set(node) == {"propertyName"}:
        # A discriminator, which Swagger 2.0 names by a text.
        return node["propertyName"]
    return {name: old_schema(value) for name, value in node.items()}
