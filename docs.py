"""Write what follows from the plugins' settings: README tables and meltano.yml.

The plugins' JSON schemas are the one place where settings are declared.
``python docs.py`` writes the rest anew; ``--check`` only says what has drifted.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from textwrap import indent
from typing import Any

import yaml

ROOT = Path(__file__).parent
PLUGINS = ("tap-acumatica", "target-snowflake-merge")
KINDS = {
    "array": "array",
    "boolean": "boolean",
    "integer": "integer",
    "object": "object",
}
"""Kinds of meltano.yml by types. A moment is text: the values of kind date_iso8601 are
read in the manner of people, which takes 20250701T000000Z for the time of day."""


def about(plugin: str) -> dict[str, Any]:
    """Return the JSON schema of a plugin's settings, from ``--about``."""
    command = [str(Path(sys.executable).parent / plugin), "--about", "--format=json"]
    run = subprocess.run(command, check=True, capture_output=True)  # noqa: S603 - ours
    schema: dict[str, Any] = json.loads(run.stdout)["settings"]
    return schema


def settings_table(schema: dict[str, Any]) -> str:
    """Write a plugin's settings as a table of Markdown."""
    required = schema.get("required", [])
    rows = [
        f"| `{name}` | {'yes' if name in required else ''} "
        f"| {_default(setting)} | {_description(setting)} |"
        for name, setting in schema["properties"].items()
    ]
    header = ["| setting | required | default | meaning |", "|---|---|---|---|"]
    return "\n".join([*header, *rows, ""])


def _default(setting: dict[str, Any]) -> str:
    return f"`{json.dumps(setting['default'])}`" if "default" in setting else ""


def _description(setting: dict[str, Any]) -> str:
    text = " ".join(setting.get("description", "").split()).replace("|", "\\|")
    return f"{text} (secret)" if setting.get("secret") else text


def meltano_settings(schema: dict[str, Any]) -> str:
    """Write a plugin's settings as meltano.yml declares them."""
    settings = [
        _meltano_setting(name, setting)
        for name, setting in schema["properties"].items()
    ]
    return yaml.safe_dump(settings, sort_keys=False, width=76, allow_unicode=True)


def _meltano_setting(name: str, setting: dict[str, Any]) -> dict[str, Any]:
    types = [setting["type"]] if isinstance(setting["type"], str) else setting["type"]
    declared = {
        "name": name,
        "description": setting["description"],
        "kind": KINDS.get(types[0]),
        "sensitive": setting.get("secret"),
        "value": setting.get("default"),
    }
    return {key: value for key, value in declared.items() if value is not None}


def fill(path: Path, start: str, end: str, text: str) -> tuple[Path, str]:
    """Return a file and its content with the text between two marks replaced."""
    block = re.compile(f"({re.escape(start)}\n).*?( *{re.escape(end)})", re.DOTALL)
    return path, block.sub(lambda m: f"{m[1]}{text}{m[2]}", path.read_text("utf-8"))


def documents(plugin: str) -> list[tuple[Path, str]]:
    """Return the files that follow from a plugin's settings, as they must be."""
    schema = about(plugin)
    table = settings_table(schema)
    settings = indent(meltano_settings(schema), " " * 8)
    return [
        fill(
            ROOT / plugin / "README.md",
            "<!-- settings -->",
            "<!-- /settings -->",
            table,
        ),
        fill(
            ROOT / "meltano.yml",
            f"# settings of {plugin}",
            "# end of settings",
            settings,
        ),
    ]


def main() -> None:
    """Write the files, or with ``--check`` end with 1 where one has drifted."""
    drifted = set()
    for plugin in PLUGINS:
        for path, wanted in documents(plugin):
            if path.read_text("utf-8") != wanted:
                drifted.add(path.relative_to(ROOT))
                if "--check" not in sys.argv:
                    path.write_text(wanted, "utf-8")
    if drifted and "--check" in sys.argv:
        sys.exit(f"Out of date: {', '.join(map(str, drifted))}. Run `make docs`.")


if __name__ == "__main__":
    main()
