"""What comes back when the server at the other end is not, or not quite, Snowflake."""

from __future__ import annotations

import datetime as dt
import re
import time
from email.utils import format_datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import backoff
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID
from target_snowflake_merge.errors import StatementError, TargetError
from target_snowflake_merge.sql_api.auth import AccessToken
from target_snowflake_merge.sql_api.client import Session, SqlApi, Statement

from tests.helpers.answering import (
    PAGE,
    answering,
    received,
    received_cookies,
)

if TYPE_CHECKING:
    from pathlib import Path

HANDLE = {"statementHandle": "01b0-0001"}
RUNNING = {**HANDLE, "code": "333334"}
RESULT = {
    **HANDLE,
    "code": "090001",
    "resultSetMetaData": {"rowType": [{"name": "A"}], "partitionInfo": [{}]},
    "data": [["1"]],
}


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """Make a certificate of localhost that nobody has signed, and its key."""
    key = rsa.generate_private_key(65537, 2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = dt.datetime.now(dt.UTC)
    signed = (
        x509.CertificateBuilder(name, name, key.public_key(), 1)
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False
        )
        .sign(key, hashes.SHA256())
    )
    path = tmp_path / "localhost.pem"
    encoding = serialization.Encoding.PEM
    private = key.private_bytes(
        encoding,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    path.write_bytes(signed.public_bytes(encoding) + private)
    return path


def test_a_result() -> None:
    with answering((202, RUNNING), (202, RUNNING), (200, RESULT)) as api:
        result = api.execute(Statement("SELECT 1", "r"))

    assert (result.handle, result.rows) == ("01b0-0001", [{"A": "1"}])


LOST = {"code": "000709", "sqlState": "02000", "message": "Statement not found"}


@pytest.mark.parametrize(
    "lost", [(404, LOST), (422, LOST), (404, PAGE)], ids=["404", "422", "a page"]
)
def test_a_statement_that_is_lost_is_asked_for_by_its_request_id(lost: Any) -> None:
    with answering((202, RUNNING), lost, (202, RUNNING), (200, RESULT)) as api:
        result = api.execute(Statement("MERGE", "r"))

    assert (result.attempts, result.rows) == (2, [{"A": "1"}])
    with (
        answering((202, RUNNING), lost, (202, RUNNING), lost) as api,
        pytest.raises(TargetError, match="whether it was executed is not kno") as told,
    ):
        api.execute(Statement("MERGE", "r"))
    assert not isinstance(told.value, StatementError)


def test_what_is_asked() -> None:
    with answering((200, RESULT)) as api:
        api.execute(Statement("SELECT ?", "r", ("[1]",), "tag"))

    assert received == [
        {
            "statement": "SELECT ?",
            "bindings": {"1": {"type": "TEXT", "value": "[1]"}},
            "parameters": {
                "timezone": "UTC",
                "rows_per_resultset": 0,
                "query_tag": "tag",
            },
            "database": "DB",
            "warehouse": "WH",
            "timeout": 60,
        }
    ]


NEXT_DAY = dt.datetime.now(dt.UTC) + dt.timedelta(days=1)


@pytest.mark.parametrize(
    ("retry_after", "pause"),
    [("7", 7), ("86400", 30), (format_datetime(NEXT_DAY, usegmt=True), 30), ("?", 0)],
    ids=["seconds", "a day", "a date", "nonsense"],
)
def test_a_pause_is_as_long_as_asked_for_but_not_for_ever(
    monkeypatch: pytest.MonkeyPatch, retry_after: str, pause: float
) -> None:
    """Retry-After was obeyed for any time, by clients of several peers."""
    pauses: list[float] = []
    monkeypatch.setattr(time, "sleep", pauses.append)
    monkeypatch.setattr(backoff, "full_jitter", lambda _: 0)
    throttled = (429, {"code": "390505"}, {"Retry-After": retry_after})

    with answering(throttled, (200, RESULT)) as api:
        api.execute(Statement("SELECT 1", "r"))
    with answering((202, RUNNING), throttled, (200, RESULT)) as api:
        api.execute(Statement("SELECT 1", "r"))

    assert pauses == [pause, 0.1, max(pause, 0.1 * 1.5)]


class Clock:
    """Time that passes only while somebody sleeps."""

    now = 0.0

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(time, "monotonic", clock.monotonic)
    monkeypatch.setattr(time, "sleep", clock.sleep)
    monkeypatch.setattr(backoff, "full_jitter", lambda limit: limit)
    return clock


def test_an_outage_of_minutes_is_waited_out(clock: Clock) -> None:
    with answering(*[(503, "")] * 13, (200, RESULT)) as api:
        api.execute(Statement("SELECT 1", "r"))

    assert clock.now == 271


def test_a_longer_outage_ends_the_run(clock: Clock) -> None:
    with (
        answering(*[(503, "")] * 14) as api,
        pytest.raises(TargetError, match="also after 300 seconds; try later"),
    ):
        api.execute(Statement("SELECT 1", "r"))

    assert clock.now == 271


def test_a_statement_may_be_polled_for_as_long_as_it_may_run(clock: Clock) -> None:
    busy = (429, {"code": "390505"}, {"Retry-After": "30"})

    with answering((202, RUNNING), *[busy] * 11, (200, RESULT)) as api:
        api.execute(Statement("SELECT 1", "r"))

    assert clock.now > 300


def test_a_statement_that_never_ends_is_given_up(clock: Clock) -> None:
    busy = (429, {"code": "390505"}, {"Retry-After": "30"})

    with (
        answering((202, RUNNING), *[busy] * 13) as api,
        pytest.raises(TargetError, match="01b0-0001 still runs after 360 s") as caught,
    ):
        api.execute(Statement("SELECT 1", "r"))

    assert not isinstance(caught.value, StatementError)
    assert clock.now > 360


FULL = {**HANDLE, "code": "000625", "sqlState": "57014", "message": "too many waiters"}


def test_a_full_lock_queue_is_waited_out_for_as_long_as_a_statement_may_run(
    clock: Clock,
) -> None:
    with (
        answering(*[(422, FULL)] * 6) as api,
        pytest.raises(StatementError, match="run fewer statements") as caught,
    ):
        api.execute(Statement("MERGE", "r"))

    assert caught.value.code == "000625"
    assert clock.now == 1 + 2 + 4 + 8 + 16


def test_no_other_refusal_is_tried_again() -> None:
    cancelled = {**FULL, "code": "000604", "message": "SQL execution canceled"}

    with (
        answering((422, cancelled)) as api,
        pytest.raises(StatementError, match="SQL execution canceled"),
    ):
        api.execute(Statement("MERGE", "r"))


DECLARED = {"Content-Type": "application/json"}


@pytest.mark.parametrize(
    "answer",
    [
        (200, '{"statementHandle": "01b0', DECLARED),
        (200, '{"statementHandle": "01b0', {"Content-Length": "500"}),
        (202, "", DECLARED),
        (408, "Request Timeout"),
        (500, PAGE),
        (502, PAGE),
        (503, ""),
        (504, ""),
    ],
    ids=str,
)
@pytest.mark.usefixtures("clock")
def test_what_a_gateway_says_or_cuts_off_is_asked_again(answer: Any) -> None:
    with answering(answer, (200, RESULT)) as api:
        assert api.execute(Statement("MERGE", "r")).attempts == 2


def test_snowflakes_own_timeout_is_definite() -> None:
    answer = {**HANDLE, "code": "000630", "message": "Statement was canceled."}

    with (
        answering((408, answer)) as api,
        pytest.raises(StatementError, match="raise statement_timeout_seconds"),
    ):
        api.execute(Statement("MERGE", "r"))


@pytest.mark.parametrize(
    ("status", "code", "definite"),
    [
        (400, "390142", True),
        (422, "100038", True),
        (403, "390189", False),
        (405, "390100", False),
    ],
)
def test_only_a_refused_statement_is_refused_for_good(
    status: int, code: str, *, definite: bool
) -> None:
    answers = (202, RUNNING), (status, {"code": code, "message": "No."})
    with answering(*answers) as api, pytest.raises(TargetError) as caught:
        api.execute(Statement("MERGE", "r"))

    assert isinstance(caught.value, StatementError) is definite
    assert f"{status} ({code}) No" in str(caught.value)


def test_a_redirect_is_named_without_its_secrets() -> None:
    location = {"Location": "https://login.example/path?token=hush"}

    with (
        answering((302, "", location)) as api,
        pytest.raises(TargetError, match=r"it redirects to https://login\.example;"),
    ):
        api.execute(Statement("MERGE", "r"))


@pytest.mark.parametrize(
    ("seconds", "words"), [(-400, "ahead of"), (400, "behind"), (0, None)]
)
def test_a_refused_sign_in_tells_of_clocks_that_differ(
    seconds: int, words: str | None
) -> None:
    moment = dt.datetime.now(dt.UTC) + dt.timedelta(seconds=seconds)
    header = {"Date": format_datetime(moment, usegmt=True)}

    with (
        answering((401, {"code": "390144", "message": "JWT"}, header)) as api,
        pytest.raises(TargetError, match="refused the sign-in") as caught,
    ):
        api.execute(Statement("MERGE", "r"))

    if words:
        assert re.search(rf"clock is (399|40[0-2]) seconds {words}", str(caught.value))
    else:
        assert "clock" not in str(caught.value)


def test_cookies_are_not_sent_back() -> None:
    cookie = {"Set-Cookie": "session=hush"}

    with answering((202, RUNNING, cookie), (200, RESULT)) as api:
        api.execute(Statement("SELECT 1", "r"))

    assert received_cookies == [None, None]


@pytest.mark.parametrize(
    "answers",
    [
        [(200, PAGE)],
        [(200, "")],
        [(200, [])],
        [(200, {"ok": True})],
        [(200, {**RESULT, "data": None})],
        [(200, {**RESULT, "statementHandle": None})],
        [(200, {**RESULT, "resultSetMetaData": None})],
        [(202, PAGE)],
        [(202, {"code": "333334"})],
        [(202, RUNNING), (200, PAGE)],
        [(204, "")],
        [(302, PAGE)],
    ],
    ids=str,
)
def test_only_a_result_of_snowflake_is_a_success(
    answers: list[tuple[int, Any]],
) -> None:
    with answering(*answers) as api, pytest.raises(TargetError):
        api.execute(Statement("MERGE", "r"))


NAMED = {"rowType": [{"name": "A"}]}
ODD_META: dict[str, Any] = {"rowType": None, "partitionInfo": None}
SHORT: dict[str, Any] = {"rowType": [{"name": "A"}, {"name": "B"}]}


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"stats": [1]}, "Expected `object | null`, got `array` - at `$.stats`"),
        ({"data": [None]}, "Expected `array`, got `null` - at `$.data[0]`"),
        ({"resultSetMetaData": ODD_META}, "at `$.resultSetMetaData.rowType`"),
        ({"resultSetMetaData": {"rowType": ["A"]}}, "Expected `object`, got `str`"),
        ({"resultSetMetaData": SHORT}, "rows do not have 2 values"),
        ({"resultSetMetaData": {**NAMED, "numRows": 2}}, "of 2 rows 1 have come"),
        ({"resultSetMetaData": NAMED}, "nothing says how many rows there are"),
    ],
)
def test_a_result_of_an_odd_shape_is_named(changes: Any, says: str) -> None:
    with (
        answering((200, {**RESULT, **changes})) as api,
        pytest.raises(TargetError, match=re.escape(says)) as caught,
    ):
        api.execute(Statement("SELECT 1", "r"))

    assert "[statement 01b0-0001]; check account" in str(caught.value)
    assert not isinstance(caught.value, StatementError)


