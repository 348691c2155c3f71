"""What is asked for: custom fields, and what the catalog selects."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from sandbox.acumatica.faults import Fault

from tests.tap.conftest import outcome

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from sandbox.acumatica.admin_client import AcumaticaAdmin

    from tests.tap.conftest import Asked, Run, RunTap

    Select = Callable[..., Run]
    Twice = Callable[..., tuple[Run, Run]]

OLD, NEW = "24.200.001", "26.200.001"
STREAMS = {
    "vendors": "Vendor",
    "bills": "Bill",
    "purchase_orders": "PurchaseOrder",
    "ap_payments": "Check",
    "gl_accounts": "Account",
    "journal_transactions": "JournalTransaction",
    "sales_invoices": "SalesInvoice",
    "ar_invoices": "Invoice",
    "customers": "Customer",
}
USR = ["Document.UsrApprovalCode", "Document.UsrCustomsDuty", "Document.UsrDisputed"]


# Custom fields.


def test_custom_fields_that_lists_cannot_hold_are_read_by_id(
    run_tap: RunTap, acumatica: AcumaticaAdmin
) -> None:
    since = "2026-08-15T00:00:00Z"
    acumatica.change_settings(custom_fields=True)
    whole = run_tap("bills", start_date=since).records("bills")
    acumatica.change_settings(unoptimizable={"Bill": ["Document.UsrDisputed"]})
    run = run_tap("bills", start_date=since)
    assert run.exit_code == 0, run.log
    read = {record["id"]: record["custom"] for record in run.records("bills")}
    assert read == {record["id"]: record["custom"] for record in whole}
    assert read
    assert "lists cannot hold custom fields" in run.log


def test_contract_5_cannot_do_without_select_for_custom_fields(
    run_tap: RunTap, acumatica: AcumaticaAdmin
) -> None:
    acumatica.change_settings(custom_fields=True, unselectable=["Bill"])
    run = run_tap("bills", endpoint_version=NEW)
    assert run.exit_code == 1
    assert "set custom_fields to [] and discover again" in run.errors[0]


def test_a_passing_failure_is_waited_out_where_select_is_needed(
    run_tap: RunTap, acumatica: AcumaticaAdmin
) -> None:
    acumatica.change_settings(custom_fields=True)
    path = f"/{NEW}/Bill?"
    acumatica.add_fault(Fault(kind="status", status=500, path=path))
    run = run_tap("bills", endpoint_version=NEW, start_date="2026-08-15T00:00:00Z")
    assert run.exit_code == 0, run.log
    assert "Attempt 1 of 8; next in" in run.log


@pytest.mark.parametrize(("path", "count"), [("?$expand", 1), ("/Bill/", 100)])
def test_records_that_cannot_be_read_by_id_do_not_count_as_deleted(
    run_tap: RunTap, acumatica: AcumaticaAdmin, path: str, count: int
) -> None:
    """Once only the query is not found, once none of the records is."""
    acumatica.change_settings(unoptimizable={"Bill": ["Details"]})
    acumatica.add_fault(Fault(kind="status", status=404, path=path, count=count))
    run = run_tap("bills", start_date="2026-06-01T00:00:00Z")
    assert run.exit_code == 1
    assert "are not found by their ids" in run.errors[0]
    assert "replication_key_value" not in json.dumps(run.state)
    assert len(run.records("bills")) == 0


@pytest.mark.parametrize("version", [OLD, NEW])
def test_custom_fields_are_found_asked_for_and_typed(
    run_tap: RunTap, acumatica: AcumaticaAdmin, version: str
) -> None:
    acumatica.change_settings(custom_fields=True)
    run = run_tap("bills", "vendors", endpoint_version=version)
    assert run.exit_code == 0
    schemas = {m["stream"]: m["schema"]["properties"] for m in run.of_type("SCHEMA")}
    document = schemas["bills"]["custom"]["properties"]["Document"]["properties"]
    assert document["UsrCustomsDuty"]["type"] == ["number", "null"]
    assert document["UsrApprovedOn"]["format"] == "date-time"
    assert document["AttributeCOSTCENTER"]["type"] == ["string", "null"]
    values = [r["custom"]["Document"] for r in run.records("bills")]
    assert {type(v["UsrDisputed"]) for v in values} == {bool, type(None)}
    assert len({v["UsrCustomsDuty"] for v in values}) > 100
    checked = schemas["bills"]["Details"]["items"]["properties"]["custom"]
    kinds = checked["properties"]["Transactions"]["properties"]
    assert kinds["UsrQuantityChecked"]["type"] == ["number", "null"]
    assert kinds["UsrInspector"]["type"] == ["string", "null"]
    linked = schemas["vendors"]["MainContact"]["properties"]["custom"]["properties"]
    assert linked["DefContact"]["properties"]["UsrLinkedIn"]["type"] == [
        "string",
        "null",
    ]
    lines = [line for r in run.records("bills") for line in r["Details"]]
    assert all("UsrInspector" in line["custom"]["Transactions"] for line in lines)
    contacts = [r["MainContact"] for r in run.records("vendors") if r["MainContact"]]
    assert all("UsrLinkedIn" in c["custom"]["DefContact"] for c in contacts)


def test_both_contracts_give_the_same_custom_values(
    run_tap: RunTap, acumatica: AcumaticaAdmin
) -> None:
    acumatica.change_settings(custom_fields=True)
    since = "2026-06-01T00:00:00Z"
    old, new = (
        {
            r["id"]: (r["custom"], [line["custom"] for line in r["Details"]])
            for r in run_tap(
                "bills", endpoint_version=version, start_date=since
            ).records("bills")
        }
        for version in (OLD, NEW)
    )
    assert old == new
    assert old


def test_only_custom_fields_that_match_are_taken(
    run_tap: RunTap, acumatica: AcumaticaAdmin, asked: Asked
) -> None:
    acumatica.change_settings(custom_fields=True)
    run = run_tap("bills", custom_fields=["Document.UsrDisputed"])
    assert {*asked("Bill")[0]["$custom"].split(",")} == {"Document.UsrDisputed"}
    assert list(run.records("bills")[0]["custom"]["Document"]) == ["UsrDisputed"]
    acumatica.clear_requests()
    assert run_tap("bills", custom_fields=[]).exit_code == 0
    assert not asked("$adHocSchema")
    assert all("$custom" not in page for page in asked("Bill"))


@pytest.fixture
def select(
    tmp_path: Path, acumatica: AcumaticaAdmin, settings: dict[str, Any]
) -> Select:
    """Run the command with one stream, without some of its fields."""
    del acumatica  # it watches over the seats

    def select(stream: str, *deselected: str, **changes: object) -> Run:
        config, catalog = tmp_path / "config.json", tmp_path / "catalog.json"
        config.write_text(json.dumps({**settings, **changes}))
        [discovered] = outcome("--config", str(config), "--discover").messages
        gone = [tuple(name.split(".")) for name in deselected]
        for entry in discovered["streams"]:
            for node in entry["metadata"]:
                name = tuple(node["breadcrumb"][1::2])
                node["metadata"]["selected"] = (
                    name not in gone if name else entry["stream"] == stream
                )
        catalog.write_text(json.dumps(discovered))
        return outcome("--config", str(config), "--catalog", str(catalog))

    return select


def again(folder: Path, *options: str) -> Run:
    """Run the command with the catalog of the run before."""
    config, catalog = str(folder / "config.json"), str(folder / "catalog.json")
    return outcome("--config", config, "--catalog", catalog, *options)


def stored(run: Run, folder: Path) -> Path:
    path = folder / "state.json"
    path.write_text(json.dumps(run.state))
    return path


@pytest.mark.parametrize("status", [403, 404])
@pytest.mark.parametrize(
    "deselected",
    [(), ("custom",), ("custom", "Details"), ("MainContact",)],
    ids=str,
)
def test_a_stream_is_not_read_without_the_custom_fields_of_its_catalog(
    tmp_path: Path,
    select: Select,
    acumatica: AcumaticaAdmin,
    status: int,
    deselected: tuple[str, ...],
) -> None:
    """A target would put nothing in the place of their values."""
    stream = "vendors" if "MainContact" in deselected else "bills"
    needed = deselected != ("custom", "Details")
    acumatica.change_settings(custom_fields=True)
    since = "2026-06-01T00:00:00Z"
    read = select(stream, *deselected, start_date=since).records(stream)
    acumatica.add_fault(Fault(kind="status", status=status, path="$adHocSchema"))
    run = again(tmp_path)
    assert run.exit_code == needed, run.log
    assert run.records(stream) == ([] if needed else read)
    assert ("replication_key_value" not in json.dumps(run.state)) is needed
    assert read
    assert not needed or f"answered {status}" in run.errors[0]
    assert not needed or "discover again to go on without them" in run.errors[0]


def change_config(folder: Path, **changes: object) -> None:
    config = folder / "config.json"
    config.write_text(json.dumps(json.loads(config.read_text()) | changes))


@pytest.fixture
def twice(tmp_path: Path, select: Select, acumatica: AcumaticaAdmin) -> Twice:
    """Run the command twice with one catalog, and other custom fields in between."""

    def twice(
        stream: str, *deselected: str, patterns: list[str], told: bool
    ) -> tuple[Run, Run]:
        acumatica.change_settings(custom_fields=True)
        first = select(stream, *deselected, start_date="2026-06-01T00:00:00Z")
        change_config(tmp_path, custom_fields=patterns)
        acumatica.change_settings(custom_fields=told)
        return first, again(tmp_path)

    return twice


LINES = "Details/Transactions.UsrQuantityChecked"
TOP = ["Document.*", "CurrentVendor.*"]
"""The custom fields at the top of bills and vendors, none of lines and contacts."""


@pytest.mark.parametrize(
    ("stream", "patterns", "told", "lost"),
    [
        ("bills", [], True, LINES),
        ("bills", ["*"], False, LINES),
        ("bills", TOP, True, LINES),
        ("bills", ["Details/*", "*.UsrDisputed"], True, USR[0]),
        ("vendors", TOP, True, "MainContact/DefContact.UsrLinkedIn"),
    ],
)
def test_a_stream_is_not_read_without_a_custom_field_of_its_catalog(
    twice: Twice, stream: str, patterns: list[str], lost: str, *, told: bool
) -> None:
    """Else a target would empty what the server still has."""
    _, run = twice(stream, patterns=patterns, told=told)
    assert run.exit_code == 1
    assert run.records(stream) == []
    assert f"selects custom fields of {stream}, such as {lost}, but" in run.errors[0]
    assert "leaves them out" in run.errors[0]
    assert "replication_key_value" not in json.dumps(run.state)


@pytest.mark.parametrize(
    ("stream", "deselected", "patterns", "told"),
    [
        ("bills", (), ["*"], True),
        ("bills", ("Details",), TOP, True),
        ("bills", ("custom", "Details"), [], True),
        ("bills", ("custom", "Details"), ["*"], False),
        ("vendors", ("MainContact.custom.DefContact",), TOP, True),
    ],
)
def test_a_stream_may_lack_the_custom_fields_that_its_catalog_deselects(
    twice: Twice,
    stream: str,
    deselected: tuple[str, ...],
    patterns: list[str],
    *,
    told: bool,
) -> None:
    first, run = twice(stream, *deselected, patterns=patterns, told=told)
    assert run.exit_code == 0, run.log
    assert run.records(stream) == first.records(stream)
    assert first.records(stream)


def test_a_stream_that_is_not_selected_may_lack_custom_fields(
    tmp_path: Path, run_tap: RunTap, acumatica: AcumaticaAdmin
) -> None:
    acumatica.change_settings(custom_fields=True)
    run_tap("gl_accounts")
    change_config(tmp_path, custom_fields=[])
    run = again(tmp_path)
    assert run.exit_code == 0, run.log
    assert run.records("gl_accounts")


def test_a_stream_that_the_catalog_does_not_have_is_not_asked_for(
    tmp_path: Path, run_tap: RunTap, acumatica: AcumaticaAdmin
) -> None:
    run_tap("gl_accounts")
    path = tmp_path / "catalog.json"
    catalog = json.loads(path.read_text())
    kept = [entry for entry in catalog["streams"] if entry["stream"] == "gl_accounts"]
    path.write_text(json.dumps({"streams": kept}))
    acumatica.clear_requests()
    acumatica.add_fault(Fault(kind="status", status=400, path="/Bill/$adHocSchema"))
    run = again(tmp_path)
    assert run.exit_code == 0, run.log
    assert run.records("gl_accounts")
    assert not any("/Bill" in request["path"] for request in acumatica.requests())


def test_a_new_discovery_goes_on_without_custom_fields(
    run_tap: RunTap, acumatica: AcumaticaAdmin
) -> None:
    acumatica.change_settings(custom_fields=True)
    run = run_tap("bills", custom_fields=[], start_date="2026-06-01T00:00:00Z")
    assert run.exit_code == 0, run.log
    assert run.records("bills")


def test_the_other_streams_are_read_where_custom_fields_are_not_told(
    tmp_path: Path, run_tap: RunTap, acumatica: AcumaticaAdmin
) -> None:
    acumatica.change_settings(custom_fields=True)
    since = "2026-06-01T00:00:00Z"
    whole = run_tap("bills", "customers", start_date=since)
    acumatica.add_fault(Fault(kind="status", status=403, path="/Bill/$adHocSchema"))
    run = again(tmp_path)
    assert run.exit_code == 1
    assert run.records("bills") == []
    assert run.records("customers") == whole.records("customers")
    assert "bills is left out: The catalog selects custom fields" in run.errors[0]


def test_a_failing_ad_hoc_schema_is_told_with_its_stream_and_setting(
    run_tap: RunTap, acumatica: AcumaticaAdmin
) -> None:
    acumatica.add_fault(Fault(kind="status", status=400, path="/Bill/$adHocSchema"))
    run = run_tap()
    assert run.exit_code == 1
    assert run.messages == []
    assert "bills: its custom fields cannot be found (GET " in run.errors[0]
    assert "answered 400" in run.errors[0]
    assert "set custom_fields to []" in run.errors[0]


# The catalog's choices.


def test_a_selection_of_nothing_is_told(select: Select) -> None:
    run = select("gl_accounts")
    assert "The catalog selects" not in run.log
    run = select("gone")
    assert (run.exit_code, run.messages) == (0, [])
    assert "The catalog selects no stream: nothing is read." in run.log


def test_a_selected_stream_that_is_not_there_fails_the_run_after_the_others(
    tmp_path: Path, run_tap: RunTap
) -> None:
    """Its table would no longer be kept up to date, and nobody would know."""
    old = {"entity": "Ledger", "stream": "old_ledgers"}
    first = run_tap("old_ledgers", "gl_accounts", entities=[old])
    change_config(tmp_path, entities=[])
    run = again(tmp_path, "--state", str(stored(first, tmp_path)))
    assert run.exit_code == 1
    [error, last] = run.errors
    assert "old_ledgers is left out: The catalog selects old_ledgers, which" in error
    assert last in error
    assert run.records("old_ledgers") == []
    assert run.records("gl_accounts")
    assert run.bookmark("old_ledgers") == first.bookmark("old_ledgers")


def test_a_selected_stream_that_the_endpoint_lacks_fails_the_run(
    tmp_path: Path, run_tap: RunTap
) -> None:
    own = {"entity": "Supplier", "replication_key": "ModifiedOn"}
    finance = {"endpoint_name": "Finance", "endpoint_version": "1.0.0"}
    run_tap("vendors")
    change_config(tmp_path, **finance, entities=[own])
    run = again(tmp_path)
    assert run.exit_code == 1
    assert "selects vendors, which neither endpoint Finance/1.0.0" in run.errors[0]


@pytest.mark.parametrize("version", [OLD, NEW])
def test_what_is_deselected_is_not_asked_for(
    select: Select, acumatica: AcumaticaAdmin, asked: Asked, version: str
) -> None:
    acumatica.change_settings(custom_fields=True)
    run = select(
        "bills",
        "Details",
        "Description",
        "custom.Document.UsrDisputed",
        endpoint_version=version,
    )
    assert run.exit_code == 0
    page = asked("Bill")[0]
    assert "Details" not in page["$expand"].split(",")
    names = page["$select"].split(",")
    assert "Amount" in names
    assert not {"Description", "Details", "Document.UsrDisputed"} & set(names)
    custom = page["$custom"].split(",") if version == OLD else names
    assert set(USR) - {"Document.UsrDisputed"} <= set(custom)
    record = run.records("bills")[0]
    assert not {"Details", "Description"} & record.keys()
    assert "UsrDisputed" not in record["custom"]["Document"]
    assert "UsrApprovalCode" in record["custom"]["Document"]
    assert "Applications" in record


@pytest.mark.parametrize("version", [OLD, NEW])
def test_a_custom_field_of_a_linked_object_can_be_deselected(
    select: Select, acumatica: AcumaticaAdmin, asked: Asked, version: str
) -> None:
    acumatica.change_settings(custom_fields=True)
    gone = "MainContact.custom.DefContact.UsrLinkedIn"
    run = select("vendors", gone, endpoint_version=version)
    assert run.exit_code == 0
    pages = asked("Vendor")
    assert pages
    assert not any("UsrLinkedIn" in text for page in pages for text in page.values())
    records = run.records("vendors")
    assert any(record["custom"]["CurrentVendor"]["UsrRating"] for record in records)
    assert not any("UsrLinkedIn" in json.dumps(record) for record in records)


@pytest.fixture
def choose(
    tmp_path: Path, acumatica: AcumaticaAdmin, settings: dict[str, Any]
) -> Select:
    """Run the command with nothing but some members of vendors, as Meltano does."""
    acumatica.change_settings(custom_fields=True)

    def choose(*names: str, **changes: object) -> Run:
        config, catalog = tmp_path / "config.json", tmp_path / "catalog.json"
        config.write_text(json.dumps({**settings, **changes}))
        [discovered] = outcome("--config", str(config), "--discover").messages
        for entry in discovered["streams"]:
            for node in entry["metadata"]:
                name = ".".join(node["breadcrumb"][1::2])
                wanted = name in names if name else entry["stream"] == "vendors"
                node["metadata"]["selected"] = wanted
        catalog.write_text(json.dumps(discovered))
        acumatica.clear_requests()
        return outcome("--config", str(config), "--catalog", str(catalog))

    return choose


LINKED_IN = ["MainContact.custom", "MainContact.custom.DefContact"]
LINKED_IN += ["MainContact.custom.DefContact.UsrLinkedIn"]


@pytest.mark.parametrize("version", [OLD, NEW])
@pytest.mark.parametrize("further", [(), ("MainContact.Address.City",)], ids=str)
def test_only_the_custom_fields_of_a_linked_object_are_read(
    run_tap: RunTap, choose: Select, further: tuple[str, ...], version: str
) -> None:
    run = choose(
        "MainContact",
        "MainContact.Address",
        *LINKED_IN,
        *further,
        endpoint_version=version,
    )
    assert run.exit_code == 0, run.log
    whole = run_tap("vendors", endpoint_version=version).records("vendors")
    expected = {
        record["id"]: {"custom": contact["custom"]}
        | ({"Address": {"City": contact["Address"]["City"]}} if further else {})
        for record in whole
        if (contact := record["MainContact"])
    }
    read = {record["id"]: record["MainContact"] for record in run.records("vendors")}
    assert read == expected
    assert any(value["custom"]["DefContact"]["UsrLinkedIn"] for value in read.values())


def test_a_note_alone_is_reason_enough_to_ask_for_a_linked_object(
    choose: Select, asked: Asked
) -> None:
    run = choose("VendorID", "MainContact", "MainContact.note")
    assert run.exit_code == 0, run.log
    page = asked("Vendor")[0]
    assert page["$expand"] == "MainContact"
    assert "MainContact" in page["$select"].split(",")
    assert run.records("vendors")
    assert all(r["MainContact"] == {"note": ""} for r in run.records("vendors"))


@pytest.mark.parametrize(
    ("chosen", "name"),
    [
        (["MainContact"], "MainContact"),
        (["MainContact", "MainContact.Address"], "MainContact"),
        (
            ["MainContact", "MainContact.Email", "MainContact.Address"],
            "MainContact.Address",
        ),
        (["custom"], "custom"),
        (["custom", "custom.CurrentVendor"], "custom"),
    ],
    ids=str,
)
def test_an_object_without_a_selected_member_is_left_out(
    choose: Select, chosen: list[str], name: str
) -> None:
    """Else each record would empty what a target has of it."""
    run = choose("VendorID", *chosen)
    assert run.exit_code == 0, run.log
    [message] = run.of_type("SCHEMA")
    schema, records = message["schema"], run.records("vendors")
    *above, last = name.split(".")
    for part in above:
        schema = schema["properties"][part]
        records = [record[part] for record in records]
    assert last not in schema["properties"]
    assert records
    assert not any(last in record for record in records)
    assert f"The catalog selects vendors.{name}, but none of its members" in run.log
    assert f"Select vendors.{name}.* to read it." in run.log


def test_what_is_not_there_any_more_leaves_the_schema(
    tmp_path: Path, settings: dict[str, Any]
) -> None:
    """A target would put nothing in the place of what it has."""
    config, catalog = tmp_path / "config.json", tmp_path / "catalog.json"
    entity: dict[str, Any] = {
        "entity": "Bill",
        "stream": "own",
        "expand": ["Details", "Applications"],
    }
    line = {"Gone": {"type": ["string", "null"]}}

    def run(*options: str) -> Run:
        config.write_text(json.dumps({**settings, "entities": [entity]}))
        return outcome("--config", str(config), *options)

    [discovered] = run("--discover").messages
    [entry] = [entry for entry in discovered["streams"] if entry["stream"] == "own"]
    known = entry["schema"]["properties"]
    known["Gone"] = {"type": ["string", "null"]}
    known["Applications"]["items"]["properties"] = line
    catalog.write_text(json.dumps({"streams": [entry]}))
    entity["expand"] = ["Applications"]
    done = run("--catalog", str(catalog))
    assert done.exit_code == 0, done.log
    [schema] = [m["schema"] for m in done.messages if m["type"] == "SCHEMA"]
    assert not {"Gone", "Details"} & schema["properties"].keys()
    members = schema["properties"]["Applications"]["items"]["properties"]
    assert "Gone" not in members
    assert "AmountPaid" in members
    told = "own: the catalog has Applications.Gone, Details, Gone, which the endpoint"
    assert told in done.log


def test_a_part_of_a_linked_object_is_asked_for(select: Select, asked: Asked) -> None:
    gone = ("ShippingInstructions.ShipTo", "ShippingInstructions.ShipToAddress")
    run = select("purchase_orders", *gone)
    assert run.exit_code == 0
    page = asked("PurchaseOrder")[0]
    assert "ShippingInstructions/ShipToAddress" not in page["$expand"].split(",")
    names = page["$select"].split(",")
    assert "ShippingInstructions/ShippingLocation" in names
    assert not {"ShippingInstructions", "ShippingInstructions/ShipTo"} & set(names)
    shipping = run.records("purchase_orders")[0]["ShippingInstructions"]
    assert not {"ShipTo", "ShipToAddress"} & shipping.keys()
    assert "ShippingLocation" in shipping


@pytest.mark.parametrize("refused", [True, False])
def test_where_select_is_not_honoured_fields_are_dropped_here(
    select: Select, acumatica: AcumaticaAdmin, asked: Asked, *, refused: bool
) -> None:
    """JournalTransaction ignores ``$select``; others answer 500 to it."""
    if refused:
        acumatica.change_settings(unselectable=["JournalTransaction"])
    run = select("journal_transactions", "Description", "CurrencyID")
    assert run.exit_code == 0
    rows = acumatica.summary()["JournalTransaction"]["rows"]
    assert len(run.records("journal_transactions")) == rows
    dropped = {"Description", "CurrencyID"}
    assert not any(dropped & r.keys() for r in run.records("journal_transactions"))
    asking = ["$select" in page for page in asked("JournalTransaction")]
    assert asking == [True, *[not refused] * (len(asking) - 1)]


def test_a_list_that_cannot_be_optimised_at_all_is_read_by_id(
    run_tap: RunTap, acumatica: AcumaticaAdmin
) -> None:
    whole = run_tap("gl_accounts").records("gl_accounts")
    acumatica.change_settings(unoptimizable={"Account": ["Description"]})
    run = run_tap("gl_accounts")
    assert run.exit_code == 0
    assert run.records("gl_accounts") == whole
    assert "lists cannot hold all of its fields" in run.log


def test_archived_records_are_read_when_they_are_wanted(
    run_tap: RunTap, acumatica: AcumaticaAdmin
) -> None:
    archived = acumatica.put_record("Account", {"AccountCD": "99999"})
    acumatica.archive_record("Account", archived)
    read = [
        {record["id"] for record in run.records("gl_accounts")}
        for run in (run_tap("gl_accounts", include_archived=on) for on in (False, True))
    ]
    acumatica.delete_record("Account", archived)
    assert read[1] - read[0] == {archived}


def test_the_branch_is_the_settings(run_tap: RunTap) -> None:
    assert run_tap("gl_accounts", branch="MAIN").exit_code == 0
    run = run_tap("gl_accounts", branch="MARS")
    assert run.exit_code == 1
    assert "MARS" in run.errors[0]
