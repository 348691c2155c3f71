"""Each setting has an effect, and a test that fails without it."""

from __future__ import annotations

import importlib
import json
import subprocess
from typing import TYPE_CHECKING, Any

import pytest
from target_snowflake_merge.load.methods import METHODS
from target_snowflake_merge.settings import SETTINGS

from sandbox import config

if TYPE_CHECKING:
    from tests.target.conftest import Warehouse

pytestmark = pytest.mark.key_pair

THERE = "tests.target.behaviour"
HERE = f"{THERE}.test_settings"
TESTS = {
    "account": f"{HERE}.test_where_and_as_whom",
    "host": f"{HERE}.test_where_and_as_whom",
    "user": f"{HERE}.test_where_and_as_whom",
    "private_key": f"{THERE}.test_delivery.test_an_encrypted_key_from_the_environment",
    "private_key_path": f"{HERE}.test_where_and_as_whom",
    "private_key_passphrase": f"{THERE}.test_delivery."
    "test_an_encrypted_key_from_the_environment",
    "programmatic_access_token": f"{THERE}.test_delivery.test_an_access_token_signs_in",
    "oauth_token": f"{HERE}.test_an_oauth_token_signs_in",
    "database": f"{HERE}.test_where_and_as_whom",
    "default_target_schema": f"{HERE}.test_the_schema_gets_the_tables",
    "warehouse": f"{HERE}.test_where_and_as_whom",
    "role": f"{HERE}.test_where_and_as_whom",
    "load_method": f"{THERE}.test_load_methods.test_every_record_is_inserted",
    "batch_size_rows": f"{HERE}.test_batches_by_rows",
    "batch_size_bytes": f"{THERE}.test_loading.test_batches_by_bytes",
    "max_parallelism": f"{THERE}.test_order.test_tables_are_loaded_side_by_side",
    "max_batch_age_seconds": f"{THERE}.test_order."
    "test_a_state_goes_out_while_the_input_is_open",
    "hard_delete": f"{THERE}.test_order."
    "test_rows_are_really_deleted_where_that_is_wanted",
    "journal_path": f"{HERE}.test_the_journal_is_where_it_was_asked_for",
    "journal_retention_days": f"{THERE}.test_order."
    "test_loaded_batches_are_kept_for_a_time",
    "journal_max_bytes": f"{THERE}.test_order.test_the_journal_makes_room",
    "statement_timeout_seconds": f"{HERE}.test_a_statement_has_its_time",
    "number_type": f"{HERE}.test_numbers_may_be_floats",
    "invalid_dates": f"{HERE}.test_invalid_dates_may_be_null",
    "add_record_metadata": f"{THERE}.test_loading.test_metadata_columns",
    "process_activate_version_messages": f"{THERE}.test_deletions."
    "test_the_setting_switches_it_off",
    "validate_records": f"{HERE}.test_records_are_validated_or_not",
    "stream_maps": f"{HERE}.test_streams_are_mapped",
    "stream_map_config": f"{HERE}.test_streams_are_mapped",
    "flattening_enabled": f"{HERE}.test_objects_are_flattened",
    "flattening_max_depth": f"{HERE}.test_objects_are_flattened",
    "flattening_max_key_length": f"{HERE}.test_objects_are_flattened",
    "flattening_separator": f"{HERE}.test_objects_are_flattened",
}
"""Per setting the test that fails when the code ignores it."""

TEXT = {"type": ["string", "null"]}


def schema(*keys: str, stream: str = "bill", **properties: Any) -> dict[str, Any]:
    return {
        "type": "SCHEMA",
        "stream": stream,
        "schema": {"type": "object", "properties": properties},
        "key_properties": keys,
    }


def record(**values: Any) -> dict[str, Any]:
    return {"type": "RECORD", "stream": "bill", "record": values}


BILL = schema("id", id={"type": "string"}, name=TEXT)


def test_every_setting_has_a_test(warehouse: Warehouse) -> None:
    command = [str(warehouse.command), "--about", "--format=json"]
    about = json.loads(subprocess.check_output(command))  # noqa: S603 - our own command
    assert set(about["settings"]["properties"]) == set(TESTS)
    for path in TESTS.values():
        module, _, name = path.rpartition(".")
        assert callable(getattr(importlib.import_module(module), name)), path


