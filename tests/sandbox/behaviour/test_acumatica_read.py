from __future__ import annotations

import re
from datetime import UTC, datetime
from decimal import Decimal
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest
from sandbox.acumatica.model.endpoints import TABLES

if TYPE_CHECKING:
    from sandbox.acumatica.control.admin_client import AcumaticaAdmin

    from tests.sandbox.conftest import AcumaticaClient

SYSTEM = {"id", "rowNumber", "note", "custom", "_links"}


def test_the_instance_lists_its_endpoints(acumatica: AcumaticaClient) -> None:
    answer = acumatica.send("GET", "/entity").json()
    assert answer["version"]["acumaticaBuildVersion"]
    assert {
        "name": "Default",
        "version": "24.200.001",
        "href": "/entity/Default/24.200.001/",
    } in answer["endpoints"]


@pytest.mark.parametrize(
    "path",
    [
        "/entity/Default/24.200.002/Vendor",
        "/entity/Custom/24.200.001/Vendor",
        "/entity/Default/24.200.001/Vendors",
        "/entity/Default/24.200.001/BillDetail",
        "/entity/Default/21.200.001/swagger.json",
        "/entity/Default",
    ],
)
def test_what_is_not_served_is_404(acumatica: AcumaticaClient, path: str) -> None:
    answer = acumatica.send("GET", path)
    assert answer.status_code == 404
    assert "message" in answer.json()


@pytest.mark.parametrize("entity", TABLES)
def test_a_list_is_a_bare_array_of_wrapped_records(
    acumatica: AcumaticaClient, entity: str
) -> None:
    row, *_ = rows = acumatica.rows(entity, top=3)
    assert [row["rowNumber"] for row in rows] == [1, 2, 3]
    assert set(row) >= SYSTEM
    assert "files" not in row
    assert row["custom"] == {}
    for name in set(row) - SYSTEM:
        assert set(row[name]) <= {"value"}, name
    assert not [name for name, field in row.items() if isinstance(field, list)]


def test_the_description_is_openapi_with_all_fields(
    acumatica: AcumaticaClient,
) -> None:
    document = acumatica.get("swagger.json").json()
    assert document["openapi"] == "3.0.1"
    assert document["info"] == {"title": "Default/24.200.001", "version": "4"}
    schemas = document["components"]["schemas"]
    base, own = schemas["Vendor"]["allOf"]
    assert base == {"$ref": "#/components/schemas/Entity"}
    fields = own["properties"]
    assert fields["VendorID"] == {"$ref": "#/components/schemas/StringValue"}
    assert fields["MainContact"] == {"$ref": "#/components/schemas/Contact"}
    assert fields["Contacts"] == {
        "type": "array",
        "items": {"$ref": "#/components/schemas/CustomerContact"},
    }
    assert len(fields) == 55
    assert schemas["DecimalValue"]["properties"]["value"]["format"] == "double"
    assert set(document["paths"]["/Vendor"]) == {"get", "put"}
    assert set(document["paths"]["/Vendor/{id}"]) == {"get", "delete"}
    assert "/Vendor/$adHocSchema" in document["paths"]


def references(node: object) -> set[str]:
    if isinstance(node, dict):
        found = {node["$ref"]} if "$ref" in node else set()
        return found.union(*(references(value) for value in node.values()))
    if isinstance(node, list):
        return set().union(*(references(value) for value in node))
    return set()


def test_every_reference_in_the_description_leads_somewhere(
    acumatica: AcumaticaClient,
) -> None:
    document = acumatica.get("swagger.json").json()
    known = {
        f"#/components/{kind}/{name}"
        for kind in ("schemas", "parameters")
        for name in document["components"][kind]
    }
    assert references(document) <= known


@pytest.mark.parametrize("entity", TABLES)
def test_a_record_has_the_fields_of_its_description(
    acumatica: AcumaticaClient, entity: str
) -> None:
    schemas = acumatica.get("swagger.json").json()["components"]["schemas"]
    fields = schemas[entity]["allOf"][1]["properties"]
    nested = [n for n, kind in fields.items() if "Value" not in kind.get("$ref", "")]
    row = acumatica.rows(entity, top=1, expand=",".join(nested))[0]
    assert set(row) - SYSTEM == set(fields)


def test_the_ad_hoc_schema_is_an_empty_record(acumatica: AcumaticaClient) -> None:
    template = acumatica.get("Bill/$adHocSchema").json()
    assert template["Amount"] == {}
    assert template["custom"] == {}
    assert template["Details"][0]["Account"] == {}


def test_without_top_all_rows_come(
    acumatica: AcumaticaClient, admin: AcumaticaAdmin
) -> None:
    rows = acumatica.rows("Vendor")
    assert len(rows) == admin.summary()["Vendor"]["rows"] >= 400


def test_skip_comes_before_top(acumatica: AcumaticaClient) -> None:
    everything = acumatica.rows("Vendor")
    part = acumatica.rows("Vendor", top=5, skip=10)
    assert [row["id"] for row in part] == [row["id"] for row in everything[10:15]]
    assert [row["rowNumber"] for row in part] == [11, 12, 13, 14, 15]
    assert acumatica.rows("Vendor", top=5, skip=100_000) == []


