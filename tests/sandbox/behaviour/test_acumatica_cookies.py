"""Signing in by name and password for a session that cookies stand for."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest
import requests
from sandbox.acumatica.api.faults import Fault

from sandbox import config

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sandbox.acumatica.control.admin_client import AcumaticaAdmin

    from tests.sandbox.conftest import AcumaticaClient

BILLS = "/entity/Default/24.200.001/Bill"


class Browser:
    """Keeps cookies."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.session = requests.Session()

    def sign_in(self, **changes: Any) -> requests.Response:
        wanted = {
            "name": config.USERNAME,
            "password": config.PASSWORD,
            "tenant": config.TENANT,
            **changes,
        }
        body = {name: value for name, value in wanted.items() if value is not None}
        return self.session.post(
            f"{self.url}/entity/auth/login", json=body, allow_redirects=False
        )

    def get(self, path: str = f"{BILLS}?$top=1", **headers: str) -> requests.Response:
        return self.session.get(self.url + path, headers=headers)

    def sign_out(self) -> requests.Response:
        return self.session.post(f"{self.url}/entity/auth/logout")


@pytest.fixture
def browser(stranger: AcumaticaClient) -> Iterator[Browser]:
    browser = Browser(stranger.url)
    with browser.session:
        yield browser


def test_cookies_stand_for_one_session(browser: Browser, admin: AcumaticaAdmin) -> None:
    answer = browser.sign_in()
    assert (answer.status_code, answer.content) == (204, b"")
    assert set(browser.session.cookies.keys()) == {"ASP.NET_SessionId", ".ASPXAUTH"}
    assert [session["requests"] for session in admin.sessions()] == [0]
    for _ in range(3):
        assert browser.get().status_code == 200
    assert [session["requests"] for session in admin.sessions()] == [3]


def test_a_form_signs_in_as_well(browser: Browser) -> None:
    form = {"name": config.USERNAME, "password": config.PASSWORD}
    address = f"{browser.url}/entity/auth/login"
    assert browser.session.post(address, data=form).status_code == 204
    assert browser.get().status_code == 200


def test_what_is_no_credentials_is_400(browser: Browser) -> None:
    address = f"{browser.url}/entity/auth/login"
    assert browser.session.post(address, data=b"[1]").status_code == 400


@pytest.mark.parametrize("cookie", ["ASP.NET_SessionId", ".ASPXAUTH"])
def test_each_cookie_is_needed(browser: Browser, cookie: str) -> None:
    browser.sign_in()
    del browser.session.cookies[cookie]
    assert browser.get().status_code == 401


def test_signing_out_frees_the_seat_and_ends_the_cookies(
    browser: Browser, admin: AcumaticaAdmin
) -> None:
    browser.sign_in()
    assert browser.sign_out().status_code == 204
    assert admin.sessions() == []
    assert browser.get().status_code == 401


def test_an_unused_session_ends_by_itself(
    browser: Browser, admin: AcumaticaAdmin
) -> None:
    admin.change_settings(session_seconds=3)
    browser.sign_in()
    for _ in range(4):
        time.sleep(1)
        assert browser.get().status_code == 200
    time.sleep(3.1)
    assert admin.sessions() == []
    assert browser.get().status_code == 401


@pytest.mark.parametrize("status", [400, 401, 500])
def test_a_wrong_password_is_told_and_locks_in_the_end(
    browser: Browser, admin: AcumaticaAdmin, status: int
) -> None:
    admin.change_settings(refused_sign_in_status=status)
    for _ in range(5):
        answer = browser.sign_in(password="wrong")
        assert answer.status_code == status
        assert answer.json()["exceptionMessage"].startswith("Invalid credentials")
    locked = browser.sign_in()
    assert locked.status_code == status
    assert "is locked out" in locked.json()["exceptionMessage"]
    assert admin.sessions() == []


