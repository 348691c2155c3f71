from __future__ import annotations

import subprocess
import sys
import time
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest
import requests
from sandbox.acumatica.api.faults import Fault
from sandbox.acumatica.control.admin_client import AcumaticaAdmin
from sandbox.acumatica.model.endpoints import READABLE
from sandbox.processes import SandboxError

from sandbox import processes

if TYPE_CHECKING:
    from pathlib import Path

    from tests.sandbox.conftest import AcumaticaClient

NOTHING_THERE = "http://127.0.0.1:9"


def sandbox(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603 - our own module
        [sys.executable, "-m", "sandbox.cli", *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_mutations_add_and_change_in_every_entity(
    acumatica: AcumaticaClient, admin: AcumaticaAdmin
) -> None:
    before = admin.summary()
    start = datetime.now(UTC).isoformat(timespec="milliseconds")
    counts = admin.mutate()
    after = admin.summary()
    assert set(counts) == set(READABLE)
    literal = f"datetimeoffset'{start}'"
    for entity, count in counts.items():
        assert count["added"] > 0
        assert count["changed"] > 0
        assert after[entity]["rows"] - before[entity]["rows"] == count["added"]
        rows = acumatica.rows(entity, filter=f"LastModifiedDateTime ge {literal}")
        assert len(rows) == count["added"] + count["changed"]


def test_mutations_delete_only_when_asked(admin: AcumaticaAdmin) -> None:
    before = admin.summary()
    counts = admin.mutate(2, deletes=True)
    after = admin.summary()
    assert counts["Bill"]["deleted"] == 2
    for entity, count in counts.items():
        grown = after[entity]["rows"] - before[entity]["rows"]
        assert grown == count["added"] - count["deleted"]
    assert not any(count["deleted"] for count in admin.mutate().values())


def test_the_summary_is_what_the_records_add_up_to(
    acumatica: AcumaticaClient, admin: AcumaticaAdmin
) -> None:
    summary = admin.summary()
    for entity in ("Bill", "PurchaseOrder", "Check", "SalesInvoice", "Invoice"):
        field = summary[entity]["amount_field"]
        rows = acumatica.get(entity).json(parse_float=Decimal)
        total = sum(row[field]["value"] for row in rows if row[field])
        assert Decimal(summary[entity]["amount"] or "") == total
        assert summary[entity]["rows"] == len(rows)
    batches = acumatica.get("JournalTransaction", expand="Details")
    lines = [
        line["DebitAmount"]["value"]
        for batch in batches.json(parse_float=Decimal)
        for line in batch["Details"]
    ]
    assert Decimal(summary["JournalTransaction"]["amount"] or "") == sum(lines)
    assert summary["Vendor"]["amount"] is None


@pytest.mark.parametrize("status", [429, 500, 502, 503])
def test_a_fault_answers_with_a_status_as_often_as_asked(
    acumatica: AcumaticaClient, admin: AcumaticaAdmin, status: int
) -> None:
    admin.add_fault(Fault("status", count=2, status=status, retry_after="7"))
    for _ in range(2):
        answer = acumatica.get("Vendor", top=1)
        assert answer.status_code == status
        assert answer.headers["retry-after"] == "7"
    assert acumatica.get("Vendor", top=1).status_code == 200


def test_a_fault_hits_the_requests_that_it_names(
    acumatica: AcumaticaClient, admin: AcumaticaAdmin
) -> None:
    admin.add_fault(Fault("status", path="/Bill?$top=1"))
    assert acumatica.get("Vendor", top=1).status_code == 200
    assert acumatica.get("Bill", top=1).status_code == 503


def test_a_fault_drops_the_connection(
    acumatica: AcumaticaClient, admin: AcumaticaAdmin
) -> None:
    admin.add_fault(Fault("drop"))
    with pytest.raises(requests.ConnectionError):
        acumatica.get("Vendor", top=1)
    assert admin.requests()[-1]["status"] == 0
    assert acumatica.get("Vendor", top=1).status_code == 200


def test_faults_answer_slowly_with_pages_and_with_nothing(
    acumatica: AcumaticaClient, admin: AcumaticaAdmin
) -> None:
    admin.add_fault(Fault("html"))
    admin.add_fault(Fault("empty"))
    admin.add_fault(Fault("slow", seconds=0.5))
    page = acumatica.get("Vendor", top=1)
    assert (page.status_code, page.text[:5]) == (200, "<!DOC")
    assert acumatica.get("Vendor", top=1).content == b""
    start = time.monotonic()
    assert acumatica.rows("Vendor", top=1)
    assert time.monotonic() - start > 0.5


def test_a_fault_ends_a_token(
    acumatica: AcumaticaClient, admin: AcumaticaAdmin
) -> None:
    assert acumatica.rows("Vendor", top=1)
    admin.add_fault(Fault("expire"))
    assert acumatica.get("Vendor", top=1).status_code == 401
    assert acumatica.get("Vendor", top=1).status_code == 401
    acumatica.sign_in()
    assert acumatica.rows("Vendor", top=1)


def test_a_fault_ignores_a_parameter(
    acumatica: AcumaticaClient, admin: AcumaticaAdmin
) -> None:
    def listed(**parameters: int) -> list[str]:
        rows = acumatica.rows("Account", select="AccountCD", **parameters)
        return [row["AccountCD"]["value"].rstrip() for row in rows]

    every = listed()
    admin.add_fault(Fault("ignore_skip"))
    assert listed(top=5, skip=10) == every[:5]
    admin.add_fault(Fault("ignore_top"))
    assert listed(top=5, skip=10) == every[10:]
    assert listed(top=5, skip=10) == every[10:15]
    assert "skip=10" in admin.requests()[-2]["query"]


def test_faults_can_be_called_off(
    acumatica: AcumaticaClient, admin: AcumaticaAdmin
) -> None:
    admin.add_fault(Fault("status", count=100))
    admin.clear_faults()
    assert acumatica.rows("Vendor", top=1)


def test_the_log_says_what_was_sent(
    acumatica: AcumaticaClient, admin: AcumaticaAdmin
) -> None:
    acumatica.send("GET", "/entity/Default/24.200.001/Bill?$top=1&$select=Nonsense")
    acumatica.sign_out()
    assert admin.requests() == [
        {
            "method": "POST",
            "path": "/identity/connect/token",
            "query": "",
            "status": 200,
        },
        {
            "method": "GET",
            "path": "/entity/Default/24.200.001/Bill",
            "query": "$top=1&$select=Nonsense",
            "status": 500,
        },
        {
            "method": "POST",
            "path": "/entity/auth/logout",
            "query": "",
            "status": 204,
        },
    ]


def test_a_record_is_put_and_replaced(
    acumatica: AcumaticaClient, admin: AcumaticaAdmin
) -> None:
    key = {"Type": "Bill", "ReferenceNbr": "PUT"}
    stamp = "2025-01-02T03:04:05.678-05:00"
    first = admin.put_record("Bill", key | {"Status": "Open"}, modified=stamp)
    row = acumatica.get("Bill/Bill/PUT").json()
    assert row["id"] == first
    assert row["LastModifiedDateTime"] == {"value": stamp}
    assert admin.put_record("Bill", key, note="Seen") == first
    row = acumatica.get("Bill/Bill/PUT").json()
    assert row["Status"] == {}
    assert row["note"] == {"value": "Seen"}
    changed = datetime.fromisoformat(row["LastModifiedDateTime"]["value"])
    assert abs((datetime.now(UTC) - changed).total_seconds()) < 60


def test_records_are_shown_unwrapped(admin: AcumaticaAdmin) -> None:
    key = {"Type": "Bill", "ReferenceNbr": "SHOWN"}
    stamp = "2025-01-02T03:04:05.678-05:00"
    fields = key | {"Amount": Decimal("1.2300"), "Details": [{"Qty": 2}]}
    record_id = admin.put_record("Bill", fields, modified=stamp, note="Seen")
    [shown] = [row for row in admin.records("Bill") if row["id"] == record_id]
    assert shown == {
        "id": record_id,
        "modified": stamp,
        "fields": fields | {"LastModifiedDateTime": stamp},
        "note": "Seen",
        "pinned": True,
        "archived": False,
    }
    assert str(shown["fields"]["Amount"]) == "1.2300"


def test_a_record_is_deleted(acumatica: AcumaticaClient, admin: AcumaticaAdmin) -> None:
    record_id = admin.put_record("Account", {"AccountCD": "GONE"})
    assert acumatica.get("Account/GONE").status_code == 200
    admin.delete_record("Account", record_id)
    assert acumatica.get("Account/GONE").status_code == 404
    assert record_id not in {row["id"] for row in admin.records("Account")}
    with pytest.raises(SandboxError, match="has no record"):
        admin.delete_record("Account", record_id)


def test_wrong_control_requests_are_refused(admin: AcumaticaAdmin) -> None:
    with pytest.raises(SandboxError, match="Nonsense"):
        admin.put_record("Nonsense", {})
    with pytest.raises(SandboxError, match="days must be"):
        admin.mutate(0)
    with pytest.raises(SandboxError, match="nonsense"):
        admin.change_settings(nonsense=1)


def test_data_survive_a_restart(tmp_path: Path) -> None:
    options = ("--port", "0", "--seed", "5")
    server = processes.start("acumatica", tmp_path, *options)
    admin = AcumaticaAdmin(server.url)
    admin.mutate()
    admin.put_record("Account", {"AccountCD": "99999", "Type": "Asset"})
    before = admin.summary()
    busy = sandbox("seed", "--data-dir", str(tmp_path))
    server.stop()
    assert busy.returncode == 1
    assert "stop the sandbox's Acumatica server first" in busy.stderr
    server = processes.start("acumatica", tmp_path, *options)
    after = AcumaticaAdmin(server.url).summary()
    server.stop()
    assert after == before
    assert after["Account"]["rows"] > 300


def test_the_command_line_seeds(tmp_path: Path) -> None:
    done = sandbox("seed", "--data-dir", str(tmp_path), "--seed", "5")
    assert done.returncode == 0
    assert "Bill: 4000 records" in done.stdout


def test_the_command_line_mutates(
    admin: AcumaticaAdmin,
) -> None:
    done = sandbox("mutate", "--url", admin.url)
    assert done.returncode == 0
    assert "Vendor: 1 added, 3 changed, 0 deleted" in done.stdout
    done = sandbox("mutate", "--url", admin.url, "--deletes")
    assert "PurchaseOrder: 4 added, 5 changed, 1 deleted" in done.stdout


def test_without_a_server_the_command_line_says_so() -> None:
    done = sandbox("mutate", "--url", NOTHING_THERE)
    assert done.returncode == 1
    assert done.stderr == (
        f"Error: No Acumatica server of the sandbox answers at {NOTHING_THERE}; "
        "start it with: sandbox acumatica\n"
    )
