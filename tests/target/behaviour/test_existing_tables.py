"""Tables that another tool has made are used as they are, or refused by name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.helpers.columns import ANYTHING, MOMENT, NUMBER, TREE, WHOLE, made, types
from tests.helpers.typed_records import ID, TEXT, record, schema

if TYPE_CHECKING:
    from tests.target.conftest import Warehouse

TRUTH = {"type": ["boolean", "null"]}
DAY = {"type": ["string", "null"], "format": "date"}
CLOCK = {"type": ["string", "null"], "format": "time"}
LIST = {"type": ["array", "null"]}

AMOUNT = {"type": ["string", "null"], "format": "singer.decimal"}
PRICE = {**AMOUNT, "format": "x-singer.decimal", "precision": 18, "scale": 2}
SOMETIMES = {"anyOf": [{"type": "string", "format": "date-time"}, TEXT]}

POSTGRES = {**NUMBER, "multipleOf": 1e-38, "maximum": 1e62, "exclusiveMaximum": True}
"""What tap-postgres makes of a numeric without precision."""

LONG = "2026-01-02T03:04:05.123456+05:30"


HELD = [
    (
        "TIMESTAMP_NTZ(3)",
        MOMENT,
        "2026-01-02T03:04:05.123Z",
        "2026-01-02 03:04:05.123000",
    ),
    ("TIMESTAMP_NTZ", MOMENT, "2026-01-02T03:04:05", "2026-01-02 03:04:05.000000"),
    ("TIMESTAMP_LTZ", MOMENT, LONG, "2026-01-01 21:34:05.123456Z"),
    ("TIMESTAMP_TZ(6)", MOMENT, LONG, LONG.replace("T", " ")),
    ("TIMESTAMP_TZ", DAY, "2026-01-02", "2026-01-02 00:00:00.000000Z"),
    ("TIMESTAMP_NTZ", DAY, "2026-01-02", "2026-01-02 00:00:00.000000"),
    ("TIMESTAMP_LTZ(0)", DAY, "2026-01-02", "2026-01-02 00:00:00.000000Z"),
    ("TIME(0)", CLOCK, "10:11:12.000", "10:11:12"),
    ("FLOAT", NUMBER, 0.1, 0.1),
    ("FLOAT", WHOLE, 2**53, float(2**53)),
    ("FLOAT", NUMBER, 1e-7, 1e-7),
    ("NUMBER(10,2)", NUMBER, 1234567890.25, "1234567890.25"),
    ("NUMBER(10,2)", WHOLE, 10**30, f"{10**30}.00"),
    ("NUMBER(38,0)", NUMBER, 5.0, "5"),
    ("NUMBER(38,12)", {"type": "number", "multipleOf": 0.01}, 0.01, "0.010000000000"),
    ("VARCHAR(40)", NUMBER, 1.50, "1.5"),
    ("VARCHAR(40)", NUMBER, 1e-7, "0.0000001"),
    ("VARCHAR(40)", WHOLE, 10**25, f"{10**25}"),
    ("VARCHAR(40)", TRUTH, True, "true"),
    ("VARCHAR(40)", MOMENT, LONG, LONG),
    ("VARCHAR(40)", DAY, "2026-01-02", "2026-01-02"),
    ("VARCHAR(3)", TEXT, "longer", "longer"),
    ("ARRAY", LIST, [1, "1", None], [1, "1", None]),
    ("OBJECT", TREE, {"a": [True]}, {"a": [True]}),
    ("VARIANT", NUMBER, 1.5, 1.5),
    ("VARIANT", MOMENT, LONG, LONG),
    ("VARIANT", TEXT, "1", "1"),
    ("VARIANT", WHOLE, 1, 1),
    ("TIMESTAMP_NTZ", SOMETIMES, "2026-01-02T03:04:05Z", "2026-01-02 03:04:05.000000"),
    (
        "TIMESTAMP_NTZ",
        {"anyOf": [MOMENT, {}]},
        "2026-01-02T03:04:05Z",
        "2026-01-02 03:04:05.000000",
    ),
    ("NUMBER(10,2)", AMOUNT, "100.00", "100.00"),
    ("NUMBER(38,0)", PRICE, "9.00", "9"),
    ("FLOAT", AMOUNT, "0.1", 0.1),
    ("VARCHAR(40)", PRICE, "9.00", "9.00"),
    ("VARIANT", PRICE, "9.00", "9.00"),
]


def test_columns_take_what_they_hold_without_loss(warehouse: Warehouse) -> None:
    """Nulls, too; what comes out is compared cell by cell."""
    columns = ", ".join(f"C{n} {column}" for n, (column, *_) in enumerate(HELD))
    made(warehouse, f"ID VARCHAR, {columns}")
    properties = {f"c{n}": case[1] for n, case in enumerate(HELD)}
    values: dict[str, Any] = {f"c{n}": case[2] for n, case in enumerate(HELD)}

    warehouse.loaded(
        schema({"id": ID, **properties}, "id"),
        record(id="1", **values),
        record(id="2"),
    )

    shown = ", ".join(name.upper() for name in properties)
    full, empty = warehouse.rows(shown, order="ID")
    assert full == [case[3] for case in HELD]
    assert empty == [None] * len(HELD)
    assert types(warehouse)["C11"] == "NUMBER(38,2)"


REFUSED = [
    ("TIMESTAMP_NTZ", MOMENT, LONG, "has an offset, which the column does not hold"),
    ("TIMESTAMP_TZ(3)", MOMENT, LONG, "has more than 3 decimals of a second"),
    ("TIMESTAMP_NTZ(0)", MOMENT, "2026-01-02T03:04:05.5Z", "more than 0 decimals"),
    ("TIME(0)", CLOCK, "10:11:12.5", "more than 0 decimals of a second"),
    ("NUMBER(10,2)", NUMBER, 0.125, "has more than 2 digits after the point"),
    ("NUMBER(38,0)", NUMBER, 0.5, "has more than 0 digits after the point"),
    ("NUMBER(38,9)", WHOLE, 10**29, "has more than 29 digits before the point"),
    ("FLOAT", WHOLE, 2**53 + 1, "has more digits than a FLOAT keeps"),
    ("VARCHAR(3)", WHOLE, 1234, "has 4 characters, and the column holds 3"),
    ("ARRAY", ANYTHING, {"a": 1}, "is no array"),
    ("OBJECT", ANYTHING, "text", "is no object"),
    ("TIMESTAMP_NTZ", SOMETIMES, "tomorrow", "is not a date-time: tomorrow"),
    ("TIMESTAMP_TZ", {"anyOf": [MOMENT, {}]}, 1767323045, "is not a date-time: 17673"),
    ("NUMBER(10,2)", AMOUNT, "0.125", "has more than 2 digits after the point"),
]


@pytest.mark.parametrize(
    ("column", "type_", "value", "reason"), REFUSED, ids=[case[0] for case in REFUSED]
)
def test_a_value_that_a_column_would_change_is_refused(
    warehouse: Warehouse, column: str, type_: Any, value: object, reason: str
) -> None:
    made(warehouse, f"ID VARCHAR, C {column}")

    run = warehouse.load(schema({"id": ID, "c": type_}, "id"), record(id="7", c=value))

    refusal = run.refusal()
    assert "Stream bill, record id 7: property c " in refusal
    assert reason in refusal
    assert f"; its column is {types(warehouse)['C']}:" in refusal
    assert warehouse.rows("ID") == []


ANEW = "rename or drop column N of table {table}, so that the next load makes one of "
BETTER = "correct the value in the source or the type in the tap's catalog"


@pytest.mark.parametrize(
    ("column", "type_", "value", "remedy"),
    [
        ("NUMBER(38,0)", NUMBER, 1.5, f"{ANEW}NUMBER(38,9), which the schema asks for"),
        ("NUMBER(38,0)", NUMBER, 1e-10, BETTER),
        # What earlier versions made of this schema holds one digit before the point.
        ("NUMBER(38,37)", POSTGRES, 1234.56, f"{ANEW}NUMBER(38,9), which the schema"),
    ],
)
def test_a_refusal_says_whose_fault_it_is(
    warehouse: Warehouse, column: str, type_: Any, value: float, remedy: str
) -> None:
    table = made(warehouse, f"ID VARCHAR, N {column}")
    run = warehouse.load(schema({"id": ID, "n": type_}, "id"), record(id="2", n=value))
    assert f"; its column is {column}: {remedy.format(table=table)}" in run.refusal()


def test_a_text_of_more_than_16_megabytes_has_a_remedy_that_helps(
    warehouse: Warehouse,
) -> None:
    """A VARCHAR without a length holds 16,777,216; one that is made anew no more."""
    length = 16_777_217
    table = schema({"id": ID, "note": TEXT}, "id")
    row = record(id="1", note="x" * length)

    refusal = warehouse.load(table, row).refusal()

    place = f'"FINANCE"."{warehouse.schema}"."BILL"'
    sql = f'ALTER TABLE {place} ALTER COLUMN "NOTE" SET DATA TYPE VARCHAR(134217728)'
    assert f"has {length} characters, and the column holds {length - 1}" in refusal
    assert f"; its column is VARCHAR(16777216): let it hold more, by {sql}," in refusal
    warehouse.admin.sql(sql)
    warehouse.loaded(table, row)
    assert warehouse.rows("LENGTH(NOTE)") == [[length]]


@pytest.mark.parametrize(
    ("column", "type_", "needed"),
    [
        ("BINARY", TEXT, "VARCHAR"),
        ("FLOAT", TEXT, "VARCHAR"),
        ("NUMBER(10,2)", TRUTH, "BOOLEAN"),
        ("BOOLEAN", WHOLE, "NUMBER(38,0)"),
        ("DATE", MOMENT, "TIMESTAMP_TZ(9)"),
        ("VARCHAR(9)", TREE, "VARIANT"),
        ("ARRAY", TEXT, "VARCHAR"),
    ],
)
def test_a_column_of_another_kind_is_named(
    warehouse: Warehouse, column: str, type_: Any, needed: str
) -> None:
    """MeltanoLabs#274: mixed types were stored as 'true'."""
    table = made(warehouse, f"ID VARCHAR, C {column}")

    refusal = warehouse.load(schema({"id": ID, "c": type_}, "id")).refusal()

    assert f"Stream bill: column C of table {table} is {column}" in refusal
    assert f"and the stream now needs {needed}; rename or drop the column" in refusal