def test_a_user_with_all_its_sessions_cannot_sign_in(
    browser: Browser, admin: AcumaticaAdmin
) -> None:
    admin.change_settings(user_sessions=0)
    answer = browser.sign_in()
    assert answer.status_code == 500
    assert "concurrent API logins" in answer.json()["exceptionMessage"]


def test_no_seat_at_sign_in(browser: Browser, admin: AcumaticaAdmin) -> None:
    admin.change_settings(seats=0)
    answer = browser.sign_in()
    assert answer.status_code == 429
    assert "concurrent API logins" in answer.json()["exceptionMessage"]
    admin.change_settings(seat_limit_answer="redirect")
    answer = browser.sign_in()
    assert answer.status_code == 302
    assert answer.headers["location"].startswith("/Frames/Error.aspx")
    assert not browser.session.cookies


@pytest.mark.parametrize(
    ("old_build", "names", "succeeds"),
    [
        (False, {"tenant": config.TENANT}, True),
        (False, {"tenant": None, "company": config.TENANT}, True),
        (False, {"tenant": None}, True),
        (False, {"tenant": "Elsewhere"}, False),
        (False, {"company": config.TENANT}, False),
        (True, {"tenant": None, "company": config.TENANT}, True),
        (True, {"company": config.TENANT}, True),
        (True, {"tenant": config.TENANT}, False),
        (True, {"company": "Elsewhere"}, False),
    ],
)
def test_the_tenant_is_called_company_on_old_builds(
    browser: Browser,
    admin: AcumaticaAdmin,
    old_build: bool,  # noqa: FBT001 - a column of the table
    names: dict[str, str | None],
    succeeds: bool,  # noqa: FBT001 - as above
) -> None:
    admin.change_settings(old_build=old_build)
    assert (browser.sign_in(**names).status_code == 204) is succeeds


def test_the_branch_must_exist_and_the_locale_is_ignored(browser: Browser) -> None:
    assert browser.sign_in(branch=config.BRANCH, locale="de-DE").status_code == 204
    answer = browser.sign_in(branch="NOWHERE")
    assert answer.status_code == 500
    assert "branch NOWHERE" in answer.json()["exceptionMessage"]


def test_the_branch_of_one_request_must_exist(browser: Browser) -> None:
    browser.sign_in()
    every = browser.get(BILLS).json()
    same = browser.get(BILLS, **{"PX-CbApiBranch": config.BRANCH}).json()
    assert len(same) == len(every)
    assert browser.get(**{"PX-CbApiBranch": "NOWHERE"}).status_code == 500


def test_a_token_takes_precedence_over_cookies(
    browser: Browser, acumatica: AcumaticaClient, admin: AcumaticaAdmin
) -> None:
    browser.sign_in()
    browser.get(Authorization=f"Bearer {acumatica.token}")
    assert len(admin.sessions()) == 2
    assert browser.get(Authorization="Bearer made-up").status_code == 401


def test_a_session_can_end_in_the_middle(
    browser: Browser, admin: AcumaticaAdmin
) -> None:
    browser.sign_in()
    admin.add_fault(Fault("expire"))
    assert browser.get().status_code == 401
    assert admin.sessions() == []
    browser.sign_in()
    assert browser.get().status_code == 200


def test_an_ended_session_can_lead_to_the_page_for_people(
    browser: Browser, admin: AcumaticaAdmin
) -> None:
    admin.change_settings(ended_session_answer="redirect")
    browser.sign_in()
    admin.close_sessions()
    address = f"{browser.url}{BILLS}"
    answer = browser.session.get(address, allow_redirects=False)
    assert answer.status_code == 302
    assert answer.headers["location"].startswith("/Frames/Login.aspx?ReturnUrl=%2F")
    bearer = {"Authorization": "Bearer none"}
    again = browser.session.get(address, headers=bearer, allow_redirects=False)
    assert again.status_code == 401


def test_closed_sessions_need_a_new_sign_in(
    browser: Browser, admin: AcumaticaAdmin
) -> None:
    browser.sign_in()
    admin.close_sessions()
    assert browser.get().status_code == 401
