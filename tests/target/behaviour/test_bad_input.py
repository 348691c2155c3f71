"""What goes wrong ends with one sentence, exit code 1, no traceback and no state."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from sandbox import config

if TYPE_CHECKING:
    from tests.target.conftest import Warehouse

pytestmark = pytest.mark.key_pair

SCHEMA = {
    "type": "SCHEMA",
    "stream": "bill",
    "schema": {
        "properties": {
            "id": {"type": ["integer", "null"]},
            "amount": {"type": ["number", "null"]},
            "at": {"type": ["string", "null"], "format": "date-time"},
            "name": {"type": ["string", "null"], "maxLength": 150},
            "lines": {},
        }
    },
    "key_properties": ["id"],
}
STATE = {"type": "STATE", "value": {"bookmark": 1}}


def bill(**values: Any) -> dict[str, Any]:
    return {"type": "RECORD", "stream": "bill", "record": {"id": 7, **values}}


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"account": None, "database": ""}, "Settings are missing: account, database;"),
        ({"user": None}, "Setting user is missing"),
        ({"private_key_path": None}, "Set exactly one of private_key,"),
        (
            {"programmatic_access_token": "hush"},
            "found private_key_path and programmatic_access_token",
        ),
        ({"private_key_path": "/nowhere/key.p8"}, "/nowhere/key.p8 cannot be read"),
        ({"batch_size_rows": 0}, "batch_size_rows is 0 and must be at least 1;"),
        (
            {"journal_retention_days": 10**10},
            "journal_retention_days is 10000000000 and must be at most 36500",
        ),
        (
            {"max_batch_age_seconds": 86_401},
            "max_batch_age_seconds is 86401 and must be at most 86400",
        ),
        ({"journal_path": "a\0b"}, "cannot be opened (embedded null byte)"),
        (
            {"private_key_passphrase": 12345},
            "Settings are wrong: private_key_passphrase must be a text; correct them.",
        ),
        ({"host": "http://example.com"}, "is not encrypted; use https"),
        ({"host": "http://127.0.0.1:1"}, "check account, host and the network"),
        ({"account": "ANOTHER-ACCOUNT"}, "SYSTEM$GET_LOGIN_FAILURE_DETAILS('"),
        ({"user": "nobody"}, "check account and user, that the user's RSA_PUBLIC_KEY"),
        (
            {"private_key_path": None, "programmatic_access_token": "hush"},
            "check that the programmatic_access_token is complete",
        ),
        ({"warehouse": "NONE"}, "NONE"),
        ({"role": "NONE"}, "Role 'NONE'"),
        ({"database": "NONE"}, "NONE"),
    ],
    ids=str,
)
def test_wrong_settings(
    warehouse: Warehouse, changes: dict[str, Any], sentence: str
) -> None:
    run = warehouse.load(SCHEMA, bill(), STATE, **changes)

    assert sentence in run.refusal()
    assert "hush" not in run.log
    assert "12345" not in run.log


def test_an_unreadable_configuration(warehouse: Warehouse) -> None:
    broken = warehouse.folder / "broken.json"
    broken.write_text("{")

    for path in (str(broken), "missing.json"):
        refusal = warehouse.run("", "--config", path).refusal()
        assert refusal.startswith(f"The file of settings {path} cannot be read: ")


def test_a_wrong_environment_variable(warehouse: Warehouse) -> None:
    variable = "TARGET_SNOWFLAKE_MERGE_BATCH_SIZE_ROWS"

    run = warehouse.run("", "--config", "ENV", **{variable: "many"})

    assert run.refusal() == (
        f"Environment variable {variable} does not hold a whole number, which setting "
        "batch_size_rows takes; correct it."
    )


def test_a_revoked_key(warehouse: Warehouse) -> None:
    key = rsa.generate_private_key(65537, 2048)
    encoded = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    ).decode()

    run = warehouse.load(
        SCHEMA, bill(), STATE, private_key=encoded, private_key_path=None
    )

    assert "390144" in run.refusal()
    assert [sent.status for sent in warehouse.admin.requests()] == [401, 401]


def test_a_table_that_the_role_may_not_write(warehouse: Warehouse) -> None:
    warehouse.loaded(SCHEMA)
    table = f"{config.DATABASE}.{warehouse.schema}.BILL"

    warehouse.admin.revoke("WRITE", table)
    refusal = warehouse.load(SCHEMA, bill(), STATE).refusal()
    assert f'table "FINANCE"."{warehouse.schema}"."BILL"' in refusal
    assert "003001" in refusal
    assert "grant the role what is missing" in refusal


LINES = [
    (
        '{"type": "RECORD", "stream": "bill", "record": {"id": 7, "id": 8}}',
        "Line 2 of the input has the name id twice in one object: {",
    ),
    (
        '{"type": "RECORD", "stream": "b", "record": {"x": {"why": 1, "why": 2}}}',
        "Line 2 of the input has the name why twice in one object: {",
    ),
    (
        '{"type": "RECORD", "stream": "bill", "record": {"id": 1e9999999999999999999}}',
        "Line 2 of the input is not valid JSON",
    ),
    ({**SCHEMA, "stream": "\ud83d"}, "Line 2 of the input is not valid JSON"),
    (bill(**{"\ud83d": 1}), "Line 2 of the input is not valid JSON"),
    (
        {**bill(), "stream": "\ud83d"},
        "Line 2 of the input is not valid JSON",
    ),
    (
        {"type": "STATE", "value": {"\ud83d": float("nan")}},
        "Line 2 of the input is not valid JSON",
    ),
    (bill(lines={"\ud83d": 1}), "property lines holds half of a surrogate pair"),
    ("not json", "Line 2 of the input is not valid JSON: not json"),
    ("[1]", "Line 2 of the input is not a JSON object"),
    ({"no": "type"}, "Line 2 of the input is no Singer message of a known type"),
    ({"type": ["RECORD"]}, "Line 2 of the input is no Singer message of a known type"),
    (
        f'{{"type": "STATE", "value": {"[" * 1000}{"]" * 1000}}}',
        "Line 2 of the input is nested too deep; take the",
    ),
    (
        json.dumps(bill(amount=0)).replace("0}", f"{'9' * 5000}}}"),
        f"property amount has more than 29 digits before the point: {'9' * 100}…;",
    ),
    (
        json.dumps(bill(lines=0)).replace("0}", f"{'9' * 5000}}}"),
        "record id 7: property lines holds a number of more than 38 digits",
    ),
    (
        {**SCHEMA, "key_properties": "id"},
        "is a SCHEMA message whose key_properties is not a list of texts",
    ),
    (
        {**SCHEMA, "key_properties": [["id"]]},
        "is a SCHEMA message whose key_properties is not a list of texts",
    ),
    (
        {**SCHEMA, "key_properties": 5},
        "is a SCHEMA message whose key_properties is not a list of texts",
    ),
    (
        {**SCHEMA, "schema": {"properties": {"id": {}, "amount": None}}},
        "is a SCHEMA message whose property amount has no schema: {",
    ),
    (
        {**SCHEMA, "schema": {"properties": "x"}},
        "is a SCHEMA message whose schema has properties that are not an object",
    ),
    ({"type": "RECORD", "stream": "bill"}, "a RECORD message whose record is not an"),
    ({"type": "SCHEMA", "stream": "a", "schema": {}}, "The input lacks properties in"),
    ({"type": "STATE"}, "The input lacks value in"),
    (b'{"type":"\xff"}', "Line 2 of the input is not valid JSON"),
    (
        '{"type": "STATE"}'.encode("utf-16-le"),
        "Line 2 of the input is not valid JSON (it has zero bytes, as in UTF-16",
    ),
    (
        {"type": "RECORD", "stream": "payment", "record": {}},
        "A record for stream 'payment' was encountered before a corresponding schema",
    ),
    (bill(id=None), "Stream bill, record id None: the key property id is null or"),
    (
        {"type": "RECORD", "stream": "bill", "record": {}},
        "the key property id is null or missing",
    ),
    (
        bill(amount="ten"),
        'Stream bill, record id 7 does not fit its schema: property amount: "ten" is',
    ),
    (
        bill(amount=1e-10),
        "record id 7: property amount has more than 9 digits after the point: 1E-10;",
    ),
    (bill(amount=1e30), "property amount has more than 29 digits before the point"),
    (bill(amount=float("nan")), "property amount is not a finite number: NaN;"),
    (bill(lines=[float("inf")]), "property lines holds a number that is not finite"),
    (bill(at="12.03.2026"), "property at is not a date-time: 12.03.2026;"),
    (bill(at="?" * 200), f"property at is not a date-time: {'?' * 100}…;"),
    (bill(name="\ud83d"), "property name holds half of a surrogate pair"),
    (bill(name="x" * 151), "property name: "),
    (bill() | {"time_extracted": "noon"}, "time_extracted is not a date-time: noon;"),
    (
        {**SCHEMA, "key_properties": ["nr"]},
        "Stream bill: the key property nr is not among the properties",
    ),
    (
        {**SCHEMA, "schema": {"properties": {"Id": {}, "ID": {}}}},
        "properties Id and ID both belong into column ID",
    ),
    (
        {**SCHEMA, "schema": {"properties": {"id": {"type": "number?"}}}},
        "Stream bill: its schema is no JSON Schema",
    ),
    (
        {**SCHEMA, "stream": "BILL"},
        "Streams bill and BILL both belong into table",
    ),
]


@pytest.mark.parametrize(("line", "sentence"), LINES, ids=[text for _, text in LINES])
def test_bad_messages(warehouse: Warehouse, line: object, sentence: str) -> None:
    settings = warehouse.folder / "config.json"
    settings.write_text(json.dumps(warehouse.settings()))
    text = line if isinstance(line, str | bytes) else json.dumps(line)
    encoded = text if isinstance(text, bytes) else text.encode()
    lines = [json.dumps(SCHEMA).encode(), encoded, json.dumps(STATE).encode()]

    run = warehouse.run(b"\n".join(lines), "--config", str(settings))

    assert sentence in run.refusal()


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        ("NaN", "property amount is not a finite number: NaN;"),
        ("-Infinity", "property amount is not a finite number: -Infinity;"),
        ("1E1500", "property amount: 1e+1500 is greater than or equal to"),
        ("10", "property amount: 10 is greater than or equal to the maximum of 10;"),
    ],
)
def test_numbers_beyond_what_can_be_computed(
    warehouse: Warehouse, value: str, sentence: str
) -> None:
    """The schema is what taps of databases write, in draft 4."""
    amount = {
        "type": ["null", "number"],
        "minimum": -10,
        "maximum": 10,
        "exclusiveMinimum": True,
        "exclusiveMaximum": True,
        "multipleOf": 0.01,
    }
    properties = {"id": {"type": "integer"}, "amount": amount}
    schema = {**SCHEMA, "schema": {"properties": properties}}
    record = json.dumps(bill(amount=0)).replace("0}", f"{value}}}")

    warehouse.loaded(schema, bill(amount=9.99))

    assert sentence in warehouse.load(schema, f"{record}\n", STATE).refusal()


def test_a_column_of_another_type(warehouse: Warehouse) -> None:
    warehouse.loaded(SCHEMA, bill(name="kept"))
    properties = {"id": {"type": "integer"}, "name": {"type": "array"}}

    changed = {**SCHEMA, "schema": {"properties": properties}}
    refusal = warehouse.load(changed, bill(name=[1]), STATE).refusal()

    assert "column NAME" in refusal
    assert "is VARCHAR(150), and the stream now needs VARIANT" in refusal
    assert warehouse.rows("NAME") == [["kept"]]


def test_without_validation_only_the_columns_decide(warehouse: Warehouse) -> None:
    warehouse.loaded(SCHEMA, bill(name=12, amount="1.50"), validate_records=False)

    assert warehouse.rows("NAME, AMOUNT") == [["12", "1.500000000"]]
    run = warehouse.load(SCHEMA, bill(amount="ten"), STATE, validate_records=False)
    assert "property amount is not a number: ten" in run.refusal()


@pytest.mark.parametrize(
    ("expression", "reason"),
    [
        ("amount * 1.1", "'decimal.Decimal' and 'float'"),
        ("int(name)", "invalid literal for int"),
        ("amount / 0", "ision"),
        ("md5(note)", "'NoneType' object has no attribute 'encode'"),
    ],
)
def test_an_expression_that_fails_is_named(
    warehouse: Warehouse, expression: str, reason: str
) -> None:
    maps = {"bill": {"more": expression}}

    record = bill(amount=1.5, name="x", note=None)
    run = warehouse.load(SCHEMA, record, STATE, stream_maps=maps)

    refusal = run.refusal()
    assert "Stream bill: an expression of stream_maps cannot be evaluated (" in refusal
    assert reason in refusal


@pytest.mark.parametrize("version", ["5", "v1", 5.0, True, [1], 10**38])
@pytest.mark.parametrize("kind", ["RECORD", "ACTIVATE_VERSION"])
def test_a_version_that_is_no_whole_number_is_refused(
    warehouse: Warehouse, kind: str, version: object
) -> None:
    """It would stand in the journal, which the next run could not read."""
    message = {**bill(), "type": kind, "version": version}
    refusal = warehouse.load(SCHEMA, message, STATE).refusal()
    assert f"is a {kind} message whose version is not a whole number" in refusal
    warehouse.loaded(SCHEMA, {**bill(), "version": None})


def test_a_version_must_be_named_to_be_activated(warehouse: Warehouse) -> None:
    activate = {"type": "ACTIVATE_VERSION", "stream": "bill"}
    refusal = warehouse.load(SCHEMA, bill(version=1), activate).refusal()
    assert "whose version is not a whole number" in refusal


def test_a_deletion_needs_the_column_that_tells_of_it(warehouse: Warehouse) -> None:
    deleted = bill(_sdc_deleted_at="2026-01-01T00:00:00Z")
    refusal = warehouse.load(
        SCHEMA, deleted, STATE, add_record_metadata=False
    ).refusal()
    assert "_sdc_deleted_at" in refusal
    assert "add_record_metadata" in refusal
