"""What a target that has failed does with the input that still comes."""

from __future__ import annotations

import os
import select
import stat
import sys
import time
from typing import Any

from typing_extensions import override

from target_snowflake_merge.command import Command

CHUNK = 1 << 18
"""Bytes that are read at a time."""

QUIET = 0.2
"""Seconds without input, as when a tap waits for the next page of its source."""

LONGEST = 5.0
"""Seconds of reading at most."""


STANDARD_INPUT = 0

FAILED = 1
"""The exit code of a run that has failed, rather than been ended."""


class DrainingCommand(Command):
    """The target's command, which ends in a moment in which nobody writes to it."""

    @override
    def main(self, *args: Any, **kwargs: Any) -> Any:
        """Run; drain the input where the run has failed."""
        try:
            return super().main(*args, **kwargs)
        except SystemExit as end:
            # A descriptor that was closed at the start is another file by now.
            if end.code == FAILED and sys.stdin is not None:
                drain(STANDARD_INPUT)
            raise


def drain(descriptor: int) -> None:
    """Drop what comes through a pipe until a quiet moment, and close it in that.

    Meltano ends with a traceback of its own, which buries what the target has said,
    where a target closes its input while Meltano is writing to it. The end of the
    process takes longer than a quiet moment, so the input does not wait for that.
    """
    mode = os.fstat(descriptor).st_mode
    if not (stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode)):
        return
    until = time.monotonic() + LONGEST
    while time.monotonic() < until:
        ready, _, _ = select.select([descriptor], [], [], QUIET)
        if not ready or not os.read(descriptor, CHUNK):
            break
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, descriptor)
    os.close(nothing)
