"""The ways to sign in, and what each of them keeps."""

from __future__ import annotations

import errno
import json
import os
import signal
import stat
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import requests
from tap_acumatica import token_file
from tap_acumatica.errors import AcumaticaError, SettingError
from tap_acumatica.ping import checks
from tap_acumatica.sign_in import authenticator
from tap_acumatica.tap import TapAcumatica
from tap_acumatica.token_file import LONGEST_TURN, TokenFile

from sandbox import config
from tests.helpers.odd_server import Turns, serving
from tests.tap.conftest import TAP, WITHOUT_PASSWORD

if TYPE_CHECKING:
    from sandbox.acumatica.control.admin_client import AcumaticaAdmin

    from tests.tap.conftest import RunTap


COOKIES = {"client_id": None, "client_secret": None}
TOKENS = {"access_token": "good", "refresh_token": "next"}
HOUR = timedelta(hours=1)


@pytest.fixture
def first_token(server: Any) -> str:
    """A refresh token, as a person gets one."""
    form = {
        "grant_type": "password",
        "scope": "api offline_access",
        "client_id": config.CLIENT_ID,
        "client_secret": config.CLIENT_SECRET,
        "username": config.USERNAME,
        "password": config.PASSWORD,
    }
    answer = requests.post(f"{server.url}/identity/connect/token", form, timeout=30)
    return str(answer.json()["refresh_token"])


# Refresh tokens.


def test_a_rotated_refresh_token_is_kept_for_the_next_run(
    run_tap: RunTap, first_token: str, path: Path
) -> None:
    """Mistake 15 of other clients: a rotated refresh token is lost."""
    with_token = {**WITHOUT_PASSWORD, "refresh_token_path": str(path)}
    for _ in range(3):
        run = run_tap(start_date="2026-09-01", refresh_token=first_token, **with_token)
        assert run.exit_code == 0, run.log
        kept = json.loads(path.read_text())["refresh_token"]
        assert kept != first_token
        assert kept not in run.log
        assert first_token not in run.log
    assert run_tap(start_date="2026-09-01", **with_token).exit_code == 0
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_tokens_that_end_in_mid_run_are_renewed_by_the_newest_refresh_token(
    run_tap: RunTap, acumatica: AcumaticaAdmin, first_token: str, path: Path
) -> None:
    """Mistake 14 of other clients: the end of a token kills a long run."""
    acumatica.change_settings(token_seconds=1)
    run = run_tap(
        "bills",
        refresh_token=first_token,
        refresh_token_path=str(path),
        **WITHOUT_PASSWORD,
    )
    assert run.exit_code == 0, run.log
    tokens = [r for r in acumatica.requests() if r["path"].endswith("/connect/token")]
    assert len(tokens) > 2
    assert {request["status"] for request in tokens} == {200}
    time.sleep(1.1)  # each token has a session of its own, which ends with it


def test_a_refused_refresh_token_says_what_to_do(
    run_tap: RunTap, path: Path, acumatica: AcumaticaAdmin
) -> None:
    run = run_tap(
        refresh_token="stale", refresh_token_path=str(path), **WITHOUT_PASSWORD
    )
    assert run.exit_code == 1
    [error] = run.errors
    assert "acumatica login" in error
    assert len(acumatica.requests()) == 1


NOTICE = "run `acumatica login` in time"


@pytest.mark.parametrize(
    ("days", "told", "warns"),
    [
        (0, "at least 0 days old", False),
        (22, "at least 22 days old", False),
        (23, "at least 23 days old", True),
        (30, "at least 30 days old", True),
        # It has got beyond the usual end, so it has another one.
        (31, "at least 31 days old", False),
        # An older version has written the file.
        (None, "of an unknown age", False),
    ],
)
def test_a_chain_of_refresh_tokens_tells_its_age(
    path: Path,
    caplog: pytest.LogCaptureFixture,
    days: int | None,
    told: str,
    *,
    warns: bool,
) -> None:
    began = None if days is None else datetime.now(UTC) - timedelta(days, minutes=1)
    kept: dict[str, Any] = {"refresh_token": "old", "grown_from": ""}
    if began:
        kept["began"] = began.isoformat()
    path.parent.mkdir()
    path.write_text(json.dumps(kept))
    with serving(token=Turns([TOKENS, TOKENS]), Account=[]) as server:
        tap = TapAcumatica(
            config={
                "instance_url": server.url,
                "endpoint_version": "24.200.001",
                "client_id": "c",
                "client_secret": "s",
                "refresh_token_path": str(path),
            },
            setup_mapper=False,
        )
        found = {check.about: check.finding for check in checks(tap)}
    assert told in found["sign-in"]
    assert "after 30 days, unless the connected application" in found["sign-in"]
    assert (NOTICE in caplog.text) is warns
    now = json.loads(path.read_text())
    assert now["refresh_token"] == "next"
    assert now["began"] == (began and began.isoformat().replace("+00:00", "Z"))


