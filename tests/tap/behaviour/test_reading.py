"""Windows, pages and bookmarks: what is read, and what a state promises."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from sandbox.acumatica.api.faults import Fault
from tap_acumatica.schema import Swagger
from tap_acumatica.tap import TapAcumatica

if TYPE_CHECKING:
    import pytest
    from sandbox.acumatica.control.admin_client import AcumaticaAdmin

    from tests.tap.conftest import Asked, RunTap


KEY = "LastModifiedDateTime"


def test_a_list_of_several_pages_is_read_with_an_overlap_and_looked_at_again(
    run_tap: RunTap, asked: Asked, acumatica: AcumaticaAdmin
) -> None:
    """Mistakes 1 and 3 of other clients: paging never sent, or with lost rows."""
    rows = acumatica.summary()["Customer"]["rows"]
    run = run_tap("customers", full_table=True, page_size=12)
    assert len({record["id"] for record in run.records("customers")}) == rows
    pages = asked("Customer")
    spans = [(page["$top"], page["$skip"]) for page in pages]
    once = [("12", "0"), ("12", "11"), ("12", "22")]
    assert spans == once * 2
    assert ["$expand" in page for page in pages] == [True] * 3 + [False] * 3


def test_each_stream_begins_with_its_first_page(run_tap: RunTap, asked: Asked) -> None:
    """Mistake 2 of other clients: a page counter that is not set back."""
    run_tap("customers", "vendors", full_table=True, page_size=12)
    for entity in ("Customer", "Vendor"):
        assert asked(entity)[0]["$skip"] == "0"


def test_a_long_history_is_read_in_windows_of_one_page(
    run_tap: RunTap, asked: Asked
) -> None:
    run = run_tap("bills", page_size=100)
    assert run.exit_code == 0
    pages = asked("Bill")
    # No long page has come through the filter yet when the first window ends.
    ends = [page for page in pages if page["$skip"] != "0"]
    assert len(ends) == 1
    assert "ge" not in ends[0]["$filter"]
    assert len(pages) < 30
    assert sum("ge" not in page.get("$filter", "") for page in pages) == 3
    assert "lt" not in pages[-1]["$filter"]


def test_a_bookmark_never_promises_more_than_was_written(run_tap: RunTap) -> None:
    """Mistake 4 of other clients: a bookmark that moves over unordered rows."""
    messages = run_tap("bills", page_size=100).messages
    changed = [
        datetime.fromisoformat(m["record"][KEY]) if m["type"] == "RECORD" else None
        for m in messages
    ]
    promised = 0
    for position, message in enumerate(messages):
        if message["type"] == "STATE" and "replication_key_value" in str(message):
            value = message["value"]["bookmarks"]["bills"]["replication_key_value"]
            bookmark = datetime.fromisoformat(value)
            later = [moment for moment in changed[position:] if moment]
            assert not later or min(later) >= bookmark
            promised += 1
    assert promised > 5


def test_a_broken_run_resumes_at_its_last_finished_window(
    run_tap: RunTap, acumatica: AcumaticaAdmin
) -> None:
    acumatica.add_fault(
        Fault(kind="html", path="LastModifiedDateTime ge datetimeoffset'2026")
    )
    broken = run_tap("bills", page_size=100)
    assert broken.exit_code == 1
    assert len(broken.errors) == 1
    assert broken.bookmark("bills") > datetime(2025, 6, 1, tzinfo=UTC)
    rest = run_tap("bills", state=broken.state, page_size=100)
    assert rest.exit_code == 0
    total = acumatica.summary()["Bill"]["rows"]
    assert len(rest.records("bills")) < total / 2
    read = {r["id"] for run in (broken, rest) for r in run.records("bills")}
    assert len(read) == total


def test_a_broken_first_window_leaves_the_bookmark_where_it_was(
    run_tap: RunTap, acumatica: AcumaticaAdmin
) -> None:
    acumatica.add_fault(Fault(kind="html", path="LastModifiedDateTime lt"))
    run = run_tap("bills", page_size=100)
    assert run.exit_code == 1
    assert "replication_key_value" not in json.dumps(run.state)


def test_rows_of_one_instant_are_read_however_many_they_are(
    run_tap: RunTap, asked: Asked, acumatica: AcumaticaAdmin
) -> None:
    """Mistake 5 of other clients: rows modified in the same instant."""
    moment = "2026-05-05T05:05:05.123456-04:00"
    for n in range(9):
        fields = {"CustomerID": f"BULK{n}", "CustomerName": "Bulk"}
        acumatica.put_record("Customer", fields, modified=moment)
    run = run_tap("customers", page_size=4)
    assert run.exit_code == 0
    names = [record["CustomerName"] for record in run.records("customers")]
    assert names.count("Bulk") == 9
    assert max(int(page["$skip"]) for page in asked("Customer")) > 4


def test_a_full_table_run_activates_its_version_once_at_the_end(
    run_tap: RunTap,
) -> None:
    run = run_tap("gl_accounts", full_table=True)
    kinds = [message["type"] for message in run.messages]
    assert kinds.count("ACTIVATE_VERSION") == 1
    last_record = max(n for n, kind in enumerate(kinds) if kind == "RECORD")
    assert kinds.index("ACTIVATE_VERSION") > last_record
    [activated] = run.of_type("ACTIVATE_VERSION")
    assert {record["version"] for record in run.of_type("RECORD")} == {
        activated["version"]
    }


def test_a_broken_full_table_run_activates_nothing(
    run_tap: RunTap, acumatica: AcumaticaAdmin
) -> None:
    acumatica.add_fault(Fault(kind="html", path="$skip=99"))
    run = run_tap("gl_accounts", full_table=True, page_size=100)
    assert run.exit_code == 1
    assert run.records("gl_accounts")
    assert not run.of_type("ACTIVATE_VERSION")


def test_activation_can_be_switched_off(run_tap: RunTap) -> None:
    run = run_tap("gl_accounts", full_table=True, emit_activate_version_messages=False)
    assert run.exit_code == 0
    assert not run.of_type("ACTIVATE_VERSION")


def test_an_incremental_run_activates_nothing(run_tap: RunTap) -> None:
    assert not run_tap("gl_accounts").of_type("ACTIVATE_VERSION")


def test_a_form_that_is_refused_stops_only_its_own_stream(
    run_tap: RunTap, acumatica: AcumaticaAdmin
) -> None:
    acumatica.change_settings(denied=["Check"])
    run = run_tap("ap_payments", "gl_accounts")
    assert run.exit_code == 1
    assert "insufficient rights" in run.errors[0]
    assert "AP302000" in run.errors[0]
    assert run.records("gl_accounts")
    assert "replication_key_value" not in str(run.state["bookmarks"].get("ap_payments"))
    assert "replication_key_value" in run.state["bookmarks"]["gl_accounts"]


def test_an_entity_without_the_field_is_read_in_full_by_itself(
    settings: dict[str, Any],
    acumatica: AcumaticaAdmin,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Mistake 19 of other clients: SalesInvoice filtered on a field that it lacks."""
    acumatica.change_settings(seats=50)
    instance = TapAcumatica(config=settings, setup_mapper=False).instance
    path = f"{instance.endpoint.path}/swagger.json"
    document = instance.client.get(path).body
    fields = document["components"]["schemas"]["SalesInvoice"]["allOf"][1]["properties"]
    del fields["LastModifiedDateTime"]
    instance.swagger = Swagger(document)
    shared = {"instance": instance}
    tap = type("OlderTap", (TapAcumatica,), shared)(config=settings)
    stream = tap.streams["sales_invoices"]
    assert stream.replication_method == "FULL_TABLE"
    assert tap.streams["bills"].replication_method == "INCREMENTAL"
    with caplog.at_level("INFO", logger="tap-acumatica"):
        rows = list(stream.get_records(None))
    assert len(rows) == acumatica.summary()["SalesInvoice"]["rows"]
    assert "SalesInvoice has no LastModifiedDateTime" in caplog.text
    assert all("$filter" not in r["query"] for r in acumatica.requests())
    assert instance.client.close()