@pytest.mark.parametrize(
    "stats", [{"numRowsInserted": "x"}, {"numRowsInserted": [1]}, {}, None]
)
def test_a_count_that_is_no_number_is_named(stats: Any) -> None:
    with (
        answering((200, {**RESULT, "stats": stats})) as api,
        pytest.raises(TargetError, match="01b0-0001 has inserted, but") as caught,
    ):
        api.execute(Statement("SELECT 1", "r")).count("inserted")

    assert not isinstance(caught.value, StatementError)


def test_what_a_merge_has_no_clause_for_is_not_counted() -> None:
    meta = {"rowType": [{"name": "number of rows inserted"}], "numRows": 1}
    with answering((200, {**RESULT, "resultSetMetaData": meta})) as api:
        result = api.execute(Statement("MERGE", "r"))
    assert (result.count("inserted"), result.count("updated")) == (1, 0)


def test_half_a_character_in_a_setting_is_not_sent() -> None:
    session = Session("DB", "WH", "R\ud800", 60)
    api = SqlApi("http://localhost:1", AccessToken("hush"), session, "test")
    with pytest.raises(TargetError, match=r"stands in 'R\\ud800'; correct role"):
        api.execute(Statement("SELECT 1", "r"))


@pytest.mark.parametrize(
    ("partition", "says"),
    [
        ((200, PAGE), "does not answer as Snowflake's SQL API"),
        ((404, PAGE), "not have the result of statement 01b0-0001 any more"),
        ((422, LOST), "not have the result of statement 01b0-0001 any more"),
    ],
    ids=["none", "404", "422"],
)
def test_a_partition_that_is_none(partition: Any, says: str) -> None:
    partitions = {"rowType": [{"name": "A"}], "partitionInfo": [{}, {}]}
    first = {**RESULT, "resultSetMetaData": partitions}

    with (
        answering((200, first), partition) as api,
        pytest.raises(TargetError, match=says) as told,
    ):
        api.execute(Statement("SELECT 1", "r"))
    assert not isinstance(told.value, StatementError)


def test_an_encrypted_connection_that_breaks_is_tried_again(
    certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate))

    with answering((200, RESULT), certificate=certificate, broken=1) as api:
        assert api.execute(Statement("MERGE", "r")).handle == "01b0-0001"


def test_a_certificate_that_is_not_trusted_ends_the_run(certificate: Path) -> None:
    with (
        answering(certificate=certificate) as api,
        pytest.raises(TargetError, match=r"certificate of .* \(.*self-signed"),
    ):
        api.execute(Statement("MERGE", "r"))
