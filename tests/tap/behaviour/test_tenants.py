"""Every tenant differs: versions, builds, endpoints, entities, and entities."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest
from sandbox.config import tap_settings
from tap_acumatica.errors import SettingError
from tap_acumatica.stream_specs import specs

from tests.tap.conftest import ENTITIES, outcome

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from sandbox.acumatica.control.admin_client import AcumaticaAdmin

    from sandbox import processes
    from tests.tap.conftest import Asked, Run, RunTap

    Select = Callable[..., Run]

OLD, NEW = "24.200.001", "26.200.001"
USR = ["Document.UsrApprovalCode", "Document.UsrCustomsDuty", "Document.UsrDisputed"]


# Versions.


@pytest.mark.parametrize("build", ["20.208.0038", "22.208.0020", "25.208.0001"])
def test_an_old_build_is_read_like_any_other(
    run_tap: RunTap, acumatica: AcumaticaAdmin, build: str
) -> None:
    """Mistake 10 of other clients: they see no streams in the other Swagger."""
    version = f"{build[:2]}.200.001"
    acumatica.change_settings(build=build, old_build=True)
    streams = ("vendors", "ap_payments", "gl_accounts")
    run = run_tap(*streams, endpoint_version=version)
    assert run.exit_code == 0
    rows = acumatica.summary()
    for stream in streams:
        assert len(run.records(stream)) == rows[ENTITIES[stream]]["rows"]
    assert {type(record["note"]) for record in run.records("vendors")} == {str}


def test_a_version_that_a_build_does_not_serve_is_named_with_those_that_it_does(
    run_tap: RunTap, acumatica: AcumaticaAdmin
) -> None:
    acumatica.change_settings(build="22.208.0020")
    run = run_tap(endpoint_version=OLD)
    assert run.exit_code == 1
    [error] = run.errors
    assert f"Default/{OLD} is not served" in error
    assert "serves Default/20.200.001, Default/22.200.001. Set" in error


def test_sales_invoices_before_23_200_are_read_in_full(
    run_tap: RunTap, acumatica: AcumaticaAdmin, asked: Asked
) -> None:
    """Mistake 19 of other clients: a filter on a field that the entity lacks."""
    run = run_tap("sales_invoices", endpoint_version="22.200.001")
    assert run.exit_code == 0
    assert "SalesInvoice has no LastModifiedDateTime in this endpoint" in run.log
    assert all("$filter" not in page for page in asked("SalesInvoice"))
    rows = acumatica.summary()["SalesInvoice"]["rows"]
    assert len({r["id"] for r in run.records("sales_invoices")}) == rows
    activated = run.of_type("ACTIVATE_VERSION")
    assert [message["stream"] for message in activated] == ["sales_invoices"]


def read(settings: dict[str, Any], folder: Path, version: str) -> Run:
    config = folder / f"{version}.json"
    config.write_text(json.dumps({**settings, "endpoint_version": version}))
    return outcome("--config", str(config))


SMALL_WINDOWS: dict[str, Any] = {"start_date": "2026-05-20T00:00:00Z", "page_size": 20}


@pytest.fixture(scope="module")
def recent(tmp_path_factory: pytest.TempPathFactory, server: processes.Server) -> Run:
    """What has changed lately, read once for all versions."""
    settings = tap_settings(server.url) | SMALL_WINDOWS
    return read(settings, tmp_path_factory.mktemp("recent"), OLD)


def flat(record: dict[str, Any]) -> dict[str, Any]:
    return {n: v for n, v in record.items() if not isinstance(v, (dict, list))}


@pytest.mark.parametrize(
    "version", ["20.200.001", "22.200.001", "23.200.001", "25.200.001"]
)
def test_each_version_gives_all_streams(
    run_tap: RunTap, recent: Run, version: str
) -> None:
    run = run_tap(endpoint_version=version, **SMALL_WINDOWS)
    assert run.exit_code == 0, run.log
    schemas = {m["stream"]: m["schema"]["properties"] for m in run.of_type("SCHEMA")}
    assert schemas.keys() == ENTITIES.keys()
    in_full = {"sales_invoices"} if version < "23.200.001" else set()
    for stream in ENTITIES:
        found = {record["id"]: flat(record) for record in run.records(stream)}
        wanted = {record["id"]: flat(record) for record in recent.records(stream)}
        assert wanted
        assert wanted.keys() <= found.keys()
        assert wanted.keys() == found.keys() or stream in in_full
        for id_, record in wanted.items():
            common = record.keys() & found[id_].keys()
            assert 2 * len(common) > len(record), stream
            assert all(found[id_][name] == record[name] for name in common), stream


def columns(run: Run) -> dict[str, dict[str, Any]]:
    """Return the schema of each column of each stream, at all levels, by path."""

    def below(schema: dict[str, Any], where: str) -> Iterator[tuple[str, Any]]:
        for name, kind in schema.get("properties", {}).items():
            path = f"{where}/{name}"
            yield path, {n: kind.get(n) for n in ("type", "format")}
            yield from below(kind.get("items", kind), path)

    return {
        path: kind
        for message in run.of_type("SCHEMA")
        for path, kind in below(message["schema"], message["stream"])
    }


CONTACTS = [
    *(f"vendors/{c}Contact" for c in ("Main", "Primary", "Remittance", "Shipping")),
    *(f"customers/{c}Contact" for c in ("Main", "Primary", "Billing", "Shipping")),
]
ADDRESSES = [
    *(f"{contact}/Address" for contact in CONTACTS),
    "purchase_orders/ShippingInstructions/ShipToAddress",
    "sales_invoices/BillingSettings/BillToAddress",
    "sales_invoices/BillToAddress",
    "sales_invoices/ShipToAddress",
]
IN_CONTACTS = [
    "AssignDate",
    "CreatedByID",
    "CreatedDateTime",
    "ExtUserRole",
    "LastModifiedByID",
    "OverrideSalesTerritory",
    "SalesTerritoryID",
]
IN_ADDRESSES = [
    "BuildingName",
    "BuildingNumber",
    "Department",
    "DistrictName",
    "Floor",
    "PostBox",
    "Room",
    "StreetName",
    "SubDepartment",
    "TownLocationName",
    "UnitNumber",
]
ADDED = {
    "customers/LegalName",
    "customers/Contacts/ExtUserRole",
    "vendors/Contacts/ExtUserRole",
    *(f"{contact}/{name}" for contact in CONTACTS for name in IN_CONTACTS),
    *(f"{address}/{name}" for address in ADDRESSES for name in IN_ADDRESSES),
    # The two addresses that 24.200.001 has brought have had it from the beginning.
    *(f"{address}/AddressLine3" for address in ADDRESSES[:-2]),
}
REMOVED = {
    "ar_invoices/Details/Subitem",
    "purchase_orders/Details/Subitem",
    "sales_invoices/ApplicationsInvoice/DocumentType",
    "sales_invoices/Details/Subitem",
    "sales_invoices/LastModifiedDate",
    "vendors/VendorIsLaborUnion",
}
"""What Acumatica has added and removed between 24.200.001 and 26.200.001."""


WITH_IDS = {
    "vendors": 9,
    "bills": 6,
    "purchase_orders": 5,
    "ap_payments": 4,
    "gl_accounts": 1,
    "journal_transactions": 1,
    "sales_invoices": 10,
    "ar_invoices": 7,
    "customers": 9,
}
"""Drop-downs of each stream, whose ids stand in further columns in 26.200.001."""
DATED = {
    "bills": 2,
    "ap_payments": 1,
    "journal_transactions": 1,
    "ar_invoices": 3,
    "customers": 1,
}
"""Columns of each stream that are dates in 26.200.001, and moments in 24.200.001."""


def by_stream(paths: set[str]) -> dict[str, int]:
    return dict(Counter(path.partition("/")[0] for path in paths))


def test_contracts_4_and_5_have_the_same_columns(contracts: tuple[Run, Run]) -> None:
    old, new = map(columns, contracts)
    ids = {path for path in new.keys() - old.keys() - ADDED if path.endswith("_id")}
    assert {path.removesuffix("_id") for path in ids} < new.keys()
    assert new.keys() - old.keys() - ids == ADDED
    assert old.keys() - new.keys() == REMOVED
    changed = {path for path in old.keys() & new.keys() if old[path] != new[path]}
    assert {(old[p]["format"], new[p]["format"]) for p in changed} == {
        ("date-time", "date")
    }
    assert all(old[path]["type"] == new[path]["type"] for path in changed)
    assert by_stream(ids) == WITH_IDS
    assert by_stream(changed) == DATED


def business_date(value: str | None) -> str | None:
    return value and value[:10]


def agreeing(old: Any, new: Any, schema: dict[str, Any], where: str) -> Iterator[str]:
    """Yield the fields that both contracts have, after comparing their values."""
    for name, kind in schema["properties"].items():
        path = f"{where}/{name}"
        if path in ADDED or name.endswith("_id"):
            continue
        assert name in old, path
        assert name in new, path
        if isinstance(old[name], list):
            assert len(old[name]) == len(new[name]), path
            for one, other in zip(old[name], new[name], strict=True):
                yield from agreeing(one, other, kind["items"], path)
        elif isinstance(old[name], dict) and "properties" in kind:
            yield from agreeing(old[name], new[name], kind, path)
        elif kind.get("format") == "date":
            assert business_date(old[name]) == new[name], path
            yield path
        else:
            assert old[name] == new[name], path
            yield path


@pytest.fixture(scope="module")
def contracts(
    tmp_path_factory: pytest.TempPathFactory, server: processes.Server
) -> tuple[Run, Run]:
    """Everything in both contracts, read once for all streams."""
    folder, settings = tmp_path_factory.mktemp("contracts"), tap_settings(server.url)
    old, new = (read(settings, folder, version) for version in (OLD, NEW))
    assert (old.exit_code, new.exit_code) == (0, 0)
    return old, new


@pytest.mark.parametrize("stream", ENTITIES)
def test_contracts_4_and_5_agree_record_by_record(
    contracts: tuple[Run, Run], stream: str
) -> None:
    """Mistake 18 of other clients: 26.200.001's drop-downs and dates."""
    old, new = contracts
    [described] = [m["schema"] for m in new.of_type("SCHEMA") if m["stream"] == stream]
    was = {record["id"]: record for record in old.records(stream)}
    now = {record["id"]: record for record in new.records(stream)}
    assert was.keys() == now.keys()
    compared = {
        path
        for id_, record in was.items()
        for path in agreeing(record, now[id_], described, stream)
    }
    assert len(compared) > 15
    choices = {name for name in described["properties"] if name.endswith("_id")}
    assert all(choices <= record.keys() for record in now.values())


