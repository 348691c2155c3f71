"""The order of a table's observations: a sequence for each record (no I/O)."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

LAG_MICROSECONDS = 10 * 60 * 1_000_000
"""For how long before this process the tap may have begun that sends to it."""

SKEW_MICROSECONDS = 1_000_000
"""By how much the clocks of two machines may differ without being wrong.

Who begins within this time of another, whose clock was ahead by as much, may give a
later observation a smaller sequence.
"""

LEAST_LEAD = 1 << 31
"""Microseconds, some 36 minutes: less would not come out again in the next run."""


def clock() -> int:
    """Return the present time in microseconds since 1970."""
    return time.time_ns() // 1_000


@dataclass
class Order:
    """Gives the records of one table their sequences."""

    started: int
    """When this process began, in microseconds since 1970."""

    first: int | None = None
    """The sequence of the first record of this run."""

    first_of_version: dict[int, int] = field(default_factory=dict)
    """The sequence of the first record of each version that this run has read."""

    _last: int = 0
    _floor: int = 0
    _is_ahead: bool = False
    _lead: int | None = None

    def raise_floor(self, sequence: int, now: int) -> None:
        """Take into account what other runs have given.

        Args:
            sequence: The largest sequence that is known of.
            now: The present time, in microseconds since 1970. A sequence that is ahead
                of it comes from a clock that was wrong.
        """
        self._floor = max(self._floor, sequence)
        self._is_ahead = self._floor > now + SKEW_MICROSECONDS

    def next(self, observed_at: int, version: int | None = None) -> int:
        """Give the next observation its place in the order.

        What a run beside this one has observed later stays the later observation,
        although it may be in the table already. Only where a clock is wrong, or the
        records are from a file, is everything in the table older than what comes.

        Args:
            observed_at: When it was made, in microseconds since 1970.
            version: The version that the record is of, if any.

        Returns:
            That time, or the first number after what is older, where the clock stood
            still or went back.
        """
        is_live = observed_at >= self.started - LAG_MICROSECONDS
        older = self._last
        if self._is_ahead or not is_live:
            older = max(older, self._floor)
        if self._lead is None and self._is_ahead and is_live:
            self._lead = clock_lead(self._floor - observed_at)
        self._last = max(observed_at + (self._lead or 0), older + 1)
        if self.first is None:
            self.first = self._last
        if version is not None:
            self.first_of_version.setdefault(version, self._last)
        return self._last


def clock_lead(behind: int) -> int:
    """Return what lifts times above sequences that lie ahead of them.

    It is a power of two, so that runs beside each other mostly come to the same one and
    their observations stay in the order of time. What a lag adds does not count, or the
    lead would double from run to run; sequences that are ahead by no more are only
    counted on.
    """
    counted = behind - LAG_MICROSECONDS
    return max(1 << counted.bit_length(), LEAST_LEAD) if counted > 0 else 0
