"""The files around the plugins say the same as the plugins."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_readmes_and_meltano_yml_follow_from_the_settings() -> None:
    check = [sys.executable, str(ROOT / "docs.py"), "--check"]
    done = subprocess.run(check, capture_output=True, text=True, check=False)  # noqa: S603 - our own script
    assert done.returncode == 0, done.stderr


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
