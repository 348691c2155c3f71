"""From swagger to JSON Schema."""

from __future__ import annotations

from typing import Any

import pytest
from tap_acumatica.schema import Swagger


def reference(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{name}"}


def wrapper(**value: str) -> dict[str, Any]:
    error = {"type": "string", "readOnly": True}
    return {"type": "object", "properties": {"value": value, "error": error}}


def entity(**fields: dict[str, Any]) -> dict[str, Any]:
    own = {"type": "object", "properties": fields}
    return {"allOf": [reference("Entity"), own]}


SWAGGER = Swagger(
    {
        "components": {
            "schemas": {
                "Entity": {
                    "type": "object",
                    "properties": {"id": {"type": "string"}, "rowNumber": {}},
                },
                "StringValue": wrapper(type="string"),
                "DecimalValue": wrapper(type="number", format="double"),
                "IntValue": wrapper(type="integer", format="int32"),
                "BooleanValue": wrapper(type="boolean"),
                "DateTimeValue": wrapper(type="string", format="date-time"),
                "DateOnlyValue": wrapper(type="string", format="date"),
                "GuidValue": wrapper(type="string", format="uuid"),
                "Address": entity(City=reference("StringValue")),
                "Contact": entity(
                    Email=reference("StringValue"), Address=reference("Address")
                ),
                "Line": entity(Amount=reference("DecimalValue")),
                "Vendor": entity(
                    Name=reference("StringValue"),
                    Number=reference("IntValue"),
                    Rate=reference("DecimalValue"),
                    Active=reference("BooleanValue"),
                    Changed=reference("DateTimeValue"),
                    Due=reference("DateOnlyValue"),
                    Guid=reference("GuidValue"),
                    Contact=reference("Contact"),
                    Lines={"type": "array", "items": reference("Line")},
                ),
            }
        }
    }
)


@pytest.mark.parametrize(
    ("field", "schema"),
    [
        ("id", {"type": "string", "format": "uuid"}),
        ("Name", {"type": ["string", "null"]}),
        ("Number", {"type": ["integer", "null"]}),
        ("Rate", {"type": ["number", "null"]}),
        ("Active", {"type": ["boolean", "null"]}),
        ("Changed", {"type": ["string", "null"], "format": "date-time"}),
        ("Due", {"type": ["string", "null"], "format": "date"}),
        ("Guid", {"type": ["string", "null"], "format": "uuid"}),
        ("note", {"type": ["string", "null"]}),
        ("custom", {"type": ["object", "null"]}),
    ],
)
def test_a_field_has_the_type_of_its_value(field: str, schema: dict[str, Any]) -> None:
    assert SWAGGER.stream_schema("Vendor", ())["properties"][field] == schema


def test_what_is_not_expanded_is_no_column() -> None:
    properties = SWAGGER.stream_schema("Vendor", ())["properties"]
    assert not {"Contact", "Lines", "rowNumber"} & properties.keys()


def test_linked_objects_and_detail_arrays_keep_their_shape() -> None:
    """Mistake 16 of other clients: nested names flattened into colliding columns."""
    properties = SWAGGER.stream_schema("Vendor", ("Contact", "Lines"))["properties"]
    assert properties["Contact"]["type"] == ["object", "null"]
    assert set(properties["Contact"]["properties"]) == {"Email", "note", "custom"}
    line = properties["Lines"]["items"]
    assert set(line["properties"]) == {"rowNumber", "Amount", "note", "custom"}


def test_a_nested_object_arrives_only_when_its_own_path_is_expanded() -> None:
    schema = SWAGGER.stream_schema("Vendor", ("Contact", "Contact/Address"))
    contact = schema["properties"]["Contact"]["properties"]
    assert set(contact["Address"]["properties"]) == {"City", "note", "custom"}


def test_paths_that_the_version_lacks_are_left_out() -> None:
    paths = ("Contact", "Contact/Address", "Contact/Fax", "BillTo", "BillTo/Address")
    assert SWAGGER.expandable("Vendor", paths) == ("Contact", "Contact/Address")