MELTANO = """
    "_SDC_BATCHED_AT" TIMESTAMP_NTZ, NAME VARCHAR, "_SDC_SEQUENCE" NUMBER(38,0),
    "_SDC_EXTRACTED_AT" TIMESTAMP_NTZ, "_SDC_DELETED_AT" TIMESTAMP_NTZ,
    "_SDC_RECEIVED_AT" TIMESTAMP_NTZ, "_SDC_TABLE_VERSION" NUMBER(38,0),
    "_SDC_SYNC_STARTED_AT" NUMBER(38,0), ID VARCHAR, NOTE VARCHAR DEFAULT 'own',
    NR NUMBER(38,0) DEFAULT 5 NOT NULL
"""


def test_a_table_of_another_target_goes_on(warehouse: Warehouse) -> None:
    """Its columns stand in another order and hold times without offsets."""
    table = made(warehouse, MELTANO)
    old = "'2026-01-01 00:00:00'"
    for id_ in "12":
        warehouse.admin.sql(
            f"INSERT INTO {table} VALUES ({old}, 'old', 1767225600000, {old}, NULL, "  # noqa: S608 - the test's own text
            f"{old}, 1, 1767225600000, '{id_}', 'mine', 9)"
        )
    bill = schema({"id": ID, "name": TEXT}, "id")
    late = "2026-01-02T01:00:00+02:00"

    warehouse.loaded(
        bill,
        record(id="1", name="new", extracted=late) | {"version": 2},
        record(id="3", name="new", extracted=late) | {"version": 2},
        {"type": "ACTIVATE_VERSION", "stream": "bill", "version": 2},
    )

    columns = 'ID, NAME, NOTE, NR, "_SDC_EXTRACTED_AT", "_SDC_DELETED_AT" IS NULL'
    assert warehouse.rows(columns) == [
        ["1", "new", "mine", "9", "2026-01-01 23:00:00.000000", True],
        ["2", "old", "mine", "9", "2026-01-01 00:00:00.000000", False],
        ["3", "new", "own", "5", "2026-01-01 23:00:00.000000", True],
    ]


