from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from sandbox.acumatica.model.dropdowns import code, minutes
from sandbox.acumatica.model.endpoints import TABLES, load_endpoints

if TYPE_CHECKING:
    from sandbox.acumatica.control.admin_client import AcumaticaAdmin

    from tests.sandbox.conftest import AcumaticaClient

ENDPOINTS = load_endpoints()
VERSIONS = [
    "20.200.001",
    "22.200.001",
    "23.200.001",
    "24.200.001",
    "25.200.001",
    "26.200.001",
]
SYSTEM = {"id", "rowNumber", "note", "custom", "_links"}


def described(client: AcumaticaClient) -> dict[str, Any]:
    found: dict[str, Any] = client.get("swagger.json").json()["components"]["schemas"]
    return found


def test_no_endpoint_has_a_reserved_name() -> None:
    """Source: the vendor's integration guide, Naming Rules for Endpoints."""
    fields = {"action", "customfields", "delete", "entity", "id", "note"}
    fields |= {"returnbehavior", "rownumber"}
    for endpoint in load_endpoints().values():
        for entity in endpoint.entities.values():
            assert not fields & {name.lower() for name in entity.fields}
            nested = {name.lower() for name in entity.nested}
            assert not {"files", "translations"} & nested


@pytest.mark.parametrize("version", VERSIONS)
def test_each_version_sends_the_fields_that_it_describes(
    acumatica: AcumaticaClient, version: str
) -> None:
    acumatica.endpoint = f"Default/{version}"
    schemas = described(acumatica)
    readable = ENDPOINTS["Default", version].readable
    assert set(readable) == set(TABLES)
    for entity in readable:
        fields = schemas[entity]["allOf"][1]["properties"]
        assert set(fields) == set(ENDPOINTS["Default", version].entities[entity].fields)
        nested = [n for n, k in fields.items() if "Value" not in k.get("$ref", "")]
        [row] = acumatica.rows(entity, top=1, expand=",".join(nested))
        assert set(row) - SYSTEM == set(fields), entity


@pytest.mark.parametrize("version", VERSIONS)
def test_each_version_has_the_same_records(
    acumatica: AcumaticaClient, version: str
) -> None:
    wanted = [row["id"] for row in acumatica.rows("SalesInvoice")]
    acumatica.endpoint = f"Default/{version}"
    assert [row["id"] for row in acumatica.rows("SalesInvoice")] == wanted


@pytest.mark.parametrize(
    ("version", "literal", "status"),
    [
        ("20.200.001", "datetimeoffset'2026-06-01T00:00:00Z'", 500),
        ("22.200.001", "datetimeoffset'2026-06-01T00:00:00Z'", 500),
        ("23.200.001", "datetimeoffset'2026-06-01T00:00:00Z'", 200),
        ("26.200.001", "2026-06-01T00:00:00Z", 200),
    ],
)
def test_sales_invoices_say_when_they_were_modified_from_23_200_on(
    acumatica: AcumaticaClient, version: str, literal: str, status: int
) -> None:
    acumatica.endpoint = f"Default/{version}"
    text = f"LastModifiedDateTime ge {literal}"
    answer = acumatica.get("SalesInvoice", filter=text, top=1)
    assert answer.status_code == status
    if status == 500:
        assert answer.json()["exceptionType"].endswith("KeyNotFoundException")


def test_fields_of_newer_versions_have_values(acumatica: AcumaticaClient) -> None:
    acumatica.endpoint = "Default/25.200.001"
    vendors = acumatica.rows(
        "Vendor", top=50, expand="MainContact,MainContact/Address", select="MainContact"
    )
    address = vendors[0]["MainContact"]["Address"]
    line = address["AddressLine1"]["value"]
    number, street = address["BuildingNumber"]["value"], address["StreetName"]["value"]
    assert f"{number} {street}" == line
    assert address["Floor"] == {}
    assert len({str(vendor["MainContact"]["Address"]) for vendor in vendors}) == 50


def test_large_bills_retain_a_part_from_25_200_on(
    acumatica: AcumaticaClient, admin: AcumaticaAdmin
) -> None:
    fields = {"Type": "Bill", "ReferenceNbr": "LARGE", "Amount": Decimal("123456.78")}
    admin.put_record("Bill", fields)
    older = acumatica.get("Bill/Bill/LARGE", expand="RetainageDocuments")
    assert older.status_code == 500
    acumatica.endpoint = "Default/26.200.001"
    row = acumatica.get("Bill/Bill/LARGE", expand="RetainageDocuments").json()
    [document] = row["RetainageDocuments"]
    assert document["Amount"] == {"value": 12345.68}
    assert document["Status"] == {"value": {"id": "N", "description": "Open"}}