def test_a_chain_that_has_ended_is_told_with_its_age(
    run_tap: RunTap, acumatica: AcumaticaAdmin, first_token: str, path: Path
) -> None:
    with_token = {**WITHOUT_PASSWORD, "refresh_token_path": str(path)}
    given = {**with_token, "start_date": "2026-09-01"}
    assert run_tap("gl_accounts", refresh_token=first_token, **given).exit_code == 0
    kept = json.loads(path.read_text())
    assert abs(datetime.fromisoformat(kept["began"]) - datetime.now(UTC)) < HOUR
    kept["began"] = (datetime.now(UTC) - timedelta(days=31)).isoformat()
    del kept["sha256"]
    path.write_text(json.dumps(kept))
    acumatica.change_settings(refresh_chain_seconds=0)
    run = run_tap(**given)
    assert run.exit_code == 1
    [error] = run.errors
    assert "at least 31 days old; Acumatica ends one after 30 days" in error
    assert "Run `acumatica login` for a new one" in error


def test_an_answer_without_a_next_refresh_token_leaves_the_old_one(
    path: Path,
) -> None:
    token = {"access_token": "good", "refresh_token": None}
    with serving(token=token) as server, requests.Session() as session:
        settings = {
            "client_id": "c",
            "client_secret": "s",
            "refresh_token": "first",
            "refresh_token_path": str(path),
        }
        signs_in = authenticator(server.url, settings)
        with signs_in.turn():
            signs_in.sign_in(session)
    assert TokenFile(str(path), "first").newest() == "first"


def test_a_new_token_in_the_settings_takes_the_place_of_a_kept_one(path: Path) -> None:
    with (old := TokenFile(str(path), "first")).held():
        assert old.newest() == "first"
        old.keep("second")
    assert TokenFile(str(path), "first").newest() == "second"
    assert TokenFile(str(path)).newest() == "second"
    assert TokenFile(str(path), "another").newest() == "another"


@pytest.mark.parametrize("content", [b"", b"{}", b'{"refresh_token": 1}'])
def test_a_spoilt_token_file_is_named(path: Path, content: bytes) -> None:
    path.parent.mkdir()
    path.write_bytes(content)
    with pytest.raises(SettingError, match="refresh_token_path"):
        TokenFile(str(path), "first").newest()


def test_a_flipped_bit_in_a_token_file_is_noticed(path: Path) -> None:
    """The token would be refused, and the one of the settings be void long since."""
    with (file := TokenFile(str(path), "first")).held():
        file.keep("second")
    content = bytearray(path.read_bytes())
    content[content.index(b"second")] ^= 1
    path.write_bytes(content)
    with pytest.raises(SettingError, match="checksum does not fit") as raised:
        TokenFile(str(path), "first").newest()
    assert "remove it and run `acumatica login`" in str(raised.value)


def test_a_token_file_without_a_checksum_is_read(path: Path) -> None:
    """Versions before this one wrote none."""
    path.parent.mkdir()
    path.write_bytes(b'{"refresh_token":"kept","grown_from":""}')
    assert TokenFile(str(path)).newest() == "kept"


@pytest.mark.parametrize("path", ["~nobody-here/token", "kept/to\0ken", "to\ud800ken"])
def test_a_path_that_no_file_can_have_is_named(path: str) -> None:
    with pytest.raises(SettingError) as raised:
        TokenFile(path)
    assert f"'refresh_token_path': {path!r} cannot be used" in str(raised.value)


def test_a_token_file_that_cannot_be_written_is_found_out_before_the_token_is_used(
    run_tap: RunTap, first_token: str, tmp_path: Path, acumatica: AcumaticaAdmin
) -> None:
    (tmp_path / "file").touch()
    acumatica.clear_requests()
    run = run_tap(
        refresh_token=first_token,
        refresh_token_path=str(tmp_path / "file" / "below"),
        **WITHOUT_PASSWORD,
    )
    assert run.exit_code == 1
    assert "refresh_token_path" in run.errors[0]
    assert acumatica.requests() == []


def test_two_runs_do_not_use_one_token(path: Path) -> None:
    waiting = subprocess.Popen(  # noqa: S603 - our own code
        [sys.executable, "-c", HOLD, str(path)], stdout=subprocess.PIPE, text=True
    )
    assert waiting.stdout is not None
    assert waiting.stdout.readline() == "held\n"
    with (file := TokenFile(str(path), "first")).held():
        assert file.newest() == "second"
    waiting.communicate()