def test_each_load_method_that_may_be_set_is_known() -> None:
    assert SETTINGS["properties"]["load_method"]["enum"] == list(METHODS)


@pytest.mark.parametrize(
    ("setting", "wrong", "says"),
    [
        ("account", "somebody-else", "390144"),
        ("host", "http://127.0.0.1:9", "http://127.0.0.1:9"),
        ("user", "NOBODY", "390144"),
        ("private_key_path", "/nowhere/key.p8", "/nowhere/key.p8"),
        ("database", "ELSEWHERE", "ELSEWHERE"),
        ("warehouse", "IDLE", "arehouse"),
        ("role", "NOBODY", "390189"),
    ],
)
def test_where_and_as_whom(
    warehouse: Warehouse, setting: str, wrong: str, says: str
) -> None:
    """A load that works with the right value fails with a wrong one."""
    run = warehouse.load(BILL, record(id="1"), **{setting: wrong})
    assert says in run.refusal()


def test_an_oauth_token_signs_in(warehouse: Warehouse) -> None:
    key = {"private_key_path": None, "user": None}
    warehouse.loaded(BILL, record(id="1"), oauth_token=config.OAUTH_TOKEN, **key)
    assert warehouse.rows("ID") == [["1"]]


def test_the_schema_gets_the_tables(warehouse: Warehouse) -> None:
    other = f"{warehouse.schema}_other"
    warehouse.loaded(BILL, record(id="1"), default_target_schema=other)
    warehouse.schema = other.upper()
    assert warehouse.rows("ID") == [["1"]]


@pytest.mark.parametrize(("size", "merges"), [(1, 5), (2, 3), (5, 1), (10_000, 1)])
def test_batches_by_rows(warehouse: Warehouse, size: int, merges: int) -> None:
    records = [record(id=str(number)) for number in range(5)]
    warehouse.loaded(BILL, *records, batch_size_rows=size)
    assert len(warehouse.merges()) == merges
    assert len(warehouse.rows("ID")) == 5


def test_the_journal_is_where_it_was_asked_for(warehouse: Warehouse) -> None:
    folder = warehouse.folder / "deep" / "journal"
    warehouse.loaded(BILL, record(id="1"), journal_path=str(folder))
    assert len(list(folder.glob("*/*.rows"))) == 1
    assert not warehouse.journal.exists()


def test_a_statement_has_its_time(warehouse: Warehouse) -> None:
    warehouse.loaded(BILL)
    warehouse.admin.fault("slow", contains="MERGE INTO", seconds=30)
    run = warehouse.load(BILL, record(id="1"), statement_timeout_seconds=1)
    assert "000630" in run.refusal()
    assert warehouse.rows("ID") == []


def test_numbers_may_be_floats(warehouse: Warehouse) -> None:
    number = schema("id", id={"type": "string"}, amount={"type": "number"})
    for kind in ("NUMBER", "FLOAT"):
        renamed = {"bill": {"__alias__": kind}}
        given = {"number_type": kind, "stream_maps": renamed}
        warehouse.loaded(number, record(id="1", amount=1.5), **given)
        assert columns(warehouse, kind)["AMOUNT"] == kind


@pytest.mark.parametrize("date", ["0000-00-00", "20107-05-28", "-0044-03-15", "soon"])
def test_invalid_dates_may_be_null(warehouse: Warehouse, date: str) -> None:
    """pipelinewise#102: the year 20107, or one before Christ, became 9999-12-31."""
    due = schema("id", id={"type": "string"}, due={"type": "string", "format": "date"})
    bad = record(id="1", due=date)
    refusal = warehouse.load(due, bad).refusal()
    assert "Stream bill, record id 1: property due" in refusal
    assert date in refusal
    run = warehouse.loaded(due, bad, invalid_dates="null")
    assert "is loaded as null" in run.log
    assert warehouse.rows("ID, DUE") == [["1", None]]