def test_contract_5_sends_lists_and_dates_in_another_form(
    acumatica: AcumaticaClient,
) -> None:
    old = acumatica.rows("Bill", top=200)
    acumatica.endpoint = "Default/26.200.001"
    new = acumatica.rows("Bill", top=200)
    codes = {"Bill": "INV", "Debit Adj.": "ADR", "Prepayment": "PPM"}
    for before, after in zip(old, new, strict=True):
        assert after["Date"] == (
            {"value": before["Date"]["value"][:10]} if before["Date"] else {}
        )
        description = before["Type"]["value"]
        assert after["Type"]["value"] == {
            "id": codes[description],
            "description": description,
        }
        for name in ("id", "note", "LastModifiedDateTime", "Amount", "Vendor", "Hold"):
            assert after[name] == before[name]


def test_contract_5_leaves_dates_of_other_entities_date_times(
    acumatica: AcumaticaClient,
) -> None:
    old = acumatica.rows("PurchaseOrder", top=5)
    acumatica.endpoint = "Default/26.200.001"
    new = acumatica.rows("PurchaseOrder", top=5)
    assert [row["Date"] for row in new] == [row["Date"] for row in old]


def test_an_empty_list_and_an_empty_date_stay_empty(
    acumatica: AcumaticaClient, admin: AcumaticaAdmin
) -> None:
    admin.put_record("Bill", {"Type": "Bill", "ReferenceNbr": "BARE", "Status": None})
    acumatica.endpoint = "Default/26.200.001"
    row = acumatica.get("Bill/Bill/BARE").json()
    assert (row["Status"], row["Date"], row["DueDate"]) == ({}, {}, {})


def test_spans_of_time_have_numbers_for_ids(acumatica: AcumaticaClient) -> None:
    acumatica.endpoint = "Default/26.200.001"
    rows = acumatica.rows("Contact", expand="Activities")
    spent = {
        str(activity["TimeSpent"]["value"])
        for row in rows
        for activity in row["Activities"]
    }
    assert spent == {
        "{'id': 15, 'description': '00:15'}",
        "{'id': 90, 'description': '01:30'}",
    }


def test_a_span_of_time_has_a_number() -> None:
    assert minutes("02 h 05 m") == 125
    with pytest.raises(ValueError, match="no span of time"):
        minutes("never")


def test_a_code_depends_on_the_list() -> None:
    assert code("Check", "Type", "Payment") == "CHK"
    assert code("InvoiceApplicationsDefault", "DocType", "Payment") == "PMT"
    assert code("PurchaseOrder", "Status", "Completed") == "M"
    assert code("Bill", "Status", "Never Heard Of") == "Never Heard Of"


def test_contract_5_describes_its_wrappers(acumatica: AcumaticaClient) -> None:
    assert "DateOnlyValue" not in described(acumatica)
    acumatica.endpoint = "Default/26.200.001"
    assert acumatica.get("swagger.json").json()["info"]["version"] == "5"
    schemas = described(acumatica)
    values = {n: schemas[n]["properties"]["value"] for n in schemas if "SelectV" in n}
    text = {"id": {"type": "string"}, "description": {"type": "string"}}
    assert values["StringSingleSelectValue"]["properties"] == text
    assert values["StringMultiSelectValue"]["items"]["properties"] == text
    assert values["IntSingleSelectValue"]["properties"]["id"]["type"] == "integer"
    date = schemas["DateOnlyValue"]["properties"]["value"]
    assert date == {"type": "string", "format": "date"}
    status = schemas["Bill"]["allOf"][1]["properties"]["Status"]
    assert status == {"$ref": "#/components/schemas/StringSingleSelectValue"}


@pytest.mark.parametrize(
    ("version", "text", "status"),
    [
        ("24.200.001", "LastModifiedDateTime ge 2024-07-15T10:31:28.402+03:00", 500),
        ("24.200.001", "LastModifiedDateTime ge 2024-07-15", 500),
        ("24.200.001", "contains(ReferenceNbr, '0001')", 500),
        ("24.200.001", "substringof('0001', ReferenceNbr)", 200),
        ("26.200.001", "LastModifiedDateTime ge 2024-07-15T10:31:28.402+03:00", 200),
        ("26.200.001", "LastModifiedDateTime ge 2024-07-15T10:31:28.402Z", 200),
        ("26.200.001", "LastModifiedDateTime ge 2024-07-15", 200),
        ("26.200.001", "LastModifiedDateTime ge 2024-07-15T10:31:28", 500),
        ("26.200.001", "LastModifiedDateTime ge 2024-07-15T10:31:28 03:00", 500),
        ("26.200.001", "LastModifiedDateTime ge 2024-13-15", 500),
        ("26.200.001", "LastModifiedDateTime ge datetimeoffset'2024-07-15T10Z'", 500),
        ("26.200.001", "LastModifiedDateTime ge date'2024-07-15'", 500),
        ("26.200.001", "contains(ReferenceNbr, '0001')", 200),
        ("26.200.001", "substringof('0001', ReferenceNbr)", 500),
        ("26.200.001", "Type eq 'Bill' and (ReferenceNbr ge '000001')", 200),
    ],
)
def test_each_contract_has_its_own_literals(
    acumatica: AcumaticaClient, version: str, text: str, status: int
) -> None:
    acumatica.endpoint = f"Default/{version}"
    answer = acumatica.get("Bill", filter=text, top=1)
    assert answer.status_code == status
    if status == 200:
        assert answer.json()
    else:
        assert "OData" in answer.json()["exceptionType"]


