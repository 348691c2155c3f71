"""What an instance says is told as it is meant, and nothing of its records is."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tap_acumatica import exact_json
from tap_acumatica.errors import AcumaticaError, RetryableError, SettingError
from tap_acumatica.schema import Swagger

from tests.helpers.odd_server import TOKEN, Turns, serving, sync

COOKIES = {"client_id": None, "client_secret": None}
LOGIN = "/Frames/Login.aspx?ReturnUrl=%2fentity"


def leading_to(place: str, status: int = 302) -> tuple[int, bytes, dict[str, str]]:
    return status, b"<html><b>Object moved</b></html>", {"Location": place}


@pytest.fixture(autouse=True)
def _hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait for nothing between two attempts."""
    monkeypatch.setattr("time.sleep", lambda _: None)


# Redirects.


@pytest.mark.parametrize(
    ("place", "attempts", "says"),
    [
        (LOGIN, 2, r"leads to http://127.0.0.1:\d+/Frames/Login.aspx: it asks for a"),
        ("Maintenance.aspx", 8, "Maintenance.aspx: it is under maintenance; run this"),
        ("/Frames/Error.aspx", 8, "Error.aspx: it shows an error there without a mess"),
        ("/Frames/Error.aspx?message=Too+many", 8, "declines the session: Too many"),
        (
            "https://login.example.com/t/oauth2/authorize?state=SECRET",
            1,
            r"leads to https://login.example.com/t/oauth2/authorize: either instance_u",
        ),
        (
            "https://u:SECRET@[bad/",
            8,
            r"^Cannot reach http://[\d.:]+ \(Invalid IPv6 URL\)",
        ),
        (
            "https://u:SECRET@erp.example.com/x",
            1,
            "leads to https://erp.example.com/x:",
        ),
    ],
)
def test_a_redirect_is_told_by_the_place_that_it_leads_to(
    place: str, attempts: int, says: str
) -> None:
    with serving(Account=leading_to(place)) as server:
        with pytest.raises(AcumaticaError, match=says) as raised:
            sync(server)
        assert len(server.bodies["Account"]) == attempts
    assert "SECRET" not in str(raised.value)
    assert "<html>" not in str(raised.value)


@pytest.mark.parametrize("ended", [leading_to(LOGIN), (401, {})])
def test_a_session_of_cookies_that_has_ended_signs_in_again_once(ended: Any) -> None:
    with serving(Account=Turns([ended, [], []]), login={}) as server:
        sync(server, **COOKIES)
        assert len(server.bodies["login"]) == 2
    with serving(Account=ended, login={}) as server:
        with pytest.raises(AcumaticaError):
            sync(server, **COOKIES)
        assert len(server.bodies["login"]) == 2


@pytest.mark.parametrize(
    ("answer", "attempts", "says"),
    [
        ((500, {}), 1, r"refuses the sign-in \(500: \(JSON of 2 bytes\)\). Check user"),
        ((500, b"<html><h1>Server  Error</h1></html>"), 1, "500: Server Error"),
        (
            (500, {"exceptionType": "PX.Data.PXException"}),
            1,
            "500: .an object of exceptionType: text.",
        ),
        ((500, {"ExceptionMessage": "Invalid credentials."}), 1, "Invalid credentials"),
        (leading_to("/Frames/Error.aspx"), 1, "without a message"),
        (
            leading_to("https://sso.example.com/"),
            1,
            "leads to https://sso.example.com/",
        ),
        (leading_to("/Frames/Maintenance.aspx"), 8, "it is under maintenance"),
        (
            leading_to("/Frames/Error.aspx?message=API+Login+Limit"),
            8,
            "API Login Limit",
        ),
        ((503, b""), 8, r"\(503: \(an empty body\)\)"),
    ],
)
def test_a_password_is_not_sent_again_unless_it_cannot_be_the_cause(
    answer: Any, attempts: int, says: str
) -> None:
    with serving(login=answer) as server:
        with pytest.raises(AcumaticaError, match=says):
            sync(server, **COOKIES)
        assert len(server.bodies["login"]) == attempts