def test_a_drop_down_has_its_description_and_its_id(run_tap: RunTap) -> None:
    run = run_tap("bills", endpoint_version=NEW)
    pairs = {(r["Type"], r["Type_id"]) for r in run.records("bills")}
    assert ("Bill", "INV") in pairs
    [schema] = run.of_type("SCHEMA")
    assert schema["schema"]["properties"]["Date"]["format"] == "date"
    assert {"Type", "Type_id"} <= schema["schema"]["properties"].keys()


def test_the_contract_version_can_be_set(run_tap: RunTap) -> None:
    run = run_tap(
        "gl_accounts",
        endpoint_version=NEW,
        contract_version=4,
        start_date="2026-01-01T00:00:00Z",
    )
    assert run.exit_code == 1
    assert "datetimeoffset" in run.errors[0]


# Addresses and endpoints.


def test_an_instance_below_a_path(
    run_tap: RunTap, acumatica: AcumaticaAdmin, settings: dict[str, Any]
) -> None:
    acumatica.change_settings(site_path="/Finance")
    below = f"{settings['instance_url']}/Finance/"
    run = run_tap("gl_accounts", instance_url=below)
    assert run.exit_code == 0
    assert len(run.records("gl_accounts")) == acumatica.summary()["Account"]["rows"]
    assert run_tap().exit_code == 1


