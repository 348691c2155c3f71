"""`snowflake-merge ping`: one fact a line, and exit code 1 where one is bad."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from target_snowflake_merge.errors import TargetError
from target_snowflake_merge.operate.ping import HARMLESS, Ping, settings_told

from sandbox import config
from tests.helpers.answering import PAGE, answering
from tests.helpers.pinging import ping

if TYPE_CHECKING:
    from tests.target.conftest import Warehouse

pytestmark = pytest.mark.key_pair

UNUSABLE = ["/proc/x/journal", "/dev/null", "/dev/null/j", "x" * 300, "~nobody-here/j"]
"""Paths at which no journal can be made, whoever asks."""

WRONG_SETTINGS = [
    ({"REQUESTS_CA_BUNDLE": "/nonexistent.pem"}, "path: /nonexistent.pem); check"),
    ({"HTTPS_PROXY": "http://"}, "could be missing the host.); check HTTPS_PROXY"),
    ({"HTTPS_PROXY": "socks5://u:hush@127.0.0.1:1"}, "dependencies for SOCKS support"),
    ({"HTTPS_PROXY": "foo bar"}, "(an address is malformed); check HTTPS_PROXY"),
    ({"HTTPS_PROXY": "u:hush@h:99999"}, "could be missing the host.); check HTTPS_"),
    ({"HTTPS_PROXY": "http://u:hush\u20ac@h"}, "(an address is malformed); check"),
    ({"HTTPS_PROXY": "http://u:hush@127.0.0.1:1"}, "through a proxy failed ([Errno"),
]
"""Variables of the environment, and what is said of them."""


def leftovers(warehouse: Warehouse) -> list[Any]:
    found = []
    for kind in ("TABLE", "SCHEMA"):
        table = {"TABLE": "TABLES", "SCHEMA": "SCHEMATA"}[kind]
        sql = (
            f"SELECT {kind}_NAME FROM FINANCE.INFORMATION_SCHEMA.{table} "  # noqa: S608 - the test's own text
            f"WHERE {kind}_NAME LIKE '%SDC_PING%'"
        )
        found += warehouse.admin.sql(sql)[1]
    return found


def test_a_load_that_would_work(warehouse: Warehouse) -> None:
    warehouse.admin.sql(f"CREATE SCHEMA {warehouse.schema}")

    code, lines = ping(warehouse)

    assert code == 0, lines
    made, room, *others = lines.splitlines()
    assert made == f"ok      journal    {warehouse.journal} can be made."
    assert room.startswith("ok      journal    ")
    assert room.endswith(
        " bytes are free there; the journal has 0 of at most 2,000,000,000, and can do "
        "without 0."
    )
    assert others == [
        f"ok      address    {warehouse.admin.url} answers.",
        "ok      clock      This machine's clock agrees with Snowflake's.",
        "ok      sign-in    Signed in as LOADER by key pair.",
        "ok      role       LOADER.",
        "ok      warehouse  LOADING.",
        "ok      database   FINANCE can be used.",
        f"ok      database   Schema {warehouse.schema} exists.",
        "ok      autocommit What is executed stays.",
        f"ok      rights     A table can be made in FINANCE.{warehouse.schema}.",
        "ok      rights     Rows can be merged; merged again, they do not double.",
        "ok      rights     What comes out is what went in.",
        "ok      settings   The account changes nothing that matters for loads.",
    ]
    assert leftovers(warehouse) == []
    assert not warehouse.journal.exists()


def test_a_journal_that_can_be_used_stays_as_it_is(warehouse: Warehouse) -> None:
    left = warehouse.journal / "run" / "left.json"
    left.parent.mkdir(parents=True)
    left.write_text("{}")

    _, lines = ping(warehouse)

    assert f"ok      journal    {warehouse.journal} can be written to." in lines
    found = set(warehouse.journal.rglob("*"))
    assert found == {left, left.parent}


@pytest.mark.parametrize("path", UNUSABLE)
def test_a_journal_that_cannot_be_used_is_a_line(
    warehouse: Warehouse, path: str
) -> None:
    code, lines = ping(warehouse, journal_path=path)
    assert code == 1
    assert f"failed  journal    {path} cannot be written to (" in lines
    assert "ok      sign-in" in lines


def test_a_schema_that_is_yet_to_be_made(warehouse: Warehouse) -> None:
    code, lines = ping(warehouse, role=None, warehouse=None)

    assert code == 0, lines
    assert "role       LOADER, the user's default." in lines
    assert "warehouse  LOADING, the user's default." in lines
    assert f"Schema {warehouse.schema} is not there; the first load makes it." in lines
    assert "ok      rights     A schema can be made in FINANCE." in lines
    assert "ok      rights     What comes out is what went in." in lines
    assert leftovers(warehouse) == []
    assert not warehouse.admin.sql(
        "SELECT 1 FROM FINANCE.INFORMATION_SCHEMA.SCHEMATA "  # noqa: S608 - as above
        f"WHERE SCHEMA_NAME = '{warehouse.schema}'"
    )[1]


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({"host": "http://127.0.0.1:1"}, "failed  address    The connection to"),
        ({"user": "nobody"}, "failed  sign-in    Snowflake refused the sign-in"),
        ({"account": "OTHER"}, "SYSTEM$GET_LOGIN_FAILURE_DETAILS('"),
        ({"user": "nobody"}, "that the user's RSA_PUBLIC_KEY_FP is SHA256:"),
        (
            {"private_key_path": None, "oauth_token": "hush"},
            "check that the oauth_token is complete",
        ),
    ],
)
def test_without_a_sign_in_nothing_else_is_checked(
    warehouse: Warehouse, changes: dict[str, Any], line: str
) -> None:
    code, lines = ping(warehouse, **changes)

    assert code == 1
    assert line in lines
    assert "role" not in lines
    assert "hush" not in lines


@pytest.mark.parametrize(("variables", "says"), WRONG_SETTINGS)
def test_a_wrong_setting_for_the_network_is_a_line(
    warehouse: Warehouse, variables: dict[str, str], says: str
) -> None:
    code, lines = ping(warehouse, {"NO_PROXY": "", **variables}, host=None)

    assert code == 1
    assert "failed  address    " in lines
    assert says in lines
    assert "hush" not in lines


def test_a_wrong_setting_for_the_network_ends_a_run(warehouse: Warehouse) -> None:
    settings = warehouse.folder / "config.json"
    settings.write_text(json.dumps(warehouse.settings(host=None)))
    schema = {"type": "SCHEMA", "stream": "bill", "schema": {"properties": {}}}
    ended = warehouse.run(
        json.dumps(schema),
        *("--config", str(settings)),
        NO_PROXY="",
        HTTPS_PROXY="http://",
    )
    assert "missing the host.); check HTTPS_PROXY" in ended.refusal()


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({"role": "NONE"}, "failed  role       Snowflake refused: 403 (390189"),
        ({"warehouse": "NONE"}, "failed  warehouse  Snowflake refused: 422"),
        ({"database": "NONE"}, "failed  database   Snowflake refused: 422 (002003"),
    ],
)
def test_a_cause_is_told_once_and_what_does_not_depend_on_it_is_checked(
    warehouse: Warehouse, changes: dict[str, Any], line: str
) -> None:
    code, lines = ping(warehouse, **changes)

    assert code == 1
    assert line in lines
    assert lines.count("failed") == 1
    assert "ok      sign-in" in lines
    assert "ok      settings" in lines


@pytest.mark.parametrize(
    ("privilege", "on", "has_schema"),
    [
        ("CREATE", "FINANCE.{}", True),
        ("CREATE", "FINANCE", False),
    ],
)
def test_rights_are_tried(
    warehouse: Warehouse, privilege: str, on: str, *, has_schema: bool
) -> None:
    if has_schema:
        warehouse.admin.sql(f"CREATE SCHEMA {warehouse.schema}")
    where = on.format(warehouse.schema)
    warehouse.admin.revoke(privilege, where)
    try:
        code, lines = ping(warehouse)
    finally:
        warehouse.admin.grant(privilege, where)

    assert code == 1
    assert "failed  rights     Snowflake refused: 422 (003001" in lines
    assert "grant the role what is missing" in lines
    assert leftovers(warehouse) == []


def test_what_cannot_be_dropped_is_named(warehouse: Warehouse) -> None:
    warehouse.admin.sql(f"CREATE SCHEMA {warehouse.schema}")
    warehouse.admin.fault("error", contains="DROP TABLE", code="003001")

    code, lines = ping(warehouse)

    assert code == 1
    assert 'Run this yourself: DROP TABLE IF EXISTS "FINANCE".' in lines
    warehouse.admin.sql(f"DROP SCHEMA {warehouse.schema}")


@pytest.mark.parametrize(
    "fault",
    [{"kind": "error", "code": "003001"}, {"kind": "error", "code": "100038"}],
)
def test_a_merge_that_is_refused(warehouse: Warehouse, fault: dict[str, Any]) -> None:
    warehouse.admin.sql(f"CREATE SCHEMA {warehouse.schema}")
    warehouse.admin.fault(contains="MERGE", **fault)

    code, lines = ping(warehouse)

    assert code == 1
    assert f"failed  rights     Snowflake refused: 422 ({fault['code']}" in lines
    assert "ok      settings" in lines
    assert leftovers(warehouse) == []


def test_settings_of_the_account_are_told(warehouse: Warehouse) -> None:
    warehouse.admin.configure(
        account={
            "QUOTED_IDENTIFIERS_IGNORE_CASE": "true",
            "DATE_INPUT_FORMAT": "DD/MM/YYYY",
            "TIMEZONE": "Asia/Tokyo",
        }
    )

    code, lines = ping(warehouse)

    assert code == 0, lines
    assert "DATE_INPUT_FORMAT is DD/MM/YYYY, which is no matter: dates are" in lines
    assert "QUOTED_IDENTIFIERS_IGNORE_CASE is true, which is no matter: all" in lines
    assert "TIMEZONE" not in lines


def test_autocommit_that_is_off_is_named(warehouse: Warehouse) -> None:
    """The trial would blame a collation for the rows that are gone."""
    warehouse.admin.sql(f"CREATE SCHEMA {warehouse.schema}")
    warehouse.admin.configure(account={"AUTOCOMMIT": "false"})

    code, lines = ping(warehouse)

    assert code == 1
    assert "failed  autocommit AUTOCOMMIT is false for this user (set at" in lines
    assert lines.count("failed") == 1
    assert "ok      rights     A table can be made" in lines
    assert "merged" not in lines
    assert leftovers(warehouse) == []


def test_nothing_is_as_usual_because_it_is_not_listed() -> None:
    rows = [{"key": name, "value": "", "default": ""} for name in HARMLESS]
    assert list(settings_told(rows)) == [
        "The account changes nothing that matters for loads."
    ]
    [told] = settings_told(rows[1:])
    assert told.startswith(f"{rows[0]['key']} is not listed, which is no matter: ")
    with pytest.raises(TargetError, match="SHOW PARAMETERS lists nothing"):
        list(settings_told([]))


def test_clocks_do_not_agree_because_one_is_not_told(warehouse: Warehouse) -> None:
    with answering((404, PAGE), (401, {}), (401, {})) as api:
        url = api._url  # noqa: SLF001 - a server of the tests without a Date
        settings = warehouse.settings(
            host=url,
            statement_timeout_seconds=60,
            batch_size_bytes=1_000_000,
            journal_max_bytes=1_000_000_000,
        )
        facts = list(Ping(settings, "test").facts())
    found = {fact.name: fact for fact in facts}
    assert found["clock"].text.startswith("Not compared: the answer has no Date")
    assert not found["sign-in"].is_ok


def test_an_access_token_is_named(warehouse: Warehouse) -> None:
    token = config.PROGRAMMATIC_ACCESS_TOKEN

    code, lines = ping(
        warehouse,
        private_key_path=None,
        user=None,
        programmatic_access_token=token,
    )

    assert code == 0, lines
    assert "Signed in as LOADER by programmatic_access_token." in lines
    assert token not in lines


def test_settings_of_the_environment_are_not_told_one_by_one(
    warehouse: Warehouse,
) -> None:
    variables = {
        f"TARGET_SNOWFLAKE_MERGE_{name.upper()}": str(value)
        for name, value in warehouse.settings(role="NONE").items()
    }

    code, lines = ping(warehouse, variables, "ENV")

    assert code == 1
    assert "failed  role       Snowflake refused: 403" in lines


def test_bad_settings_are_one_sentence(warehouse: Warehouse) -> None:
    code, lines = ping(warehouse, database=None)

    assert (code, lines) == (1, "Error: Settings are missing: database; set them.\n")
