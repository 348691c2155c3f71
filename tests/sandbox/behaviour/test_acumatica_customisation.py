"""What a tenant adds: custom fields, and an endpoint of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from sandbox.acumatica.control.admin_client import AcumaticaAdmin

    from tests.sandbox.conftest import AcumaticaClient

V4 = "Default/24.200.001"
V5 = "Default/26.200.001"
TYPES = {
    "CustomStringField": str,
    "CustomIntField": int,
    "CustomDecimalField": float,
    "CustomBooleanField": bool,
    "CustomDateTimeField": str,
}


@pytest.fixture
def customised(acumatica: AcumaticaClient, admin: AcumaticaAdmin) -> AcumaticaClient:
    """A client of a tenant with custom fields."""
    admin.change_settings(custom_fields=True)
    return acumatica


def test_a_plain_tenant_has_no_custom_fields(acumatica: AcumaticaClient) -> None:
    assert acumatica.get("Bill/$adHocSchema").json()["custom"] == {}
    answer = acumatica.get("Bill", top=1, custom="Document.UsrApprovalCode")
    assert answer.status_code == 500


@pytest.mark.parametrize("endpoint", [V4, V5])
def test_the_ad_hoc_schema_names_custom_fields_and_types(
    customised: AcumaticaClient, endpoint: str
) -> None:
    customised.endpoint = endpoint
    bill = customised.get("Bill/$adHocSchema").json()
    assert bill["custom"]["Document"]["UsrApprovalCode"] == {
        "type": "CustomStringField"
    }
    kinds = {field["type"] for field in bill["custom"]["Document"].values()}
    assert kinds == set(TYPES)
    lines = bill["Details"][0]["custom"]["Transactions"]
    assert lines["UsrQuantityChecked"] == {"type": "CustomDecimalField"}
    vendor = customised.get("Vendor/$adHocSchema").json()
    contact = vendor["MainContact"]["custom"]
    assert contact == {"DefContact": {"UsrLinkedIn": {"type": "CustomStringField"}}}
    assert vendor["RemittanceContact"]["custom"] == {}


@pytest.mark.parametrize("endpoint", [V4, V5])
def test_custom_fields_arrive_only_when_asked_for(
    customised: AcumaticaClient, endpoint: str
) -> None:
    customised.endpoint = endpoint
    [row] = customised.rows("Bill", top=1, expand="Details")
    assert row["custom"] == {}
    assert row["Details"][0]["custom"] == {}


def custom_values(rows: list[dict[str, Any]], view: str, name: str) -> list[Any]:
    fields = [row["custom"][view][name] for row in rows]
    for field in fields:
        if "value" in field:
            assert type(field["value"]) is TYPES[field["type"]]
    return [field.get("value") for field in fields]


FIELDS = [
    "Document.UsrApprovalCode",
    "Document.UsrScannedPages",
    "Document.UsrCustomsDuty",
    "Document.UsrDisputed",
    "Document.UsrApprovedOn",
    "Document.AttributeCOSTCENTER",
]


@pytest.mark.parametrize(
    ("endpoint", "parameters"),
    [
        (V4, {"custom": ",".join(FIELDS)}),
        (V4, {"custom": ",".join(FIELDS), "select": "ReferenceNbr"}),
        (V5, {"select": ",".join([*FIELDS, "ReferenceNbr"])}),
    ],
)
def test_custom_fields_have_values_some_empty(
    customised: AcumaticaClient, endpoint: str, parameters: dict[str, str]
) -> None:
    customised.endpoint = endpoint
    rows = customised.rows("Bill", top=100, **parameters)
    for path in FIELDS:
        values = custom_values(rows, *path.split("."))
        assert None in values
        assert len(set(values)) > 2
    assert rows == customised.rows("Bill", top=100, **parameters)
    assert "ReferenceNbr" in rows[0]
    assert ("Amount" in rows[0]) is ("select" not in parameters)


@pytest.mark.parametrize(
    ("endpoint", "parameters"),
    [
        (
            V4,
            {
                "custom": "Details/Transactions.UsrQuantityChecked",
                "expand": "Details",
            },
        ),
        (V5, {"expand": "Details($select=Amount,Transactions.UsrQuantityChecked)"}),
        (
            V5,
            {
                "expand": "Details",
                "select": "Amount,Details/Amount,"
                "Details/Transactions.UsrQuantityChecked",
            },
        ),
    ],
)
def test_lines_have_custom_fields(
    customised: AcumaticaClient, endpoint: str, parameters: dict[str, str]
) -> None:
    customised.endpoint = endpoint
    rows = customised.rows("Bill", top=100, **parameters)
    lines = [line for row in rows for line in row["Details"]]
    values = custom_values(lines, "Transactions", "UsrQuantityChecked")
    assert len(set(values)) > 50
    assert all("Amount" in line for line in lines)
    assert rows[0]["custom"] == {}
    assert "Amount" in rows[0]


def test_both_contracts_send_the_same_custom_values(
    customised: AcumaticaClient,
) -> None:
    old = customised.rows(
        "Vendor",
        top=20,
        expand="MainContact",
        custom="MainContact/DefContact.UsrLinkedIn,CurrentVendor.UsrRating",
    )
    customised.endpoint = V5
    new = customised.rows(
        "Vendor",
        top=20,
        expand="MainContact($select=DefContact.UsrLinkedIn)",
        select="MainContact,CurrentVendor.UsrRating",
    )
    assert [row["custom"] for row in new] == [row["custom"] for row in old]
    assert [row["MainContact"]["custom"] for row in new] == [
        row["MainContact"]["custom"] for row in old
    ]


def test_without_the_expansion_a_custom_field_of_a_line_is_dropped(
    customised: AcumaticaClient,
) -> None:
    asked = "Details/Transactions.UsrQuantityChecked"
    [row] = customised.rows("Bill", top=1, custom=asked)
    assert "Details" not in row
    assert row["custom"] == {}


def test_journals_have_custom_fields_though_they_ignore_select(
    customised: AcumaticaClient,
) -> None:
    customised.endpoint = V5
    [row] = customised.rows("JournalTransaction", top=1, select="BatchModule.UsrSource")
    assert row["custom"]["BatchModule"]["UsrSource"]["type"] == "CustomStringField"
    assert "BatchNbr" in row


@pytest.mark.parametrize(
    ("endpoint", "parameters"),
    [
        (V4, {"custom": "Document.UsrNonsense"}),
        (V4, {"custom": "Transactions.UsrQuantityChecked"}),
        (V4, {"select": "Document.UsrApprovalCode"}),
        (V5, {"select": "Document.UsrNonsense"}),
        (V5, {"expand": "Details($select=Document.UsrApprovalCode)"}),
    ],
)
def test_an_unknown_custom_field_is_an_error(
    customised: AcumaticaClient, endpoint: str, parameters: dict[str, str]
) -> None:
    customised.endpoint = endpoint
    answer = customised.get("Bill", top=1, **parameters)
    assert answer.status_code == 500
    assert answer.json()["exceptionType"].endswith("KeyNotFoundException")


@pytest.mark.parametrize("endpoint", [V4, V5])
def test_the_optimiser_can_refuse_a_custom_field(
    customised: AcumaticaClient, admin: AcumaticaAdmin, endpoint: str
) -> None:
    customised.endpoint = endpoint
    admin.change_settings(unoptimizable={"Bill": ["Document.UsrDisputed", "Terms"]})
    name = "custom" if endpoint == V4 else "select"
    answer = customised.get(
        "Bill", top=1, **{name: "Document.UsrDisputed,Document.UsrScannedPages"}
    )
    assert "CannotOptimizeException" in answer.json()["exceptionType"]
    message = answer.json()["exceptionMessage"]
    assert "Document.UsrDisputed: View Document has BQL delegate" in message
    assert ("Terms: View Terms" in message) is (endpoint == V4)
    other = customised.get(
        "Bill", top=1, select="Amount" + ",Document.UsrScannedPages" * (endpoint == V5)
    )
    assert other.status_code == 200


def test_a_test_can_choose_a_custom_value(
    customised: AcumaticaClient, admin: AcumaticaAdmin
) -> None:
    fields = {
        "Type": "Bill",
        "ReferenceNbr": "CHOSEN",
        "Document.UsrApprovalCode": "Yes",
        "Document.UsrScannedPages": None,
    }
    admin.put_record("Bill", fields)
    asked = "Document.UsrApprovalCode,Document.UsrScannedPages"
    row = customised.get("Bill/Bill/CHOSEN", custom=asked).json()
    assert row["custom"]["Document"] == {
        "UsrApprovalCode": {"type": "CustomStringField", "value": "Yes"},
        "UsrScannedPages": {"type": "CustomIntField"},
    }


def test_a_tenant_has_an_endpoint_of_its_own(
    acumatica: AcumaticaClient, admin: AcumaticaAdmin
) -> None:
    def versions() -> list[str]:
        found = acumatica.send("GET", "/entity").json()["endpoints"]
        return [e["version"] for e in found if e["name"] == "Finance"]

    assert versions() == ["1.0.0", "2.0.0"]
    admin.change_settings(build="25.201.0213")
    assert versions() == ["1.0.0"]
    admin.change_settings(build="23.201.0064")
    assert versions() == []
    acumatica.endpoint = "Finance/1.0.0"
    assert acumatica.get("Bill", top=1).status_code == 404


@pytest.mark.parametrize("version", ["1.0.0", "2.0.0"])
def test_the_own_endpoint_sends_what_it_describes(
    acumatica: AcumaticaClient, version: str
) -> None:
    acumatica.endpoint = f"Finance/{version}"
    document = acumatica.get("swagger.json").json()
    assert {"/Supplier", "/Bill"} <= set(document["paths"])
    assert not {"/Contact", "/Vendor"} & set(document["paths"])
    schemas = document["components"]["schemas"]
    for entity, expand in (("Bill", "Details"), ("Supplier", "MainContact")):
        [row] = acumatica.rows(entity, top=1, expand=expand)
        fields = set(schemas[entity]["allOf"][1]["properties"])
        assert set(row) - {"id", "rowNumber", "note", "custom", "_links"} == fields


def test_the_own_endpoint_renames(acumatica: AcumaticaClient) -> None:
    vendors = acumatica.rows("Vendor", top=3, expand="MainContact")
    acumatica.endpoint = "Finance/1.0.0"
    suppliers = acumatica.rows("Supplier", top=3, expand="MainContact")
    for vendor, supplier in zip(vendors, suppliers, strict=True):
        assert supplier["id"] == vendor["id"]
        assert supplier["SupplierID"] == vendor["VendorID"]
        assert supplier["SupplierName"] == vendor["VendorName"]
        assert supplier["MainContact"]["Email"] == vendor["MainContact"]["Email"]
    [found] = acumatica.rows("Supplier", filter="SupplierID eq 'V000001'")
    assert found["SupplierID"] == {"value": "V000001   "}
    assert acumatica.get("Supplier/V000001").json()["id"] == found["id"]
    assert acumatica.get("Supplier", filter="VendorID eq 'X'").status_code == 500
    assert acumatica.get("Vendor", top=1).status_code == 404
    assert acumatica.get("Contact", top=1).status_code == 404


def test_the_own_endpoint_has_custom_fields_as_real_ones(
    customised: AcumaticaClient,
) -> None:
    custom = "Document.UsrApprovalCode,Details/Transactions.UsrQuantityChecked"
    bills = customised.rows("Bill", top=20, expand="Details", custom=custom)
    customised.endpoint = "Finance/1.0.0"
    own = customised.rows("Bill", top=20, expand="Details")
    codes = custom_values(bills, "Document", "UsrApprovalCode")
    assert [row["ApprovalCode"].get("value") for row in own] == codes
    for bill, mine in zip(bills, own, strict=True):
        checked = custom_values(bill["Details"], "Transactions", "UsrQuantityChecked")
        lines = [line["QuantityChecked"].get("value") for line in mine["Details"]]
        assert lines == checked


def test_several_entries_of_a_list(acumatica: AcumaticaClient) -> None:
    acumatica.endpoint = "Finance/1.0.0"
    old = [row["Sites"].get("value") for row in acumatica.rows("Bill", top=30)]
    acumatica.endpoint = "Finance/2.0.0"
    new = [row["Sites"].get("value") for row in acumatica.rows("Bill", top=30)]
    for text, entries in zip(old, new, strict=True):
        if text is None:
            assert entries is None
        else:
            assert entries == [
                {"id": part, "description": part} for part in text.split(",")
            ]
            assert len(entries) == 2
