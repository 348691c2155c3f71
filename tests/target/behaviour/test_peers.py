"""The bugs of other targets, and the cases that other targets' suites cover.

Each bug is proven absent by a test whose docstring names it.

What the suite of MeltanoLabs' target-snowflake covers, and where we do:

============================================  ==========================================
array_data, camelcase, camelcase_complex_     test_sdk_suite: the SDK's inputs, and what
schema, duplicate_records, encoded_string_    is in the tables after them
data, optional_attributes, schema_no_
properties, schema_updates, special_chars
record_before_schema, invalid_schema,         test_sdk_suite, test_bad_input
record_missing_key_property,
record_missing_required_property
batch_* (the same from files)                 test_sdk_suite.test_the_same_records_in_
                                              files, test_batch_files
reserved_words, reserved_words_in_table,      test_names, test_reserved_words_are_names
reserved_words_no_key_props, colons_in_col_
name, existing_reserved_name_table_alter
existing_table, existing_table_alter,         test_existing_tables
column_order_mismatch
type_edge_cases                               test_column_types, test_evolution
private key, OAuth, account names             test_auth, test_answers
============================================  ==========================================

What PipelineWise's suite covers; what stages, formats, encryption and S3 need has no
counterpart here, since nothing is staged:

============================================  ==========================================
invalid JSON, message order, invalid records  test_bad_input
three streams, metadata columns, hard delete  test_loading, test_order, test_deletions,
                                              test_a_row_can_be_deleted_by_its_record
parallelism, batch size, wait limit           test_settings, test_order
several schemas, changed columns              test_evolution
binary columns                                test_binary_is_text
reserved word, space, unicode, odd columns    test_names, test_loading
nested schemas, flattened or not              test_settings.test_objects_are_flattened
logical streams with and without records,     test_order (states), test_deletions
flushes with and without states between
query tag, role, quoted identifiers           test_delivery, test_settings,
                                              test_account_settings
unexpected types, dates that cannot be read   test_round_trip, test_settings
archived load files                           test_replay (the journal)
changing, new, null and falsy keys            test_keys_may_change, test_bad_input,
                                              test_loading.test_falsy_keys_are_keys
============================================  ==========================================
"""

from __future__ import annotations

import importlib
import json
import re
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.target.conftest import Warehouse

HERE = "test_peers"
PROOFS = {
    "MeltanoLabs#41": "test_loading.test_the_last_observation_wins",
    "MeltanoLabs#47": "test_loading.test_the_last_observation_wins",
    "MeltanoLabs#43": "test_existing_tables."
    "test_names_in_lower_case_are_the_same_columns",
    "MeltanoLabs#67": f"{HERE}.test_sizes_of_types",
    "MeltanoLabs#77": f"{HERE}.test_sizes_of_types",
    "MeltanoLabs#230": f"{HERE}.test_reserved_words_are_names",
    "MeltanoLabs#254": "test_names.test_a_schema_may_have_any_name",
    "MeltanoLabs#274": "test_evolution.test_types_that_mix_become_variants",
    "MeltanoLabs#332": f"{HERE}.test_quoted_names_may_ignore_case",
    "MeltanoLabs#229": "test_deletions."
    "test_what_was_observed_after_the_first_record_stays",
    "sdk#2103": "test_deletions.test_what_was_observed_after_the_first_record_stays",
    "MeltanoLabs#120": "test_loading.test_text_columns_grow",
    "pipelinewise#286": "test_delivery.test_no_state_when_one_of_several_streams_fails",
    "pipelinewise#238": "test_delivery.test_states_without_records",
    "pipelinewise#41": "test_delivery.test_states_without_records",
    "sdk#3000": "test_delivery.test_states_without_records",
    "pipelinewise#254": f"{HERE}.test_null_keys_are_refused",
    "pipelinewise#262": "test_loading.test_falsy_keys_are_keys",
    "pipelinewise#102": "test_settings.test_invalid_dates_may_be_null",
    "datamill#21": "test_loading.test_texts_survive",
    "pipelinewise#298": "test_loading.test_texts_survive",
    "airbyte#5439": f"{HERE}.test_offsets_without_a_colon",
    "airbyte#67610": "test_diagnosis."
    "test_a_value_beyond_old_accounts_is_named_without_asking",
    "airbyte#21330": "test_loading.test_keys_are_compared_after_the_cast",
    "dlt#2320": "test_loading.test_keys_are_compared_after_the_cast",
    "dlt#2021": "test_loading.test_integers_fit_into_a_decimal_column",
    "airflow#46648": "test_delivery.test_a_polled_statement_may_fail",
    "airflow#50514": "test_delivery.test_a_statement_that_runs_on_is_polled",
    "airflow#69477": "test_crashes.test_a_batch_in_flight_is_settled_by_the_next_run",
    "rb-snowflake-client#188": "test_delivery."
    "test_a_token_that_is_refused_once_is_signed_anew",
    "snowflake-rs#61": "test_auth.test_names_of_accounts",
    "connector-python#1839": "test_auth.test_names_of_accounts",
}
"""Per bug the test that proves it absent here."""