def test_pipelinewise_keeps_deletions_as_texts(warehouse: Warehouse) -> None:
    columns = """
        ID VARCHAR, NAME VARCHAR, "_SDC_EXTRACTED_AT" TIMESTAMP_NTZ,
        "_SDC_BATCHED_AT" TIMESTAMP_NTZ, "_SDC_DELETED_AT" VARCHAR
    """
    table = made(warehouse, columns)
    old = "'2026-01-01 00:00:00'"
    warehouse.admin.sql(
        f"INSERT INTO {table} VALUES ('1', 'old', {old}, {old}, NULL), "  # noqa: S608 - the test's own text
        f"('2', 'old', {old}, {old}, NULL), ('3', 'old', {old}, {old}, {old})"
    )
    deleted = {"_sdc_deleted_at": "2026-01-02T01:00:00+02:00"}
    warehouse.loaded(
        schema({"id": ID, "name": TEXT}, "id"),
        record(id="1", name="new", **deleted) | {"version": 2},
        record(id="3", name="back") | {"version": 2},
        {"type": "ACTIVATE_VERSION", "stream": "bill", "version": 2},
    )
    first, second, third = warehouse.rows('NAME, "_SDC_DELETED_AT"', order="ID")
    assert first == ["new", "2026-01-01T23:00:00.000000000+00:00"]
    assert second[0] == "old"
    assert second[1].endswith("+00:00")
    assert third == ["back", None]


