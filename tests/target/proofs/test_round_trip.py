"""What comes out of the warehouse is what went in, for any schema and any value."""

from __future__ import annotations

import datetime as dt
import itertools
import json
from dataclasses import dataclass
from decimal import Context, Decimal
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.helpers.lanes import cases
from tests.helpers.typed_records import record, schema

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.target.conftest import Warehouse

streams = (f"trip{n}" for n in itertools.count(1))
EXACT = Context(prec=50)
encoder = msgspec.json.Encoder(decimal_format="number")


def same(value: Any) -> Any:
    return value


@dataclass(frozen=True)
class Column:
    """A property, values that fit it, and how they are compared.

    ``sent`` makes something comparable of what was drawn, ``back`` of what the sandbox
    shows.
    """

    type: dict[str, Any]
    values: st.SearchStrategy[Any]
    sent: Callable[[Any], Any] = same
    back: Callable[[Any], Any] = same


def nullable(kind: str, **more: Any) -> dict[str, Any]:
    return {"type": [kind, "null"], **more}


def decimals(places: int, digits: int) -> st.SearchStrategy[Decimal]:
    """Numbers in every notation: 100, 1E+2, 100.00."""
    bound = 10**digits - 1
    numbers = st.integers(-bound, bound).map(lambda n: Decimal(f"{n}E-{places}"))
    return numbers | numbers.map(EXACT.normalize)


def stepped(scale: int) -> Column:
    """Numbers whose schema names the digits after the point."""
    step = Decimal(1).scaleb(-scale)
    whole = 38 - max(9, scale)
    schema = nullable("number", multipleOf=step, exclusiveMaximum=10**whole)
    return Column(schema, decimals(scale, whole + scale), back=Decimal)


OFFSETS = st.integers(-14 * 60, 14 * 60).map(
    lambda minutes: dt.timezone(dt.timedelta(minutes=minutes))
)
MOMENTS = st.datetimes(
    dt.datetime(1, 1, 2),  # noqa: DTZ001 - Hypothesis adds the zone
    dt.datetime(9999, 12, 30),  # noqa: DTZ001 - as above
    timezones=OFFSETS | st.just(dt.UTC),
)
WRITTEN = st.one_of(
    MOMENTS.map(lambda moment: moment.isoformat()),
    MOMENTS.map(lambda moment: moment.isoformat(" ", "microseconds")),
    MOMENTS.map(lambda moment: moment.isoformat().replace("+00:00", "Z")),
    MOMENTS.map(lambda moment: f"{moment:%Y-%m-%dT%H:%M:%S.%f%z}".rjust(31, "0")),
)


def instant(text: str) -> tuple[dt.datetime, dt.timedelta | None]:
    moment = dt.datetime.fromisoformat(text)
    return moment, moment.utcoffset()


texts = st.text(st.characters(codec="utf-8"), max_size=30) | st.sampled_from(
    ["'", '"', "\\", "\n\t\r", "\0", "\\u0000", "😀", '{"a": 1}', "null", "NaN", "1E5"]
)
names = texts.filter(lambda text: "\0" not in text)
trees = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | decimals(4, 12) | texts,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3)
    ),
    max_leaves=6,
)


def number(text: str) -> Any:
    """Let no number equal a boolean, and 1.0 equal 1."""
    return {"a number": str(Decimal(text).normalize())}


def tree(value: Any) -> Any:
    text = encoder.encode(value)
    return json.loads(text, parse_int=number, parse_float=number)


def nested(kind: dict[str, Any], values: st.SearchStrategy[Any]) -> Column:
    return Column(kind, values, sent=tree, back=tree)


WHOLE = st.integers(-(10**38) + 1, 10**38 - 1)
DAYS = st.dates().map(lambda day: day.isoformat())
CLOCKS = st.times().map(lambda clock: clock.isoformat())
COLUMNS = st.tuples(
    st.just(Column(nullable("integer"), WHOLE, back=int)),
    st.just(Column(nullable("number"), decimals(9, 38), back=Decimal)),
    st.integers(0, 37).map(stepped),
    st.just(Column(nullable("boolean"), st.booleans())),
    st.just(Column(nullable("string"), texts)),
    st.integers(30, 4_294_967_295).map(
        lambda length: Column(nullable("string", maxLength=length), texts)
    ),
    st.just(Column(nullable("string", format="uuid"), st.uuids().map(str))),
    st.just(Column(nullable("string", format="date"), DAYS)),
    st.just(
        Column(nullable("string", format="time"), CLOCKS, back=lambda text: text[:15])
    ),
    st.just(Column(nullable("string", format="date-time"), WRITTEN, instant, instant)),
    st.just(nested(nullable("object"), st.dictionaries(names, trees, max_size=3))),
    st.just(nested(nullable("array"), st.lists(trees, max_size=3))),
    st.just(nested({}, trees)),
    st.just(nested({"anyOf": [nullable("integer"), {"type": "string"}]}, texts)),
)


@st.composite
def tables(draw: st.DrawFn) -> tuple[list[Column], list[list[Any]]]:
    columns = draw(COLUMNS)
    row = st.tuples(*(st.none() | column.values for column in columns))
    return list(columns), [
        list(values) for values in draw(st.lists(row, min_size=1, max_size=6))
    ]


def compared(convert: Callable[[Any], Any], value: Any) -> Any:
    return None if value is None else convert(value)


