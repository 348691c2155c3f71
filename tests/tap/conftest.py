"""An Acumatica server in its own process, and the tap's command against it."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, TypeAlias
from urllib.parse import parse_qs

import pytest
from sandbox.acumatica.control.admin_client import AcumaticaAdmin
from tap_acumatica.stream_specs import STREAMS

from sandbox import config, processes
from tests.helpers import forks

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

TAP = Path(sys.executable).parent / "tap-acumatica"
WITHOUT_PASSWORD = {"username": None, "password": None}
OLD, NEW = "24.200.001", "26.200.001"
USR = ["Document.UsrApprovalCode", "Document.UsrCustomsDuty", "Document.UsrDisputed"]
ENTITIES = {spec.name: spec.entity for spec in STREAMS}
"""The entity of each stream that is built in."""
PLUGIN = "tap_acumatica.tap:TapAcumatica"


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


RunTap: TypeAlias = "Callable[..., Run]"
"""Runs the command, see the fixture `run_tap`."""

Select: TypeAlias = "Callable[..., Run]"
"""Runs the command with one stream, see the fixture `select`."""

Asked: TypeAlias = "Callable[[str], list[dict[str, str]]]"
"""Tells what was asked for, see the fixture `asked`."""


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[processes.Server]:
    data_dir = tmp_path_factory.mktemp("acumatica")
    with processes.start("acumatica", data_dir, "--port", "0", "--small") as server:
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
def path(tmp_path: Path) -> Path:
    """A file of refresh tokens, in a folder that is not there yet."""
    return tmp_path / "kept" / "refresh-token.json"


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
            chosen = catalog(streams, changes, full_table=full_table)
            arguments += ["--catalog", write("catalog.json", chosen)]
        if state is not None:
            arguments += ["--state", write("state.json", state)]
        return outcome(*arguments)

    def catalog(
        streams: tuple[str, ...], changes: dict[str, Any], *, full_table: bool
    ) -> dict[str, Any]:
        config = write("discovery.json", {**settings, **discoverable(changes)})
        catalog: dict[str, Any] = outcome("--config", config, "--discover").messages[0]
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


def discoverable(changes: dict[str, Any]) -> dict[str, Any]:
    """Return the changed settings that decide what is discovered."""
    deciding = (
        "custom_fields",
        "endpoint_name",
        "endpoint_version",
        "entities",
        "instance_url",
    )
    return {name: changes[name] for name in deciding if name in changes}


def outcome(*arguments: str) -> Run:
    """Run the command; its messages, a catalog among them, come decoded."""
    with TemporaryDirectory() as kept:
        done = forks.run(PLUGIN, arguments, Path(kept))
    whole = "--discover" in arguments
    lines = [done.output] if whole else done.output.splitlines()
    messages = [json.loads(line, parse_float=str) for line in lines if line]
    return Run(done.code, messages, done.log.decode())


@pytest.fixture
def select(
    tmp_path: Path, acumatica: AcumaticaAdmin, settings: dict[str, Any]
) -> Select:
    """Run the command with one stream, without some of its fields."""
    del acumatica  # it watches over the seats

    def select(stream: str, *deselected: str, **changes: object) -> Run:
        config, catalog = tmp_path / "config.json", tmp_path / "catalog.json"
        config.write_text(json.dumps({**settings, **changes}))
        [discovered] = outcome("--config", str(config), "--discover").messages
        gone = [tuple(name.split(".")) for name in deselected]
        for entry in discovered["streams"]:
            for node in entry["metadata"]:
                name = tuple(node["breadcrumb"][1::2])
                node["metadata"]["selected"] = (
                    name not in gone if name else entry["stream"] == stream
                )
        catalog.write_text(json.dumps(discovered))
        return outcome("--config", str(config), "--catalog", str(catalog))

    return select


def again(folder: Path, *options: str) -> Run:
    """Run the command with the catalog of the run before."""
    config, catalog = str(folder / "config.json"), str(folder / "catalog.json")
    return outcome("--config", config, "--catalog", catalog, *options)


def stored(run: Run, folder: Path) -> Path:
    path = folder / "state.json"
    path.write_text(json.dumps(run.state))
    return path


def change_config(folder: Path, **changes: object) -> None:
    config = folder / "config.json"
    config.write_text(json.dumps(json.loads(config.read_text()) | changes))
