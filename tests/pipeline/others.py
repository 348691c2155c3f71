"""A throw-away Meltano project that has our plugins and those of other people."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
MELTANO = Path(sys.executable).parent / "meltano"
OTHERS = Path(__file__).with_name("others.yml")
INSTALLED = ROOT / ".meltano" / "others"
"""Where the other people's plugins stay between the runs of the tests."""


def project(folder: Path) -> dict[str, str]:
    """Make the project in a folder; return the variables that lead Meltano to it."""
    install()
    (folder / OTHERS.name).write_text(OTHERS.read_text())
    project = yaml.safe_load((ROOT / "meltano.yml").read_text())
    for kind, plugins in project["plugins"].items():
        for plugin in plugins:
            use_installed(kind, plugin)
    content = {**project, "include_paths": [OTHERS.name]}
    (folder / "meltano.yml").write_text(yaml.safe_dump(content))
    return variables(folder)


def use_installed(kind: str, plugin: dict[str, Any]) -> None:
    """Have a plugin of ours run as the repository's own project has installed it."""
    if plugin.pop("pip_url", None):
        plugin["executable"] = str(
            ROOT
            / ".meltano"
            / kind
            / plugin["name"]
            / "venv/bin"
            / plugin["executable"]
        )


def install() -> None:
    """Install the other people's plugins, unless they are; one process at a time."""
    INSTALLED.mkdir(parents=True, exist_ok=True)
    wanted = f"# {sys.version.splitlines()[0]}\n{OTHERS.read_text()}"
    stamp = INSTALLED / "installed.yml"
    with (INSTALLED / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not stamp.exists() or stamp.read_text() != wanted:
            (INSTALLED / "meltano.yml").write_text(wanted)
            subprocess.run(  # noqa: S603 - our own command
                [MELTANO, "install"],
                cwd=INSTALLED,
                env={**os.environ, **variables(INSTALLED)},
                check=True,
            )
            stamp.write_text(wanted)


def variables(folder: Path) -> dict[str, str]:
    return {
        "MELTANO_DATABASE_URI": f"sqlite:///{folder / 'meltano.db'}",
        "MELTANO_PROJECT_ROOT": str(folder),
        "MELTANO_SYS_DIR_ROOT": str(INSTALLED),
    }