HOLD = """
import sys, time
from tap_acumatica.token_file import TokenFile
with (file := TokenFile(sys.argv[1], "first")).held():
    print("held", flush=True)
    time.sleep(1)
    file.keep("second")
"""


def test_who_waits_for_another_run_can_be_ended(tmp_path: Path, path: Path) -> None:
    with serving() as server, TokenFile(str(path)).held():
        settings = {
            "instance_url": server.url,
            "client_id": "c",
            "client_secret": "s",
            "refresh_token_path": str(path),
        }
        file = tmp_path / "config.json"
        file.write_text(json.dumps(settings))
        process = subprocess.Popen(  # noqa: S603 - our own command
            [TAP, "--config", file], stderr=subprocess.PIPE, text=True
        )
        assert process.stderr is not None
        told = f"Another process uses {path}: waiting for it, {LONGEST_TURN} seconds"
        assert any(told in line for line in process.stderr)
        process.send_signal(signal.SIGTERM)
        _, log = process.communicate(timeout=LONGEST_TURN / 2)
    assert process.returncode == 128 + signal.SIGTERM, log
    assert server.bodies == {}


def test_nobody_waits_for_ever_for_another_run(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(token_file, "LONGEST_TURN", 0.2)
    says = f"Another process has used {path} for 0.2 seconds"
    with (
        TokenFile(str(path)).held(),
        pytest.raises(AcumaticaError, match=says),
        TokenFile(str(path)).held(),
    ):
        pass


def test_a_token_that_cannot_be_written_whole_leaves_the_old_one(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with (file := TokenFile(str(path), "first")).held():
        file.keep("second")
        monkeypatch.setattr(os, "fsync", full)
        with pytest.raises(AcumaticaError, match="No space left"):
            file.keep("third")
    assert TokenFile(str(path), "first").newest() == "second"


def test_a_full_volume_is_found_out_before_the_token_is_used(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The system's answer is played: a volume of a few bytes takes a right to mount."""

    def full(_descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with (file := TokenFile(str(path), "first")).held():
        file.keep("second")
    with file.held():
        new = path.with_name(f"{path.name}.new")
        assert new.stat().st_size == token_file.RESERVED
        assert stat.S_IMODE(new.stat().st_mode) == 0o600
    monkeypatch.setattr(os, "fsync", full)
    says = "refresh_token_path.*No space left on device"
    with pytest.raises(SettingError, match=says), file.held():
        pytest.fail("the token would be used")
    assert file.newest() == "second"
    assert sorted(one.name for one in path.parent.iterdir()) == [
        path.name,
        f"{path.name}.lock",
    ]


def test_a_link_to_the_token_file_stays_one(path: Path, tmp_path: Path) -> None:
    """Else the file behind it keeps the token that is void, and a lock of its own."""
    link = tmp_path / "link.json"
    link.symlink_to(path)
    with (file := TokenFile(str(link), "first")).held():
        file.keep("second")
        assert sorted(tmp_path.rglob("*.lock")) == [Path(f"{path}.lock")]
    assert link.is_symlink()
    assert json.loads(path.read_text())["refresh_token"] == "second"


def test_a_token_file_that_is_a_mount_is_found_out_before_the_token_is_used(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No file can be put in the place of one that a container has mounted."""
    monkeypatch.setattr(os.path, "ismount", lambda mounted: mounted == path)
    file = TokenFile(str(path), "first")
    with pytest.raises(SettingError, match="mount its folder instead"), file.held():
        pass


def test_a_new_token_survives_a_loss_of_power(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its name too: the old one is void."""
    written: list[int] = []
    monkeypatch.setattr(os, "fsync", lambda one: written.append(os.fstat(one).st_ino))
    with (file := TokenFile(str(path), "first")).held():
        file.keep("second")
    assert written[-2:] == [path.stat().st_ino, path.parent.stat().st_ino]


def test_a_new_token_is_kept_in_a_folder_that_may_not_be_read(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A folder of mode 0300, which root, who may run the tests, can read."""
    refused: list[Path] = []
    real = os.open

    def guarded(opened: Any, flags: int, *rest: Any, **named: Any) -> int:
        if opened == path.parent:
            refused.append(opened)
            raise PermissionError(errno.EACCES, "Permission denied", str(opened))
        return real(opened, flags, *rest, **named)

    with (file := TokenFile(str(path), "first")).held():
        monkeypatch.setattr(os, "open", guarded)
        file.keep("second")
    assert refused == [path.parent]
    assert TokenFile(str(path), "first").newest() == "second"


def test_what_a_crash_has_left_does_not_decide_who_may_read_the_token(
    path: Path,
) -> None:
    path.parent.mkdir()
    left = Path(f"{path}.new")
    left.write_bytes(b"half")
    left.chmod(0o666)
    with (file := TokenFile(str(path))).held():
        file.keep("next")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_signal_waits_until_the_next_token_is_kept(
    tmp_path: Path, path: Path
) -> None:
    token = {"access_token": "good", "expires_in": 3600, "refresh_token": "second"}
    with serving(token=token) as server:
        server.delays["token"] = 1.5
        settings = {
            "instance_url": server.url,
            "client_id": "c",
            "client_secret": "s",
            "refresh_token": "first",
            "refresh_token_path": str(path),
        }
        file = tmp_path / "config.json"
        file.write_text(json.dumps(settings))
        process = subprocess.Popen([TAP, "--config", file], stderr=subprocess.PIPE)  # noqa: S603 - our own command
        while "token" not in server.bodies:
            time.sleep(0.05)
        process.send_signal(signal.SIGTERM)
        _, log = process.communicate()
    assert process.returncode == 128 + signal.SIGTERM, log
    assert json.loads(path.read_text())["refresh_token"] == "second"
    assert "logout" in server.bodies


# Cookies.


@pytest.mark.parametrize("old_build", [False, True])
def test_cookies_are_a_way_to_sign_in(
    run_tap: RunTap, acumatica: AcumaticaAdmin, *, old_build: bool
) -> None:
    acumatica.change_settings(old_build=old_build)
    run = run_tap("gl_accounts", tenant=config.TENANT, branch="MAIN", **COOKIES)
    assert run.exit_code == 0, run.log
    assert len(run.records("gl_accounts")) == acumatica.summary()["Account"]["rows"]
    tokens = [r for r in acumatica.requests() if r["path"].endswith("/connect/token")]
    assert len(tokens) == 1, "only the discovery of the catalog asks for a token"
    outs = [r["status"] for r in acumatica.requests() if r["path"].endswith("/logout")]
    assert set(outs) == {204}


@pytest.mark.parametrize("answer", ["error", "redirect"])
def test_a_session_that_has_ended_is_opened_again(
    run_tap: RunTap, acumatica: AcumaticaAdmin, answer: str
) -> None:
    acumatica.change_settings(session_seconds=0.05, ended_session_answer=answer)
    run = run_tap("bills", tenant=config.TENANT, **COOKIES)
    assert run.exit_code == 0, run.log
    assert len(run.records("bills")) == acumatica.summary()["Bill"]["rows"]
    logins = [r for r in acumatica.requests() if r["path"].endswith("/auth/login")]
    assert len(logins) > 2


@pytest.mark.parametrize("status", [400, 401, 500])
def test_a_wrong_password_is_sent_once(
    run_tap: RunTap, acumatica: AcumaticaAdmin, status: int
) -> None:
    acumatica.change_settings(refused_sign_in_status=status)
    run = run_tap(tenant=config.TENANT, **COOKIES | {"password": "wrong"})
    assert run.exit_code == 1
    assert "locks the account" in run.errors[0]
    logins = [r for r in acumatica.requests() if r["path"].endswith("/auth/login")]
    assert 1 <= len(logins) <= 2
    assert "wrong" not in run.errors[0].replace("a wrong password", "")


def test_a_tenant_that_the_instance_lacks_is_named(run_tap: RunTap) -> None:
    run = run_tap(tenant="Mars", **COOKIES)
    assert run.exit_code == 1
    assert "tenant" in run.errors[0]


# What the settings say.


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({}, "cookies, these settings are missing: username, password"),
        ({"username": "u"}, "missing: password"),
        ({"client_id": "c"}, "missing: client_secret, username, password"),
        ({"client_secret": "s"}, "missing: client_id, username, password"),
        (
            {"client_id": "c", "client_secret": "s", "refresh_token": "r"},
            "missing: refresh_token_path",
        ),
        (
            {"client_id": "c", "refresh_token_path": "p"},
            "a refresh token, these settings are missing: client_secret",
        ),
        (
            {
                "client_id": "c@One",
                "client_secret": "s",
                "username": "u",
                "password": "p",
                "tenant": "Two",
            },
            "client_id is of tenant One",
        ),
        ({"client_id": "c", "locale": "en-US"}, "'locale' has an effect only"),
    ],
    ids=str,
)
def test_settings_that_are_missing_or_contradict_are_named(
    settings: dict[str, str], sentence: str
) -> None:
    with pytest.raises(SettingError) as raised:
        authenticator("https://erp.example.com", settings)
    assert sentence in str(raised.value)


def test_the_tenant_completes_a_client_id(run_tap: RunTap) -> None:
    client_id = config.CLIENT_ID.partition("@")[0]
    run = run_tap("gl_accounts", client_id=client_id, tenant=config.TENANT)
    assert run.exit_code == 0, run.log
