"""Windows over the replication key: they cover everything, and they end."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tap_acumatica.windows import RESOLUTION, Window, floor, following, narrowed

BEGIN = datetime(2024, 1, 1, tzinfo=UTC)
HORIZON = datetime(2026, 1, 1, tzinfo=UTC)
PAGE = 5


def at(days: float) -> datetime:
    return BEGIN + timedelta(days=days)


@pytest.mark.parametrize(
    ("window", "seen", "part"),
    [
        (Window(), [at(1), at(2), at(9)], Window(None, at(2))),
        (Window(at(0)), [at(1), at(2), at(9)], Window(at(0), at(2))),
        (Window(at(0), at(4)), [at(1), at(2), at(3)], Window(at(0), at(2))),
        # All rows of one instant at its lower end: the instant alone comes first.
        (Window(at(1)), [at(1)] * 3, Window(at(1), at(1) + RESOLUTION)),
        # One instant cannot be split.
        (Window(at(1), at(1) + RESOLUTION), [at(1)] * 3, None),
        # A closed window must not reach into what can still be committed late.
        (Window(at(0)), [HORIZON + timedelta(seconds=1)] * 3, Window(at(0), HORIZON)),
        (Window(HORIZON), [HORIZON + timedelta(seconds=1)] * 3, None),
        # Rows without a value cannot be told apart by it.
        (Window(), [], None),
    ],
)
def test_a_window_that_is_too_large_is_narrowed(
    window: Window, seen: list[datetime], part: Window | None
) -> None:
    assert narrowed(window, seen, HORIZON) == part


@pytest.mark.parametrize(
    ("rows", "days"),
    [(6, 1), (3, 2), (1, 6), (0, 16)],
    ids=["shrinks", "stays", "grows", "grows fastest when empty"],
)
def test_windows_adapt_to_what_they_held(rows: int, days: float) -> None:
    window = Window(at(0), at(2))
    expected = Window(at(2), at(2) + timedelta(days=days))
    assert following(window, rows, PAGE, HORIZON, None) == expected


def test_a_row_without_a_real_date_does_not_end_the_range_of_dates() -> None:
    """The next window must not end after the year 9999."""
    oldest = datetime.min.replace(tzinfo=UTC)
    later = following(Window(None, at(0)), 0, PAGE, HORIZON, oldest)
    assert later == Window(at(0))


def test_after_the_open_window_comes_none() -> None:
    assert following(Window(at(0)), 1, PAGE, HORIZON, at(0)) is None


def test_the_window_that_reaches_the_horizon_is_open() -> None:
    window = Window(at(0), HORIZON - timedelta(days=1))
    assert following(window, 1, PAGE, HORIZON, None) == Window(window.upper)


moments = st.integers(0, 3 * 365 * 24 * 60).map(lambda m: BEGIN + timedelta(minutes=m))


@given(st.lists(moments, max_size=60), st.none() | moments)
def test_windows_cover_every_row_once_and_end(
    rows: list[datetime], since: datetime | None
) -> None:
    """Read a table that does not change: each row lies in exactly one window."""
    wanted = sorted(row for row in rows if since is None or row >= since)
    read: list[datetime] = []
    window: Window | None = Window(since)
    for _ in range(2_000):
        if window is None:
            break
        inside = sorted(
            row
            for row in rows
            if (window.lower is None or row >= window.lower)
            and (window.upper is None or row < window.upper)
        )
        part = narrowed(window, inside[:PAGE], HORIZON)
        if len(inside) >= PAGE and part:
            assert part.lower == window.lower
            window = part
            continue
        read += inside
        oldest = min(inside, default=None)
        window = following(window, len(inside), PAGE, HORIZON, oldest)
        assert window is None or window.upper is None or window.upper <= HORIZON
    assert window is None
    assert sorted(read) == wanted


@given(st.datetimes(timezones=st.just(UTC)))
def test_a_bound_can_be_written_as_a_literal(moment: datetime) -> None:
    assert timedelta(0) <= moment - floor(moment) < RESOLUTION
    assert floor(floor(moment)) == floor(moment)
