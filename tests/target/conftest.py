"""The real command, as a process, against the sandbox's Snowflake over real HTTP."""

from __future__ import annotations

import itertools
import json
import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from sandbox.snowflake.control.admin_client import SnowflakeAdmin

from sandbox import config, processes
from tests.helpers import forks

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sandbox.snowflake.messages import Sent

COMMAND = Path(sys.executable).parent / "target-snowflake-merge"
PLUGIN = "target_snowflake_merge.target:TargetSnowflakeMerge"
OPERATE = "target_snowflake_merge.operate.cli:cli"
numbers = itertools.count(1)


@dataclass
class Run:
    """How a run of the command ended."""

    code: int
    states: list[Any]
    log: str

    @property
    def errors(self) -> list[str]:
        lines = [line.split(" | ") for line in self.log.splitlines()]
        return [parts[-1] for parts in lines if parts[1:2] == ["ERROR   "]]

    def refusal(self) -> str:
        """Return the one sentence of a run that failed as it should."""
        assert self.code == 1, self.log
        assert self.states == []
        assert "Traceback" not in self.log
        assert len(self.errors) == 1, self.log
        return self.errors[0]


def encoded(lines: str | bytes) -> bytes:
    return lines if isinstance(lines, bytes) else lines.encode()


def ended(code: int, output: bytes, log: bytes) -> Run:
    return Run(code, [json.loads(line) for line in output.splitlines()], log.decode())


@dataclass
class Warehouse:
    """A schema of its own in the sandbox, and the command that loads it."""

    admin: SnowflakeAdmin
    key: Path
    folder: Path
    schema: str = field(default_factory=lambda: f"S{next(numbers)}")
    command: Path = COMMAND
    signs_by_key: bool = False

    @property
    def journal(self) -> Path:
        return self.folder / "journal"

    @property
    def sign_in(self) -> dict[str, str]:
        """The settings that sign in; to read a key takes as long as a small load."""
        if self.signs_by_key:
            return {"private_key_path": str(self.key)}
        return {"programmatic_access_token": config.PROGRAMMATIC_ACCESS_TOKEN}

    def settings(self, **changes: Any) -> dict[str, Any]:
        """Return a working configuration with changes; None removes a setting."""
        working = {
            "account": config.ACCOUNT,
            "user": config.USER,
            "host": self.admin.url,
            **self.sign_in,
            "database": config.DATABASE,
            "default_target_schema": self.schema,
            "warehouse": config.WAREHOUSE,
            "role": config.ROLE,
            "journal_path": str(self.journal),
        }
        given = {**working, **changes}
        return {name: value for name, value in given.items() if value is not None}

    def run(self, lines: str | bytes, *options: str, **variables: str) -> Run:
        """Run the command with these lines, options and environment variables."""
        done = forks.run(
            PLUGIN,
            options,
            self.folder,
            lines=encoded(lines),
            variables={**os.environ, **variables},
        )
        return ended(*done)

    def operate(self, *arguments: str, code: int = 0) -> tuple[str, str]:
        """Run `snowflake-merge`; return what it has written, and its log."""
        done = self.start_operating(*arguments).done()
        assert done.code == code, done.log
        assert b"Traceback" not in done.log
        return done.output.decode(), done.log.decode()

    def start_operating(self, *arguments: str, **changes: Any) -> forks.Started:
        """Start `snowflake-merge`."""
        settings = self.folder / "config.json"
        settings.write_text(json.dumps(self.settings(**changes)))
        options = ("--config", str(settings), *arguments)
        return forks.start(OPERATE, options, self.folder)

    def run_installed(self, lines: str, *options: str, **variables: str) -> Run:
        """Run the installed command, as Meltano does."""
        done = subprocess.run(  # noqa: S603 - our own command
            [self.command, *options],
            input=lines.encode(),
            capture_output=True,
            check=False,
            env={**os.environ, **variables},
        )
        return ended(done.returncode, done.stdout, done.stderr)

    def start(
        self, *messages: Any, name: str = "started", **changes: Any
    ) -> forks.Started:
        """Start the command with messages; runs beside it need another name."""
        folder = self.folder / name
        folder.mkdir(exist_ok=True)
        settings = folder / "config.json"
        settings.write_text(json.dumps(self.settings(**changes)))
        lines = "".join(f"{json.dumps(message)}\n" for message in messages)
        options = ("--config", str(settings))
        return forks.start(PLUGIN, options, folder, lines=lines.encode())

    def load(self, *messages: Any, **changes: Any) -> Run:
        """Send messages to the command."""
        settings = self.folder / "config.json"
        settings.write_text(json.dumps(self.settings(**changes)))
        lines = "".join(
            message if isinstance(message, str) else f"{json.dumps(message)}\n"
            for message in messages
        )
        return self.run(lines, "--config", str(settings))

    def loaded(self, *messages: Any, **changes: Any) -> Run:
        """Send messages to the command, which must succeed."""
        run = self.load(*messages, **changes)
        assert run.code == 0, run.log
        assert run.errors == []
        return run

    def rows(self, columns: str, table: str = "BILL", order: str = "1") -> list[Any]:
        """Read a table back."""
        query = (
            f'SELECT {columns} FROM "FINANCE"."{self.schema}"."{table}" '  # noqa: S608 - the test's own text
            f"ORDER BY {order}"
        )
        return self.admin.sql(query)[1]

    def drop(self) -> None:
        """Remove the schema: what the sandbox knows of tables slows each statement."""
        self.admin.sql(f'DROP SCHEMA IF EXISTS "FINANCE"."{self.schema}" CASCADE')

    def merges(self) -> list[Sent]:
        """Return the MERGE requests that arrived, but for those of the ledger."""
        merges = [r for r in self.admin.requests() if r.statement.startswith("MERGE")]
        return [merge for merge in merges if "_SDC_LOADS" not in merge.statement]


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """Serve the sandbox's Snowflake; give its address and the loader's key."""
    folder = tmp_path_factory.mktemp("snowflake")
    process = processes.start("snowflake", folder, "--port", "0")
    yield process.url, folder / config.PRIVATE_KEY_FILE
    process.stop()


@pytest.fixture
def warehouse(
    server: tuple[str, Path], tmp_path: Path, request: pytest.FixtureRequest
) -> Iterator[Warehouse]:
    url, key = server
    admin = SnowflakeAdmin(url)
    admin.forget()
    warehouse = Warehouse(admin, key, tmp_path)
    warehouse.signs_by_key = request.node.get_closest_marker("key_pair") is not None
    yield warehouse
    admin.configure()
    warehouse.drop()
    admin.forget()
