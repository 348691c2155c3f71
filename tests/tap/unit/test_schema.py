"""From swagger to JSON Schema."""

from __future__ import annotations

from typing import Any

import pytest
from singer_sdk.singerlib import SelectionMask
from tap_acumatica.catalog import custom_paths, gone, renewed
from tap_acumatica.errors import AcumaticaError
from tap_acumatica.schema import Structure, Swagger


def reference(name: str) -> dict[str, str]:
    return {"$ref": f"#/anywhere/{name}"}


def wrapper(**value: Any) -> dict[str, Any]:
    error = {"type": "string", "readOnly": True}
    return {"type": "object", "properties": {"value": value, "error": error}}


def entity(**fields: dict[str, Any]) -> dict[str, Any]:
    own = {"type": "object", "properties": fields}
    return {"allOf": [reference("Entity"), own]}


OPTION: dict[str, Any] = {
    "type": "object",
    "properties": {"id": {"type": "string"}, "description": {"type": "string"}},
}
NUMBERED = {
    "type": "object",
    "properties": {"id": {"type": "integer"}, "description": {"type": "string"}},
}
DEFINITIONS: dict[str, Any] = {
    "Entity": {
        "type": "object",
        "properties": {"id": {"type": "string"}, "rowNumber": {}},
    },
    "StringValue": wrapper(type="string"),
    "DecimalValue": wrapper(type="number", format="double"),
    "IntValue": wrapper(type="integer", format="int32"),
    "BooleanValue": wrapper(type="boolean"),
    "DateTimeValue": wrapper(type="string", format="date-time"),
    "GuidValue": wrapper(type="string", format="uuid"),
    "Address": entity(City=reference("StringValue")),
    "Contact": entity(Email=reference("StringValue"), Address=reference("Address")),
    "Line": entity(Amount=reference("DecimalValue")),
    "Release": {"properties": {"entity": {}, "parameters": {"type": "object"}}},
    "Vendor": entity(
        Name=reference("StringValue"),
        Number=reference("IntValue"),
        Rate=reference("DecimalValue"),
        Active=reference("BooleanValue"),
        Changed=reference("DateTimeValue"),
        Guid=reference("GuidValue"),
        Contact=reference("Contact"),
        Lines={"type": "array", "items": reference("Line")},
    ),
}
CONTRACT_5: dict[str, Any] = DEFINITIONS | {
    "DateOnlyValue": wrapper(type="string", format="date"),
    "Option": OPTION,
    "StringSingleSelectValue": wrapper(**reference("Option")),
    "IntSingleSelectValue": wrapper(**NUMBERED),
    "StringMultiSelectValue": wrapper(type="array", items=reference("Option")),
    "Vendor": entity(
        Due=reference("DateOnlyValue"),
        Status=reference("StringSingleSelectValue"),
        Overtime=reference("IntSingleSelectValue"),
        Tags=reference("StringMultiSelectValue"),
    ),
}
READ: dict[str, Any] = {"get": {}, "put": {}}
PATHS: dict[str, Any] = {
    "/Vendor": READ,
    "/Vendor/{id}": READ,
    "/Vendor/$adHocSchema": {"get": {}},
    "/Vendor/Release": {"post": {}},
}
OPENAPI = {"paths": PATHS, "components": {"schemas": DEFINITIONS}}
SWAGGER_2 = {"swagger": "2.0", "paths": PATHS, "definitions": DEFINITIONS}
SWAGGER = Swagger(OPENAPI)
NEW = Swagger({"paths": PATHS, "components": {"schemas": CONTRACT_5}})
TEMPLATE = {
    "Name": {},
    "Lines": [
        {"custom": {"Transactions": {"UsrRate": {"type": "CustomDecimalField"}}}}
    ],
    "Contact": {"custom": {"Contact": {"UsrSince": {"type": "CustomDateTimeField"}}}},
    "custom": {
        "Document": {
            "UsrCode": {"type": "CustomStringField", "value": "x"},
            "AttributeN": {"type": "CustomIntField"},
            "UsrOdd": {"type": "CustomBlobField"},
            "CuryID": {"type": "CustomStringField"},
        }
    },
}


def properties(swagger: Swagger, *expand: str) -> dict[str, Any]:
    schema = swagger.structure("Vendor", expand).schema()
    found: dict[str, Any] = schema["properties"]
    return found


def masked(**deselected: bool) -> SelectionMask:
    names = {name.replace("__", "."): on for name, on in deselected.items()}
    return SelectionMask(
        {
            tuple(p for part in name.split(".") for p in ("properties", part)): on
            for name, on in names.items()
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
        ("Guid", {"type": ["string", "null"], "format": "uuid"}),
        ("note", {"type": ["string", "null"]}),
        ("custom", {"type": ["object", "null"]}),
    ],
)
def test_a_field_has_the_type_of_its_value(field: str, schema: dict[str, Any]) -> None:
    assert properties(SWAGGER)[field] == schema