@pytest.mark.parametrize("version", ["1.0.0", "2.0.0"])
def test_a_custom_endpoint_with_names_of_its_own(
    run_tap: RunTap, acumatica: AcumaticaAdmin, asked: Asked, version: str
) -> None:
    suppliers = {"entity": "Supplier", "replication_key": "ModifiedOn"}
    run = run_tap(
        "supplier",
        endpoint_name="Finance",
        endpoint_version=version,
        entities=[suppliers],
        page_size=10,
    )
    assert run.exit_code == 0, run.log
    assert f"Endpoint Finance/{version} has no Vendor, " in run.log
    read = {record["id"] for record in run.records("supplier")}
    assert len(read) == acumatica.summary()["Vendor"]["rows"]
    assert "ModifiedOn ge " in asked("Supplier")[-1]["$filter"]
    assert run.state["bookmarks"]["supplier"]["replication_key"] == "ModifiedOn"


def test_an_entity_is_named_in_the_settings(
    run_tap: RunTap, acumatica: AcumaticaAdmin
) -> None:
    entities = [
        {"entity": "Ledger"},
        {"entity": "Contact", "stream": "people", "expand": ["Address"]},
        {"entity": "Bill", "stream": "bills", "expand": []},
    ]
    run = run_tap("ledger", "people", "bills", entities=entities)
    assert run.exit_code == 0
    assert len(run.records("ledger")) == len(acumatica.records("Ledger"))
    assert all("Address" in record for record in run.records("people"))
    assert "Details" not in run.records("bills")[0]
    keys = {m["stream"]: m["key_properties"] for m in run.of_type("SCHEMA")}
    assert keys["ledger"] == ["id"]
    assert len(keys) == 3


