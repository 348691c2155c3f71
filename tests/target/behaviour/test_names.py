"""Any name becomes a table or a column of its own, or is refused by name."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from target_snowflake_merge.errors import TargetError
from target_snowflake_merge.warehouse import identifiers

from tests.helpers.typed_records import ID, TEXT, record, schema

if TYPE_CHECKING:
    from tests.target.conftest import Warehouse

ODD = [
    *("order", "Group By", "value", "index", "this", "seq", "select", "_", "$1"),
    *('quo"te', "back\\slash", "dot.ted", "comma, sep", "semi;colon", "a:b"),
    *("größe", "straße", "il\u0131k", "表", "😀", "1st", "0", "with space ", "dash-ed"),
    *(
        "new\nline",
        "tab\ted",
        "/*",
        "--",
        "?",
        ":1",
        "%s",
        "{0}",
        "[0]",
        "é",
        "e\u0301",
    ),
    *("record", "sequence", "t", "s", "f", "r", "deleted_at", "x" * 255),
]
"""Reserved words, signs of SQL and JSON paths, letters of other scripts, the length."""


def quoted(name: str) -> str:
    return '"' + name.upper().replace('"', '""') + '"'


def test_properties_may_have_any_name(warehouse: Warehouse) -> None:
    """In new tables, in tables that grow, as keys and as values."""
    properties = dict.fromkeys(ODD, TEXT)
    for value in ("old", "new"):
        warehouse.loaded(
            schema({"id": ID}, "id", stream=f"keys {value}"),
            schema({**properties}, *ODD[:7], stream="all"),
            record("all", **{name: f"<{name}>" for name in ODD[:7]}, _=value),
            schema({"id": ID}, "id", stream="grown"),
            schema({"id": ID, **properties}, "id", stream="grown"),
            record("grown", id="1", **{name: f"{value} {name}" for name in ODD}),
        )

    shown = ", ".join(map(quoted, ODD))
    assert warehouse.rows(shown, "GROWN") == [[f"new {name}" for name in ODD]]
    own = ", ".join(map(quoted, [*ODD[:7], "_"]))
    assert warehouse.rows(own, "ALL") == [[*(f"<{name}>" for name in ODD[:7]), "new"]]


def test_streams_may_have_any_name(warehouse: Warehouse) -> None:
    """MeltanoLabs#230: a table ORDER. The whole name of a stream is the table's."""
    streams = [*ODD[::4], "order", "public-users", "audit-users", "x" * 255]
    streams = list(dict.fromkeys(streams))

    warehouse.loaded(
        *(schema({"id": ID}, "id", stream=stream) for stream in streams),
        *(record(stream, id=stream) for stream in streams),
    )

    for stream in streams:
        table = stream.upper().replace('"', '""')
        assert warehouse.rows("ID", table) == [[stream]]


@pytest.mark.parametrize("name", ["with-dash", "Mixed Case", 'quo"te', "größe"])
def test_a_schema_may_have_any_name(warehouse: Warehouse, name: str) -> None:
    """MeltanoLabs#254: a dash in the name of a schema."""
    other = replace(warehouse, schema=f"{name} {warehouse.schema}".upper())

    for value in ("old", "new"):
        other.loaded(
            schema({"id": ID, "name": TEXT}, "id"),
            record(id="1", name=value),
            default_target_schema=other.schema.lower(),
        )

    place = f'"FINANCE".{quoted(other.schema)}."BILL"'
    assert other.admin.sql(f"SELECT NAME FROM {place}")[1] == [["new"]]  # noqa: S608 - the test's own text


@pytest.mark.parametrize(
    ("properties", "sentence"),
    [
        (["a", "A"], "properties a and A both belong into column A; rename one"),
        (["straße", "STRASSE"], "properties straße and STRASSE both belong into"),
        (["\u0131d", "id"], "properties \u0131d and id both belong into column ID"),
        ([""], "the name of property (empty) is empty; rename it with stream_maps"),
        (["x" * 256], "xxx… has 256 characters, and Snowflake allows 255"),
        (["ß" * 128], " has 256 characters, and Snowflake allows 255"),
        (["a\0"], "holds a NUL character"),
        (["_sdc_request_id"], "property _sdc_request_id has the name of a column that"),
        (["_SDC_Row"], "property _SDC_Row has the name of a column that this target"),
    ],
)
def test_properties_that_cannot_be_columns(
    warehouse: Warehouse, properties: list[str], sentence: str
) -> None:
    refusal = warehouse.load(
        schema({"key": ID, **dict.fromkeys(properties, TEXT)}, "key"),
        record(key="1"),
    ).refusal()

    assert refusal.startswith("Stream bill: ")
    assert sentence in refusal


