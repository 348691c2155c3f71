"""The files around the plugins say the same as the plugins."""

from __future__ import annotations

import re
import subprocess
import sys
from importlib.metadata import distribution
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from click.testing import CliRunner
from sandbox.cli import main as sandbox
from tap_acumatica.cli import acumatica
from tap_acumatica.tap import TapAcumatica
from target_snowflake_merge.operate.cli import cli as snowflake_merge
from target_snowflake_merge.target import TargetSnowflakeMerge

if TYPE_CHECKING:
    import click

ROOT = Path(__file__).parents[2]

REFUSED = {"target-schema", "validate-records"}
"""Capabilities of a loader that meltano.yml's own schema does not know."""


def plugin(kind: str) -> dict[str, Any]:
    """Return the first plugin of a kind as meltano.yml declares it."""
    project = yaml.safe_load((ROOT / "meltano.yml").read_text())
    first: dict[str, Any] = project["plugins"][kind][0]
    return first


def test_readmes_and_meltano_yml_follow_from_the_settings() -> None:
    check = [sys.executable, str(ROOT / "docs.py"), "--check"]
    done = subprocess.run(check, capture_output=True, text=True, check=False)  # noqa: S603 - our own script
    assert done.returncode == 0, done.stderr


def test_meltano_yml_declares_each_setting_and_capability_of_the_plugins() -> None:
    """What is not declared Meltano does not pass on, nor read as what it is."""
    for kind, made in (("extractors", TapAcumatica), ("loaders", TargetSnowflakeMerge)):
        about = made._get_about_info()  # noqa: SLF001 - what --about prints
        declared = plugin(kind)
        settings = {setting["name"] for setting in declared["settings"]}
        assert settings == about.settings["properties"].keys()
        capable = {str(capability.value) for capability in about.capabilities}
        assert set(declared["capabilities"]) == capable - REFUSED


@pytest.mark.parametrize("command", [acumatica, snowflake_merge, sandbox])
def test_each_command_tells_its_version(command: click.Group) -> None:
    told = CliRunner().invoke(command, ["--version"])
    assert (told.exit_code, told.output.split()[-1]) == (0, "0.1.0")


@pytest.mark.parametrize("package", ["tap-acumatica", "target-snowflake-merge"])
def test_an_installed_package_says_what_it_is_and_under_which_licence(
    package: str,
) -> None:
    installed = distribution(package)
    about = installed.metadata
    for field in ("Summary", "Requires-Python", "Keywords", "Description"):
        assert about[field]
    assert about["License-Expression"] == "Apache-2.0"
    licence = installed.read_text("licenses/LICENSE")
    assert licence == (ROOT / "LICENSE").read_text()
    assert "Typing :: Typed" in about.get_all("Classifier", [])
    readme = (ROOT / package / "README.md").read_text()
    for entry in about.get_all("Project-URL", ["no address"]):
        assert entry.rpartition(" ")[2] in readme


def test_what_was_installed_is_compiled_so_that_it_starts_quickly() -> None:
    venvs = [ROOT / ".venv", *(ROOT / ".meltano").glob("*/t*-*/venv")]
    compiled = "lib/python*/site-packages/singer_sdk/__pycache__/plugin_base.*.pyc"
    assert len(venvs) == 3
    for venv in venvs:
        assert list(venv.glob(compiled)), venv


def test_no_catalog_outlives_the_run_for_which_it_was_discovered() -> None:
    assert plugin("extractors")["use_cached_catalog"] is False


def test_the_example_names_each_variable_of_the_production_environment() -> None:
    used = set(re.findall(r": \$((?!MELTANO)\w+)", (ROOT / "meltano.yml").read_text()))
    named = set(
        re.findall(r"^(\w+)=", (ROOT / ".env.example").read_text(), re.MULTILINE)
    )
    assert used == named


def test_the_plugins_import_neither_each_other_nor_the_sandbox() -> None:
    foreign = {
        "tap-acumatica": r"target_snowflake_merge|sandbox",
        "target-snowflake-merge": r"tap_acumatica|sandbox",
    }
    for folder, names in foreign.items():
        for path in (ROOT / folder).rglob("*.py"):
            imports = rf"^\s*(from|import) ({names})\b"
            assert not re.search(imports, path.read_text(), re.MULTILINE), path
