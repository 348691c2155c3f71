"""Both servers and the Meltano project, led to them by environment variables."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from sandbox import config, processes
from tests.helpers import postgres
from tests.pipeline import others as plugins

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
BIN = Path(sys.executable).parent
STATE_ID = "sandbox:tap-acumatica-to-target-snowflake-merge"


class Project:
    """The Meltano project with the sandbox's servers on free ports.

    Args:
        folder: Where what belongs to these tests only is kept.
        acumatica: The server that the tap reads.
        snowflake: The server that the target loads.
        variables: Lead Meltano to another project.
    """

    def __init__(
        self,
        folder: Path,
        acumatica: processes.Server,
        snowflake: processes.Server,
        **variables: str,
    ) -> None:
        self.root = variables.get("MELTANO_PROJECT_ROOT", ROOT)
        self.acumatica = acumatica
        self.snowflake = snowflake
        self.bare = {
            **os.environ,
            "MELTANO_DATABASE_URI": f"sqlite:///{folder / 'meltano.db'}",
            "NO_COLOR": "1",
            # A run needs no package index.
            "UV_OFFLINE": "1",
            "TARGET_SNOWFLAKE_MERGE_JOURNAL_PATH": str(folder / "journal"),
            **variables,
        }
        self.sandbox = {
            **self.bare,
            "MELTANO_ENVIRONMENT": "sandbox",
            **config.variables(folder, acumatica.url, snowflake.url),
        }

    def meltano(
        self, *arguments: str, **changes: str
    ) -> subprocess.CompletedProcess[str]:
        """Run a command of Meltano in the environment ``sandbox``."""
        return self._run(arguments, {**self.sandbox, **changes})

    def in_production(
        self, *arguments: str, **variables: str
    ) -> subprocess.CompletedProcess[str]:
        """Run a command of Meltano in the environment ``prod``."""
        variables["MELTANO_ENVIRONMENT"] = "prod"
        return self._run(arguments, {**self.bare, **variables})

    def _run(
        self, arguments: tuple[str, ...], environment: dict[str, str]
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(  # noqa: S603 - our own command
            [BIN / "meltano", *arguments],
            cwd=self.root,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )

    def state(self) -> str:
        """Return the bookmarks that Meltano keeps."""
        return self.meltano("state", "get", STATE_ID).stdout.splitlines()[-1]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("pipeline")


@pytest.fixture(scope="module")
def acumatica(folder: Path) -> Iterator[processes.Server]:
    with processes.start("acumatica", folder, "--port", "0", "--small") as server:
        yield server


@pytest.fixture(scope="module")
def snowflake(folder: Path) -> Iterator[processes.Server]:
    with processes.start("snowflake", folder, "--port", "0") as server:
        yield server


@pytest.fixture(scope="module")
def project(
    folder: Path, acumatica: processes.Server, snowflake: processes.Server
) -> Project:
    return Project(folder, acumatica, snowflake)


@pytest.fixture(scope="module")
def others(
    folder: Path, acumatica: processes.Server, snowflake: processes.Server
) -> Project:
    """A throw-away project that has other people's plugins, too."""
    return Project(folder, acumatica, snowflake, **plugins.project(folder))


@pytest.fixture(scope="module")
def database() -> Iterator[str]:
    """Serve an empty PostgreSQL database; give its address."""
    with postgres.serve() as address:
        yield address
