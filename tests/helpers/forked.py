"""Run the command; `forks` runs this file in a fork that has imported it already.

`forks` sets ``given``: the plugin's class, the options of the command line, the
environment, and the files for standard input, output and error.
"""

from __future__ import annotations

import atexit
import os
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

given: dict[str, Any] = globals()["given"]
os.environ.clear()
os.environ.update(given["variables"])
for descriptor, path in enumerate(given["files"]):
    os.dup2(os.open(path, os.O_RDWR), descriptor)
sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115 - a descriptor
sys.path.append(str(Path(__file__).parents[2]))  # some commands are the tests' own
module, _, name = given["plugin"].partition(":")
plugin = getattr(import_module(module), name)
sys.argv = [plugin.name, *given["options"]]
try:
    getattr(plugin, "cli", plugin)()
finally:
    # Forks end without it.
    atexit._run_exitfuncs()  # noqa: SLF001 - there is no public name for it
