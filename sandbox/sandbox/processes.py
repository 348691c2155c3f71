"""Start the sandbox's servers as processes of their own and stop them again."""

from __future__ import annotations

import socket
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from sandbox import config

if TYPE_CHECKING:
    from pathlib import Path

READY = "ready on "
"""What a server prints before its address once it accepts connections."""


class SandboxError(Exception):
    """The sandbox cannot do what was asked; the message says why."""


@dataclass
class Server:
    """A running server of the sandbox."""

    name: str
    url: str
    process: subprocess.Popen[str]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """End the process and wait until it is gone."""
        self.process.terminate()
        self.process.wait(timeout=30)
        if self.process.stdout:
            self.process.stdout.close()


def start(name: str, data_dir: Path, *options: str) -> Server:
    """Start one server (``acumatica`` or ``snowflake``) and wait until it is ready.

    Args:
        name: The server, a sub-command of ``sandbox``.
        data_dir: Where the server keeps its data.
        options: Further options of that sub-command, such as ``--port 0``.

    Raises:
        SandboxError: The server ended before it was ready.
    """
    command = [sys.executable, "-m", "sandbox.cli", name, "--data-dir", str(data_dir)]
    process = subprocess.Popen(  # noqa: S603 - our own module
        [*command, *options], stdout=subprocess.PIPE, text=True
    )
    said = []
    for line in process.stdout or ():
        said.append(line)
        if READY in line:
            url = line.partition(READY)[2].strip()
            return Server(name, url, process)
    process.communicate()
    raise SandboxError(f"The {name} server did not start: {''.join(said).strip()}")


def require_free(port: int) -> None:
    """Make sure that nothing listens on a port of loopback yet.

    Raises:
        SandboxError: Something does.
    """
    with socket.socket() as probe:
        if port and probe.connect_ex((config.HOST, port)) == 0:
            raise SandboxError(
                f"Something listens on port {port} already: stop it first (does "
                "`sandbox up` run in another terminal?)."
            )