def test_both_contracts_find_the_same_rows(acumatica: AcumaticaClient) -> None:
    since = "2026-06-01T00:00:00+02:00"
    text = f"LastModifiedDateTime ge datetimeoffset'{since}'"
    old = [row["id"] for row in acumatica.rows("Bill", filter=text)]
    acumatica.endpoint = "Default/26.200.001"
    new = acumatica.rows("Bill", filter=f"LastModifiedDateTime ge {since}")
    assert [row["id"] for row in new] == old


def test_contract_5_nests_expansions(acumatica: AcumaticaClient) -> None:
    old = acumatica.rows("Vendor", top=1, expand="MainContact,MainContact/Address")[0]
    acumatica.endpoint = "Default/26.200.001"
    [row] = acumatica.rows(
        "Vendor", top=1, expand="MainContact($expand=Address),PaymentInstructions"
    )
    address = row["MainContact"]["Address"]
    assert address["City"] == old["MainContact"]["Address"]["City"]
    assert "PaymentInstructions" in row
    [plain] = acumatica.rows("Vendor", top=1, expand="MainContact")
    assert "Address" not in plain["MainContact"]


def test_contract_5_selects_inside_expansions(acumatica: AcumaticaClient) -> None:
    acumatica.endpoint = "Default/26.200.001"
    expand = "MainContact($select=Email,Address;$expand=Address($select=City))"
    [row] = acumatica.rows("Vendor", top=1, expand=expand)
    contact = row["MainContact"]
    inside = {"id", "rowNumber", "note", "custom"}
    assert set(contact) == inside | {"Email", "Address"}
    assert set(contact["Address"]) == inside | {"City"}
    assert "VendorName" in row
    [row] = acumatica.rows("Vendor", top=1, expand=expand, select="VendorID")
    assert set(row) - SYSTEM == {"VendorID"}


@pytest.mark.parametrize(
    ("version", "parameters"),
    [
        ("26.200.001", {"expand": "MainContact,MainContact/Address"}),
        ("26.200.001", {"expand": "MainContact($expand=Address"}),
        ("26.200.001", {"expand": "MainContact($filter=City eq 'X')"}),
        ("26.200.001", {"expand": "MainContact($expand=Nonsense)"}),
        ("26.200.001", {"expand": "MainContact($select=Nonsense)"}),
        ("26.200.001", {"custom": "CurrentVendor.UsrRating"}),
        ("24.200.001", {"expand": "MainContact($expand=Address)"}),
    ],
)
def test_one_contracts_expansions_are_errors_in_the_other(
    acumatica: AcumaticaClient, version: str, parameters: dict[str, str]
) -> None:
    acumatica.endpoint = f"Default/{version}"
    assert acumatica.get("Vendor", top=1, **parameters).status_code == 500


def test_journals_ignore_select_in_contract_5_too(acumatica: AcumaticaClient) -> None:
    acumatica.endpoint = "Default/26.200.001"
    [row] = acumatica.rows(
        "JournalTransaction", top=1, select="Module", expand="Details($select=Account)"
    )
    assert "BatchNbr" in row
    assert "DebitAmount" in row["Details"][0]


def test_the_optimiser_and_select_refuse_in_contract_5_too(
    acumatica: AcumaticaClient, admin: AcumaticaAdmin
) -> None:
    acumatica.endpoint = "Default/26.200.001"
    admin.change_settings(
        unoptimizable={"Vendor": ["MainContact"]}, unselectable=["Check"]
    )
    answer = acumatica.get("Vendor", top=1, expand="MainContact($expand=Address)")
    assert "CannotOptimizeException" in answer.json()["exceptionType"]
    assert acumatica.get("Check", top=1, select="Type").status_code == 500


def test_master_data_can_be_read(acumatica: AcumaticaClient) -> None:
    [actual, *_] = acumatica.rows("Ledger", expand="Branches")
    assert actual["Branches"][0]["BranchID"] == {"value": "MAIN"}
    acumatica.endpoint = "Default/26.200.001"
    kinds = [row["Type"]["value"]["id"] for row in acumatica.rows("Ledger")]
    assert kinds == ["A", "B", "S"]
    subaccount = acumatica.rows("Subaccount")[0]
    assert subaccount["SubaccountCD"] == {"value": "000-000"}
    assert "LastModifiedDateTime" not in subaccount
    found = acumatica.rows("Contact", filter="ContactID gt 200030")
    assert [row["ContactID"]["value"] for row in found] == list(range(200031, 200040))
    assert acumatica.get("Contact/200007").json()["ContactID"] == {"value": 200007}