# Messages.


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (
            {
                "message": "The request is invalid.",
                "modelState": {"parameters.top": ["The value 'x' is not valid."]},
            },
            "The request is invalid. parameters.top: The value 'x' is not valid.",
        ),
        (
            {"Message": "No.", "ModelState": {"filter": "Bad.", "top": ["A.", "B."]}},
            "No. filter: Bad. top: A. B.",
        ),
        ({"message": "No.", "modelState": None}, "No."),
        ({"message": "No.", "modelState": "$top is odd."}, "No. $top is odd."),
        ({"Amount": 12}, "(an object of Amount: number)"),
        ([{"Amount": 12}], "(JSON of 16 bytes)"),
    ],
)
def test_a_refusal_names_the_parameter_and_no_record(body: Any, says: str) -> None:
    with (
        serving(Account=(400, body)) as server,
        pytest.raises(AcumaticaError) as raised,
    ):
        sync(server)
    assert str(raised.value).endswith(f"answered 400: {says}")


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ({"Total": {"value": 4711}}, "an object of Total: object."),
        ([{"id": "1"}, {"id": 4711, "Total": 0.5}], "of id: number, Total: number."),
        ([{"id": "1"}, "4711"], "text."),
        ([{f"F{n}": None for n in range(12)}], "F9: null, …."),
        ({}, "an empty object."),
        (None, "null."),
        (True, "boolean."),
    ],
)
def test_what_is_no_record_is_told_by_types_and_names(body: Any, says: str) -> None:
    with serving(Account=body) as server, pytest.raises(AcumaticaError) as raised:
        sync(server)
    told = "than records with ids: "
    assert str(raised.value).partition(told)[2].endswith(says)
    assert "4711" not in str(raised.value)


@pytest.mark.parametrize(
    "body", [b'[{"id": "a", "Total": {"value": 4711}', b'{"Total": 4711', b"[" * 99_999]
)
def test_json_that_breaks_off_is_not_shown(body: bytes) -> None:
    says = r"GET entity/Default/24.200.001/Account answered 200 .*JSON of \d+ bytes"
    with (
        serving(Account=body) as server,
        pytest.raises(AcumaticaError, match=says) as raised,
    ):
        sync(server)
    assert "4711" not in str(raised.value)


# Characters.


def described(body: bytes) -> Any:
    row = b'[{"id":"A1","LastModifiedDateTime":{},"Name":{"value":"%b"}}]'
    return row.replace(b"%b", body)


SWAGGER_OF_NAMES: dict[str, Any] = {
    "info": {"version": "4"},
    "paths": {"/Account": {"get": {}}},
    "definitions": {
        "StringValue": {"properties": {"value": {"type": "string"}}},
        "Account": {
            "properties": {
                name: {"$ref": "#/definitions/StringValue"}
                for name in ("LastModifiedDateTime", "Name")
            }
        },
    },
}


@pytest.mark.parametrize(
    ("sent", "name", "warns"),
    [
        (b"Caf\xe9", "Caf\ufffd", True),
        (rb"cut \ud83d", "cut \ufffd", True),
        (rb"\udc00 cut, \\ud83d not", "\ufffd cut, \\ud83d not", True),
        (rb"\ud83d\ude00 whole", "\U0001f600 whole", False),
        ("na\u00efve \ufffd".encode(), "na\u00efve \ufffd", False),
    ],
)
def test_a_character_that_is_none_costs_a_warning_and_not_the_run(
    sent: bytes,
    name: str,
    *,
    warns: bool,
    caplog: pytest.LogCaptureFixture,
    capsysbinary: pytest.CaptureFixture[bytes],
) -> None:
    answers = {"Account": described(sent), "swagger.json": SWAGGER_OF_NAMES}
    with serving(**answers) as server:
        sync(server)
    lines = capsysbinary.readouterr().out.splitlines()
    [record] = [m for m in map(json.loads, lines) if m["type"] == "RECORD"]
    assert record["record"]["Name"] == name
    told = "Account answered 1 characters that are none"
    assert (told in caplog.text) is warns
    assert ("in their place now, in /A1/Name." in caplog.text) is warns


