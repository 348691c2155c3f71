from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import requests
from sandbox.processes import SandboxError

from sandbox import config

if TYPE_CHECKING:
    from sandbox.acumatica.control.admin_client import AcumaticaAdmin

    from tests.sandbox.conftest import AcumaticaClient

SITE = "/apps/Finance"


@pytest.fixture
def at_site(stranger: AcumaticaClient, admin: AcumaticaAdmin) -> AcumaticaClient:
    """A client of an instance below a site path."""
    admin.change_settings(site_path=SITE)
    stranger.url += SITE
    stranger.sign_in()
    return stranger


def test_everything_is_served_below_the_site(at_site: AcumaticaClient) -> None:
    listed = at_site.send("GET", "/entity").json()["endpoints"]
    assert {entry["href"].rpartition("/entity/")[0] for entry in listed} == {SITE}
    document = at_site.get("swagger.json").json()
    assert document["servers"] == [{"url": f"{SITE}/entity/Default/24.200.001"}]
    [row] = at_site.rows("Bill", top=1)
    link = row["_links"]["self"]
    assert link == f"{SITE}/entity/Default/24.200.001/Bill/{row['id']}"
    assert row["_links"]["files:put"].startswith(f"{SITE}/entity/")
    assert at_site.sign_out().status_code == 204


def test_an_old_build_describes_itself_below_the_site(
    at_site: AcumaticaClient, admin: AcumaticaAdmin
) -> None:
    admin.change_settings(old_build=True)
    document = at_site.get("swagger.json").json()
    assert document["basePath"] == f"{SITE}/entity/Default/24.200.001"


@pytest.mark.parametrize(
    "path", ["/entity", "/identity/connect/token", "/apps/FinanceToo/entity", "/"]
)
def test_nothing_else_exists(at_site: AcumaticaClient, path: str) -> None:
    root = at_site.url.removesuffix(SITE)
    answer = requests.get(root + path, timeout=60)
    assert answer.status_code == 404
    assert answer.headers["content-type"].startswith("text/html")


def test_sign_in_by_cookies_and_the_error_page_are_below_the_site(
    at_site: AcumaticaClient, admin: AcumaticaAdmin
) -> None:
    admin.change_settings(seats=0, seat_limit_answer="redirect")
    form = {"name": config.USERNAME, "password": config.PASSWORD}
    for answer in (
        at_site.get("Bill", top=1),
        at_site.send("POST", "/entity/auth/login", data=form),
    ):
        assert answer.status_code == 302
        assert answer.headers["location"].startswith(f"{SITE}/Frames/Error.aspx?")


def test_a_site_path_has_a_form(admin: AcumaticaAdmin) -> None:
    with pytest.raises(SandboxError, match="site_path"):
        admin.change_settings(site_path="Finance/")