def test_null_is_not_given_for_any_setting(warehouse: Warehouse) -> None:
    """It took validation, deletions and metadata away, or ended in a traceback."""
    wanted = {"account", "private_key_path", "user", "database", "host", "journal_path"}
    wanted |= {"default_target_schema"}
    nothing = {name: None for name in TESTS if name not in wanted}
    path = warehouse.folder / "nulls.json"
    path.write_text(json.dumps({**warehouse.settings(), **nothing}))

    def run(*messages: Any) -> Any:
        lines = "".join(f"{json.dumps(message)}\n" for message in messages)
        return warehouse.run(lines, "--config", str(path))

    def seen(id_: str, version: int) -> dict[str, Any]:
        return {**record(id=id_), "version": version}

    activate = {"type": "ACTIVATE_VERSION", "stream": "bill", "version": 2}
    assert run(BILL, seen("1", 1), seen("2", 1)).code == 0
    done = run(BILL, seen("1", 2), activate, {"type": "STATE", "value": {"at": 1}})
    assert (done.code, done.states) == (0, [{"at": 1}]), done.log
    marks = warehouse.rows('ID, "_SDC_DELETED_AT" IS NULL')
    assert marks == [["1", True], ["2", False]]
    assert "does not fit its schema" in run(BILL, record(id=5)).refusal()


def test_records_are_validated_or_not(warehouse: Warehouse) -> None:
    """Validation is on by default, and names stream, key, field and value."""
    state = {"type": "STATE", "value": {"at": 1}}
    short = schema("id", id={"type": "string"}, code={"type": "string", "minLength": 3})
    bad = record(id="1", code="ab")
    refusal = warehouse.load(short, bad, state).refusal()
    assert "Stream bill, record id 1 does not fit its schema" in refusal
    assert 'property code: "ab" is shorter than 3 characters' in refusal
    warehouse.loaded(short, bad, validate_records=False)
    assert warehouse.rows("CODE") == [["ab"]]


def test_streams_are_mapped(warehouse: Warehouse) -> None:
    """Aliases, filters, new and removed properties, keys, all else, two targets."""
    maps = {
        "bill": {
            "__alias__": "invoice",
            "__filter__": "name != config['hidden']",
            "__key_properties__": ["number"],
            "number": "'N-' + id",
            "id": None,
        },
        "other": {"id": "id", "label": "name.upper()", "__else__": None},
        "unwanted": None,
    }
    others = [
        {**BILL, "stream": stream} for stream in ("other", "untouched", "unwanted")
    ]
    messages = [BILL, *others]
    for stream in ("bill", "other", "untouched", "unwanted"):
        for name in ("shown", "secret"):
            one = record(id=name[:2], name=name)
            messages.append({**one, "stream": stream})
    state = {"type": "STATE", "value": {"at": 1}}
    run = warehouse.loaded(
        *messages, state, stream_maps=maps, stream_map_config={"hidden": "secret"}
    )
    assert run.states == [{"at": 1}]
    assert warehouse.rows("NUMBER, NAME", "INVOICE") == [["N-sh", "shown"]]
    assert warehouse.rows("ID, LABEL", "OTHER") == [["se", "SECRET"], ["sh", "SHOWN"]]
    assert warehouse.rows("ID, NAME", "UNTOUCHED") == [
        ["se", "secret"],
        ["sh", "shown"],
    ]
    assert set(columns(warehouse, "INVOICE")) == {"NUMBER", "NAME"}
    assert set(columns(warehouse, "OTHER")) == {"ID", "LABEL"}
    assert (
        warehouse.rows("ID", "UNWANTED") == []
    )  # the SDK makes the table all the same


NESTED = {
    "type": "object",
    "properties": {"city": TEXT, "geo": {"type": "object", "properties": {"x": TEXT}}},
}


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({}, {"ID", "ADDRESS"}),
        ({"flattening_enabled": False, "flattening_max_depth": 2}, {"ID", "ADDRESS"}),
        ({"flattening_max_depth": 0}, {"ID", "ADDRESS"}),
        ({"flattening_max_depth": 1}, {"ID", "ADDRESS__CITY", "ADDRESS__GEO"}),
        ({"flattening_max_depth": 2}, {"ID", "ADDRESS__CITY", "ADDRESS__GEO__X"}),
        (
            {"flattening_max_depth": 1, "flattening_separator": "."},
            {"ID", "ADDRESS.CITY", "ADDRESS.GEO"},
        ),
        (
            {"flattening_max_depth": 1, "flattening_max_key_length": 12},
            {"ID", "ADD__CITY", "ADD__GEO"},
        ),
    ],
)
def test_objects_are_flattened(
    warehouse: Warehouse, settings: dict[str, Any], expected: set[str]
) -> None:
    given = {"flattening_enabled": "flattening_max_depth" in settings, **settings}
    address = {"city": "Oslo", "geo": {"x": "1"}}
    warehouse.loaded(
        schema("id", id={"type": "string"}, address=NESTED),
        record(id="1", address=address),
        **given,
    )
    assert set(columns(warehouse)) == expected


