"""The tap's command against an Acumatica server."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from sandbox.acumatica.api.faults import Fault

from tests.tap.conftest import ENTITIES, outcome

if TYPE_CHECKING:
    from pathlib import Path

    from sandbox.acumatica.control.admin_client import AcumaticaAdmin

    from tests.tap.conftest import Asked, RunTap


KEY = "LastModifiedDateTime"


def logouts(acumatica: AcumaticaAdmin) -> list[int]:
    return [r["status"] for r in acumatica.requests() if r["path"].endswith("/logout")]


def test_every_record_of_every_stream_arrives_once(
    run_tap: RunTap, acumatica: AcumaticaAdmin
) -> None:
    run = run_tap()
    assert run.exit_code == 0
    for message in run.of_type("SCHEMA"):
        assert message["key_properties"] == ["id"]
        assert message["bookmark_properties"] == [KEY]
    truth = acumatica.summary()
    for stream, entity in ENTITIES.items():
        ids = [record["id"] for record in run.records(stream)]
        assert len(ids) == len(set(ids)) == truth[entity]["rows"], stream


def test_amounts_arrive_exactly(run_tap: RunTap, acumatica: AcumaticaAdmin) -> None:
    records = run_tap("bills").records("bills")
    total = sum(Decimal(record["Amount"]) for record in records)
    assert str(total) == acumatica.summary()["Bill"]["amount"]


def test_a_second_run_reads_only_what_changed(
    run_tap: RunTap, acumatica: AcumaticaAdmin
) -> None:
    first = run_tap("customers")
    time = datetime.now(UTC) + timedelta(seconds=0)
    acumatica.put_record(
        "Customer", {"CustomerID": "NEW1", "CustomerName": "Neu & Söhne"}
    )
    second = run_tap("customers", state=first.state, lookback_seconds=0)
    names = {record["CustomerName"] for record in second.records("customers")}
    assert "Neu & Söhne" in names
    assert len(names) < 10
    assert second.bookmark("customers") >= time - timedelta(seconds=2)


def test_the_lookback_is_subtracted_once(
    run_tap: RunTap, asked: Asked, acumatica: AcumaticaAdmin
) -> None:
    first = run_tap("gl_accounts")
    acumatica.clear_requests()
    run_tap("gl_accounts", state=first.state, lookback_seconds=3600)
    [page] = asked("Account")
    literal = datetime.fromisoformat(page["$filter"].split("'")[1])
    expected = first.bookmark("gl_accounts") - timedelta(seconds=3600)
    assert abs(literal - expected) < timedelta(milliseconds=1)


def test_the_first_run_begins_at_the_start_date(run_tap: RunTap, asked: Asked) -> None:
    run = run_tap("bills", start_date="2026-06-01T00:00:00Z")
    assert run.exit_code == 0
    changed = [datetime.fromisoformat(r[KEY]) for r in run.records("bills")]
    assert changed
    assert min(changed) >= datetime(2026, 6, 1, tzinfo=UTC)
    filters = [page["$filter"] for page in asked("Bill") if "$filter" in page]
    # The first one proves that rows come back through a filter.
    assert "2026-06-01T00:00:00.000+00:00" in filters[1]


def test_the_start_is_logged_in_utc(run_tap: RunTap, asked: Asked) -> None:
    run = run_tap("gl_accounts", start_date="20260601T000000-0400")
    assert "modified at 2026-06-01T04:00:00+00:00 or later is read" in run.log
    filters = [query.get("$filter", "") for query in asked("Account")]
    assert "2026-06-01T04:00:00.000+00:00" in filters[-1]


@pytest.mark.parametrize("lookback", [0, 31_536_000])
@pytest.mark.parametrize("earliest", ["0001-01-01", "0001-01-01T00:00:00Z"])
def test_a_moment_before_all_data_reads_everything(
    run_tap: RunTap, acumatica: AcumaticaAdmin, earliest: str, lookback: int
) -> None:
    """Also in pages that do not hold everything."""
    bookmark = {"replication_key": KEY, "replication_key_value": earliest}
    state = {"bookmarks": {"gl_accounts": bookmark}}
    for given in ({"start_date": earliest}, {"state": state}):
        run = run_tap("gl_accounts", page_size=40, lookback_seconds=lookback, **given)
        assert run.exit_code == 0, run.log
        ids = {record["id"] for record in run.records("gl_accounts")}
        assert len(ids) == acumatica.summary()["Account"]["rows"]
        assert run.bookmark("gl_accounts").year > 2000


def test_lines_and_linked_objects_arrive(run_tap: RunTap) -> None:
    """Mistake 11 of other clients: nothing nested arrives without `$expand`."""
    run = run_tap("bills", "vendors")
    assert any(record["Details"] for record in run.records("bills"))
    assert all("id" not in line for r in run.records("bills") for line in r["Details"])
    assert any(r["MainContact"]["Address"]["City"] for r in run.records("vendors"))


def test_business_dates_keep_their_day_and_offset(run_tap: RunTap) -> None:
    """Mistake 17 of other clients: dates that a time zone moves to another day."""
    dates = {
        record["Date"]
        for record in run_tap("purchase_orders").records("purchase_orders")
    }
    assert all(date[10:19] == "T00:00:00" and date[19] in "+-" for date in dates)


def test_an_unchanged_record_is_the_same_in_each_session(run_tap: RunTap) -> None:
    """Mistake 8 of other clients: lines carry ids that change with the session."""
    assert run_tap("bills").records("bills") == run_tap("bills").records("bills")


def test_time_extracted_lies_before_the_page_was_answered(run_tap: RunTap) -> None:
    before = datetime.now(UTC)
    messages = run_tap("bills", page_size=100).of_type("RECORD")
    times = [datetime.fromisoformat(message["time_extracted"]) for message in messages]
    assert before <= times[0]
    assert times == sorted(times)
    assert 1 < len(set(times)) < 30


@pytest.mark.parametrize(
    "fault",
    [
        Fault(kind="status", status=429, path="/Account?"),
        Fault(kind="status", status=500, path="/Account?"),
        Fault(kind="status", status=503, path="/Account?"),
        Fault(kind="drop", path="/Account?"),
    ],
    ids=["429", "500", "503", "dropped"],
)
def test_a_passing_failure_is_asked_again(
    run_tap: RunTap, acumatica: AcumaticaAdmin, fault: Fault
) -> None:
    acumatica.add_fault(fault)
    run = run_tap("gl_accounts")
    assert run.exit_code == 0
    assert len(run.records("gl_accounts")) == acumatica.summary()["Account"]["rows"]
    assert "Attempt 1 of 8" in run.log


def test_a_token_that_ends_in_mid_stream_is_renewed(
    run_tap: RunTap, acumatica: AcumaticaAdmin
) -> None:
    """Mistake 14 of other clients: the end of a token kills the run."""
    acumatica.add_fault(Fault(kind="expire", path="/Bill?$top=500&$skip=0&$expand"))
    run = run_tap("bills")
    assert run.exit_code == 0
    assert [r["status"] for r in acumatica.requests()].count(401) == 1
    assert len(run.records("bills")) == acumatica.summary()["Bill"]["rows"]


def test_the_seat_is_given_back_exactly_once(
    run_tap: RunTap, acumatica: AcumaticaAdmin
) -> None:
    """Mistake 12 of other clients: a logout per page, never, or without length."""
    run_tap("gl_accounts", "customers", page_size=100)
    assert logouts(acumatica) == [204, 204]  # of the discovery and of the run


def test_the_seat_is_given_back_after_an_error(
    run_tap: RunTap, acumatica: AcumaticaAdmin
) -> None:
    acumatica.add_fault(Fault(kind="html", path="/Customer?"))
    assert run_tap("gl_accounts", "customers").exit_code == 1
    assert logouts(acumatica) == [204, 204]  # of the discovery and of the run


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"instance_url": None}, "Settings are missing: instance_url; set them."),
        ({"instance_url": "erp.example.com"}, "_url' is no address"),
        ({"instance_url": "http://erp.example.com"}, "use https://"),
        ({"instance_url": "https://[erp.example.com"}, "_url' is no address"),
        ({"instance_url": "https://erp.example.com/?a=1"}, "_url' is no address"),
        ({"instance_url": "https://erp..example.com"}, "_url' is no address"),
        ({"instance_url": f"https://{'e' * 64}.com"}, "_url' is no address"),
        ({"instance_url": "https:/me:pw@erp.example.com"}, "_url' is no address"),
        ({"instance_url": "https//me:pw@[erp"}, "_url' is no address"),
        (
            {"instance_url": "https://me:pw@erp.example.com"},
            "holds a user or a password",
        ),
        ({"instance_url": "ftp://me:pw@erp.example.com"}, "holds a user or a password"),
        ({"password": 98765432}, "password must be a text"),
        ({"instance_url": "http://127.0.0.1:9"}, "Cannot reach http://127.0.0.1:9"),
        ({"endpoint_version": None}, "this instance serves Default/20.200.001, "),
        ({"endpoint_version": "19.1"}, "Default/19.1 is not served"),
        ({"endpoint_name": "Finance"}, "Finance/24.200.001 is not served"),
        ({"username": "nobody"}, "Check username and password"),
        ({"password": "wrong"}, "Check username and password"),
        ({"client_secret": "wrong"}, "Check client_id and client_secret"),
        ({"client_id": ""}, "these settings are missing: client_id"),
        ({"page_size": 0}, "page_size"),
        ({"start_date": "yesterday"}, "start_date"),
        ({"start_date": "2026-06-01T00:00:00"}, "quote it in meltano.yml"),
        ({"branch": "Zürich€"}, "Setting 'branch' cannot be sent"),
        ({"branch": "MA\nIN"}, "Setting 'branch' cannot be sent"),
        ({"branch": " MAIN"}, "Setting 'branch' cannot be sent"),
        ({"lookback_seconds": 10**11}, "lookback_seconds"),
        ({"requests_per_minute": 10**19}, "requests_per_minute"),
    ],
    ids=str,
)
def test_bad_settings_end_with_one_sentence(
    run_tap: RunTap,
    monkeypatch: pytest.MonkeyPatch,
    changes: dict[str, Any],
    sentence: str,
) -> None:
    monkeypatch.setenv("LOGLEVEL", "ERROR")
    run = run_tap(**changes)
    assert run.exit_code == 1
    assert len(run.errors) == 1
    assert sentence in run.errors[0]
    assert run.messages == []
    assert "Traceback" not in run.log
    assert "98765432" not in run.log
    assert ":pw@" not in run.log


@pytest.mark.parametrize(
    ("option", "content"),
    [
        ("--config", "[1]"),
        ("--config", '"x"'),
        ("--catalog", "[]"),
        ("--state", "[]"),
        ("--state", '{"bookmarks": 5}'),
        ("--state", '{"bookmarks": {"bills": "2026-01-01"}}'),
        ("--state", '{"bookmarks": {"gone": null}}'),
    ],
)
def test_a_file_that_holds_something_else_ends_with_a_sentence(
    tmp_path: Path, settings: dict[str, Any], option: str, content: str
) -> None:
    config, odd = tmp_path / "config.json", tmp_path / "odd.json"
    config.write_text(json.dumps(settings))
    odd.write_text(content)
    run = outcome("--config", str(config), option, str(odd))
    assert run.exit_code == 1
    assert "no JSON object" in run.errors[0]
    assert "Traceback" not in run.log


@pytest.mark.parametrize(
    "content",
    [
        '{"streams": "x"}',
        '{"streams": [{"stream": "bills"}]}',
        '{"streams": [{"tap_stream_id": "bills", "metadata": [{}]}]}',
        '{"streams": [{"tap_stream_id": "bills", "schema": 5}]}',
    ],
)
def test_a_catalog_of_another_make_ends_with_a_sentence(
    tmp_path: Path, settings: dict[str, Any], content: str
) -> None:
    config, catalog = tmp_path / "config.json", tmp_path / "catalog.json"
    config.write_text(json.dumps(settings))
    catalog.write_text(content)
    run = outcome("--config", str(config), "--catalog", str(catalog))
    assert run.exit_code == 1
    [error] = run.errors
    assert error.startswith("The catalog is not made as Singer's are (")
    assert "Traceback" not in run.log


def test_a_folder_is_no_file_of_settings(tmp_path: Path) -> None:
    run = outcome("--config", str(tmp_path))
    assert run.exit_code == 1
    assert f"The file of settings {tmp_path} cannot be read" in run.errors[0]
    assert "Traceback" not in run.log


@pytest.mark.parametrize(
    ("variable", "text", "ends_well"),
    [
        ("PAGE_SIZE", "", True),
        ("PAGE_SIZE", "six", False),
        ("ENTITIES", "Ledger", False),
        ("INCLUDE_ARCHIVED", "ja", False),
        ("FLATTENING_ENABLED", "x", False),
    ],
)
def test_environment_variables_are_settings(
    settings: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
    variable: str,
    text: str,
    *,
    ends_well: bool,
) -> None:
    for name, value in settings.items():
        monkeypatch.setenv(f"TAP_ACUMATICA_{name.upper()}", value)
    monkeypatch.setenv(f"TAP_ACUMATICA_{variable}", text)
    run = outcome("--config=ENV", "--discover")
    assert (run.exit_code == 0) is ends_well
    assert "Traceback" not in run.log
    assert ends_well or f"TAP_ACUMATICA_{variable} does not hold" in run.errors[0]


def test_secrets_never_reach_the_log(
    run_tap: RunTap, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOGLEVEL", "DEBUG")
    run = run_tap("gl_accounts", password="wrong-but-secret")
    assert run.exit_code == 1
    assert "wrong-but-secret" not in run.log
    assert "sandbox-client-secret" not in run.log
    assert "Traceback" not in run.log


def test_a_wrong_password_is_sent_once(
    run_tap: RunTap, acumatica: AcumaticaAdmin
) -> None:
    run_tap(password="wrong")
    tokens = [r for r in acumatica.requests() if r["path"].endswith("/connect/token")]
    assert len(tokens) == 1


def test_a_field_that_is_newer_than_the_catalog_is_described_and_read(
    tmp_path: Path, settings: dict[str, Any], acumatica: AcumaticaAdmin
) -> None:
    del acumatica  # it watches over the seats
    config, catalog = tmp_path / "config.json", tmp_path / "catalog.json"
    config.write_text(json.dumps(settings))
    [discovered] = outcome("--config", str(config), "--discover").messages
    for entry in discovered["streams"]:
        entry["metadata"][-1]["metadata"]["selected"] = entry["stream"] == "customers"
        if entry["stream"] == "customers":
            del entry["schema"]["properties"]["CustomerName"]
    catalog.write_text(json.dumps(discovered))
    run = outcome("--config", str(config), "--catalog", str(catalog))
    assert run.exit_code == 0
    [schema] = run.of_type("SCHEMA")
    assert "CustomerName" in schema["schema"]["properties"]
    assert all("CustomerName" in record for record in run.records("customers"))


@pytest.mark.parametrize("option", ["--config", "--catalog", "--state"])
@pytest.mark.parametrize("content", [b"{ no json", b"\xff\xfe", None])
def test_a_file_that_cannot_be_read_ends_with_a_sentence(
    tmp_path: Path,
    settings: dict[str, Any],
    acumatica: AcumaticaAdmin,
    option: str,
    content: bytes | None,
) -> None:
    del acumatica  # as above
    config, broken = tmp_path / "config.json", tmp_path / "broken.json"
    config.write_text(json.dumps(settings))
    if content:
        broken.write_bytes(content)
    run = outcome("--config", str(config), option, str(broken))
    assert run.exit_code != 0
    assert run.messages == []
    assert "Traceback" not in run.log
