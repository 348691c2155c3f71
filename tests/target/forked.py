"""Run the command; `conftest` runs this file in a fork that has imported it already.

`conftest` sets ``given``: the options of the command line, further environment
variables, and the files for standard input, output and error.
"""

from __future__ import annotations

import os
import sys
from typing import Any

from target_snowflake_merge.target import TargetSnowflakeMerge

given: dict[str, Any] = globals()["given"]
os.environ.update(given["variables"])
for descriptor, path in enumerate(given["files"]):
    os.dup2(os.open(path, os.O_RDWR), descriptor)
sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115 - a descriptor
sys.argv = [TargetSnowflakeMerge.name, *given["options"]]
TargetSnowflakeMerge.cli()
