"""Moments that people name, and the clocks of the instance and of this machine (pure).

Whose clock is right is not known, so the earlier one bounds what is read and promised:
rows that come later than a bookmark are read twice, rows before it never again.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple

from typing_extensions import override

from tap_acumatica.errors import SettingError, StreamError

TOLERATED_SKEW = timedelta(seconds=60)
"""How far the clocks may differ without a word."""

CLOCK_REMEDY = "set right the one that is wrong, this machine's or the instance's"
_DATE = "2025-07-01"
_DATE_TIME = "2025-07-01T02:29:00Z or 2025-07-01T04:29:00+02:00"


def start(text: str) -> datetime:
    """Read a moment that a person has named; a date alone begins in UTC.

    A date-time without an offset is refused: Meltano cuts the offset of one that stands
    in meltano.yml without quotation marks, so that it cannot be told which is meant.

    Args:
        text: A date or date-time of ISO 8601, in its extended or its basic form.

    Returns:
        The moment in UTC.

    Raises:
        ValueError: It is neither; the message says what to write instead.
    """
    try:
        return datetime.combine(date.fromisoformat(text), datetime.min.time(), UTC)
    except ValueError:
        pass
    try:
        read = datetime.fromisoformat(text)
        known = read.tzinfo is not None and read.astimezone(UTC)
    except (OverflowError, ValueError) as error:
        # Whatever it is, it may be a secret that went astray.
        raise ValueError(
            f"is neither a date such as {_DATE} nor a date-time such as {_DATE_TIME}"
        ) from error
    if not known:
        raise ValueError(
            f"is {text!r}, a moment without its offset from UTC. Write it with one, "
            f"such as {_DATE_TIME}, and quote it in meltano.yml: Meltano cuts the "
            "offset of a moment that is not quoted"
        )
    return known


class Clocks(NamedTuple):
    """What two clocks showed at about the same time.

    Attributes:
        server: The instance's clock, to the second.
        asked_at: This machine's before the request.
        answered_at: This machine's after its answer, which may be minutes later.
    """

    server: datetime
    asked_at: datetime
    answered_at: datetime

    @override
    def __str__(self) -> str:
        return (
            f"the instance's clock shows {self.server.isoformat()}, this machine's "
            f"{self.answered_at.isoformat(timespec='seconds')}"
        )

    @property
    def earlier(self) -> datetime:
        """What neither clock has passed."""
        return min(self.server, self.asked_at)

    @property
    def later(self) -> datetime:
        """What one of the clocks has reached."""
        return max(self.server, self.answered_at)

    @property
    def skew(self) -> timedelta:
        """How far the server's clock is ahead of ours, as far as that is certain."""
        if self.server > self.answered_at:
            return self.server - self.answered_at
        return min(self.server - self.asked_at, timedelta(0))

    @property
    def differ(self) -> bool:
        """Whether one of them is wrong."""
        return abs(self.skew) > TOLERATED_SKEW

    def words(self) -> str:
        """Say by how much they differ."""
        seconds = self.skew.total_seconds()
        side = "ahead" if seconds > 0 else "behind"
        return f"the server's is {abs(seconds):.0f} s {side}"

    def check_past(
        self, stream: str, start: datetime | None, bookmark: datetime | None
    ) -> None:
        """Refuse what lies in the future: it would hide what changes until then.

        Args:
            stream: Whose moments they are.
            start: The moment from which people want changes.
            bookmark: The moment that the state has reached.

        Raises:
            SettingError: The start is yet to come.
            StreamError: The bookmark is.
        """
        if start and start > self.later + TOLERATED_SKEW:
            raise SettingError(
                f"Setting 'start_date' is {start.isoformat()}, which is yet to come, "
                f"so nothing would be read; {self}."
            )
        if bookmark and bookmark > self.earlier + TOLERATED_SKEW:
            raise StreamError(
                f"The state's bookmark of {stream}, {bookmark.isoformat()}, is yet "
                f"to come, so changes could be left out; {self}. Set right the clock "
                "that is wrong. If the bookmark came from that one, put an earlier "
                "moment in its place, or remove it to read the stream from its "
                "beginning."
            )