@pytest.mark.parametrize(
    ("field", "schema"),
    [
        ("Due", {"type": ["string", "null"], "format": "date"}),
        ("Status", {"type": ["string", "null"]}),
        ("Status_id", {"type": ["string", "null"]}),
        ("Overtime_id", {"type": ["integer", "null"]}),
        ("Tags", {"type": ["array", "null"], "items": {"type": ["string", "null"]}}),
        ("Tags_id", {"type": ["array", "null"], "items": {"type": ["string", "null"]}}),
    ],
)
def test_contract_5_has_dates_and_drop_downs(
    field: str, schema: dict[str, Any]
) -> None:
    assert properties(NEW)[field] == schema
    assert NEW.contract == 5


@pytest.mark.parametrize(
    ("members", "types"),
    [
        ({"id": {"type": "integer"}}, ("string", "integer")),
        ({"description": {"type": "string"}}, ("string", "string")),
        (OPTION["properties"] | {"order": {"type": "integer"}}, ("string", "string")),
    ],
    ids=str,
)
def test_an_option_is_one_with_fewer_or_more_members_too(
    members: dict[str, Any], types: tuple[str, str]
) -> None:
    definitions = {"Value": wrapper(type="object", properties=members)}
    odd = {"Odd": entity(Status=reference("Value")), "Entity": {}}
    swagger = Swagger({"definitions": definitions | odd})
    fields = swagger.structure("Odd", ()).fields
    assert fields == {
        name: {"type": [kind, "null"]}
        for name, kind in zip(("Status", "Status_id"), types, strict=True)
    }


def test_a_field_with_the_name_of_a_drop_downs_id_is_refused() -> None:
    odd = entity(
        Status=reference("StringSingleSelectValue"), Status_id=reference("StringValue")
    )
    swagger = Swagger({"definitions": CONTRACT_5 | {"Odd": odd}})
    with pytest.raises(AcumaticaError, match="Odd: the id of drop-down Status"):
        swagger.structure("Odd", ())


def test_swagger_2_says_the_same_as_openapi_3() -> None:
    """Mistake 10 of other clients: a parser of one of the two sees no streams."""
    old = Swagger(SWAGGER_2)
    assert old.entities == SWAGGER.entities == ["Vendor"]
    assert old.contract == SWAGGER.contract == 4
    expand = ("Contact", "Contact/Address", "Lines")
    assert properties(old, *expand) == properties(SWAGGER, *expand)


def test_members_below_that_are_not_described_are_named_with_their_path() -> None:
    odd = entity(City=reference("StringValue"), Zip={"type": "string"})
    swagger = Swagger({"definitions": DEFINITIONS | {"Address": odd}})
    structure = swagger.structure("Vendor", ("Contact", "Contact/Address"))
    assert structure.undescribed == ["Contact/Address/Zip"]


def test_a_value_of_no_known_type_may_be_anything() -> None:
    values = {"StringValue": wrapper(), "IntValue": wrapper(**reference("Nowhere"))}
    swagger = Swagger({"definitions": DEFINITIONS | values})
    found = properties(swagger)
    assert "object" in found["Name"]["type"]
    assert "object" in found["Number"]["type"]


def test_what_is_not_expanded_is_no_column() -> None:
    assert not {"Contact", "Lines", "rowNumber"} & properties(SWAGGER).keys()


def test_linked_objects_and_detail_arrays_keep_their_shape() -> None:
    """Mistake 16 of other clients: nested names flattened into colliding columns."""
    found = properties(SWAGGER, "Contact", "Lines")
    assert found["Contact"]["type"] == ["object", "null"]
    assert set(found["Contact"]["properties"]) == {"Email", "note", "custom"}
    line = found["Lines"]["items"]
    assert set(line["properties"]) == {"rowNumber", "Amount", "note", "custom"}


def test_a_nested_object_arrives_only_when_its_own_path_is_expanded() -> None:
    contact = properties(SWAGGER, "Contact", "Contact/Address")["Contact"]
    address = contact["properties"]["Address"]
    assert set(address["properties"]) == {"City", "note", "custom"}


def test_paths_that_the_version_lacks_are_told() -> None:
    paths = ("Contact", "Contact/Address", "Contact/Fax", "Name", "BillTo/Address")
    missing = SWAGGER.missing("Vendor", paths)
    assert missing == ["Contact/Fax", "Name", "BillTo/Address"]
    assert SWAGGER.nested("Vendor") == ["Contact", "Lines"]