def test_no_closed_window_reaches_into_what_can_still_become_visible(
    run_tap: RunTap, acumatica: AcumaticaAdmin, asked: Asked
) -> None:
    for n in range(8):
        new = {"CustomerID": f"NOW{n}", "CustomerName": "Now"}
        acumatica.put_record("Customer", new)
    run = run_tap("customers", page_size=3, lookback_seconds=600)
    assert run.exit_code == 0
    ends = [
        datetime.fromisoformat(page["$filter"].rpartition(" lt ")[2].split("'")[1])
        for page in asked("Customer")
        if " lt " in page.get("$filter", "")
    ]
    assert ends
    assert max(ends) <= datetime.now(UTC) - timedelta(seconds=600)


def test_the_bookmark_is_the_newest_value_and_never_moves_back(run_tap: RunTap) -> None:
    first = run_tap("gl_accounts")
    changed = [datetime.fromisoformat(r[KEY]) for r in first.records("gl_accounts")]
    assert first.bookmark("gl_accounts") == max(changed)
    later = max(changed) + timedelta(seconds=30)
    state = first.state
    state["bookmarks"]["gl_accounts"]["replication_key_value"] = later.isoformat()
    second = run_tap("gl_accounts", state=state)
    assert second.records("gl_accounts")
    assert second.bookmark("gl_accounts") == later