@settings(
    max_examples=cases(6, 12),
    phases=[Phase.explicit, Phase.generate],  # to shrink would load hundreds
    suppress_health_check=[*HealthCheck],
)
@given(table=tables())
def test_any_value_of_any_type_survives(
    warehouse: Warehouse, table: tuple[list[Column], list[list[Any]]]
) -> None:
    columns, rows = table
    stream = next(streams)
    types = {f"c{n}": column.type for n, column in enumerate(columns)}
    messages = [
        schema({"id": {"type": "integer"}, **types}, "id", stream=stream),
        *(
            record(stream, id=n, **dict(zip(types, row, strict=True)))
            for n, row in enumerate(rows)
        ),
    ]

    warehouse.loaded(*(f"{encoder.encode(m).decode()}\n" for m in messages))

    shown = ", ".join(name.upper() for name in types)
    back = warehouse.rows(shown, stream.upper(), order="ID")
    for drawn, found in zip(rows, back, strict=True):
        for column, before, after in zip(columns, drawn, found, strict=True):
            sent, kept = compared(column.sent, before), compared(column.back, after)
            assert kept == sent, (column.type, before, after)


TIME_LIMITS = {
    "2024-01-05T10:11:12+00": "2024-01-05 10:11:12.000000Z",
    "2024-01-05t10:11:12.5z": "2024-01-05 10:11:12.500000Z",
    "2024-01-05 10:11": "2024-01-05 10:11:00.000000Z",
    "2024-01-05T10:11:12.123456000000": "2024-01-05 10:11:12.123456Z",
    "2024-01-05T10:11:12-0330": "2024-01-05 10:11:12.000000-03:30",
    "0001-01-01T00:00:00Z": "0001-01-01 00:00:00.000000Z",
    "9999-12-31T23:59:59.999999+14:00": "9999-12-31 23:59:59.999999+14:00",
    "1582-10-10T00:00:00Z": "1582-10-10 00:00:00.000000Z",
}


def test_date_times_of_all_forms(warehouse: Warehouse) -> None:
    """airbyte#5439 failed on "+0000"; no offset means UTC."""
    moment = nullable("string", format="date-time")

    warehouse.loaded(
        schema({"id": {"type": "integer"}, "at": moment}, "id"),
        *(record(id=n, at=text) for n, text in enumerate(TIME_LIMITS)),
    )

    assert [at for (at,) in warehouse.rows('"AT"', order="ID")] == [
        *TIME_LIMITS.values()
    ]


IMPOSSIBLE = [
    *("0000-00-00T00:00:00Z", "-0044-03-15T00:00:00Z", "20107-01-01T00:00:00Z"),
    *("2023-02-29T00:00:00Z", "9999-12-31T23:59:59.999999999-14:00"),
    *("0001-01-01T00:00:00+14:00", "2016-12-31T23:59:60Z", "2024-01-05T24:00:00Z"),
    "infinity",
]


@pytest.mark.parametrize("text", IMPOSSIBLE)
def test_a_date_that_snowflake_does_not_know_is_refused(
    warehouse: Warehouse, text: str
) -> None:
    """MeltanoLabs#102: such dates became 9999-12-31."""
    moment = nullable("string", format="date-time")

    run = warehouse.load(schema({"id": moment, "at": moment}), record(at=text))

    refusal = run.refusal()
    assert "record (no key): property at is " in refusal
    assert f": {text}; its column is TIMESTAMP_TZ(9):" in refusal


def test_dates_that_snowflake_does_not_know_may_become_null(
    warehouse: Warehouse,
) -> None:
    moment = nullable("string", format="date-time")
    types = {
        "id": {"type": "integer"},
        "at": moment,
        "day": {**moment, "format": "date"},
    }
    dates = [*IMPOSSIBLE, "2024-01-05T10:11:12Z"]

    run = warehouse.loaded(
        schema(types, "id"),
        *(record(id=n, at=text, day=text[:10]) for n, text in enumerate(dates)),
        *(record(id=n, day="0000-00-00") for n in range(20, 25)),
        invalid_dates="null",
    )

    rows = warehouse.rows('"AT", "DAY"', order="ID")
    assert [at for at, _ in rows[: len(IMPOSSIBLE)]] == [None] * len(IMPOSSIBLE)
    assert rows[len(IMPOSSIBLE)] == ["2024-01-05 10:11:12.000000Z", "2024-01-05"]
    assert rows[-1] == [None, None]
    assert "record id 0: property at is no date that Snowflake knows: 0000" in run.log
    # Once for each property, and once more at its tenth.
    assert run.log.count("is no date that Snowflake knows") == 3
    assert "it is loaded as null, as were 9 before it" in run.log


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("2024-01-05T10:11:12.1234567891Z", "more than 9 decimals of a second"),
        ("0000-00-00", "is not a date-time"),
    ],
)
def test_null_is_no_excuse_for_other_losses_and_keys(
    warehouse: Warehouse, value: str, reason: str
) -> None:
    key = schema({"at": nullable("string", format="date-time")}, "at")

    run = warehouse.load(key, record(at=value), invalid_dates="null")

    assert reason in run.refusal()


def test_numbers_may_be_floats(warehouse: Warehouse) -> None:
    """The setting number_type; what a double does not keep is refused all the same."""
    floats = schema({"id": {"type": "integer"}, "n": nullable("number")}, "id")
    values = [0.1, 1e-300, 1.7976931348623157e308, -5, 2**53]

    warehouse.loaded(
        floats,
        *(record(id=n, n=value) for n, value in enumerate(values)),
        number_type="FLOAT",
    )
    line = (
        '{"type":"RECORD","stream":"bill","record":{"id":9,"n":0.12345678901234567}}\n'
    )
    run = warehouse.load(floats, line, number_type="FLOAT")

    assert [n for (n,) in warehouse.rows("N", order="ID")] == values
    assert "has more digits than a FLOAT keeps: 0.12345678901234567;" in run.refusal()