@pytest.mark.parametrize(
    ("streams", "sentence"),
    [
        (["bill", "Bill"], "Streams bill and Bill both belong into table"),
        (["straße", "strasse"], "Streams straße and strasse both belong into table"),
        (["x" * 256], "its name has 256 characters, and Snowflake allows 255"),
        ([""], "its name is empty; rename it with stream_maps (__alias__)"),
        (["_sdc_loads"], "_SDC_LOADS is the table of the ledger; rename the stream"),
        (["_SDC_LOADS"], "_SDC_LOADS is the table of the ledger; rename the stream"),
    ],
)
def test_streams_that_cannot_be_tables(
    warehouse: Warehouse, streams: list[str], sentence: str
) -> None:
    messages = [schema({"id": ID}, "id", stream=stream) for stream in streams]

    assert sentence in warehouse.load(*messages).refusal()


def test_an_alias_moves_a_stream_to_another_table(warehouse: Warehouse) -> None:
    warehouse.loaded(
        schema({"id": ID}, "id", stream="public-users"),
        record("public-users", id="1"),
        stream_maps={"public-users": {"__alias__": "users"}},
    )

    assert warehouse.rows("ID", "USERS") == [["1"]]


OTHERS: dict[str, Any] = {
    "_sdc_extracted_at": "2020-01-01T00:00:00Z",
    "_sdc_received_at": "2020-01-01T00:00:00Z",
    "_sdc_batched_at": "2020-01-01T00:00:00Z",
    "_sdc_deleted_at": "2020-01-01T00:00:00Z",
    "_sdc_sequence": 5,
    "_sdc_table_version": 7,
    "_sdc_sync_started_at": 9,
}
"""What target-jsonl and its like have written into the records."""


def metadata() -> dict[str, Any]:
    return {
        name: {"type": ["string", "null"] if name.endswith("_at") else "integer"}
        for name in OTHERS
    } | {"_sdc_sync_started_at": {"type": "integer"}, "_sdc_lsn": TEXT}


def test_metadata_of_another_target(warehouse: Warehouse) -> None:
    """Only when a record was deleted is taken over; the log tells of the others."""
    run = warehouse.loaded(
        schema({"id": ID, **metadata()}, "id"), record(id="1", **OTHERS, _sdc_lsn="8")
    )

    ignored = [name for name in OTHERS if name != "_sdc_deleted_at"]
    for name in ignored:
        assert f"property {name} is not loaded, since column {name.upper()}" in run.log
    assert "property _sdc_deleted_at is not" not in run.log
    columns = (
        '"_SDC_EXTRACTED_AT", "_SDC_DELETED_AT", "_SDC_SEQUENCE" > 1000, '
        '"_SDC_TABLE_VERSION", "_SDC_LSN", "_SDC_BATCHED_AT"::DATE > \'2025-01-01\''
    )
    assert warehouse.rows(columns) == [
        [None, "2020-01-01 00:00:00.000000Z", True, None, "8", True]
    ]


def test_without_metadata_the_names_are_free(warehouse: Warehouse) -> None:
    run = warehouse.loaded(
        schema({"id": ID, **metadata()}, "id"),
        record(id="1", **OTHERS),
        add_record_metadata=False,
    )

    assert run.log.count("is not loaded, since column") == 1
    columns = '"_SDC_EXTRACTED_AT", "_SDC_DELETED_AT", "_SDC_TABLE_VERSION"'
    assert warehouse.rows(columns) == [["2020-01-01T00:00:00Z"] * 2 + ["7"]]


@given(st.lists(st.text(max_size=300), unique=True))
def test_every_property_has_a_column_or_is_refused(properties: list[str]) -> None:
    folded = [key.upper() for key in properties]
    impossible = len(set(folded)) < len(folded) or any(
        not 0 < len(name) <= 255 or "\0" in name or name in identifiers.OWN
        for name in folded
    )
    if impossible:
        with pytest.raises(TargetError, match=r"^Stream bill: "):
            identifiers.columns("bill", properties)
        return

    columns = identifiers.columns("bill", properties)

    assert list(columns) == properties
    assert len(set(columns.values())) == len(properties)
    for name in columns.values():
        # An account that folds quoted names changes none of them.
        assert name.upper() == name
        assert 0 < len(name) <= 255


def test_a_name_that_differs_by_case_only_is_found() -> None:
    assert identifiers.existing("s", "t", "ID", ["Id", "IDX"]) == "Id"
    assert identifiers.existing("s", "t", "ID", ["id", "ID"]) == "ID"
    assert identifiers.existing("s", "t", "ID", ["other"]) == "ID"
    with pytest.raises(TargetError, match="columns id and Id"):
        identifiers.existing("s", "t", "ID", ["id", "Id"])
