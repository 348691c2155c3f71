"""An Acumatica server in its own process, and the tap's command against it."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

import pytest
from sandbox.acumatica.admin_client import AcumaticaAdmin

from sandbox import config, processes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

TAP = Path(sys.executable).parent / "tap-acumatica"


@dataclass
class Run:
    """What one run of the tap left behind."""

    exit_code: int
    messages: list[dict[str, Any]]
    log: str

    def of_type(self, kind: str) -> list[dict[str, Any]]:
        return [message for message in self.messages if message["type"] == kind]

    def records(self, stream: str) -> list[dict[str, Any]]:
        found = [m for m in self.of_type("RECORD") if m["stream"] == stream]
        return [message["record"] for message in found]

    @property
    def state(self) -> dict[str, Any]:
        states = self.of_type("STATE")
        return states[-1]["value"] if states else {}

    def bookmark(self, stream: str) -> datetime:
        value = self.state["bookmarks"][stream]["replication_key_value"]
        return datetime.fromisoformat(value)

    @property
    def errors(self) -> list[str]:
        """The sentences of the log's errors."""
        lines = self.log.splitlines()
        return [line.split("|", 3)[3].strip() for line in lines if "| ERROR " in line]


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[processes.Server]:
    data_dir = tmp_path_factory.mktemp("acumatica")
    with processes.start("acumatica", data_dir, "--port", "0") as server:
        yield server


@pytest.fixture
def acumatica(server: processes.Server) -> Iterator[AcumaticaAdmin]:
    """The server with nothing going wrong; its seats must be free after the test."""
    admin = AcumaticaAdmin(server.url)
    admin.clear_requests()
    yield admin
    admin.clear_faults()
    admin.reset_settings()
    assert admin.sessions() == []


@pytest.fixture
def asked(acumatica: AcumaticaAdmin) -> Callable[[str], list[dict[str, str]]]:
    """Return the decoded parameters of the list requests for an entity."""

    def asked(entity: str) -> list[dict[str, str]]:
        return [
            {name: values[0] for name, values in parse_qs(request["query"]).items()}
            for request in acumatica.requests()
            if request["path"].endswith(f"/{entity}")
        ]

    return asked


@pytest.fixture
def settings(server: processes.Server) -> dict[str, Any]:
    return config.tap_settings(server.url)


@pytest.fixture
def run_tap(
    tmp_path: Path, acumatica: AcumaticaAdmin, settings: dict[str, Any]
) -> Callable[..., Run]:
    """Run the command with changed settings, for some streams only, from a state."""
    del acumatica  # it watches over the seats

    def run(
        *streams: str,
        state: dict[str, Any] | None = None,
        full_table: bool = False,
        **changes: object,
    ) -> Run:
        arguments = ["--config", write("config.json", {**settings, **changes})]
        if streams:
            chosen = catalog(streams, full_table=full_table)
            arguments += ["--catalog", write("catalog.json", chosen)]
        if state is not None:
            arguments += ["--state", write("state.json", state)]
        return outcome(*arguments)

    def catalog(streams: tuple[str, ...], *, full_table: bool) -> dict[str, Any]:
        discovered = outcome(
            "--config", write("discovery.json", settings), "--discover"
        )
        catalog: dict[str, Any] = discovered.messages[0]
        for entry in catalog["streams"]:
            entry["metadata"][-1]["metadata"]["selected"] = entry["stream"] in streams
            if full_table:
                entry["replication_method"] = "FULL_TABLE"
        return catalog

    def write(name: str, content: dict[str, Any]) -> str:
        path = tmp_path / name
        path.write_text(json.dumps(content))
        return str(path)

    return run


def outcome(*arguments: str) -> Run:
    done = subprocess.run(  # noqa: S603 - our own command
        [TAP, *arguments], capture_output=True, text=True, check=False
    )
    lines = [done.stdout] if "--discover" in arguments else done.stdout.splitlines()
    messages = [json.loads(line, parse_float=str) for line in lines if line]
    return Run(done.returncode, messages, done.stderr)
