"""Run a plugin's command in a fork of a process that has imported the SDK already.

Most of a short run is that import.
"""

from __future__ import annotations

import multiprocessing
import os
import runpy
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

FORKED = Path(__file__).parent / "forked.py"

context = multiprocessing.get_context("forkserver")
context.set_forkserver_preload(["tap_acumatica.tap", "target_snowflake_merge.commands"])


class Done(NamedTuple):
    """How a run ended: its exit code, standard output and standard error."""

    code: int
    output: bytes
    log: bytes


def run(
    plugin: str,
    options: tuple[str, ...],
    folder: Path,
    *,
    lines: bytes = b"",
    variables: Mapping[str, str] | None = None,
) -> Done:
    """Run a command.

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
    process.start()
    process.join()
    assert process.exitcode is not None
    return Done(process.exitcode, files[1].read_bytes(), files[2].read_bytes())