STATE = {"type": "STATE", "value": {"at": 1}}
TEXT = {"type": ["string", "null"]}
ID = {"type": "string"}


def schema(*keys: str, stream: str = "bill", **properties: Any) -> dict[str, Any]:
    return {
        "type": "SCHEMA",
        "stream": stream,
        "schema": {"type": "object", "properties": properties},
        "key_properties": keys,
    }


def record(stream: str = "bill", **values: Any) -> dict[str, Any]:
    return {"type": "RECORD", "stream": stream, "record": values}


def named(docstring: str) -> Iterator[str]:
    """Give the bugs that a docstring names, as in ``MeltanoLabs#41, #47``."""
    where = ""
    for name, number in re.findall(r"([\w-]*)#(\d+)", docstring):
        where = name or where
        yield f"{where}#{number}"


@pytest.mark.parametrize("bug", PROOFS)
def test_every_bug_of_a_peer_is_proven_absent(bug: str) -> None:
    module, _, name = PROOFS[bug].partition(".")
    folder = "unit" if module == "test_auth" else "behaviour"
    found = importlib.import_module(f"tests.target.{folder}.{module}")
    test = getattr(found, name)
    assert bug in named(test.__doc__ or "")


def test_sizes_of_types(warehouse: Warehouse) -> None:
    """MeltanoLabs#67, #77: maxLength 4294967295; a step of 0.0001 became an integer."""
    huge = {"type": "string", "maxLength": 4_294_967_295}
    fine = {"type": "number", "multipleOf": 0.0001}
    warehouse.loaded(
        schema("id", id=ID, text=huge, price=fine),
        record(id="1", text="x" * 100_000, price=1.2345),
    )
    assert warehouse.rows("LENGTH(TEXT), PRICE") == [[100_000, "1.234500000"]]


DECIMALS: dict[str, Any] = {
    "amount": {**TEXT, "format": "singer.decimal"},
    "price": {**TEXT, "format": "x-singer.decimal", "precision": 18, "scale": 2},
    "rate": {
        "type": ["null", "number"],
        "format": "singer.decimal",
        "additionalProperties": {"scale_precision": "(19,12)"},
    },
    "total": {
        "type": ["null", "number"],
        "multipleOf": 1e-38,
        "maximum": 1e62,
        "exclusiveMaximum": True,
        "minimum": -1e62,
        "exclusiveMinimum": True,
    },
}


def test_decimals_of_databases(warehouse: Warehouse) -> None:
    """As taps of PostgreSQL, SQL Server and Oracle and the SDK describe them."""
    amounts = ("9.00", "10.00", "100.00", "12345678901234567890.123456789")
    warehouse.loaded(
        schema("amount", **DECIMALS),
        *(
            record(amount=amount, price="9.50", rate="0.123456789012", total=1234.56)
            for amount in (*amounts, "9", 10.0)
        ),
    )
    assert warehouse.rows("AMOUNT") == [
        *(["9.000000000"], ["10.000000000"], ["100.000000000"]),
        ["12345678901234567890.123456789"],
    ]
    place = f'FINANCE."{warehouse.schema}"."BILL"'
    _, rows = warehouse.admin.sql(f"DESCRIBE TABLE {place}")
    assert {row[0]: row[1] for row in rows if not row[0].startswith("_SDC_")} == {
        "AMOUNT": "NUMBER(38,9)",
        "PRICE": "NUMBER(18,2)",
        "RATE": "NUMBER(19,12)",
        "TOTAL": "NUMBER(38,9)",
    }
    refusal = warehouse.load(
        schema("amount", **DECIMALS), record(amount="1", price="0.125"), STATE
    ).refusal()
    assert "property price has more than 2 digits after the point: 0.125" in refusal


@pytest.mark.parametrize("keys", [["select"], []])
def test_reserved_words_are_names(warehouse: Warehouse, keys: list[str]) -> None:
    """MeltanoLabs#230: a table ORDER, and columns of such names, which also grow."""
    words: dict[str, Any] = dict.fromkeys(
        ["select", "table", "group", "foo::bar"], TEXT
    )
    for more in ({}, {"values": TEXT}):
        warehouse.loaded(
            schema(*keys, stream="order", **words, **more),
            record(
                "order", select="1", **{"foo::bar": "x", "group": "g", "table": "t"}
            ),
        )
    columns = '"SELECT", "TABLE", "GROUP", "FOO::BAR", "VALUES"'
    rows = warehouse.rows(columns, "ORDER")
    assert rows == [["1", "t", "g", "x", None]] * (1 if keys else 2)


