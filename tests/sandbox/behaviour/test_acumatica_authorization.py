"""The authorization code flow, with PKCE."""

from __future__ import annotations

import base64
import hashlib
import time
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from sandbox import config

if TYPE_CHECKING:
    from sandbox.acumatica.control.admin_client import AcumaticaAdmin

    from tests.sandbox.conftest import AcumaticaClient

VERIFIER = "verifier-0123456789-0123456789-0123456789-0123456789"
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest())
ASKED = {
    "response_type": "code",
    "client_id": config.CLIENT_ID,
    "redirect_uri": config.REDIRECT_URI,
    "scope": "api offline_access",
    "state": "the state",
    "code_challenge": CHALLENGE.rstrip(b"=").decode(),
    "code_challenge_method": "S256",
}
PERSON = {
    "username": config.USERNAME,
    "password": config.PASSWORD,
    "decision": "allow",
}


def call(
    client: AcumaticaClient,
    form: dict[str, str] | None = None,
    **changes: str | None,
) -> requests.Response:
    return requests.request(
        "POST" if form else "GET",
        f"{client.url}/identity/connect/authorize",
        params={**ASKED, **changes},
        data=form,
        allow_redirects=False,
        timeout=60,
    )


def answered(response: requests.Response) -> dict[str, str]:
    assert response.status_code == 302, response.text
    address, _, query = response.headers["location"].partition("?")
    assert address == config.REDIRECT_URI
    return {name: values[0] for name, values in parse_qs(query).items()}


def redeem(
    client: AcumaticaClient, code: str, **changes: str | None
) -> requests.Response:
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": config.REDIRECT_URI,
        "code_verifier": VERIFIER,
        "username": None,
        "password": None,
        "scope": None,
        **changes,
    }
    return client.grant(**form)


def test_a_person_signs_in_and_the_client_gets_a_token(
    stranger: AcumaticaClient,
) -> None:
    page = call(stranger)
    assert page.status_code == 200
    assert page.headers["content-type"].startswith("text/html")
    assert 'name="password"' in page.text
    query = answered(call(stranger, PERSON))
    assert query["state"] == "the state"
    answer = redeem(stranger, query["code"]).json()
    stranger.token = answer["access_token"]
    assert stranger.rows("Vendor", top=1)
    refreshed = stranger.grant(
        grant_type="refresh_token", refresh_token=answer["refresh_token"]
    )
    assert refreshed.json()["refresh_token"] != answer["refresh_token"]


def test_a_code_is_good_once(stranger: AcumaticaClient) -> None:
    code = answered(call(stranger, PERSON))["code"]
    assert redeem(stranger, code).status_code == 200
    assert redeem(stranger, code).json() == {"error": "invalid_grant"}


@pytest.mark.parametrize(
    "changes",
    [
        {"code_verifier": "another"},
        {"code_verifier": None},
        {"redirect_uri": "http://127.0.0.1:1/callback"},
        {"redirect_uri": None},
    ],
)
def test_a_code_is_good_for_the_client_that_asked(
    stranger: AcumaticaClient, changes: dict[str, str | None]
) -> None:
    code = answered(call(stranger, PERSON))["code"]
    answer = redeem(stranger, code, **changes)
    assert (answer.status_code, answer.json()) == (400, {"error": "invalid_grant"})


def test_a_code_needs_the_clients_secret(stranger: AcumaticaClient) -> None:
    code = answered(call(stranger, PERSON))["code"]
    answer = redeem(stranger, code, client_secret=None)
    assert answer.json() == {"error": "invalid_client"}


def test_a_code_ends(stranger: AcumaticaClient, admin: AcumaticaAdmin) -> None:
    admin.change_settings(code_seconds=1)
    code = answered(call(stranger, PERSON))["code"]
    time.sleep(1.1)
    assert redeem(stranger, code).json() == {"error": "invalid_grant"}


def test_without_pkce_a_verifier_is_refused(stranger: AcumaticaClient) -> None:
    plain = {"code_challenge": None, "code_challenge_method": None}
    code = answered(call(stranger, PERSON, **plain))["code"]
    assert redeem(stranger, code, code_verifier=None).status_code == 200
    code = answered(call(stranger, PERSON, **plain))["code"]
    assert redeem(stranger, code).json() == {"error": "invalid_grant"}


def test_a_person_may_refuse(stranger: AcumaticaClient) -> None:
    query = answered(call(stranger, {"decision": "deny"}))
    assert query == {"error": "access_denied", "state": "the state"}


def test_a_wrong_password_shows_the_form_again(
    stranger: AcumaticaClient,
) -> None:
    wrong = {**PERSON, "password": "wrong"}
    for _ in range(5):
        page = call(stranger, wrong)
        assert page.status_code == 200
        assert "invalid_username_or_password" in page.text
    assert "is locked out" in call(stranger, PERSON).text


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"response_type": None}, "unsupported_response_type"),
        ({"scope": "everything"}, "invalid_scope"),
        ({"scope": None}, "invalid_scope"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"code_challenge_method": None}, "invalid_request"),
    ],
)
@pytest.mark.parametrize("form", [None, PERSON])
def test_an_error_goes_back_to_the_client(
    stranger: AcumaticaClient,
    changes: dict[str, str | None],
    error: str,
    form: dict[str, str] | None,
) -> None:
    query = answered(call(stranger, form, **changes))
    assert query == {"error": error, "state": "the state"}


@pytest.mark.parametrize(
    "changes",
    [
        {"client_id": config.CLIENT_ID.replace("@Company", "@Elsewhere")},
        {"client_id": None},
        {"redirect_uri": "http://127.0.0.1:8766/callback"},
        {"redirect_uri": f"{config.REDIRECT_URI}/"},
        {"redirect_uri": None},
    ],
)
def test_nobody_is_sent_where_nothing_is_registered(
    stranger: AcumaticaClient, changes: dict[str, str | None]
) -> None:
    answer = call(stranger, PERSON, **changes)
    assert answer.status_code == 400
    assert "location" not in answer.headers


def test_another_address_can_be_registered(
    stranger: AcumaticaClient, admin: AcumaticaAdmin
) -> None:
    uri = "http://127.0.0.1:4321/callback?from=here"
    admin.change_settings(redirect_uris=[uri])
    answer = call(stranger, PERSON, redirect_uri=uri)
    query = parse_qs(urlsplit(answer.headers["location"]).query)
    assert (query["from"], query["state"]) == (["here"], ["the state"])
    assert redeem(stranger, query["code"][0], redirect_uri=uri).status_code == 200
