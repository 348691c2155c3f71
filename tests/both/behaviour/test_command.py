"""The commands of both plugins, as processes that somebody or something ends."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

COMMANDS = ("tap-acumatica", "acumatica", "target-snowflake-merge", "snowflake-merge")
BIN = Path(sys.executable).parent


@pytest.mark.parametrize("command", COMMANDS)
def test_an_interrupt_during_the_imports_is_no_traceback(command: str) -> None:
    """Python says in time which modules it has imported."""
    with subprocess.Popen(  # noqa: S603 - our own command
        [BIN / command, "--help"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPROFILEIMPORTTIME": "1"},
    ) as process:
        assert process.stderr is not None
        assert any(re.search(r"\|\s+click$", line) for line in process.stderr)
        process.send_signal(signal.SIGINT)
        rest = process.stderr.read()
        assert process.wait() == -signal.SIGINT, rest
    assert "Traceback" not in rest
    assert "KeyboardInterrupt" not in rest


@pytest.mark.parametrize("command", COMMANDS)
def test_an_interrupt_that_is_ignored_stays_so(command: str) -> None:
    """As ``nohup`` and a shell's background have it."""
    ignoring = 'trap "" INT; exec "$0" --help'
    with subprocess.Popen(  # noqa: S603 - our own command
        ["/bin/bash", "-c", ignoring, BIN / command],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPROFILEIMPORTTIME": "1"},
    ) as process:
        assert process.stderr is not None
        assert any(re.search(r"\|\s+click$", line) for line in process.stderr)
        process.send_signal(signal.SIGINT)
        output, _ = process.communicate()
    assert process.returncode == 0
    assert "Usage: " in output


@pytest.mark.parametrize(
    ("command", "variable"),
    [("tap-acumatica", "TAP_ACUMATICA_LOGLEVEL"), ("snowflake-merge", "LOGLEVEL")],
)
def test_a_level_of_the_log_that_there_is_not_is_named(
    command: str, variable: str
) -> None:
    options = ["--version"] if command == "tap-acumatica" else ["loads"]
    done = subprocess.run(  # noqa: S603 - our own command
        [BIN / command, *options],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {variable: "LOUD"},
    )
    assert (done.returncode, done.stdout) == (1, "")
    said = done.stderr.removeprefix("Error: ")
    assert said.startswith(f"Environment variable {variable} is no level of the log")
    assert len(done.stderr.splitlines()) == 1
