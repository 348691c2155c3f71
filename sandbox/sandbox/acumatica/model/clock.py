"""The server's clock, and time in the tenant's zone, America/New_York.

The clock can be set ahead or stopped (``settings`` does it), so that tests do not wait
for LastModifiedDateTime to move on. It shows in the Date header and in what is stored;
tokens and sessions live by the real time.

The zone's rule (daylight saving time from the second Sunday of March to the first
Sunday of November, 2:00 local time) is written out, because slim machines have no
time zone database. A zone that is not UTC makes shifted business dates visible.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, timezone

STANDARD = timezone(timedelta(hours=-5))
DAYLIGHT = timezone(timedelta(hours=-4))
MICROSECONDS = 6
SUNDAY = 6


@dataclass
class Hands:
    """How the server's clock is set.

    Attributes:
        ahead: How far it is ahead of where it would be.
        stopped: Where it stands still, None while it goes.
        header_ahead: How far the Date header is ahead of it.
    """

    ahead: timedelta = timedelta()
    stopped: datetime | None = None
    header_ahead: timedelta = timedelta()


HANDS = Hands()
"""The setting of this process's clock: a server has one."""


def real() -> datetime:
    """The real time, in UTC."""
    return datetime.now(UTC)


def now() -> datetime:
    """The server's clock, in UTC."""
    return (HANDS.stopped or real()) + HANDS.ahead


def sunday(year: int, month: int, count: int) -> date:
    """The month's Sunday number ``count``, starting at 1."""
    first = date(year, month, 1)
    return first + timedelta(days=(SUNDAY - first.weekday()) % 7 + 7 * (count - 1))


def shown() -> datetime:
    """What the Date header says, in UTC."""
    return now() + HANDS.header_ahead


def zone_at(instant: datetime) -> timezone:
    """The tenant's offset at an instant that has an offset itself."""
    year = instant.astimezone(STANDARD).year
    starts = datetime.combine(sunday(year, 3, 2), time(2), STANDARD)
    ends = datetime.combine(sunday(year, 11, 1), time(2), DAYLIGHT)
    return DAYLIGHT if starts <= instant < ends else STANDARD


def midnight(day: date) -> datetime:
    """The start of a day in the tenant's zone; 2:00 is when the offset changes."""
    return datetime.combine(
        day, time(), zone_at(datetime.combine(day, time(), STANDARD))
    )


def business_date(day: date) -> str:
    """A date as contract version 4 sends it: ``2025-03-14T00:00:00-04:00``."""
    return midnight(day).isoformat()


def date_of(text: str) -> date:
    """The day of a business date."""
    return date.fromisoformat(text[:10])


def stamp(instant: datetime, digits: int = 3) -> str:
    """An instant as the server sends it, in the tenant's zone.

    Args:
        instant: The instant, with any offset.
        digits: Decimals of the second: 3, or 6 as some rows have them.
    """
    unit = "microseconds" if digits == MICROSECONDS else "milliseconds"
    return instant.astimezone(zone_at(instant)).isoformat(timespec=unit)
