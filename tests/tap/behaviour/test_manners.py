"""How the tap treats the ERP: pace, delays, refusals, sessions, endings."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import pytest
import requests
from sandbox.acumatica.api.faults import Fault
from tap_acumatica.client import LONGEST_WAIT, Pace, waits
from tap_acumatica.errors import RetryableError
from tap_acumatica.responses import retry_after

from sandbox import config
from tests.tap.conftest import TAP

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from sandbox.acumatica.control.admin_client import AcumaticaAdmin

    from tests.tap.conftest import Asked, RunTap

    Start = Callable[..., subprocess.Popen[str]]


COOKIES = {"client_id": None, "client_secret": None, "tenant": config.TENANT}
"""What to change to sign in with cookies."""


def logouts(acumatica: AcumaticaAdmin) -> list[int]:
    return [r["status"] for r in acumatica.requests() if r["path"].endswith("/logout")]


@pytest.fixture
def start(tmp_path: Path, settings: dict[str, Any]) -> Iterator[Start]:
    """Start the command and leave it running."""
    started: list[subprocess.Popen[str]] = []

    def start(**changes: object) -> subprocess.Popen[str]:
        path = tmp_path / "running.json"
        path.write_text(json.dumps({**settings, **changes}))
        process = subprocess.Popen(  # noqa: S603 - our own command
            [TAP, "--config", path],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            # As most are run, with a log that may be left over when the run ends.
            env=os.environ | {"PYTHONUNBUFFERED": ""},
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.terminate()
        process.communicate()


class Clock:
    """A clock that goes forward only when somebody sleeps."""

    def __init__(self) -> None:
        self.now = 0.0

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def test_the_pace_holds_in_any_minute() -> None:
    clock = Clock()
    pace = Pace(30, clock=lambda: clock.now, sleep=clock.sleep)
    sent = []
    for n in range(200):
        clock.sleep(n % 7 * 0.3)
        pace.wait()
        sent.append(clock.now)
    for moment in sent:
        assert sum(moment <= other < moment + 60 for other in sent) <= 30


def test_no_pace_waits_for_nothing() -> None:
    clock = Clock()
    pace = Pace(None, clock=lambda: clock.now, sleep=clock.sleep)
    for _ in range(1_000):
        pace.wait()
    assert clock.now == 0


def test_the_setting_paces_the_whole_tap(
    start: Start, acumatica: AcumaticaAdmin
) -> None:
    def gets() -> int:
        return [request["method"] for request in acumatica.requests()].count("GET")

    process = start(requests_per_minute=4)
    while gets() < 4:
        assert process.poll() is None
    time.sleep(3)  # without the pace it would go on at once
    process.send_signal(signal.SIGTERM)
    process.communicate()
    assert gets() == 4


def test_records_are_written_before_the_next_page_has_come(
    start: Start, acumatica: AcumaticaAdmin
) -> None:
    """Mistake 20 of other clients: a whole stream is kept in memory."""
    # That of 2024 proves the filter.
    second = "LastModifiedDateTime ge datetimeoffset'2025"
    slow = Fault(kind="slow", seconds=5, path=second)
    acumatica.add_fault(slow)
    process = start(custom_fields=[])
    assert process.stdout is not None
    kinds = [json.loads(process.stdout.readline())["type"] for _ in range(50)]
    assert kinds.count("RECORD") > 40
    later = [r for r in acumatica.requests() if second in unquote(r["query"])]
    assert all(request["status"] == 0 for request in later)
    process.send_signal(signal.SIGTERM)
    process.communicate()


def test_waits_grow_and_obey_the_server_up_to_a_cap() -> None:
    waiting = waits()
    next(waiting)
    assert [waiting.send(RetryableError("busy")) for _ in range(4)] == [1, 2, 4, 8]
    assert waiting.send(RetryableError("busy", 33)) == 33
    assert waiting.send(RetryableError("busy", 86_400)) == LONGEST_WAIT


ANSWERED = "Wed, 21 Oct 2026 07:28:00 GMT"
IN_A_MINUTE = "Wed, 21 Oct 2026 07:29:00 GMT"


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Retry-After": "33"}, 33),
        ({"Retry-After": IN_A_MINUTE, "Date": ANSWERED}, 60),
        ({"Retry-After": ANSWERED, "Date": IN_A_MINUTE}, 0),
        ({"Retry-After": "Fri, 21 Oct 2016 07:28:00 GMT"}, 0),
        ({"Retry-After": "soon", "Date": ANSWERED}, None),
        ({"Retry-After": f"Wed, 21 Oct {10**20} 07:28:00 GMT"}, None),
        ({}, None),
    ],
    ids=str,
)
def test_retry_after_is_a_number_of_seconds_or_a_moment_of_the_servers_clock(
    headers: dict[str, str], seconds: float | None
) -> None:
    response = requests.Response()
    response.headers.update(headers)
    assert retry_after(response) == seconds


def test_without_a_date_a_moment_is_one_of_our_clock() -> None:
    response = requests.Response()
    response.headers["Retry-After"] = "Fri, 21 Oct 2522 07:28:00 GMT"
    assert (retry_after(response) or 0) > LONGEST_WAIT


def test_retry_after_is_obeyed(run_tap: RunTap, acumatica: AcumaticaAdmin) -> None:
    fault = Fault(kind="status", status=429, retry_after="3", path="/Account?")
    acumatica.add_fault(fault)
    began = time.monotonic()
    assert run_tap("gl_accounts").exit_code == 0
    assert time.monotonic() - began > 3


def test_the_licence_delays_answers_and_nothing_is_lost(
    run_tap: RunTap, acumatica: AcumaticaAdmin
) -> None:
    acumatica.change_settings(requests_per_minute=2_000, cores=1)
    run = run_tap("bills")
    assert run.exit_code == 0
    assert len(run.records("bills")) == acumatica.summary()["Bill"]["rows"]


def test_a_module_that_is_not_set_up_fails_at_once(
    run_tap: RunTap, acumatica: AcumaticaAdmin, asked: Asked
) -> None:
    """Mistake 9 of other clients: deterministic errors retried for an hour."""
    acumatica.change_settings(not_configured=["Account"])
    run = run_tap("gl_accounts")
    assert run.exit_code == 1
    assert "GL102000" in run.errors[-1]
    assert len(asked("Account")) == 1


def test_expansions_that_lists_cannot_hold_are_read_by_id(
    run_tap: RunTap, acumatica: AcumaticaAdmin
) -> None:
    whole = run_tap("customers").records("customers")
    unoptimizable = {"Customer": ["Contacts", "MainContact"]}
    acumatica.change_settings(unoptimizable=unoptimizable)
    acumatica.clear_requests()
    run = run_tap("customers")
    assert run.exit_code == 0
    by_id = {record["id"]: record for record in run.records("customers")}
    assert by_id == {record["id"]: record for record in whole}
    refused = [r for r in acumatica.requests() if r["status"] == 500]
    assert len(refused) == 1
    # Each row was observed when it was read, not when the list was.
    times = [message["time_extracted"] for message in run.of_type("RECORD")]
    assert times == sorted(set(times))


@pytest.mark.parametrize(
    ("kind", "says"),
    [
        ("html", "JSON in UTF-8: The service is under maintenance."),
        ("empty", "(an empty body)"),
    ],
)
def test_an_answer_that_is_no_json_is_shown(
    run_tap: RunTap, acumatica: AcumaticaAdmin, kind: Any, says: str
) -> None:
    acumatica.add_fault(Fault(kind=kind, path="/Account?"))
    run = run_tap("gl_accounts")
    assert run.exit_code == 1
    assert len(run.errors) == 1
    assert says in run.errors[0]
    assert "answered 200" in run.errors[0]


def test_a_server_that_ignores_top_is_an_error(
    run_tap: RunTap, acumatica: AcumaticaAdmin
) -> None:
    acumatica.add_fault(Fault(kind="ignore_top", path="/Account?", count=99))
    run = run_tap("gl_accounts", page_size=100)
    assert run.exit_code == 1
    assert "rows to $top=100" in run.errors[0]


def test_a_server_that_ignores_skip_is_told_at_the_second_page(
    run_tap: RunTap, acumatica: AcumaticaAdmin, asked: Asked
) -> None:
    acumatica.add_fault(Fault(kind="ignore_skip", path="/Account?", count=999))
    run = run_tap("gl_accounts", page_size=100, full_table=True)
    assert run.exit_code == 1
    assert "Account: the server ignores $skip" in run.errors[0]
    assert len(asked("Account")) == 3


WITH_COOKIES = {"client_id": None, "client_secret": None}
AT_SIGN_IN = r"refuses the sign-in .*concurrent.* or of this user, .*EP202500"


@pytest.mark.parametrize(
    ("limit", "changes", "says"),
    [
        ({"seats": 0}, {}, "limit of API users"),
        ({"seats": 0, "seat_limit_answer": "redirect"}, {}, "limit of API users"),
        # A user's own limit is told where it signs in.
        ({"user_sessions": 0}, {}, AT_SIGN_IN),
        ({"user_sessions": 0}, WITH_COOKIES, AT_SIGN_IN),
    ],
)
def test_the_login_limit_becomes_its_message(
    start: Start,
    acumatica: AcumaticaAdmin,
    limit: dict[str, Any],
    changes: dict[str, None],
    says: str,
) -> None:
    """Mistake 13 of other clients: the redirect is followed and parsed as JSON."""
    acumatica.change_settings(**limit)
    process = start(**changes)
    assert process.stderr is not None
    line = next(line for line in process.stderr if "Attempt 1 of 8" in line)
    assert re.search(says, line)
    assert "password" not in line


@pytest.mark.parametrize(
    ("ending", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)]
)
def test_a_signal_gives_the_seat_back(
    start: Start, acumatica: AcumaticaAdmin, ending: signal.Signals, code: int
) -> None:
    process = start()
    assert process.stdout is not None
    next(line for line in process.stdout if "RECORD" in line)
    process.send_signal(ending)
    process.communicate()
    assert process.returncode == code
    assert logouts(acumatica) == [204]


@pytest.mark.parametrize("changes", [{}, COOKIES], ids=["token", "cookies"])
def test_a_tap_that_is_killed_gives_the_seat_back(
    start: Start, acumatica: AcumaticaAdmin, changes: dict[str, Any]
) -> None:
    """As Meltano kills it, once the target has failed."""
    process = start(**changes)
    assert process.stdout is not None
    next(line for line in process.stdout if "RECORD" in line)
    assert logouts(acumatica) == []
    process.kill()
    until = time.monotonic() + 60
    while not logouts(acumatica) and time.monotonic() < until:
        time.sleep(0.1)
    assert logouts(acumatica) == [204]
    assert acumatica.sessions() == []


def test_a_target_that_dies_gives_the_seat_back(
    start: Start, acumatica: AcumaticaAdmin
) -> None:
    process = start()
    assert process.stdout is not None
    assert process.stderr is not None
    next(line for line in process.stdout if "RECORD" in line)
    process.stdout.close()
    log = process.stderr.read()
    assert process.wait() == 1
    last = log.splitlines()[-1]
    assert "The target has ended; see its message." in last
    assert "Traceback" not in log
    assert "rror occurred" not in log
    assert logouts(acumatica) == [204]


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ("> /dev/full", "Standard output cannot be written (No space left on device)."),
        ("--discover > /dev/full", "cannot be written (No space left on device)."),
        (">&-", "Standard output is closed; open it"),
    ],
)
def test_output_that_cannot_be_written_ends_with_a_sentence(
    tmp_path: Path,
    acumatica: AcumaticaAdmin,
    settings: dict[str, Any],
    options: str,
    says: str,
) -> None:
    del acumatica  # it watches over the seats
    path = tmp_path / "config.json"
    path.write_text(json.dumps(settings))
    command = f'exec "$0" --config "$1" {options}'
    done = subprocess.run(  # noqa: S603 - our own command
        ["/bin/bash", "-c", command, TAP, str(path)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1, done.stderr
    assert says in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr
    assert "xception" not in done.stderr


@pytest.mark.parametrize(
    ("changes", "code"), [({"start_date": "2026-09-01"}, 0), ({"password": "x"}, 1)]
)
def test_the_exit_code_stays_where_nobody_reads_the_log(
    start: Start, changes: dict[str, str], code: int
) -> None:
    process = start(**changes)
    assert process.stdout is not None
    assert process.stderr is not None
    process.stderr.close()
    process.stdout.read()
    assert process.wait() == code


def test_a_renewed_token_is_asked_for_before_the_old_one_ends(
    run_tap: RunTap, acumatica: AcumaticaAdmin
) -> None:
    """Mistake 14 of other clients: the end of a token kills the run."""
    acumatica.change_settings(token_seconds=1, seats=20)
    run = run_tap("bills", page_size=20, requests_per_minute=900)
    assert run.exit_code == 0
    paths = [request["path"] for request in acumatica.requests()]
    tokens = [path for path in paths if path.endswith("/connect/token")]
    assert len(tokens) > 2
    assert all(request["status"] != 401 for request in acumatica.requests())
    acumatica.close_sessions()


def test_a_killed_run_goes_on_from_the_last_state_that_came_out(
    start: Start, run_tap: RunTap, acumatica: AcumaticaAdmin
) -> None:
    process = start()
    assert process.stdout is not None
    read: set[str] = set()
    state: dict[str, Any] = {}
    for line in process.stdout:
        message = json.loads(line)
        if message["type"] == "RECORD":
            read.add(message["record"]["id"])
        elif message["type"] == "STATE":
            state = message["value"]
        if len(read) >= 8_000:
            break
    process.kill()
    process.communicate()
    acumatica.close_sessions()

    rest = run_tap(state=state)
    assert rest.exit_code == 0
    read |= {message["record"]["id"] for message in rest.of_type("RECORD")}
    summary = acumatica.summary()
    assert len(read) == sum(entity["rows"] for entity in summary.values())
    assert len(rest.of_type("RECORD")) < len(read)
