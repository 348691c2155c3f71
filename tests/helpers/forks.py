"""Run a plugin's command in a fork of a process that has imported the SDK already.

Most of a short run is that import.
"""

from __future__ import annotations

import multiprocessing
import os
import runpy
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping
    from multiprocessing.context import ForkServerProcess

FORKED = Path(__file__).parent / "forked.py"

PRELOADED = ["tap_acumatica.tap", "target_snowflake_merge.operate.cli"]

context = multiprocessing.get_context("forkserver")
context.set_forkserver_preload(PRELOADED)


class Done(NamedTuple):
    """How a run ended: its exit code, standard output and standard error."""

    code: int
    output: bytes
    log: bytes


class Started(NamedTuple):
    """A run that goes on, and its files for standard input, output and error."""

    process: ForkServerProcess
    files: list[Path]

    @property
    def pid(self) -> int:
        """The number of its process."""
        assert self.process.pid is not None
        return self.process.pid

    def done(self) -> Done:
        """Wait until it has ended."""
        self.process.join()
        assert self.process.exitcode is not None
        _, output, log = self.files
        return Done(self.process.exitcode, output.read_bytes(), log.read_bytes())


def start(
    plugin: str,
    options: tuple[str, ...],
    folder: Path,
    *,
    lines: bytes = b"",
    variables: Mapping[str, str] | None = None,
) -> Started:
    """Start a command.

    Args:
        plugin: Module and class, such as ``tap_acumatica.tap:TapAcumatica``, or a
            command.
        options: Its command line.
        folder: Where standard input, output and error may be kept.
        lines: Its standard input.
        variables: Its whole environment; without it, that of this process.
    """
    files = [
        folder / f"{plugin.rpartition(':')[2]}.{name}" for name in ("in", "out", "err")
    ]
    for file, content in zip(files, (lines, b"", b""), strict=True):
        file.write_bytes(content)
    given = {
        "plugin": plugin,
        "options": options,
        "variables": dict(variables or os.environ),
        "files": list(map(str, files)),
    }
    process = context.Process(
        target=runpy.run_path, args=(str(FORKED), {"given": given})
    )
    try:
        process.start()
    except EOFError:
        # Nothing forks where a plugin cannot be imported: let its own error be seen.
        for module in PRELOADED:
            import_module(module)
        raise
    return Started(process, files)


def run(
    plugin: str,
    options: tuple[str, ...],
    folder: Path,
    *,
    lines: bytes = b"",
    variables: Mapping[str, str] | None = None,
) -> Done:
    """Run a command to its end; the arguments are those of `start`."""
    return start(plugin, options, folder, lines=lines, variables=variables).done()
