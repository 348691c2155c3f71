"""What comes out of the warehouse is what went in."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING, Any

import pytest
from target_snowflake_merge.target import TargetSnowflakeMerge

from tests.helpers.typed_records import ID, TEXT, record, schema

if TYPE_CHECKING:
    from tests.target.conftest import Warehouse


BILL = schema({"id": ID, "name": TEXT}, "id")


def test_a_rerun_inserts_nothing(warehouse: Warehouse) -> None:
    messages = [BILL, record(id="1", name="a"), record(id="2", name="b")]

    first = warehouse.loaded(*messages)
    second = warehouse.loaded(*messages)

    assert "Loaded 2 rows of bill: 2 inserted, 0 updated" in first.log
    assert "Loaded 2 rows of bill: 0 inserted, 2 updated" in second.log
    assert warehouse.rows("ID, NAME") == [["1", "a"], ["2", "b"]]


@pytest.mark.parametrize("size", [2, 100])
def test_the_last_observation_wins(warehouse: Warehouse, size: int) -> None:
    """MeltanoLabs#41, #47: all duplicates of a key in the first batch were inserted."""
    early, late = "2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z"

    warehouse.loaded(
        BILL,
        record(id="1", name="old", extracted=late),
        record(id="2", name="only", extracted=late),
        # The clock went back: the later message is the later observation all the same.
        record(id="1", name="middle", extracted=early),
        record(id="1", name="new", extracted=early),
        batch_size_rows=size,
    )

    assert warehouse.rows("ID, NAME") == [["1", "new"], ["2", "only"]]
    assert len(warehouse.merges()) == max(1, 4 // size)


def test_a_clock_that_was_ahead_yesterday_hides_nothing_today(
    warehouse: Warehouse,
) -> None:
    warehouse.loaded(BILL, record(id="1", name="old", extracted="2099-01-01T00:00:00Z"))
    warehouse.loaded(BILL, record(id="1", name="new", extracted="2026-01-01T00:00:00Z"))

    assert warehouse.rows("NAME") == [["new"]]


def test_a_sequence_in_a_column_with_decimals_is_read(warehouse: Warehouse) -> None:
    table = f'"FINANCE"."{warehouse.schema}"."BILL"'
    warehouse.loaded(schema({"id": ID}, "id", stream="other"))
    warehouse.admin.sql(
        f'CREATE TABLE {table} (ID VARCHAR, NAME VARCHAR, "_SDC_SEQUENCE" NUMBER(38,2))'
    )
    warehouse.admin.sql(
        f"INSERT INTO {table} VALUES ('1', 'old', 4102444800000000)"  # noqa: S608 - the test's own text
    )

    warehouse.loaded(BILL, record(id="1", name="new"))

    assert warehouse.rows("NAME") == [["new"]]


def test_an_older_observation_does_not_replace_a_newer_one(
    warehouse: Warehouse,
) -> None:
    table = f'"FINANCE"."{warehouse.schema}"."BILL"'
    warehouse.loaded(BILL, *(record(id=id_, name="old") for id_ in "123"))
    target = TargetSnowflakeMerge(config=warehouse.settings())
    lines = [
        json.dumps(m) for m in [BILL, *(record(id=id_, name="mine") for id_ in "123")]
    ]
    target.process_lines(io.StringIO("\n".join(lines)))

    # A run beside this one has written meanwhile: later, and without a
    # sequence.
    warehouse.admin.sql(
        f"UPDATE {table} SET NAME = 'newer', "  # noqa: S608 - the test's own text
        """ "_SDC_SEQUENCE" = CASE ID WHEN '1' THEN 9999999999999999 END """
        "WHERE ID IN ('1', '3')"
    )
    target.process_endofpipe()

    assert warehouse.rows("ID, NAME") == [["1", "newer"], ["2", "mine"], ["3", "mine"]]


def test_a_batch_that_is_sent_again_changes_nothing_but_its_own_rows(
    warehouse: Warehouse,
) -> None:
    warehouse.admin.configure(remember_requests=False)
    warehouse.admin.fault("drop", contains="MERGE", executes=True)

    run = warehouse.loaded(BILL, record(id="1", name="a"))

    assert "0 inserted, 1 updated" in run.log


def test_keys_are_compared_after_the_cast(warehouse: Warehouse) -> None:
    """airbyte#21330, dlt#2320: keys of several parts, reordered or partly used."""
    when = {"type": "string", "format": "date-time"}
    keyed = schema({"n": {"type": "number"}, "at": when, "name": TEXT}, "n", "at")

    warehouse.loaded(
        keyed,
        '{"type":"RECORD","stream":"bill","record":'
        '{"n":1,"at":"2026-01-01T00:00:00Z","name":"a"}}\n',
        '{"type":"RECORD","stream":"bill","record":'
        '{"n":1.0,"at":"2026-01-01T00:00:00+00:00","name":"b"}}\n',
    )

    assert warehouse.rows("NAME") == [["b"]]


def test_falsy_keys_are_keys(warehouse: Warehouse) -> None:
    """pipelinewise#262: keys that are 0, empty or false were refused."""
    types = {"n": {"type": "integer"}, "s": ID, "b": {"type": "boolean"}}

    for _ in range(2):
        warehouse.loaded(
            schema(types, "n", "s", "b"),
            record(n=0, s="", b=False),
            record(n=0, s="", b=True),
        )

    assert warehouse.rows("N, S, B", order="3") == [["0", "", False], ["0", "", True]]


def test_streams_without_keys_keep_every_row(warehouse: Warehouse) -> None:
    for _ in range(2):
        warehouse.loaded(
            schema({"name": TEXT}), *[record(name="same")] * 3, batch_size_rows=2
        )

    assert len(warehouse.rows("NAME")) == 6


def test_decimals_keep_every_digit(warehouse: Warehouse) -> None:
    exact = "12345678901234567890123456789.123456789"
    number = {"type": ["number", "null"]}
    fine = {**number, "multipleOf": 1e-12}

    warehouse.loaded(
        schema({"id": ID, "a": number, "b": fine, "c": {"type": "integer"}}, "id"),
        f'{{"type":"RECORD","stream":"bill","record":{{"id":"1","a":{exact},'
        f'"b":1E-12,"c":{"9" * 38}}}}}\n',
        '{"type":"RECORD","stream":"bill","record":{"id":"2","a":1E-7,"b":0.10,"c":-0}}\n',
    )

    assert warehouse.rows("A, B, C", order='"ID"') == [
        [exact, "0.000000000001", "9" * 38],
        ["0.000000100", "0.100000000000", "0"],
    ]


def test_dates_and_times(warehouse: Warehouse) -> None:
    types = {
        "id": ID,
        "at": {"type": "string", "format": "date-time"},
        "day": {"type": "string", "format": "date"},
        "time": {"type": "string", "format": "time"},
    }
    instants = [
        "2026-01-02T03:04:05.123456Z",
        "2026-01-02T05:04:05.123456+02:00",
        "2026-01-01T22:04:05.123456-0500",
        "2026-01-02 03:04:05.123456",
    ]

    warehouse.loaded(
        schema(types, "id"),
        *(
            record(id=str(n), at=at, day="2024-02-29", time="10:11:12.5")
            for n, at in enumerate(instants)
        ),
    )

    rows = warehouse.rows('"AT", "DAY", "TIME"', order='"ID"')
    assert [row[0] for row in rows] == [
        "2026-01-02 03:04:05.123456Z",
        "2026-01-02 05:04:05.123456+02:00",
        "2026-01-01 22:04:05.123456-05:00",
        "2026-01-02 03:04:05.123456Z",
    ]
    assert rows[0][1:] == ["2024-02-29", "10:11:12.500000"]
    assert warehouse.rows('COUNT(DISTINCT "AT")') == [[1]]


def test_details_arrive_as_variants(warehouse: Warehouse) -> None:
    anything: dict[str, Any] = {}
    lines = {"type": ["array", "null"], "items": {"type": "object"}}

    warehouse.loaded(
        schema({"id": ID, "lines": lines, "any": anything}, "id"),
        '{"type":"RECORD","stream":"bill","record":{"id":"1","any":{"null":null},'
        '"lines":[{"qty":1.10,"VALUE":"x"},{"qty":1E-7}]}}\n',
        record(id="2", lines=None, any="text"),
        record(id="3", lines=[], any=[1, None, True]),
    )

    assert warehouse.rows(
        '"LINES"[0]:qty::VARCHAR, "LINES"[0]:VALUE::VARCHAR, ARRAY_SIZE("LINES"), '
        '"LINES" IS NULL',
        order='"ID"',
    ) == [["1.1", "x", 2, False], [None, None, None, True], [None, None, 0, False]]
    values = warehouse.rows('"ANY"', order='"ID"')
    assert values == [[{"null": None}], ["text"], [[1, None, True]]]


def test_texts_survive(warehouse: Warehouse) -> None:
    """datamill#21, pipelinewise#298: quotes, line breaks, tabs, emoji, JSON inside."""
    texts = [
        "quotes ' \" `",
        "newline \n tab \t return \r backslash \\ \\n",
        "emoji 😀, combining e\u0301, right-to-left שלום, separator \u2028",
        '{"json": ["inside"]}',
        "? :1 $1 %s {0} ; -- /* */",
        " ends with spaces  ",
        "",
        "NaN 1E5",
    ]

    warehouse.loaded(
        schema({"id": {"type": "integer"}, "name": TEXT}, "id"),
        *(record(id=n, name=text) for n, text in enumerate(texts)),
    )

    assert [row[0] for row in warehouse.rows("NAME", order='"ID"')] == texts


def test_names_may_be_anything(warehouse: Warehouse) -> None:
    names = ["order", "Group By", "value", "index", "this", 'quo"te']
    names += ["back\\slash", "dot.ted", "größe", "1st", "record", "sequence"]
    properties = dict.fromkeys(names, TEXT)
    stream = "select: all! from? (order)"

    warehouse.loaded(
        schema({"id": ID, **properties}, "id", stream=stream),
        record(stream, id="1", **{name: f"<{name}>" for name in names}),
    )

    columns = ", ".join('"{}"'.format(n.upper().replace('"', '""')) for n in names)
    rows = warehouse.rows(columns, stream.upper())
    assert rows == [[f"<{name}>" for name in names]]


def test_metadata_columns(warehouse: Warehouse) -> None:
    message = record(
        id="1",
        extracted="2026-01-01T00:00:00Z",
        _sdc_deleted_at="2026-02-01T00:00:00Z",
    )

    warehouse.loaded(BILL, message | {"version": 7})
    warehouse.loaded(
        schema({"id": ID}, "id", stream="bare"),
        record("bare", id="1"),
        add_record_metadata=False,
    )

    row = warehouse.rows(
        '"_SDC_EXTRACTED_AT"::VARCHAR, "_SDC_DELETED_AT"::VARCHAR, '
        '"_SDC_TABLE_VERSION", "_SDC_SEQUENCE", "_SDC_REQUEST_ID", '
        '"_SDC_RECEIVED_AT" <= "_SDC_BATCHED_AT", "_SDC_SYNC_STARTED_AT" > 0'
    )[0]
    request = warehouse.merges()[0].query["requestId"]
    assert row[0].startswith("2026-01-01 00:00:00")
    assert row[1].startswith("2026-02-01 00:00:00")
    assert row[2:] == ["7", "1767225600000000", request, True, True]
    columns, _ = warehouse.admin.sql(
        f'SELECT * FROM "FINANCE"."{warehouse.schema}"."BARE"'  # noqa: S608 - as above
    )
    assert columns == ["ID", "_SDC_SEQUENCE", "_SDC_REQUEST_ID"]


def test_a_changed_schema_takes_effect_in_order(warehouse: Warehouse) -> None:
    wider = schema({"id": ID, "name": TEXT, "extra": {"type": "integer"}}, "id")

    warehouse.loaded(
        BILL,
        record(id="1", name="old"),
        wider,
        record(id="1", name="new", extra=1),
        record(id="2", name="b", extra=2),
        BILL,
        record(id="3", name="c"),
        batch_size_rows=2,
    )
    statements = [
        sent.statement.partition(" ")[0] for sent in warehouse.admin.requests()
    ]
    assert statements.index("MERGE") < statements.index("ALTER")
    warehouse.loaded(wider, record(id="3", name="c", extra=3))

    expected = [["1", "new", "1"], ["2", "b", "2"], ["3", "c", "3"]]
    assert warehouse.rows("ID, NAME, EXTRA") == expected


def test_text_columns_grow(warehouse: Warehouse) -> None:
    """MeltanoLabs#120: VARCHAR columns were not widened."""
    for length in (3, 5):
        warehouse.loaded(
            schema({"id": ID, "name": {"type": "string", "maxLength": length}}, "id"),
            record(id=str(length), name="x" * length),
        )

    assert warehouse.rows("NAME") == [["xxx"], ["xxxxx"]]


def test_integers_fit_into_a_decimal_column(warehouse: Warehouse) -> None:
    """dlt#2021: a NUMBER column was taken for one of texts."""
    warehouse.loaded(schema({"id": ID, "n": {"type": "number"}}, "id"))
    warehouse.loaded(
        schema({"id": ID, "n": {"type": "integer"}}, "id"), record(id="1", n=5)
    )

    assert warehouse.rows("N") == [["5.000000000"]]


def test_batches_by_bytes(warehouse: Warehouse) -> None:
    rows = [record(id=str(n), name="x" * 1_000) for n in range(10)]

    warehouse.loaded(BILL, *rows, batch_size_bytes=3_700)

    sizes = [merge.bind_bytes for merge in warehouse.merges()]
    assert len(sizes) == 4
    assert max(sizes) <= 3_700
    assert len(warehouse.rows("ID")) == 10


def test_no_batch_has_more_bytes_than_it_may(warehouse: Warehouse) -> None:
    def sizes(limit: int) -> list[int]:
        warehouse.admin.forget()
        rows = [record(id=f"{limit}{n}") for n in range(4)]
        bare = {"add_record_metadata": False}
        warehouse.loaded(BILL, *rows, batch_size_bytes=limit, **bare)
        return [merge.bind_bytes for merge in warehouse.merges()]

    one = sizes(100)[0]
    two = 2 * one - len("[]") + len(",")
    assert sizes(two) == [two, two]
    assert sizes(two - 1) == [one] * 4


def test_properties_at_the_root_may_be_in_parts(warehouse: Warehouse) -> None:
    message = schema({"id": ID}, "id")
    message["schema"] |= {
        "allOf": [{"properties": {"name": TEXT}}, {"$ref": "#/$defs/part"}],
        "$defs": {"part": {"properties": {"amount": {"type": "number"}}}},
    }
    warehouse.loaded(message, record(id="1", name="a", amount=1.5))
    assert warehouse.rows("ID, NAME, AMOUNT") == [["1", "a", "1.500000000"]]


def test_stream_maps_and_flattening(warehouse: Warehouse) -> None:
    nested = {"type": "object", "properties": {"city": TEXT}}

    warehouse.loaded(
        schema({"id": ID, "name": TEXT, "address": nested}, "id"),
        record(id="1", name="a", address={"city": "Oslo"}),
        stream_maps={"bill": {"__alias__": "invoice", "name": "name + '!'"}},
        flattening_enabled=True,
        flattening_max_depth=1,
    )

    assert warehouse.rows("ID, NAME, ADDRESS__CITY", "INVOICE") == [["1", "a!", "Oslo"]]