@pytest.mark.parametrize("parameters", [{"top": "x"}, {"top": -1}, {"skip": "1.5"}])
def test_a_page_needs_whole_numbers(
    acumatica: AcumaticaClient, parameters: dict[str, Any]
) -> None:
    assert acumatica.get("Vendor", **parameters).status_code == 500


def test_unknown_parameters_are_ignored(acumatica: AcumaticaClient) -> None:
    rows = acumatica.rows("Vendor", top=2)
    assert acumatica.rows("Vendor", top=2, orderby="VendorName", count="true") == rows


def test_lines_arrive_only_when_expanded(acumatica: AcumaticaClient) -> None:
    assert "Details" not in acumatica.rows("Bill", top=1)[0]
    row = acumatica.rows("Bill", top=1, expand="Details")[0]
    assert [line["rowNumber"] for line in row["Details"]] == list(
        range(1, len(row["Details"]) + 1)
    )
    assert "Applications" not in row


def test_an_address_needs_its_contact_and_itself(acumatica: AcumaticaClient) -> None:
    def contact(expand: str) -> dict[str, Any]:
        row = acumatica.rows("Vendor", top=1, expand=expand)[0]
        found: dict[str, Any] = row.get("MainContact", {})
        return found

    assert contact("MainContact/Address") == {}
    assert "Address" not in contact("MainContact")
    both = contact("MainContact,MainContact/Address")
    assert set(both["Address"]["City"]) == {"value"}


def test_files_come_with_their_expansion(acumatica: AcumaticaClient) -> None:
    for name in ("files", "Files"):
        assert acumatica.rows("Bill", top=1, expand=name)[0]["files"] == []


def test_select_narrows_a_record(acumatica: AcumaticaClient) -> None:
    row = acumatica.rows("Bill", top=1, select="ReferenceNbr,Amount")[0]
    assert set(row) - SYSTEM == {"ReferenceNbr", "Amount"}


def test_an_expansion_that_is_not_selected_is_dropped(
    acumatica: AcumaticaClient,
) -> None:
    asked = {"top": 1, "expand": "Details,TaxDetails"}
    row = acumatica.rows("Bill", select="Amount,Details", **asked)[0]
    assert "Details" in row
    assert "TaxDetails" not in row


def test_select_reaches_into_lines(acumatica: AcumaticaClient) -> None:
    row = acumatica.rows("Bill", top=1, expand="Details", select="Details/Account")[0]
    assert set(row["Details"][0]) == {"id", "rowNumber", "note", "custom", "Account"}


def test_journals_ignore_select(acumatica: AcumaticaClient) -> None:
    row = acumatica.rows("JournalTransaction", top=1, select="Module")[0]
    assert "BatchNbr" in row


@pytest.mark.parametrize(
    "parameters",
    [{"select": "VendorID,Nonsense"}, {"expand": "Nonsense"}, {"expand": "VendorID"}],
)
def test_an_unknown_name_is_a_key_not_found(
    acumatica: AcumaticaClient, parameters: dict[str, str]
) -> None:
    answer = acumatica.get("Vendor", **parameters)
    assert answer.status_code == 500
    body = answer.json()
    assert set(body) == {"message", "exceptionMessage", "exceptionType", "stackTrace"}
    assert body["exceptionType"].endswith("KeyNotFoundException")


def test_a_filter_selects_rows(acumatica: AcumaticaClient) -> None:
    since = "2026-06-01T00:00:00+02:00"
    text = f"LastModifiedDateTime ge datetimeoffset'{since}'"
    found = acumatica.rows("Bill", filter=text)
    everything = acumatica.rows("Bill")
    limit = datetime.fromisoformat(since)
    expected = [
        row["id"]
        for row in everything
        if datetime.fromisoformat(row["LastModifiedDateTime"]["value"]) >= limit
    ]
    assert [row["id"] for row in found] == expected
    assert 0 < len(found) < len(everything)


def test_a_plus_that_is_not_encoded_breaks_the_literal(
    acumatica: AcumaticaClient,
) -> None:
    literal = "LastModifiedDateTime%20gt%20datetimeoffset'2026-06-01T00:00:00{}02:00'"
    path = "/entity/Default/24.200.001/Bill?$top=1&$filter="
    good = acumatica.send("GET", path + literal.format("%2B"))
    bad = acumatica.send("GET", path + literal.format("+"))
    assert (good.status_code, bad.status_code) == (200, 500)


@pytest.mark.parametrize("separator", ["/", "|"])
def test_a_record_is_found_by_its_keys_and_by_its_id(
    acumatica: AcumaticaClient, separator: str
) -> None:
    row = acumatica.rows("Bill", top=1, skip=7)[0]
    values = (quote(row[key]["value"]) for key in ("Type", "ReferenceNbr"))
    keys = separator.join(values)
    by_key, by_id = acumatica.get(f"Bill/{keys}"), acumatica.get(f"Bill/{row['id']}")
    assert by_key.json() == by_id.json() == row | {"rowNumber": 1}