def test_two_streams_cannot_be_called_the_same(warehouse: Warehouse) -> None:
    """A complete reading of one would remove the rows of the other."""
    run = warehouse.load(
        schema("id", id=TEXT),
        record(id="1"),
        schema("id", id=TEXT) | {"stream": "other"},
        stream_maps={name: {"__alias__": "both"} for name in ("bill", "other")},
    )
    (error,) = run.errors
    assert error.startswith("Streams bill and other are both called both by ")


@pytest.mark.parametrize("order", [1, -1])
def test_a_name_of_a_removed_stream_may_be_given_to_another(
    warehouse: Warehouse, order: int
) -> None:
    streams = [schema("id", id=TEXT), schema("id", id=TEXT, n=INTEGER) | OTHER]
    rows = [record(id="1"), record(id="2", n=2) | OTHER, record(id="3")]
    maps = {"bill": None, "other": {"__alias__": "bill"}}
    warehouse.loaded(*streams[::order], *rows, stream_maps=maps)
    assert warehouse.rows("ID, N") == [["2", "2"]]


OTHER = {"stream": "other"}
INTEGER = {"type": "integer"}
NULL = {"type": "null"}
FLAT = {"flattening_enabled": True, "flattening_max_depth": 2}
INNER_PROPERTIES = {"properties": {"x": INTEGER}}
INNER = {"type": "object", **INNER_PROPERTIES}
JSON = '{"x":1}'


@pytest.mark.parametrize(
    ("described", "value", "column", "expected"),
    [
        ({"anyOf": [INTEGER, NULL]}, 5, "P", "5"),
        ({"anyOf": [{"type": "number"}, NULL]}, 5.5, "P", "5.500000000"),
        ({"anyOf": [{"type": "boolean"}, NULL]}, True, "P", True),
        ({"anyOf": [TEXT, NULL]}, "a", "P", "a"),
        ({"oneOf": [INTEGER, {"type": "string"}]}, 5, "P", 5),
        ({"anyOf": [{"type": "number"}, TEXT, NULL]}, "a", "P", "a"),
        ({"allOf": [INTEGER]}, 5, "P", "5"),
        ({"$ref": "#/$defs/n"}, 5, "P", "5"),
        ({"enum": [1, 2]}, 2, "P", "2"),
        ({}, 5, "P", 5),
        (True, "a", "P", "a"),
        ({"type": ["object", "string", "null"], **INNER_PROPERTIES}, "a", "P", "a"),
        ({"type": ["object", "string"], **INNER_PROPERTIES}, {"x": 1}, "P", JSON),
        ({"type": ["object", "array", "null"]}, [1.10], "P", "[1.1]"),
        ({"type": ["array", "integer"]}, 5, "P", 5),
        ({"anyOf": [{"type": "array"}, NULL]}, [1], "P", "[1]"),
        ({"anyOf": [INNER, NULL]}, {"x": 1}, "P__X", "1"),
        ({"$ref": "#/$defs/o"}, {"x": 1}, "P__X", "1"),
        (
            {"type": "object", "properties": {"q": {"anyOf": [INNER]}}},
            {"q": {"x": 1}},
            "P__Q__X",
            "1",
        ),
        ({"type": "object", "properties": {}}, {"x": 1}, "P", JSON),
        ({"type": "object", "properties": ["x"]}, {"x": 1}, "P", JSON),
    ],
)
def test_flattening_loses_no_property(
    warehouse: Warehouse, described: Any, value: Any, column: str, expected: Any
) -> None:
    """The SDK sees objects and arrays only where ``type`` says so, and alone."""
    message = schema("id", id=TEXT, p=described)
    message["schema"] |= {"$defs": {"n": INTEGER, "o": INNER}, "required": ["p"]}
    run = warehouse.loaded(message, record(id="1", p=value), **FLAT)
    assert warehouse.rows(f'"{column}"') == [[expected]]
    assert "is not loaded" not in run.log


