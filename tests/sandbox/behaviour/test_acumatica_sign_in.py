from __future__ import annotations

import socket
import time
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from sandbox import config

if TYPE_CHECKING:
    from sandbox.acumatica.control.admin_client import AcumaticaAdmin

    from tests.sandbox.conftest import AcumaticaClient


def test_the_password_grant_gives_an_hour(stranger: AcumaticaClient) -> None:
    answer = stranger.grant().json()
    assert answer["expires_in"] == 3600
    assert answer["token_type"] == "Bearer"
    assert answer["access_token"]


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"password": "wrong"}, "invalid_grant"),
        ({"username": "nobody"}, "invalid_grant"),
        ({"client_secret": "wrong"}, "invalid_client"),
        ({"client_id": "8B3C5D1E-7F2A-4C69-9D0B-5E6A1F2C3D4E"}, "invalid_client"),
        ({"grant_type": "client_credentials"}, "unsupported_grant_type"),
        ({"grant_type": None}, "invalid_request"),
        ({"scope": None}, "invalid_scope"),
        ({"scope": "everything"}, "invalid_scope"),
        ({"grant_type": "refresh_token", "refresh_token": "?"}, "invalid_grant"),
    ],
)
def test_a_wrong_request_for_a_token_is_400(
    stranger: AcumaticaClient, changes: dict[str, str | None], error: str
) -> None:
    answer = stranger.grant(**changes)
    assert answer.status_code == 400
    assert answer.json()["error"] == error


def test_wrong_passwords_in_a_row_lock_the_user_out(
    stranger: AcumaticaClient, admin: AcumaticaAdmin
) -> None:
    for _ in range(4):
        stranger.grant(password="wrong")
    stranger.sign_in()
    for _ in range(5):
        description = stranger.grant(password="wrong").json()["error_description"]
        assert description == "invalid_username_or_password"
    for password in ("wrong", config.PASSWORD):
        answer = stranger.grant(password=password)
        assert answer.status_code == 400
        assert answer.json()["error"] == "invalid_grant"
        assert "is locked out" in answer.json()["error_description"]
    admin.reset_settings()
    assert stranger.grant().status_code == 200


def test_a_refresh_token_needs_the_scope_for_it(stranger: AcumaticaClient) -> None:
    assert "refresh_token" not in stranger.grant(scope="api").json()
    assert "refresh_token" in stranger.grant().json()


def test_a_chain_of_refresh_tokens_ends(
    stranger: AcumaticaClient, admin: AcumaticaAdmin
) -> None:
    admin.change_settings(refresh_chain_seconds=2)
    token, began = stranger.sign_in()["refresh_token"], time.monotonic()
    while (answer := renewed(stranger, token)).status_code == 200:
        assert time.monotonic() < began + 30
        token = answer.json()["refresh_token"]
        time.sleep(0.1)
    assert time.monotonic() > began + 1
    assert answer.json() == {"error": "invalid_grant"}


def renewed(stranger: AcumaticaClient, token: str) -> requests.Response:
    return stranger.grant(grant_type="refresh_token", refresh_token=token)


def test_a_user_with_all_its_sessions_gets_no_token(
    stranger: AcumaticaClient, admin: AcumaticaAdmin
) -> None:
    token = stranger.sign_in()["refresh_token"]
    admin.change_settings(user_sessions=0)
    for answer in (stranger.grant(), renewed(stranger, token)):
        assert answer.status_code == 400
        assert "concurrent API logins" in answer.json()["error_description"]
    admin.change_settings(user_sessions=1)
    assert stranger.grant().status_code == 200


def test_refresh_tokens_rotate(stranger: AcumaticaClient) -> None:
    first = stranger.sign_in()["refresh_token"]
    renewed = stranger.sign_in(grant_type="refresh_token", refresh_token=first)
    assert renewed["refresh_token"] != first
    assert stranger.rows("Vendor", top=1)
    again = stranger.grant(grant_type="refresh_token", refresh_token=first)
    assert again.status_code == 400


@pytest.mark.parametrize(
    "path",
    [
        "/entity",
        "/entity/Default/24.200.001/Vendor",
        "/entity/Default/1/Vendor",
        "/entity/Default/24.200.001/swagger.json",
        "/entity/nowhere",
    ],
)
def test_without_a_token_every_path_is_401(
    stranger: AcumaticaClient, path: str
) -> None:
    assert stranger.send("GET", path).status_code == 401
    stranger.token = "made-up"
    assert stranger.send("GET", path).status_code == 401


def test_an_expired_token_is_401(
    stranger: AcumaticaClient, admin: AcumaticaAdmin
) -> None:
    admin.change_settings(token_seconds=3)
    assert stranger.sign_in()["expires_in"] == 3
    assert stranger.get("Vendor", top=1).status_code == 200
    assert len(admin.sessions()) == 1
    time.sleep(3.1)
    assert stranger.get("Vendor", top=1).status_code == 401
    assert admin.sessions() == []


def test_the_first_call_of_a_token_takes_a_seat(
    acumatica: AcumaticaClient, admin: AcumaticaAdmin
) -> None:
    assert admin.sessions() == []
    for _ in range(3):
        acumatica.rows("Account", top=1)
    assert [session["requests"] for session in admin.sessions()] == [3]


def test_signing_out_frees_the_seat_and_the_token_opens_another(
    acumatica: AcumaticaClient, admin: AcumaticaAdmin
) -> None:
    acumatica.rows("Account", top=1)
    answer = acumatica.sign_out()
    assert (answer.status_code, answer.content) == (204, b"")
    assert admin.sessions() == []
    acumatica.rows("Account", top=1)
    assert len(admin.sessions()) == 1


def test_signing_out_without_a_length_is_411_and_keeps_the_seat(
    acumatica: AcumaticaClient, admin: AcumaticaAdmin
) -> None:
    acumatica.rows("Account", top=1)
    address = urlsplit(acumatica.url)
    with socket.create_connection((address.hostname, address.port)) as connection:
        connection.sendall(
            b"POST /entity/auth/logout HTTP/1.1\r\nHost: localhost\r\n"
            b"Authorization: Bearer " + acumatica.token.encode() + b"\r\n\r\n"
        )
        assert b" 411 " in connection.recv(100)
    assert len(admin.sessions()) == 1


def test_one_seat_too_many_is_429_and_names_the_limit(
    acumatica: AcumaticaClient, admin: AcumaticaAdmin
) -> None:
    admin.change_settings(seats=2)
    for _ in range(2):
        acumatica.sign_in()
        acumatica.rows("Account", top=1)
    acumatica.sign_in()
    answer = acumatica.get("Account", top=1)
    assert answer.status_code == 429
    assert "concurrent API logins" in answer.json()["exceptionMessage"]
    assert len(admin.sessions()) == 2


def test_some_instances_lead_to_an_error_page_instead(
    acumatica: AcumaticaClient, admin: AcumaticaAdmin
) -> None:
    admin.change_settings(seats=0, seat_limit_answer="redirect")
    answer = acumatica.get("Account", top=1)
    assert answer.status_code == 302
    target = urlsplit(answer.headers["location"])
    assert target.path == "/Frames/Error.aspx"
    assert "concurrent API logins" in parse_qs(target.query)["message"][0]
    followed = requests.get(f"{acumatica.url}{answer.headers['location']}", timeout=60)
    assert followed.status_code == 200
    assert followed.headers["content-type"].startswith("text/html")


def test_signing_out_takes_no_seat(
    acumatica: AcumaticaClient, admin: AcumaticaAdmin
) -> None:
    admin.change_settings(seats=0)
    assert acumatica.sign_out().status_code == 204
