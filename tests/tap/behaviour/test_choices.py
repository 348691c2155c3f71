"""What is asked for: what the catalog selects, and what settings add."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.tap.conftest import NEW, OLD, USR, again, change_config, outcome, stored

if TYPE_CHECKING:
    from pathlib import Path

    from sandbox.acumatica.control.admin_client import AcumaticaAdmin

    from tests.tap.conftest import Asked, Run, RunTap, Select


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
