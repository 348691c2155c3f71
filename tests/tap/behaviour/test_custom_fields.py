"""Custom fields: found, asked for, typed, and missed where a catalog has them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from sandbox.acumatica.api.faults import Fault

from tests.tap.conftest import NEW, OLD, USR, again, change_config

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from sandbox.acumatica.control.admin_client import AcumaticaAdmin

    from tests.tap.conftest import Asked, Run, RunTap, Select

    Twice = Callable[..., tuple[Run, Run]]


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
