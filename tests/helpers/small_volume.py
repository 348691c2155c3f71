"""The target's commands on a volume that is full.

A real one of a few kilobytes takes a right to mount that not every machine has, CI's
least of all. So the system's answer is played, in the process of the command and in the
two calls of the system through which everything comes onto the journal's volume: a
folder is not made and a file is not brought onto the disk, but ENOSPC raised, where the
files below VOLUME take more than VOLUME_BYTES. What has been written so far stays, as
on a real volume, until the program removes it.
`test_journal_care.test_a_real_volume_that_is_full` plays the same on a real one, where
it may be mounted.
"""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any

from target_snowflake_merge.operate.cli import cli
from target_snowflake_merge.target import TargetSnowflakeMerge

VOLUME, VOLUME_BYTES = "SMALL_VOLUME", "SMALL_VOLUME_BYTES"

fsync, mkdir = os.fsync, os.mkdir


def refuse_when_full(added: int = 0) -> None:
    files = (path for path in Path(os.environ[VOLUME]).rglob("*") if path.is_file())
    if sum(map(size, files)) + added > int(os.environ[VOLUME_BYTES]):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def fsync_or_refuse(fd: Any) -> None:
    file = os.fstat(fd)
    refuse_when_full(added=0 if file.st_nlink else file.st_size)
    fsync(fd)


def mkdir_or_refuse(path: Any, mode: int = 0o777, **more: Any) -> None:
    refuse_when_full(added=1)
    mkdir(path, mode, **more)


class Played:
    """A command whose volume is full from its start; `forks` runs it by its name."""

    def __init__(self, name: str, command: Any) -> None:
        self.name = name
        self._command = command

    def cli(self) -> None:
        os.fsync, os.mkdir = fsync_or_refuse, mkdir_or_refuse
        self._command()


def read_messages() -> None:
    TargetSnowflakeMerge.cli()


load = Played(TargetSnowflakeMerge.name, read_messages)
operate = Played(str(cli.name), cli)
