"""The command `acumatica login`: a person signs in, once."""

from __future__ import annotations

import json
import os
import socket
import stat
import struct
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest
import requests
from tap_acumatica.errors import AcumaticaError
from tap_acumatica.login import Attempt

from sandbox import config
from tests.tap.conftest import WITHOUT_PASSWORD

if TYPE_CHECKING:
    from tests.tap.conftest import RunTap


COMMAND = Path(sys.executable).parent / "acumatica"


def login(
    settings: dict[str, Any], folder: Path, *options: str, browser: Path | None = None
) -> subprocess.Popen[str]:
    file = folder / "login.json"
    file.write_text(json.dumps(settings))
    command = [str(COMMAND), "login", "--config", str(file), *options]
    return subprocess.Popen(  # noqa: S603 - our own command
        command if browser else [*command, "--no-browser"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"BROWSER": str(browser)},
    )


def person(address: str, **changes: str) -> requests.Response:
    """Do what a person does in the browser: open the address and sign in."""
    with requests.Session() as browser:
        shown = browser.get(address, timeout=30)
        assert shown.status_code == 200
        form = {"username": config.USERNAME, "password": config.PASSWORD, **changes}
        return browser.post(address, form, timeout=30)


@pytest.fixture
def unsigned(settings: dict[str, Any], path: Path) -> dict[str, Any]:
    """Settings before the first sign-in of a person."""
    names = ("instance_url", "endpoint_version", "client_id", "client_secret")
    return {n: settings[n] for n in names} | {"refresh_token_path": str(path)}


def test_a_person_signs_in_once_and_the_runs_go_on_from_there(
    run_tap: RunTap, unsigned: dict[str, Any], tmp_path: Path, path: Path
) -> None:
    process = login(unsigned, tmp_path)
    assert process.stdout is not None
    address = process.stdout.readline().split()[-1]
    assert urlsplit(address).path == "/identity/connect/authorize"
    with socket.create_connection(("127.0.0.1", 8765)) as given_up:
        given_up.setsockopt(
            socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0)
        )
    for query in ({}, {"code": "c"}, {"state": "other", "error": "access_denied"}):
        stray = requests.get("http://127.0.0.1:8765/callback", query, timeout=30)
        assert stray.status_code == 400
        assert "another sign-in" in stray.text
    with socket.create_connection(("127.0.0.1", 8765)):  # as browsers do in advance
        page = person(address)
    assert "can be closed" in page.text
    output, errors = process.communicate()
    assert (process.returncode, errors) == (0, "")
    assert str(path) in output
    assert "Acumatica ends the chain 30 days after this sign-in" in output
    began = datetime.fromisoformat(json.loads(path.read_text())["began"])
    assert abs(began - datetime.now(UTC)) < timedelta(hours=1)
    assert config.CLIENT_SECRET not in address + output + errors
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    for _ in range(2):
        run = run_tap(
            start_date="2026-09-01", refresh_token_path=str(path), **WITHOUT_PASSWORD
        )
        assert run.exit_code == 0, run.log


def test_a_person_who_declines_ends_the_login(
    unsigned: dict[str, Any], tmp_path: Path, path: Path
) -> None:
    process = login(unsigned, tmp_path)
    assert process.stdout is not None
    address = process.stdout.readline().split()[-1]
    person(address, decision="deny")
    _, errors = process.communicate()
    assert process.returncode == 1
    assert "did not permit the sign-in" in errors
    assert not path.exists()


@pytest.mark.parametrize("wanted", [True, False])
def test_the_browser_is_opened_where_it_is_wanted(
    unsigned: dict[str, Any], tmp_path: Path, *, wanted: bool
) -> None:
    opened, browser = tmp_path / "opened", tmp_path / "browser"
    browser.write_text(f'#!/bin/sh\necho "$1" >> {opened}\n')
    browser.chmod(0o700)
    options = () if wanted else ("--no-browser",)
    process = login(unsigned, tmp_path, "--wait=0.3", *options, browser=browser)
    output, errors = process.communicate()
    assert errors == "Error: Nobody signed in within 0.3 seconds.\n"
    address = output.split()[-1]
    assert opened.exists() is wanted
    assert not wanted or opened.read_text() == f"{address}\n"


def test_nobody_signs_in(unsigned: dict[str, Any], tmp_path: Path) -> None:
    process = login(unsigned, tmp_path, "--wait", "0.3")
    _, errors = process.communicate()
    assert process.returncode == 1
    assert errors == "Error: Nobody signed in within 0.3 seconds.\n"


@pytest.mark.parametrize("seconds", ["inf", "1e20", "-1"])
def test_nobody_waits_for_ever_for_a_person(
    unsigned: dict[str, Any], tmp_path: Path, seconds: str
) -> None:
    process = login(unsigned, tmp_path, f"--wait={seconds}")
    output, errors = process.communicate()
    assert (process.returncode, output) == (2, "")
    assert "is not in the range 0<=x<=3600" in errors


def test_a_folder_is_no_token_file(unsigned: dict[str, Any], tmp_path: Path) -> None:
    """Nobody is asked to sign in for it."""
    process = login(unsigned | {"refresh_token_path": str(tmp_path)}, tmp_path)
    output, errors = process.communicate()
    assert (process.returncode, output) == (1, "")
    assert f"{tmp_path} is a folder." in errors
    assert len(errors.splitlines()) == 1


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ({"state": "s", "error": "access_denied"}, "access_denied"),
        ({"state": "s", "error": "e", "error_description": "Not you"}, "Not you"),
    ],
)
def test_a_redirect_that_brings_no_code_of_ours(
    query: dict[str, str], sentence: str
) -> None:
    attempt = Attempt("http://127.0.0.1:1/callback", "s", "v")
    with pytest.raises(AcumaticaError, match=sentence):
        attempt.code(query)
