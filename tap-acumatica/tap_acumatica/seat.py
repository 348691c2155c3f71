"""A small process that gives the tap's seat back where the tap is killed.

Meltano kills the extractor once the loader has failed, and a process that is killed
signs nothing out: each such run would keep a licensed seat taken for up to an hour.
This module is what that process runs as well.
"""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import requests

TIMEOUT = 30
"""Seconds to wait for the answer to the sign-out."""

STANDARD_OUTPUT = 1


class Keeper:
    """Holds what signs out, in a process that sees the tap end.

    It lives outside of the tap's process group, so that Ctrl-C leaves it alone.
    """

    def __init__(self) -> None:
        """Start the process.

        Raises:
            OSError: It cannot be started.
        """
        self._process = subprocess.Popen(  # noqa: S603 - this very file
            [sys.executable, "-I", __file__],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        self._told = b"null"

    def tell(self, sign_out: requests.PreparedRequest | None) -> None:
        """Say what gives the seat back from now on; None once it is given back."""
        request = sign_out and {"url": sign_out.url, "headers": {**sign_out.headers}}
        line = json.dumps(request).encode()
        if line != self._told and self._process.stdin:
            self._told = line
            with suppress(OSError):  # it has been killed: the tap signs out itself
                self._process.stdin.write(line + b"\n")
                self._process.stdin.flush()

    def release(self) -> None:
        """End the process; the seat has been given back."""
        self.tell(None)
        self._process.communicate()


def keeper() -> Keeper | None:
    """Return a keeper where the output is read by another process, which may kill."""
    with suppress(OSError):
        mode = os.fstat(STANDARD_OUTPUT).st_mode
        if stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode):
            return Keeper()
    return None


def main() -> None:
    """Take what signs out, and send it if that still stands when the tap is gone."""
    lines = sys.stdin.buffer.readlines()
    if lines and (request := json.loads(lines[-1])):
        import requests  # noqa: PLC0415 - takes longer than all the rest

        requests.post(
            **request, auth=lambda r: r, timeout=TIMEOUT, allow_redirects=False
        )


if __name__ == "__main__":
    main()
