from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from target_snowflake_merge.errors import InvalidDateError, ValueRefusedError
from target_snowflake_merge.schema import date_times

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.mark.parametrize(
    ("value", "sent"),
    [
        ("2024-01-05T10:11:12Z", "2024-01-05T10:11:12.000000000+00:00"),
        ("2024-01-05T10:11:12", "2024-01-05T10:11:12.000000000+00:00"),
        ("2024-01-05 10:11:12+0000", "2024-01-05T10:11:12.000000000+00:00"),
        ("2024-01-05T10:11:12-05:30", "2024-01-05T10:11:12.000000000-05:30"),
        ("2024-01-05T10:11:12+02", "2024-01-05T10:11:12.000000000+02:00"),
        ("2024-01-05t10:11:12.5z", "2024-01-05T10:11:12.500000000+00:00"),
        (
            "2024-01-05T10:11:12.123456789+14:00",
            "2024-01-05T10:11:12.123456789+14:00",
        ),
        ("2024-01-05T10:11:12.1234567890", "2024-01-05T10:11:12.123456789+00:00"),
        ("2024-01-05T10:11", "2024-01-05T10:11:00.000000000+00:00"),
        ("2024-01-05", "2024-01-05T00:00:00.000000000+00:00"),
        # Taps add an offset to what isoformat() has written with one.
        ("2019-12-18T13:19:44+00:00+00:00", "2019-12-18T13:19:44.000000000+00:00"),
        ("2019-12-18T13:19:44.5+00:00Z", "2019-12-18T13:19:44.500000000+00:00"),
        ("2019-12-18T13:19:44+02:00+0200", "2019-12-18T13:19:44.000000000+02:00"),
        ("2019-12-18 13:19:44 +0000 UTC", "2019-12-18T13:19:44.000000000+00:00"),
        ("2019-12-18 13:19:44 -0330", "2019-12-18T13:19:44.000000000-03:30"),
        ("2019-12-18 13:19:44 gmt", "2019-12-18T13:19:44.000000000+00:00"),
        ("9999-12-31T23:59:59Z", "9999-12-31T23:59:59.000000000+00:00"),
        (
            dt.datetime(2024, 1, 5, 1, tzinfo=dt.UTC),
            "2024-01-05T01:00:00.000000000+00:00",
        ),
    ],
)
def test_date_times_keep_instant_and_offset(value: object, sent: str) -> None:
    assert date_times.timestamp(value) == sent


@pytest.mark.parametrize(
    "value",
    [
        "",
        "yesterday",
        "2024-13-01T00:00:00Z",
        "2024-02-30",
        "20107-01-01T00:00:00Z",
        "-0044-03-15T00:00:00Z",
        "0000-01-01T00:00:00Z",
        "2024-01-05T24:00:00Z",
        "2024-01-05T10:11:12.1234567891Z",
        "2024-01-05T10:11:12+25:00",
        "2024-01-05T10:11:12+02:00+00:00",
        "2024-01-05T10:11:12+02:00Z",
        "2024-01-05T10:11:12+00:00+00:00+00:00",
        "2024-01-05T10:11:12 CET",
        "2024-01-05T10:11:12Z trailing",
        "٢٠٢٤-01-05",
        1704448272,
        None,
    ],
)
def test_what_is_no_date_time_is_refused(value: object) -> None:
    with pytest.raises(ValueRefusedError):
        date_times.timestamp(value)


@given(
    st.datetimes(
        timezones=st.timezones() | st.just(dt.UTC), allow_imaginary=False
    ).filter(lambda moment: (moment.utcoffset() or dt.timedelta()).seconds % 60 == 0)
)
def test_any_date_time_keeps_its_instant(moment: dt.datetime) -> None:
    sent = dt.datetime.fromisoformat(date_times.timestamp(moment.isoformat()))

    assert sent.utcoffset() == moment.utcoffset()
    assert sent.replace(tzinfo=None) == moment.replace(tzinfo=None, fold=0)


def test_dates_and_times() -> None:
    assert date_times.date("2024-02-29") == "2024-02-29"
    assert date_times.time_of_day("10:11:12.5Z") == "10:11:12.500000000"
    assert date_times.time_of_day("10:11:12.5+00:00Z") == "10:11:12.500000000"
    for wrong in ("2023-02-29", "24-02-29", 5):
        with pytest.raises(ValueRefusedError, match="not a date"):
            date_times.date(wrong)
    for wrong in ("25:00:00", "noon", 10):
        with pytest.raises(ValueRefusedError, match="not a time"):
            date_times.time_of_day(wrong)
    with pytest.raises(ValueRefusedError, match="offset"):
        date_times.time_of_day("10:11:12+02:00")


@pytest.mark.parametrize(
    "midnight",
    [
        *("T00:00:00", " 00:00", "T00:00:00.000000000000", "T00:00:00Z"),
        *("T00:00:00+00:00", "T00:00:00.000+0000", "T00:00:00+00:00Z"),
    ],
)
def test_midnight_is_no_more_than_the_date(midnight: str) -> None:
    assert date_times.date(f"2024-02-29{midnight}") == "2024-02-29"


@pytest.mark.parametrize(
    ("convert", "value", "reason"),
    [
        (date_times.date, "2024-01-05T00:00:01Z", "it has a time"),
        (date_times.date, "2024-01-05T00:00:00.000000001", "it has a time"),
        (date_times.date, "2024-01-05T00:00:00+02:00", "it has a time"),
        (date_times.date, "2024-01-05T00:00:00.0000000001", "decimals of a second"),
        (date_times.timestamp, "2024-01-05T10:11.5Z", "a fraction of a minute"),
        (date_times.timestamp, "2024-01-05T10:11,999", "a fraction of a minute"),
        (date_times.time_of_day, "10:11.5", "a fraction of a minute"),
        (date_times.timestamp, "2024-01-05T10:11:12+02:00+03:00", "has two offsets"),
    ],
)
def test_a_valid_date_is_refused_but_not_invalid(
    convert: Callable[[object], str], value: str, reason: str
) -> None:
    """Where `invalid_dates` is null, only what is invalid may become null."""
    with pytest.raises(ValueRefusedError, match=reason) as caught:
        convert(value)

    assert not isinstance(caught.value, InvalidDateError)


@pytest.mark.parametrize("value", ["0000-00-00T00:00:00Z", "2023-02-29", "x", ""])
def test_an_invalid_date_says_so(value: str) -> None:
    with pytest.raises(InvalidDateError):
        date_times.date(value)
