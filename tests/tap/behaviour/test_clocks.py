"""Moments that people name, and clocks that are wrong."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tap_acumatica.clocks import Clocks, start
from tap_acumatica.errors import SettingError, StreamError
from tap_acumatica.windows import EARLIEST

from tests.helpers.odd_server import serving, sync
from tests.helpers.odd_table import OddTable, row

if TYPE_CHECKING:
    from sandbox.acumatica.control.admin_client import AcumaticaAdmin

    from tests.tap.conftest import Asked, RunTap

KEY = "LastModifiedDateTime"
TWO_HOURS, A_DAY = 7_200, 86_400


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2025-07-01T04:29:00+02:00", utc("2025-07-01T02:29:00")),
        ("2025-07-01T04:29:00Z", utc("2025-07-01T04:29:00")),
        ("2025-07-01 04:29:00.25-07:00", utc("2025-07-01T11:29:00.25")),
        ("20250701T042900Z", utc("2025-07-01T04:29:00")),
        ("20250701T000000+0200", utc("2025-06-30T22:00:00")),
        ("2025-07-01", utc("2025-07-01T00:00:00")),
        ("20250701", utc("2025-07-01T00:00:00")),
        ("0001-01-01", utc("0001-01-01T00:00:00")),
    ],
)
def test_a_start_is_taken_to_the_letter(text: str, moment: datetime) -> None:
    assert start(text) == moment
    assert start(text).utcoffset() == timedelta(0)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        # What Meltano makes of 2025-07-01T04:29:00+02:00 without quotation marks.
        ("2025-07-01T04:29:00", "without its offset .* quote it in meltano.yml"),
        ("20250701T042900", "without its offset"),
        ("2025-07-01 04:29", "without its offset"),
        ("yesterday", "neither a date such as"),
        ("2025-7-1", "neither a date such as"),
        ("01/07/2025", "neither a date such as"),
        ("2025-07-01T04:29:00 02:00", "neither a date such as"),
        ("0001-01-01T00:00:00+01:00", "neither a date such as"),
        ("1751337000", "neither a date such as"),
    ],
)
def test_a_start_that_could_mean_two_moments_is_none(text: str, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        start(text)


@given(st.datetimes(EARLIEST.replace(tzinfo=None), timezones=st.timezones()))
def test_a_start_keeps_its_instant(moment: datetime) -> None:
    assert start(moment.isoformat()) == moment.astimezone(UTC)


NOON = utc("2026-12-01T12:00:00")


@pytest.mark.parametrize(
    ("server", "answered_after", "words", "differ"),
    [
        (0, 0.2, "0 s behind", False),
        (60, 0, "60 s ahead", False),
        (-60, 0, "60 s behind", False),
        (7_200, 1, "7199 s ahead", True),
        (-86_400, 1, "86400 s behind", True),
        # The licence has delayed the answer: the clock was read at its end.
        (599, 600, "0 s behind", False),
    ],
)
def test_clocks_differ_by_what_the_time_of_the_answer_does_not_explain(
    server: float, answered_after: float, words: str, *, differ: bool
) -> None:
    clocks = Clocks(
        NOON + timedelta(seconds=server), NOON, NOON + timedelta(seconds=answered_after)
    )
    assert clocks.words() == f"the server's is {words}"
    assert clocks.differ is differ
    assert clocks.earlier == NOON + min(timedelta(seconds=server), timedelta(0))


@pytest.mark.parametrize("ahead", [TWO_HOURS, A_DAY])
def test_a_date_header_that_is_fast_hides_no_later_change(
    run_tap: RunTap, acumatica: AcumaticaAdmin, ahead: float
) -> None:
    acumatica.change_settings(header_offset_seconds=ahead)
    for n in range(8):
        fields = {"AccountCD": f"NOW{ahead}{n}", "Description": "Now"}
        acumatica.put_record("Account", fields)
    lately = (datetime.now(UTC) - timedelta(hours=1)).isoformat()
    given = {"start_date": lately, "page_size": 3, "lookback_seconds": 60}
    first = run_tap("gl_accounts", **given)
    assert first.exit_code == 0
    [told] = re.findall(r"clocks .* differ: the server's is (\d+) s ahead", first.log)
    assert abs(int(told) - ahead) < 30
    assert first.bookmark("gl_accounts") <= datetime.now(UTC)
    fields = {"AccountCD": f"FAST{ahead}", "Description": "Later"}
    acumatica.put_record("Account", fields)
    second = run_tap("gl_accounts", state=first.state, **given)
    read = [record["AccountCD"] for record in second.records("gl_accounts")]
    assert f"FAST{ahead}" in read


def test_a_clock_of_ours_that_is_fast_moves_no_bookmark_past_the_servers(
    run_tap: RunTap, acumatica: AcumaticaAdmin, asked: Asked
) -> None:
    acumatica.change_settings(clock_offset_seconds=-TWO_HOURS)
    run = run_tap("gl_accounts", page_size=100)
    assert "clocks of the instance and of this machine differ" in run.log
    shown = datetime.now(UTC) - timedelta(seconds=TWO_HOURS)
    assert run.bookmark("gl_accounts") <= shown
    ends = [
        datetime.fromisoformat(page["$filter"].split("'")[-2])
        for page in asked("Account")
        if " lt " in page.get("$filter", "")
    ]
    assert max(ends) <= shown


# What is yet to come.

TO_COME = "2099-01-01T00:00:00+00:00"


def reached(bookmark: str) -> dict[str, Any]:
    """Return a state that has been read up to a moment."""
    values = {"replication_key": KEY, "replication_key_value": bookmark}
    return {"bookmarks": {"gl_accounts": values}}


def test_a_start_that_is_yet_to_come_is_named() -> None:
    says = f"^Setting 'start_date' is {TO_COME.replace('+', '.')}, which is yet to come"
    with serving(Account=[]) as server, pytest.raises(SettingError, match=says):
        sync(server, start_date="2099-01-01")
    assert "Account" not in server.asked


@pytest.mark.parametrize("ahead", [timedelta(minutes=2), timedelta(days=26_000)])
def test_a_bookmark_that_is_yet_to_come_is_named_with_its_stream(
    ahead: timedelta, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    bookmark = (datetime.now(UTC) + ahead).isoformat()
    says = f"^The state's bookmark of gl_accounts, {bookmark.replace('+', '.')}, is yet"
    with serving(Account=[]) as server, pytest.raises(StreamError, match=says):
        sync(server, reached(bookmark))
    assert "Account" not in server.asked
    written = capsysbinary.readouterr().out.splitlines()
    states = [m["value"] for m in map(json.loads, written) if m["type"] == "STATE"]
    kept = states[-1]["bookmarks"]["gl_accounts"]
    assert kept["replication_key_value"] == bookmark


def test_a_bookmark_a_moment_ahead_is_read_from_what_the_clocks_have_reached() -> None:
    """A clock was set back by a little: what changes meanwhile must not be hidden."""
    bookmark = (datetime.now(UTC) + timedelta(seconds=50)).isoformat()
    table = OddTable([row("a", 1)], entity="Account")
    with serving(**{"*": table}) as server:
        sync(server, reached(bookmark), lookback_seconds=0)
    begins = table.asked[-1]["$filter"].split("datetimeoffset'")[1][:29]
    assert datetime.fromisoformat(begins) <= datetime.now(UTC)
