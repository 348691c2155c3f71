"""The query syntax of contract version 4."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from urllib.parse import parse_qs

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tap_acumatica import query
from tap_acumatica.windows import Window

MOMENT = datetime(2024, 7, 15, 10, 31, 28, 402_999, timezone(timedelta(hours=3)))


def test_a_literal_keeps_offset_and_milliseconds() -> None:
    literal = query.date_time_literal(MOMENT)
    assert literal == "datetimeoffset'2024-07-15T10:31:28.402+03:00'"


def test_a_filter_asks_for_equal_timestamps_too() -> None:
    """Mistake 5 of other clients: ``gt`` loses rows of the same instant."""
    condition = query.within("LastModifiedDateTime", Window(MOMENT))
    assert condition is not None
    assert condition.startswith("LastModifiedDateTime ge datetimeoffset'")


def test_windows_that_follow_one_another_leave_no_gap() -> None:
    first = query.within("Changed", Window(None, MOMENT))
    second = query.within("Changed", Window(MOMENT, MOMENT))
    literal = query.date_time_literal(MOMENT)
    assert first == f"Changed lt {literal}"
    assert second == f"Changed ge {literal} and Changed lt {literal}"


def test_an_open_window_needs_no_filter() -> None:
    assert query.within("Changed", Window()) is None


def test_plus_and_colon_of_a_literal_are_encoded() -> None:
    """Mistake 6 of other clients: an unencoded plus sign becomes a space."""
    encoded = query.encode({"$filter": query.within("Changed", Window(MOMENT)) or ""})
    assert encoded == (
        "$filter=Changed%20ge%20datetimeoffset%272024-07-15T10%3A31%3A28.402%2B03%3A00%27"
    )


def test_paths_are_expanded_in_one_parameter() -> None:
    paths = ("Details", "MainContact", "MainContact/Address")
    assert query.expand(paths) == "Details,MainContact,MainContact/Address"


@pytest.mark.parametrize("value", ["Köln & Co", "a+b", "50%", "O'Neill", "#1"])
def test_parameters_arrive_as_they_were(value: str) -> None:
    assert parse_qs(query.encode({"$filter": value})) == {"$filter": [value]}


@given(
    st.datetimes(
        min_value=datetime(1900, 1, 2),  # noqa: DTZ001 - Hypothesis adds the zone
        max_value=datetime(9998, 12, 30),  # noqa: DTZ001 - as above
        timezones=st.timezones(),
    )
)
def test_a_literal_never_lies_after_its_moment(moment: datetime) -> None:
    """Cutting must go down: a literal after the moment would skip rows."""
    text = query.date_time_literal(moment.astimezone(UTC)).split("'")[1]
    cut = moment - datetime.fromisoformat(text)
    assert timedelta(0) <= cut < timedelta(milliseconds=1)