def test_a_padded_key_is_found_without_its_spaces(acumatica: AcumaticaClient) -> None:
    row = acumatica.get("Vendor/V000001").json()
    assert row["VendorID"] == {"value": "V000001   "}


def test_a_key_with_a_slash_needs_the_id(acumatica: AcumaticaClient) -> None:
    row = acumatica.rows("Vendor", filter="VendorID eq 'V/00040'")[0]
    assert acumatica.get(f"Vendor/{quote('V/00040', safe='')}").status_code == 404
    assert acumatica.get(f"Vendor/{row['id']}").status_code == 200


@pytest.mark.parametrize(
    "keys", ["Bill/none", "Bill", "5ecb2a4c-8cf9-4e3c-a1e0-0a0b8f6f8a53"]
)
def test_a_record_that_does_not_exist_is_404(
    acumatica: AcumaticaClient, keys: str
) -> None:
    assert acumatica.get(f"Bill/{keys}").status_code == 404


def test_line_ids_belong_to_the_session_and_record_ids_do_not(
    acumatica: AcumaticaClient,
) -> None:
    def ids() -> tuple[str, str]:
        row = acumatica.rows("Bill", top=1, expand="Details")[0]
        return row["id"], row["Details"][0]["id"]

    first, same = ids(), ids()
    acumatica.sign_out()
    later = ids()
    assert first == same
    assert later[0] == first[0]
    assert later[1] != first[1]


def test_without_a_note_id_a_record_has_an_id_of_the_session(
    acumatica: AcumaticaClient, admin: AcumaticaAdmin
) -> None:
    admin.change_settings(without_note_id=["Ledger"])
    row = acumatica.rows("Ledger", top=1)[0]
    assert acumatica.get(f"Ledger/{row['id']}").json()["LedgerID"] == row["LedgerID"]
    acumatica.sign_out()
    assert acumatica.get(f"Ledger/{row['id']}").status_code == 404
    same = acumatica.get(f"Ledger/{row['LedgerID']['value']}").json()
    assert same["LedgerID"] == row["LedgerID"]
    assert same["id"] != row["id"]


def test_rights_are_withdrawn_by_form(
    acumatica: AcumaticaClient, admin: AcumaticaAdmin
) -> None:
    admin.change_settings(denied=["Vendor"])
    answer = acumatica.get("Vendor", top=1)
    assert answer.status_code == 403
    assert answer.json() == {
        "message": "You have insufficient rights to access the Vendor (AP303000) form."
    }
    assert acumatica.get("Bill", top=1).status_code == 200


def test_values_keep_their_digits_emptiness_and_falsehood(
    acumatica: AcumaticaClient, admin: AcumaticaAdmin
) -> None:
    fields = {
        "Type": "Bill",
        "ReferenceNbr": "DIGITS",
        "Amount": Decimal("123456789012345.6789"),
        "Balance": Decimal("0.0000"),
        "TaxTotal": Decimal("-0.10"),
        "Hold": False,
        "Description": "",
        "Terms": None,
    }
    admin.put_record("Bill", fields)
    text = acumatica.get("Bill/Bill/DIGITS").text
    assert '"Amount":{"value":123456789012345.6789}' in text
    assert '"Balance":{"value":0.0000}' in text
    assert '"TaxTotal":{"value":-0.10}' in text
    assert '"Hold":{"value":false}' in text
    assert '"Description":{"value":""}' in text
    assert '"Terms":{}' in text
    assert '"Vendor":{}' in text


def test_business_dates_are_midnight_in_the_tenants_zone(
    acumatica: AcumaticaClient,
) -> None:
    seen = set()
    for row in acumatica.rows("Bill"):
        if "value" in row["Date"]:
            date, _, rest = row["Date"]["value"].partition("T")
            assert date
            seen.add(rest)
    assert seen == {"00:00:00-04:00", "00:00:00-05:00"}


def test_times_of_change_have_milliseconds_or_microseconds(
    acumatica: AcumaticaClient,
) -> None:
    stamps = [row["LastModifiedDateTime"]["value"] for row in acumatica.rows("Bill")]
    fractions = {len(stamp.partition(".")[2]) - len("-04:00") for stamp in stamps}
    assert fractions == {3, 6}
    assert len(set(stamps)) < len(stamps) - 300


def test_the_servers_clock_is_in_the_date_header(acumatica: AcumaticaClient) -> None:
    sent = parsedate_to_datetime(acumatica.get("Bill", top=1).headers["date"])
    assert abs((datetime.now(UTC) - sent).total_seconds()) < 10


def test_numbers_are_never_in_scientific_notation(acumatica: AcumaticaClient) -> None:
    body = acumatica.get("SalesInvoice", expand="Details,FreightDetails").text
    assert re.search(r'"value":-?\d+\.\d+[,}]', body)
    assert not re.search(r'"value":-?[\d.]+E', body)
