"""Answers that no Acumatica gives, but a proxy or a broken build may."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
import requests
from tap_acumatica.auth import PasswordAuthenticator
from tap_acumatica.errors import AcumaticaError, RetryableError, SettingError
from tap_acumatica.sign_in import authenticator

from tests.helpers.odd_server import SWAGGER, OddServer, Turns, serving, sync
from tests.helpers.odd_table import BEGIN, OddTable, row

if TYPE_CHECKING:
    from pathlib import Path


SCHEMAS = SWAGGER["components"]["schemas"]
WITH_VENDORS: dict[str, Any] = {
    **SWAGGER,
    "paths": {"/Account": {"get": {}}, "/Vendor": {"get": {}}},
    "components": {"schemas": {**SCHEMAS, "Vendor": SCHEMAS["Account"]}},
}


@pytest.mark.parametrize(
    "body",
    [
        {},
        None,
        [{"Type": {"value": "Asset"}}],
        [{"id": None}],
        [{"id": {"value": "a"}}],
    ],
)
def test_an_answer_that_is_no_list_of_records_fails_its_stream_alone(
    body: Any, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    answers = {"swagger.json": WITH_VENDORS, "Vendor": [{"id": "v"}]}
    with (
        serving(Account=body, **answers) as server,
        pytest.raises(AcumaticaError, match="something else than records with ids"),
    ):
        sync(server)
    written = map(json.loads, capsysbinary.readouterr().out.splitlines())
    assert [m["stream"] for m in written if m["type"] == "RECORD"] == ["vendors"]


def test_a_netrc_does_not_replace_the_token(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("default login somebody password else\n")
    monkeypatch.setenv("NETRC", str(netrc))
    with serving(Account=[]) as server:
        sync(server)
    assert server.signed["token"] is None
    assert server.signed["Account"] == "Bearer good"


@pytest.mark.parametrize("lifetime", [None, "soon", "3600"])
def test_a_token_without_a_lifetime_is_good_for_the_usual_one(lifetime: Any) -> None:
    token = {"access_token": "good", "expires_in": lifetime}
    with serving(Account=[], token=token) as server:
        sync(server)
    assert len(server.bodies["token"]) == 1


def test_a_busy_token_endpoint_is_no_wrong_setting() -> None:
    """What may pass is asked for again, with the delay that the server wants."""
    with serving(token=(429, {})) as server, requests.Session() as session:
        password = PasswordAuthenticator(
            server.url, client_id="", client_secret="", username="", password=""
        )
        with pytest.raises(RetryableError, match="answered 429"):
            password.sign_in(session)


def test_without_a_date_no_bookmark_is_written() -> None:
    with serving(Account=[]) as server:
        server.with_date = False
        with pytest.raises(AcumaticaError, match="no readable Date header"):
            sync(server)


@pytest.mark.parametrize(
    ("answers", "says"),
    [
        ({"swagger.json": {"swagger": "1.2"}}, "neither components.schemas nor"),
        ({"swagger.json": {"components": {"schemas": None}}}, "neither components."),
        ({"swagger.json": []}, "neither components.schemas nor"),
        ({"swagger.json": {"definitions": {}}}, "none of the built-in entities"),
        (
            {"swagger.json": {"definitions": {"Account": {}}, "paths": None}},
            "none of the built-in entities",
        ),
        (
            {"swagger.json": {"definitions": {}, "paths": {"/Account": None}}},
            "none of the built-in entities",
        ),
        ({"entity": {}}, "the list of endpoints"),
        ({"entity": ["Default"]}, "the list of endpoints"),
    ],
)
def test_an_odd_discovery_ends_with_a_sentence(
    answers: dict[str, Any], says: str
) -> None:
    with serving(**answers) as server, pytest.raises(AcumaticaError, match=says):
        sync(server)


ODD_MEMBERS: dict[str, Any] = {
    "Inline": {"type": "string"},
    "Texts": {"type": "array", "items": {"type": "string"}},
    "Dangling": {"$ref": "#/components/schemas/Nowhere"},
    "Lines": {"type": "array", "items": {"$ref": "#/components/schemas/Nowhere"}},
    "Null": None,
}


@pytest.mark.parametrize("name", ODD_MEMBERS)
def test_a_member_that_is_described_in_another_way_is_left_out(
    name: str, caplog: pytest.LogCaptureFixture, capsysbinary: Any
) -> None:
    schemas = SWAGGER["components"]["schemas"]
    account = schemas["Account"]["properties"] | {name: ODD_MEMBERS[name]}
    odd = {**schemas, "Account": {"properties": account}}
    swagger = {**SWAGGER, "components": {"schemas": odd}}
    rows = [{"id": "1", name: {"value": "x"}}]
    with serving(Account=rows, **{"swagger.json": swagger}) as server:
        sync(server)
    assert f"swagger.json does not describe {name} in the way" in caplog.text
    written = capsysbinary.readouterr().out.splitlines()
    [record] = [r for r in map(json.loads, written) if r["type"] == "RECORD"]
    assert record["record"] == {"id": "1"}


@pytest.mark.parametrize("custom", [None, {"View": None}, {"View": {"UsrX": None}}])
def test_an_odd_ad_hoc_schema_has_no_types(custom: Any) -> None:
    with serving(Account=[], **{"$adHocSchema": {"custom": custom}}) as server:
        sync(server)
    assert server.bodies["Account"]


@pytest.mark.parametrize("value", [1700000000, "page 7"])
def test_a_bookmark_of_another_tool_is_named(value: object) -> None:
    bookmark = {
        "replication_key": "LastModifiedDateTime",
        "replication_key_value": value,
    }
    with (
        serving(Account=[]) as server,
        pytest.raises(AcumaticaError, match="gl_accounts: the bookmark"),
    ):
        sync(server, {"bookmarks": {"gl_accounts": bookmark}})


@pytest.mark.parametrize(
    "member", [{"value": "soon"}, {"value": 1700000000}, "2026-01-01", None]
)
def test_a_replication_key_that_is_no_date_time_is_named(
    member: object, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    row = {"id": "a-1", "LastModifiedDateTime": member}
    says = "^Account: LastModifiedDateTime of record a-1 is no date-time"
    with (
        serving(Account=[row]) as server,
        pytest.raises(AcumaticaError, match=says),
    ):
        sync(server)
    assert b"RECORD" not in capsysbinary.readouterr().out


def test_a_row_that_comes_twice_is_one(
    capsysbinary: pytest.CaptureFixture[bytes],
) -> None:
    with serving(Account=[{"id": "a"}, {"id": "a"}]) as server:
        sync(server)
    assert b'"id":"a"' in capsysbinary.readouterr().out


def test_rows_that_share_an_id_are_refused(
    capsysbinary: pytest.CaptureFixture[bytes],
) -> None:
    rows = [{"id": "a"}, {"id": "b"}, {"id": "b", "Type": {"value": "Asset"}}]
    says = "^Account: the server answered different rows with the id b at once"
    with (
        serving(Account=rows) as server,
        pytest.raises(AcumaticaError, match=says),
    ):
        sync(server)
    assert b"RECORD" not in capsysbinary.readouterr().out


def test_a_bookmark_of_another_key_is_not_used() -> None:
    bookmark = {
        "replication_key": "CreatedDateTime",
        "replication_key_value": "2026-01-01T00:00:00Z",
    }
    with serving(Account=[]) as server:
        sync(server, {"bookmarks": {"gl_accounts": bookmark}})
    assert "filter" not in server.asked["Account"]


def catalog_of(key: str, **changes: object) -> dict[str, Any]:
    schema = {"type": "object", "properties": {"id": {"type": "string"}}}
    stream = {
        "tap_stream_id": "gl_accounts",
        "stream": "gl_accounts",
        "schema": schema,
        "key_properties": ["id"],
        "replication_key": key,
        "metadata": [{"breadcrumb": [], "metadata": {"selected": True}}],
        **changes,
    }
    return {"streams": [stream]}


def test_another_replication_key_is_refused() -> None:
    with (
        serving(Account=[]) as server,
        pytest.raises(SettingError, match="replication key CreatedDateTime is not"),
    ):
        sync(server, catalog=catalog_of("CreatedDateTime"))


@pytest.mark.parametrize("method", ["LOG_BASED", "full_table"])
def test_another_replication_method_is_refused(method: str) -> None:
    catalog = catalog_of("LastModifiedDateTime", replication_method=method)
    says = f"gl_accounts: the catalog's replication method {method} is none of"
    with (
        serving(Account=[]) as server,
        pytest.raises(SettingError, match=says),
    ):
        sync(server, catalog=catalog)


@pytest.mark.parametrize("keys", [[], None])
def test_a_catalog_without_a_key_leaves_the_id(
    keys: list[str] | None, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    with serving(Account=[]) as server:
        sync(server, catalog=catalog_of("LastModifiedDateTime", key_properties=keys))
    schema = json.loads(capsysbinary.readouterr().out.splitlines()[0])
    assert schema["key_properties"] == ["id"]


@pytest.mark.parametrize(
    ("modified", "refused"),
    [
        ("2026-01-31T23:59:57Z", True),
        # A database may round its times.
        ("2026-01-31T23:59:59.500Z", False),
        ("2026-02-01T00:00:00Z", False),
    ],
)
def test_a_server_that_does_not_filter_is_found_out(
    modified: str, *, refused: bool
) -> None:
    rows = [{"id": "a", "LastModifiedDateTime": {"value": modified}}]
    bookmark = {
        "replication_key": "LastModifiedDateTime",
        "replication_key_value": "2026-02-01T00:10:00+00:00",
    }
    state = {"bookmarks": {"gl_accounts": bookmark}}
    with serving(Account=rows) as server:
        if refused:
            with pytest.raises(AcumaticaError, match="does not filter as asked"):
                sync(server, state=state)
        else:
            sync(server, state=state)


def test_custom_fields_that_never_come_are_told_of(
    caplog: pytest.LogCaptureFixture,
) -> None:
    template = {"custom": {"AccountRecords": {"UsrX": {"type": "CustomStringField"}}}}
    table = OddTable([row("1", 1)], entity="Account")
    with serving(**{"*": table, "$adHocSchema": template}) as server:
        sync(server)
    assert table.asked[0]["$custom"] == "AccountRecords.UsrX"
    assert "no record has brought any" in caplog.text


@pytest.mark.parametrize(("entity", "is_read"), [("Account", False), ("Ledger", True)])
def test_a_bookmark_of_another_entity_is_not_used(
    entity: str, capsysbinary: pytest.CaptureFixture[bytes], *, is_read: bool
) -> None:
    bookmark = {
        "entity": entity,
        "replication_key": "LastModifiedDateTime",
        "replication_key_value": (BEGIN + timedelta(days=1)).isoformat(),
    }
    with serving(**{"*": OddTable([row("a", 1)], entity="Account")}) as server:
        sync(server, {"bookmarks": {"gl_accounts": bookmark}})
    assert (b"RECORD" in capsysbinary.readouterr().out) is is_read


def customised(count: int) -> dict[str, Any]:
    fields = {f"UsrNumber{n:03}": {"type": "CustomStringField"} for n in range(count)}
    return {"$adHocSchema": {"custom": {"AccountRecords": fields}}}


def test_a_query_that_is_too_long_for_the_web_server_is_told() -> None:
    with (
        serving(Account=(404, {}), **customised(100)) as server,
        pytest.raises(AcumaticaError, match=r"query has 2[0-9]{3} characters"),
    ):
        sync(server)


def test_an_ad_hoc_schema_that_is_none_ends_the_run() -> None:
    with (
        serving(Account=[], **{"$adHocSchema": []}) as server,
        pytest.raises(AcumaticaError, match="something else than a record"),
    ):
        sync(server)


def cookies(server: OddServer, **session: str) -> requests.Session:
    made = requests.Session()
    given = {"username": "u", "password": "p", **session}
    authenticator(server.url, given).sign_in(made)
    return made


def test_tenant_branch_and_locale_are_sent_at_a_sign_in_with_cookies() -> None:
    given = {"tenant": "T", "branch": "B", "locale": "en-NZ"}
    with serving(login={}) as server:
        assert cookies(server, **given).cookies
        sent = json.loads(server.bodies["login"][0])
    assert sent == {"name": "u", "password": "p", "company": "T", **given}


@pytest.mark.parametrize(
    "message",
    [
        "The company and tenant parameters cannot be specified at the same time.",
        "Specify either Tenant or Company.",
    ],
)
def test_a_build_that_takes_one_name_of_the_tenant_is_told_that_one(
    message: str,
) -> None:
    with serving(login=Turns([(500, {"message": message}), {}])) as server:
        cookies(server, tenant="T")
        assert "company" not in json.loads(server.bodies["login"][1])


@pytest.mark.parametrize(
    ("status", "message", "may_pass"),
    [
        (500, "Invalid credentials. Please try again.", False),
        (401, "Your account is locked: the limit of attempts is reached.", False),
        (500, "The number of concurrent API logins exceeds the licence.", True),
        (500, "This user has reached the maximum number of sessions.", True),
        (500, "The maximum number of sign-in attempts has been exceeded.", False),
        (429, "API Login Limit", True),
        (503, None, True),
        (400, None, False),
    ],
)
def test_only_what_passes_is_asked_again_at_a_sign_in_with_cookies(
    status: int, message: str | None, *, may_pass: bool
) -> None:
    body = {"message": message} if message else {}
    with (
        serving(login=(status, body)) as server,
        pytest.raises(AcumaticaError) as raised,
    ):
        cookies(server)
    assert isinstance(raised.value, RetryableError) is may_pass
    assert (message or str(status)) in str(raised.value)


@pytest.mark.parametrize(
    ("message", "may_pass"),
    [
        ("The number of concurrent API logins exceeds the licence.", True),
        ("The branch MARS cannot be found in the system.", False),
    ],
)
def test_of_what_the_erps_logic_objects_to_only_the_limit_of_seats_passes(
    message: str, *, may_pass: bool
) -> None:
    body = {"message": message, "exceptionType": "PX.Data.PXException"}
    with serving(Account=Turns([(500, body), [], []])) as server:
        if may_pass:
            sync(server)
        else:
            with pytest.raises(AcumaticaError, match="MARS"):
                sync(server)
        assert len(server.bodies["Account"]) == (3 if may_pass else 1)