def customised(*patterns: str) -> Structure:
    structure = SWAGGER.structure("Vendor", ("Contact", "Lines"))
    structure.add_custom(TEMPLATE, patterns)
    return structure


def test_custom_fields_are_typed_at_every_level() -> None:
    found = customised("*.Usr*", "*.Attribute*").schema()["properties"]
    document = found["custom"]["properties"]["Document"]["properties"]
    assert document["UsrCode"] == {"type": ["string", "null"]}
    assert document["AttributeN"] == {"type": ["integer", "null"]}
    assert "object" in document["UsrOdd"]["type"]
    assert "CuryID" not in document
    line = found["Lines"]["items"]["properties"]["custom"]["properties"]
    assert line["Transactions"]["properties"]["UsrRate"]["type"] == ["number", "null"]
    contact = found["Contact"]["properties"]["custom"]["properties"]["Contact"]
    assert contact["properties"]["UsrSince"]["format"] == "date-time"


@pytest.mark.parametrize(
    ("patterns", "asked"),
    [
        ((), []),
        (("Document.UsrCode",), ["Document.UsrCode"]),
        (("Lines/*",), ["Lines/Transactions.UsrRate"]),
        (("*.CuryID", "Contact/*"), ["Document.CuryID", "Contact/Contact.UsrSince"]),
    ],
)
def test_patterns_choose_custom_fields(
    patterns: tuple[str, ...], asked: list[str]
) -> None:
    assert sorted(customised(*patterns).whole().customised()) == sorted(asked)


KNOWN = {
    "type": "object",
    "properties": {
        "Name": {"type": ["integer", "null"]},
        "Fax": {"type": ["string", "null"]},
        "Contact": {"type": ["object", "null"], "properties": {"Fax": {}}},
        "Lines": {
            "type": ["array", "null"],
            "items": {"properties": {"Amount": {"type": "string"}, "Rate": {}}},
        },
        "custom": {"type": ["object", "null"]},
    },
}


def test_a_known_schema_takes_what_is_there_now_here_and_below() -> None:
    there = customised("Document.UsrCode").schema()
    now = renewed(KNOWN, there)
    assert custom_paths_of(now) == ["Document.UsrCode"]
    found, expected = now["properties"], there["properties"]
    assert found.keys() == expected.keys()
    assert found["Name"] == {"type": ["integer", "null"]}
    assert found["Contact"] == expected["Contact"]
    items = found["Lines"]["items"]["properties"]
    assert items.keys() == expected["Lines"]["items"]["properties"].keys()
    assert items["Amount"] == {"type": "string"}
    lost = [".".join(path[1::2]) for path in gone(KNOWN, there)]
    assert lost == ["Fax", "Contact.Fax", "Lines.Rate"]


def test_a_field_that_has_become_an_object_keeps_its_type() -> None:
    known = {"properties": {"Contact": {"type": ["string", "null"]}}}
    now = renewed(known, customised().schema())
    assert now["properties"]["Contact"] == {"type": ["string", "null"]}


def custom_paths_of(schema: dict[str, Any]) -> list[str]:
    return list(custom_paths(schema, SelectionMask()))


def test_an_empty_drop_down_has_an_empty_id() -> None:
    record: dict[str, Any] = {
        "Status": None,
        "Overtime": "1 h",
        "Overtime_id": 60,
    }
    NEW.structure("Vendor", ()).fill(record)
    assert record["Status_id"] is None
    assert record["Tags_id"] is None
    assert record["Overtime_id"] == 60


def test_only_what_the_catalog_selects_is_asked_for() -> None:
    mask = masked(
        Name=False, Lines=False, Contact__Email=False, custom__Document__UsrCode=False
    )
    structure = SWAGGER.structure("Vendor", ("Contact", "Contact/Address", "Lines"))
    structure.add_custom(TEMPLATE, ["Document.*", "Lines/*"])
    shape = structure.shape(mask)
    assert "Name" not in shape.fields
    assert not shape.complete
    assert list(shape.expanded()) == ["Contact", "Contact/Address"]
    assert [path for path in shape.selected() if "/" in path] == ["Contact/Address"]
    custom = ["Document.AttributeN", "Document.CuryID", "Document.UsrOdd"]
    assert sorted(shape.customised()) == custom


def test_a_drop_down_is_asked_for_as_long_as_one_of_its_fields_is_selected() -> None:
    structure = NEW.structure("Vendor", ())
    assert "Status" in structure.shape(masked(Status=False)).fields
    mask = masked(Status=False, Status_id=False)
    assert "Status" not in structure.shape(mask).fields
