"""The command ``acumatica``, and what the tap's own command tells without a sync."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from sandbox.acumatica.api.faults import Fault

from tests.tap.conftest import TAP, outcome

if TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox.acumatica.control.admin_client import AcumaticaAdmin

    Ask = Callable[..., subprocess.CompletedProcess[str]]

COMMAND = Path(sys.executable).parent / "acumatica"


@pytest.fixture
def ask(tmp_path: Path, settings: dict[str, Any]) -> Ask:
    """Run a subcommand with changed settings."""

    def ask(
        command: str, *options: str, **changes: object
    ) -> subprocess.CompletedProcess[str]:
        file = tmp_path / "config.json"
        file.write_text(json.dumps({**settings, **changes}))
        return subprocess.run(  # noqa: S603 - our own command
            [COMMAND, command, "--config", file, *options],
            capture_output=True,
            text=True,
            check=False,
        )

    return ask


def told(done: subprocess.CompletedProcess[str]) -> dict[str, tuple[str, str]]:
    """Return mark and finding by what was checked."""
    lines = [line.split(maxsplit=2) for line in done.stdout.splitlines()]
    return {about: (mark, finding) for mark, about, finding in lines}


def test_ping_tells_fact_by_fact_that_all_is_well(
    ask: Ask, acumatica: AcumaticaAdmin, settings: dict[str, Any]
) -> None:
    done = ask("ping")
    assert (done.returncode, done.stderr) == (0, "")
    checks = told(done)
    assert {mark for mark, _ in checks.values()} == {"ok"}
    assert checks["address"][1] == f"{settings['instance_url']} answers"
    assert settings["username"] in checks["sign-in"][1]
    assert checks["build"][1].startswith("26.200.0173, Default/20.200.001, ")
    assert checks["endpoint"][1].startswith("Default/24.200.001, contract version 4, ")
    assert checks["bills"][1] == "Bill can be read"
    assert checks["seat"][1] == "given back"
    assert acumatica.sessions() == []


def test_ping_tells_of_missing_rights_and_goes_on(
    ask: Ask, acumatica: AcumaticaAdmin
) -> None:
    acumatica.change_settings(denied=["Bill"], not_configured=["Check"])
    done = ask("ping")
    assert done.returncode == 1
    failed = {n: f for n, (mark, f) in told(done).items() if mark == "FAILED"}
    assert failed.keys() == {"bills", "ap_payments"}
    assert "insufficient rights to access the Bill (AP301000) form" in failed["bills"]


def test_ping_asks_only_for_what_a_catalog_selects(
    ask: Ask, acumatica: AcumaticaAdmin, tmp_path: Path
) -> None:
    ask("ping")
    [catalog] = outcome(
        "--config", str(tmp_path / "config.json"), "--discover"
    ).messages
    for entry in catalog["streams"]:
        entry["metadata"][-1]["metadata"]["selected"] = entry["stream"] == "vendors"
    (tmp_path / "catalog.json").write_text(json.dumps(catalog))
    acumatica.change_settings(denied=["Bill"])
    done = ask("ping", "--catalog", str(tmp_path / "catalog.json"))
    assert done.returncode == 0, done.stdout
    assert "vendors" in told(done)
    assert "bills" not in told(done)
    for entry in catalog["streams"]:
        entry["metadata"][-1]["metadata"]["selected"] = False
    (tmp_path / "catalog.json").write_text(json.dumps(catalog))
    done = ask("ping", "--catalog", str(tmp_path / "catalog.json"))
    assert done.returncode == 1
    assert told(done)["streams"] == ("FAILED", "the catalog selects none")


@pytest.mark.parametrize(
    ("changes", "about", "sentence"),
    [
        ({"instance_url": "http://127.0.0.1:9"}, "address", "Cannot reach"),
        ({"password": "wrong"}, "sign-in", "Check username and password"),
        ({"endpoint_version": "19.1"}, "endpoint", "serves Default/20.200.001, "),
    ],
    ids=str,
)
def test_ping_stops_where_nothing_more_can_be_told(
    ask: Ask,
    acumatica: AcumaticaAdmin,
    changes: dict[str, str],
    about: str,
    sentence: str,
) -> None:
    done = ask("ping", **changes)
    assert done.returncode == 1
    checks = told(done)
    assert list(checks)[-2:] == [about, "seat"]
    assert checks[about][0] == "FAILED"
    assert sentence in checks[about][1]
    assert "wrong" not in done.stdout.replace("a wrong password", "")
    assert acumatica.sessions() == []


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"{ no json", "catalog.json cannot be read: Expecting"),
        (b"\xff\xfe", "catalog.json cannot be read: 'utf-8'"),
        (b"[]", "catalog.json is no JSON object"),
        (b'{"streams": "x"}', "The catalog is not made as Singer's are"),
    ],
)
def test_a_catalog_that_is_none_ends_ping_with_a_sentence(
    ask: Ask, tmp_path: Path, content: bytes, says: str
) -> None:
    (tmp_path / "catalog.json").write_bytes(content)
    done = ask("ping", "--catalog", str(tmp_path / "catalog.json"))
    assert done.returncode == 1
    assert says in done.stderr
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize("content", [b"[1]", b'"x"', b"\xff\xfe", None])
def test_a_file_without_settings_ends_with_a_sentence(
    ask: Ask, tmp_path: Path, content: bytes | None
) -> None:
    file = tmp_path / "odd.json"
    if content:
        file.write_bytes(content)
    done = ask("ping", "--config", str(file))
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(f"Error: The file of settings {file} ")
    assert len(done.stderr.splitlines()) == 1


def test_ping_reads_what_lists_cannot_hold(ask: Ask, acumatica: AcumaticaAdmin) -> None:
    acumatica.change_settings(unoptimizable={"Account": ["Description"]})
    done = ask("ping")
    assert done.returncode == 0, done.stdout
    assert told(done)["gl_accounts"][0] == "ok"


def test_ping_tells_of_a_clock_that_is_wrong(
    ask: Ask, acumatica: AcumaticaAdmin
) -> None:
    acumatica.change_settings(clock_offset_seconds=-3600)
    done = ask("ping")
    assert done.returncode == 1
    mark, finding = told(done)["clock"]
    assert mark == "FAILED"
    assert "36" in finding
    assert "behind" in finding
    assert told(done)["bills"][0] == "ok"


def test_a_seat_that_is_not_given_back_is_a_failure(
    ask: Ask, acumatica: AcumaticaAdmin
) -> None:
    acumatica.add_fault(Fault(kind="status", status=500, path="/auth/logout"))
    done = ask("ping")
    assert done.returncode == 1
    assert told(done)["seat"][0] == "FAILED"
    acumatica.close_sessions()


def test_endpoints_lists_what_is_served_and_what_can_be_expanded(ask: Ask) -> None:
    done = ask("endpoints", endpoint_name="Finance", endpoint_version="2.0.0")
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert "Default/24.200.001" in lines
    assert "Finance/1.0.0" in lines
    assert any(line.split() == ["Supplier", "MainContact"] for line in lines)


def test_endpoints_needs_no_version(ask: Ask) -> None:
    done = ask("endpoints", endpoint_version=None)
    assert done.returncode == 0
    assert "Default/26.200.001" in done.stdout


def test_a_branch_that_no_header_can_carry_ends_ping_with_a_sentence(ask: Ask) -> None:
    done = ask("ping", branch="Zürich€")
    assert (done.returncode, done.stdout) == (1, "")
    assert "Setting 'branch' cannot be sent" in done.stderr
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize("command", ["ping", "endpoints", "login"])
def test_wrong_settings_end_with_a_sentence(ask: Ask, command: str) -> None:
    done = ask(command, instance_url="erp.example.com")
    assert done.returncode == 1
    assert "'instance_url' is no address" in done.stderr
    assert "Traceback" not in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_settings_come_from_the_environment_unless_a_file_is_named(
    settings: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in settings.items():
        monkeypatch.setenv(f"TAP_ACUMATICA_{name.upper()}", value)
    done = subprocess.run(  # noqa: S603 - our own command
        [COMMAND, "endpoints"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "Entities of Default/24.200.001" in done.stdout


def test_the_sdks_test_of_a_connection(
    acumatica: AcumaticaAdmin, settings: dict[str, Any], tmp_path: Path
) -> None:
    file = tmp_path / "config.json"
    file.write_text(json.dumps(settings))
    run = outcome("--config", str(file), "--test")
    assert run.exit_code == 0
    assert run.errors == []
    assert "Traceback" not in run.log
    acumatica.change_settings(denied=["Bill"])
    assert outcome("--config", str(file), "--test").exit_code == 1


def test_about_names_each_setting_and_no_value(
    settings: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TAP_ACUMATICA_CLIENT_SECRET", settings["client_secret"])
    done = subprocess.run(  # noqa: S603 - our own command
        [TAP, "--about", "--format=json"], capture_output=True, text=True, check=True
    )
    assert set(settings) <= json.loads(done.stdout)["settings"]["properties"].keys()
    assert settings["client_secret"] not in done.stdout + done.stderr