def test_metadata_columns_are_added_to_a_table_that_has_none(
    warehouse: Warehouse,
) -> None:
    table = made(warehouse, "ID VARCHAR, NAME VARCHAR")
    warehouse.admin.sql(f"INSERT INTO {table} VALUES ('1', 'old'), ('2', 'old')")  # noqa: S608 - the test's own text

    warehouse.loaded(schema({"id": ID, "name": TEXT}, "id"), record(id="1", name="new"))

    assert warehouse.rows('ID, NAME, "_SDC_SEQUENCE" IS NULL') == [
        ["1", "new", False],
        ["2", "old", True],
    ]


@pytest.mark.parametrize(
    ("columns", "sentence"),
    [
        (
            '"_SDC_SEQUENCE" VARCHAR',
            "column _SDC_SEQUENCE of table",
        ),
        ('"_SDC_DELETED_AT" BOOLEAN', "_SDC_DELETED_AT of table"),
        ("MUST VARCHAR NOT NULL", "column MUST of table"),
        ('"id" VARCHAR, "Id" VARCHAR', "has the columns id and Id, and either may be"),
    ],
)
def test_a_table_that_cannot_be_used_is_explained(
    warehouse: Warehouse, columns: str, sentence: str
) -> None:
    made(warehouse, f"NAME VARCHAR, {columns}")

    refusal = warehouse.load(schema({"id": ID, "name": TEXT}, "id")).refusal()

    assert sentence in refusal


def test_names_in_lower_case_are_the_same_columns(warehouse: Warehouse) -> None:
    """MeltanoLabs#43: "column already exists" by case.

    A column ID beside "id" would be null in all rows, and all would come again.
    """
    table = made(warehouse, '"id" VARCHAR, "Name" VARCHAR, NAME VARCHAR')
    warehouse.admin.sql(f"INSERT INTO {table} VALUES ('1', 'other', 'old')")  # noqa: S608 - the test's own text

    for name in ("new", "newer"):
        warehouse.loaded(
            schema({"id": ID, "name": TEXT, "more": TEXT}, "id"),
            record(id="1", name=name, more="x"),
        )

    columns = '"id", "Name", NAME, MORE'
    assert warehouse.rows(columns) == [["1", "other", "newer", "x"]]
    assert list(types(warehouse)) == ["id", "Name", "NAME", "MORE"]