def test_an_entity_that_does_not_say_when_it_was_modified_is_read_in_full(
    run_tap: RunTap, acumatica: AcumaticaAdmin
) -> None:
    run = run_tap(entities=[{"entity": "Subaccount"}], start_date="2026-09-01")
    assert "Subaccount has no LastModifiedDateTime" in run.log
    assert len(run.records("subaccount")) == len(acumatica.records("Subaccount"))


@pytest.mark.parametrize(
    ("entity", "sentence"),
    [
        ({"entity": "Unicorn"}, "names Unicorn, which endpoint Default/24.200.001"),
        ({"entity": "Address"}, "names Address, which"),
        ({"entity": "Bill", "expand": ["Horn"]}, "expands Horn, which Bill does not"),
        ({"entity": "Bill", "replication_key": "Vendor"}, "no date-time field"),
        ({"entity": "Bill", "key": ["Details"]}, "names Details in the key of Bill"),
        ({"stream": "bills"}, "entity"),
        ({"entity": "Bill", "colour": "red"}, "colour"),
    ],
    ids=str,
)
def test_an_entity_that_cannot_be_read_ends_with_a_sentence(
    run_tap: RunTap,
    monkeypatch: pytest.MonkeyPatch,
    entity: dict[str, Any],
    sentence: str,
) -> None:
    monkeypatch.setenv("LOGLEVEL", "ERROR")
    run = run_tap(entities=[entity])
    assert run.exit_code == 1
    assert len(run.errors) == 1
    assert sentence in run.errors[0]
    assert run.messages == []


def test_what_a_nested_path_hangs_from_is_expanded_too() -> None:
    [spec] = [
        spec
        for spec in specs([{"entity": "Vendor", "expand": ["MainContact/Address"]}])
        if spec.is_setting
    ]
    assert spec.expand == ("MainContact", "MainContact/Address")


def test_two_entities_cannot_make_one_stream() -> None:
    entities = [{"entity": name, "stream": "x"} for name in ("Ledger", "Contact")]
    with pytest.raises(SettingError, match="one stream x of Ledger and Contact"):
        specs(entities)


def test_a_catalog_of_a_newer_endpoint_does_not_make_a_stream_incremental(
    tmp_path: Path, acumatica: AcumaticaAdmin, settings: dict[str, Any]
) -> None:
    """Mistake 19 of other clients, by way of the catalog."""
    config, catalog = tmp_path / "config.json", tmp_path / "catalog.json"
    config.write_text(json.dumps(settings))
    [discovered] = outcome("--config", str(config), "--discover").messages
    for entry in discovered["streams"]:
        chosen = entry["stream"] == "sales_invoices"
        entry["metadata"][-1]["metadata"]["selected"] = chosen
    catalog.write_text(json.dumps(discovered))
    older = {"endpoint_version": "22.200.001", "start_date": "2026-01-01"}
    config.write_text(json.dumps(settings | older))
    run = outcome("--config", str(config), "--catalog", str(catalog))
    assert run.exit_code == 0, run.log
    assert "SalesInvoice has no LastModifiedDateTime in this endpoint" in run.log
    assert len(run.of_type("ACTIVATE_VERSION")) == 1
    rows = acumatica.summary()["SalesInvoice"]["rows"]
    assert len(run.records("sales_invoices")) == rows


def test_a_catalog_of_an_older_endpoint_is_told_to_name_no_key(
    tmp_path: Path, run_tap: RunTap, settings: dict[str, Any]
) -> None:
    """The endpoint has the field by now."""
    run_tap("sales_invoices", endpoint_version="22.200.001")
    config, catalog = tmp_path / "config.json", tmp_path / "catalog.json"
    config.write_text(json.dumps(settings))
    run = outcome("--config", str(config), "--catalog", str(catalog))
    assert run.exit_code == 0, run.log
    assert "The catalog names no replication key for sales_invoices" in run.log
    assert "SalesInvoice has no LastModifiedDateTime" not in run.log
