"""How a run ends that a signal has asked to end."""

from __future__ import annotations

import contextlib
import os
import sys

STANDARD_ERROR = 2
"""The descriptor, which can be written to from within a signal handler."""


class Ending:
    """Knows which signals have come.

    Ctrl-C in a terminal brings SIGINT from there and SIGTERM from Meltano, so only the
    same signal once more means that somebody will not wait.
    """

    def __init__(self) -> None:
        self._seen: list[int] = []

    @property
    def has_begun(self) -> bool:
        """Whether a signal has come."""
        return bool(self._seen)

    def begin(self, number: int) -> None:
        """Take a signal, or end at once when it comes again; safe in a handler."""
        if number in self._seen:
            os._exit(128 + number)
        self._seen.append(number)
        # The logger may be in the middle of a line: it would refuse, and end nothing.
        text = (
            f"Ended by signal {number}: what is in flight is finished first; the same "
            "signal again ends at once\n"
        )
        # A descriptor that was closed at the start is another file by now.
        if sys.stderr is not None:
            with contextlib.suppress(OSError):
                os.write(STANDARD_ERROR, text.encode())

    def check(self) -> None:
        """End the process where a signal has come.

        Raises:
            SystemExit: With 128 and the number of the first signal.
        """
        if self._seen:
            sys.exit(128 + self._seen[0])