@pytest.mark.parametrize(
    ("settings", "column", "expected"),
    [
        (FLAT, "ADDRESS__X", "1"),
        ({"stream_maps": {"bill": {"address": None}}}, "ID", "1"),
    ],
)
def test_the_parts_of_a_schema_do_not_apply_to_what_has_changed(
    warehouse: Warehouse, settings: dict[str, Any], column: str, expected: str
) -> None:
    properties = {"id": TEXT, "address": INNER}
    part = {"properties": properties, "required": ["id", "address"]}
    message = schema("id")
    message["schema"] = {"properties": {}, "allOf": [part]}
    warehouse.loaded(message, record(id="1", address={"x": 1}), **settings)
    assert warehouse.rows(column) == [[expected]]
    assert '"id" is a required' in warehouse.load(message, record(address={})).refusal()


@pytest.mark.parametrize("kind", [5, None, {"a": 1}])
def test_wrong_schemas_are_flattened_or_refused(
    warehouse: Warehouse, kind: object
) -> None:
    message = schema("id", id=TEXT, p={"type": kind})
    message["schema"]["required"] = None
    row = record(id="1", p="a")
    warehouse.loaded(message, row, **FLAT, validate_records=False)
    assert warehouse.rows("P") == [["a"]]
    refusal = warehouse.load(message, row, **FLAT).refusal()
    assert "Stream bill: its schema is no JSON Schema" in refusal


def test_what_is_required_may_be_missing_with_its_object(warehouse: Warehouse) -> None:
    needed = {"type": "object", "properties": {"x": INTEGER}, "required": ["x"]}
    message = schema("id", id=TEXT, p=needed)
    message["schema"]["required"] = ["id"]
    warehouse.loaded(message, record(id="1", p={}), record(id="2"), **FLAT)
    assert warehouse.rows("ID, P__X") == [["1", None], ["2", None]]
    refusal = warehouse.load(message, record(p={}), **FLAT).refusal()
    assert '"id" is a required property' in refusal
    message = schema("id", id=TEXT | {"required": True})
    refusal = warehouse.load(message, record(id="3"), validate_records=False).refusal()
    assert "Stream bill: its schema has the word required at id" in refusal


def test_only_what_is_lost_is_told(warehouse: Warehouse) -> None:
    told = "property {} is not in the schema and is not loaded"
    records = [record(id=id_, p=None, q=None) for id_ in "12"]
    known = schema("id", id=TEXT, p={"anyOf": [INNER, NULL]})
    run = warehouse.loaded(known, *records, **FLAT)
    assert "is not loaded" not in run.log
    records = [record(id=id_, q=1) for id_ in "12"]
    run = warehouse.loaded(known, *records, record(id="3", p={"z": 1}), **FLAT)
    assert run.log.count(told.format("q")) == run.log.count(told.format("p__z")) == 1


def test_flattening_that_makes_one_name_of_two_is_refused(warehouse: Warehouse) -> None:
    message = schema("id", id=TEXT, a=INNER, a__x=INTEGER)
    run = warehouse.load(message, **FLAT)
    (error,) = run.errors
    assert error.startswith("Stream bill: flattening makes one property a__x of two")


def columns(warehouse: Warehouse, table: str = "BILL") -> dict[str, str]:
    """Return the columns of a table and their types, but for the metadata."""
    _, rows = warehouse.admin.sql(
        "SELECT COLUMN_NAME, DATA_TYPE "  # noqa: S608 - the test's own text
        "FROM FINANCE.INFORMATION_SCHEMA.COLUMNS "
        f"WHERE TABLE_SCHEMA = '{warehouse.schema}' AND TABLE_NAME = '{table}' "
    )
    return {name: kind for name, kind in rows if not name.startswith("_SDC_")}