def test_a_name_with_half_a_character_is_a_place_too() -> None:
    value, mended = exact_json.read(rb'{"custom":{"Usr\ud83d":{},"Whole":{}}}')
    assert mended == 1
    assert list(exact_json.mended_places(value)) == ["/custom/Usr\ufffd"]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le"])
def test_a_byte_order_mark_is_no_fault(
    encoding: str, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    """On what is read and on what signs in."""
    marked = {
        "Account": described("Köln".encode()).decode().encode(encoding),
        "swagger.json": json.dumps(SWAGGER_OF_NAMES).encode(encoding),
        "token": json.dumps(TOKEN).encode(encoding),
    }
    with serving(**marked) as server:
        sync(server)
    assert "Köln".encode() in capsysbinary.readouterr().out


def test_a_body_of_another_encoding_ends_with_a_sentence() -> None:
    says = r"Account answered 200 with .* JSON in UTF-8: .JSON of \d+ bytes. \(20 c"
    with (
        serving(Account=described(b"\xe9" * 20)) as server,
        pytest.raises(AcumaticaError, match=says),
    ):
        sync(server)


@pytest.mark.parametrize(
    "body", [b'{"a":"\\ud8', b'{"a":"\\', b"", b"\xff\xfe", b"\x00", b'"\\u']
)
def test_what_is_no_json_stays_unreadable(body: bytes) -> None:
    with pytest.raises(exact_json.UnreadableError):
        exact_json.read(body)


@pytest.mark.parametrize(
    ("answer", "kind", "says"),
    [
        (
            (400, {"error": ["x"]}),
            AcumaticaError,
            "token answered an object of error: l",
        ),
        ((400, b"\xff"), AcumaticaError, "no reason given"),
        ({"access_token": ["x"]}, SettingError, "access_token: list"),
        ({"access_token": "a\nb"}, SettingError, "access_token: text"),
        (
            {"access_token": "a", "refresh_token": {"x": 1}},
            SettingError,
            "refresh_token: object",
        ),
        (leading_to("https://sso.example.com/x"), SettingError, "https://sso.example"),
        (leading_to("/Frames/Maintenance.aspx"), RetryableError, "under maintenance"),
    ],
)
def test_a_token_answer_that_is_none_is_told(
    answer: Any, kind: type[AcumaticaError], says: str
) -> None:
    with serving(token=answer) as server, pytest.raises(kind, match=says) as raised:
        sync(server)
    assert type(raised.value) is kind


# The contract version.


@pytest.mark.parametrize(
    ("info", "wrappers", "contract", "doubts"),
    [
        ({"version": "4"}, [], 4, False),
        ({"version": "5"}, ["DateOnlyValue"], 5, False),
        ({"version": "5"}, [], 5, False),
        ({"version": 5}, [], 5, False),
        ({"version": "4"}, ["DateOnlyValue"], 4, True),
        ({"version": "3"}, [], 4, True),
        ({"version": "6"}, ["DateOnlyValue"], 5, True),
        ({}, [], 4, True),
        ({}, ["DateOnlyValue"], 5, True),
        (None, [], 4, True),
    ],
)
def test_info_version_decides_the_contract_version(
    info: Any, wrappers: list[str], contract: int, *, doubts: bool
) -> None:
    definitions: dict[str, Any] = {name: {} for name in wrappers}
    swagger = Swagger({"info": info, "definitions": definitions})
    assert swagger.contract == contract
    assert bool(swagger.doubt) is doubts


def test_a_contract_version_in_doubt_is_told(caplog: pytest.LogCaptureFixture) -> None:
    document = {**SWAGGER_OF_NAMES, "info": {"version": "3"}}
    with serving(Account=[], **{"swagger.json": document}) as server:
        sync(server)
        told = "is taken for one of contract version 4, though info.version of its swag"
        assert caplog.text.count(told) == 1
        caplog.clear()
        sync(server, contract_version=4)
    assert told not in caplog.text
