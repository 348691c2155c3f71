"""The messages of a run of a tap, and what they are about."""

from __future__ import annotations

import json
import os
import subprocess
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.target.conftest import Warehouse

PROPERTIES = {"id": {"type": "string"}, "name": {"type": "string"}}


def schema(stream: str = "bill", **more: Any) -> dict[str, Any]:
    properties = {"properties": {**PROPERTIES, **more}}
    message = {"type": "SCHEMA", "stream": stream, "schema": properties}
    return {**message, "key_properties": ["id"]}


def record(id_: str, name: str = "", stream: str = "bill", **more: Any) -> Any:
    row = {"id": id_, "name": name}
    return {"type": "RECORD", "stream": stream, "record": row, **more}


def state(number: int) -> dict[str, Any]:
    return {"type": "STATE", "value": {"n": number}}


def activate(version: int) -> dict[str, Any]:
    return {"type": "ACTIVATE_VERSION", "stream": "bill", "version": version}


def numbers(states: list[Any]) -> list[int]:
    return [value["n"] for value in states]


class Session:
    """A run whose input stays open."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self.process = process

    def send(self, *messages: Any) -> None:
        assert self.process.stdin is not None
        lines = "".join(f"{json.dumps(message)}\n" for message in messages)
        self.process.stdin.write(lines.encode())
        self.process.stdin.flush()

    def next_state(self) -> int:
        """Wait for the next state and return its number."""
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, "no state came"
        number: int = json.loads(line)["n"]
        return number

    def end(self) -> tuple[int, list[int], str]:
        """Wait for the end; return exit code, the numbers of further states, log."""
        output, log = self.process.communicate()
        found = numbers([json.loads(line) for line in output.splitlines()])
        assert b"Traceback" not in log, log
        return self.process.returncode, found, log.decode()


@contextmanager
def session(warehouse: Warehouse, **changes: Any) -> Iterator[Session]:
    settings = warehouse.folder / "session.json"
    settings.write_text(json.dumps(warehouse.settings(**changes)))
    with subprocess.Popen(  # noqa: S603 - our own command
        [warehouse.command, "--config", str(settings)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        # As most are run, with a log that may be left over when the run ends.
        env=os.environ | {"PYTHONUNBUFFERED": ""},
    ) as process:
        try:
            yield Session(process)
        finally:
            process.kill()
