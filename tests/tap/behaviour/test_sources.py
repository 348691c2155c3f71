"""A state belongs to the instance and tenant that it was read from."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from tap_acumatica.errors import SettingError
from tap_acumatica.sign_in import source

from tests.helpers.odd_server import SWAGGER, serving, sync

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.helpers.odd_server import OddServer

    Read = Callable[..., dict[str, Any]]

KEY = "LastModifiedDateTime"
ROWS = [{"id": "1", KEY: {"value": "2026-10-01T00:00:00+00:00"}}]


@pytest.fixture
def read(capsysbinary: pytest.CaptureFixture[bytes]) -> Read:
    """Run the tap for a tenant and return its last state."""

    def read(server: OddServer, tenant: str, state: dict[str, Any]) -> dict[str, Any]:
        capsysbinary.readouterr()
        # What Meltano hands in and takes out again is text.
        sync(server, json.loads(json.dumps(state)), client_id=f"id@{tenant}")
        written = capsysbinary.readouterr().out.splitlines()
        states = [m["value"] for m in map(json.loads, written) if m["type"] == "STATE"]
        last: dict[str, Any] = states[-1]
        return last

    return read


def test_the_state_of_another_tenant_is_refused_with_both_names(read: Read) -> None:
    """Its bookmarks would hide what is older in this one."""
    with serving(Account=ROWS) as server:
        state = read(server, "One", {})
        assert read(server, "One", state) == state
        server.asked.clear()
        says = (
            f"bookmark of gl_accounts is of {server.url}, tenant One, but the settings "
            f"name {server.url}, tenant Two, .*a state id and a schema of its own, or "
            "clear the state"
        )
        with pytest.raises(SettingError, match=says):
            read(server, "Two", state)
    assert not server.asked


def test_the_state_of_another_instance_is_refused(read: Read) -> None:
    with serving(Account=ROWS) as one, serving(Account=ROWS) as two:
        state = read(one, "Both", {})
        with pytest.raises(SettingError, match=f"name {two.url}, tenant Both, "):
            read(two, "Both", state)


def test_a_full_refresh_belongs_to_its_tenant_as_well(read: Read) -> None:
    """That of another one would mark all rows of this one as deleted."""
    without: dict[str, Any] = {"schemas": {"Account": {"properties": {}}}}
    swagger = {**SWAGGER, "components": without}
    with serving(Account=ROWS, **{"swagger.json": swagger}) as server:
        state = read(server, "One", {})
        with pytest.raises(SettingError, match="tenant One, but the settings name"):
            read(server, "Two", state)


@pytest.mark.parametrize("unknown", [{}, {"instance": None, "tenant": None}])
def test_a_state_that_does_not_say_whose_it_is_is_taken(
    read: Read, unknown: dict[str, None]
) -> None:
    bookmark = {
        "replication_key": KEY,
        "replication_key_value": "2026-10-01T00:00:00+00:00",
    }
    with serving(Account=ROWS) as server:
        earlier = {"bookmarks": {"gl_accounts": bookmark | unknown}}
        state = read(server, "One", earlier)
        assert "$filter" in server.asked["Account"]
        known = {"instance": server.url, "tenant": "One"}
        assert (bookmark | known).items() <= state["bookmarks"]["gl_accounts"].items()


@pytest.mark.parametrize(
    ("settings", "instance", "tenant"),
    [
        ({"instance_url": "https://ERP.example.com:443/"}, "erp.example.com", ""),
        ({"instance_url": "https://erp.example.com"}, "erp.example.com", ""),
        ({"instance_url": "https://e.com:8443/Site/"}, "e.com:8443/Site", ""),
        ({"instance_url": "https://[2001:DB8::1]"}, "[2001:db8::1]", ""),
        ({"instance_url": "https://e.com", "client_id": "id@T"}, "e.com", "T"),
        ({"instance_url": "https://e.com", "tenant": "T"}, "e.com", "T"),
        (
            {"instance_url": "https://e.com", "tenant": "T", "client_id": "id"},
            "e.com",
            "T",
        ),
    ],
)
def test_a_source_has_one_name_however_it_is_written(
    settings: dict[str, str], instance: str, tenant: str
) -> None:
    assert source(settings) == (f"https://{instance}", tenant)