def test_quoted_names_may_ignore_case(warehouse: Warehouse) -> None:
    """MeltanoLabs#332: QUOTED_IDENTIFIERS_IGNORE_CASE."""
    bill = schema("Id", Id=ID, Name=TEXT)
    for ignores in ("true", "false", "true"):
        account = {"QUOTED_IDENTIFIERS_IGNORE_CASE": ignores}
        warehouse.admin.configure(account=account)
        warehouse.loaded(bill, record(Id="1", Name=ignores))
    assert warehouse.rows("ID, NAME") == [["1", "true"]]


@pytest.mark.parametrize("missing", [{"id": None}, {}])
def test_null_keys_are_refused(warehouse: Warehouse, missing: dict[str, Any]) -> None:
    """pipelinewise#254: rows whose key is null became one."""
    nullable = schema("id", "line", id=TEXT, line=TEXT)
    run = warehouse.load(nullable, record(line="1", **missing), STATE)
    assert "the key property id is null or missing" in run.refusal()


@pytest.mark.parametrize("offset", ["+0000", "+00:00", "Z", ""])
def test_offsets_without_a_colon(warehouse: Warehouse, offset: str) -> None:
    """airbyte#5439: offsets written +0000."""
    when = {"type": "string", "format": "date-time"}
    warehouse.loaded(
        schema("id", id=ID, at=when), record(id="1", at=f"2026-01-02T03:04:05{offset}")
    )
    rows = warehouse.rows("TO_CHAR(AT, 'YYYY-MM-DD HH24:MI:SS TZHTZM')")
    assert rows == [["2026-01-02 03:04:05 +0000"]]


def test_a_row_can_be_deleted_by_its_record(warehouse: Warehouse) -> None:
    """`_sdc_deleted_at` marks the row, until a later record shows it again."""
    bill = schema("id", id=ID, _sdc_deleted_at={**TEXT, "format": "date-time"})
    gone = {"_sdc_deleted_at": "2026-01-02T03:04:05Z"}
    marked = '"ID", "_SDC_DELETED_AT" IS NOT NULL'
    for hard_delete in (False, True):
        warehouse.loaded(
            bill,
            record(id="1"),
            record(id="2"),
            record(id="1", **gone),
            hard_delete=hard_delete,
        )
        assert warehouse.rows(marked) == [["1", True], ["2", False]]
    warehouse.loaded(bill, record(id="1"))
    assert warehouse.rows(marked) == [["1", False], ["2", False]]


def test_what_older_taps_write_oddly_is_read(
    warehouse: Warehouse, tmp_path: Path
) -> None:
    """Byte order marks, an offset twice, a date with midnight, JSON in texts."""
    moment, day = {**TEXT, "format": "date-time"}, {**TEXT, "format": "date"}
    tree = {"type": ["null", "object"]}
    bill = schema("id", id=ID, day=day, tree=tree, _sdc_deleted_at=moment)
    file = tmp_path / "batch.jsonl"
    file.write_text('{"id": "2", "tree": "[no JSON"}\n', "utf-8-sig")
    warehouse.loaded(
        f"\ufeff\n\ufeff{json.dumps(bill)}\n",
        record(
            id="1",
            day="2024-01-05T00:00:00",
            tree='[{"price": 1234567890123456789.15}]',
            _sdc_deleted_at="2019-12-18T13:19:44+00:00+00:00",
        ),
        {
            "type": "BATCH",
            "stream": "bill",
            "encoding": {"format": "jsonl"},
            "manifest": [str(file)],
        },
        validate_records=False,
    )
    columns = 'ID, DAY, "_SDC_DELETED_AT", TREE[0].price::VARCHAR, TYPEOF(TREE)'
    deleted, price = "2019-12-18 13:19:44.000000Z", "1234567890123456789.15"
    assert warehouse.rows(columns) == [
        ["1", "2024-01-05", deleted, price, "ARRAY"],
        ["2", None, None, None, "VARCHAR"],
    ]


def test_keys_may_change(warehouse: Warehouse) -> None:
    """Another key, in mid-stream and between runs, finds the rows that are there."""
    by_id, by_name = schema("id", id=ID, name=TEXT), schema("name", id=ID, name=TEXT)
    warehouse.loaded(
        by_id,
        record(id="1", name="a"),
        by_name,
        record(id="2", name="a"),
        record(id="3", name="b"),
    )
    assert warehouse.rows("ID, NAME") == [["2", "a"], ["3", "b"]]
    warehouse.loaded(schema("id", "name", id=ID, name=TEXT), record(id="3", name="c"))
    assert warehouse.rows("ID, NAME") == [["2", "a"], ["3", "b"], ["3", "c"]]


def test_binary_is_text(warehouse: Warehouse) -> None:
    """Whatever its encoding, such as hexadecimal or Base64: it stays as it came."""
    binary = {"type": "string", "format": "binary"}
    warehouse.loaded(
        schema("id", id=binary, data=binary), record(id="706b31", data="AAEC/w==")
    )
    assert warehouse.rows("ID, DATA") == [["706b31", "AAEC/w=="]]
