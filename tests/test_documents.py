"""What the documents link to is there, and the commands that they show exist."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import pytest
import yaml
from sandbox.cli import main as sandbox
from tap_acumatica.cli import acumatica
from tap_acumatica.tap import TapAcumatica
from target_snowflake_merge.operate.cli import cli as snowflake_merge
from target_snowflake_merge.target import TargetSnowflakeMerge

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parent.parent
INSTALLED = {".venv", ".meltano", "findings", "fixtures", "node_modules"}
DOCUMENTS = sorted(
    path
    for path in ROOT.rglob("*.md")
    if not INSTALLED.intersection(path.relative_to(ROOT).parts)
)
COMMANDS: dict[str, click.Command] = {
    "acumatica": acumatica,
    "sandbox": sandbox,
    "snowflake-merge": snowflake_merge,
    "tap-acumatica": TapAcumatica.get_singer_command(),
    "target-snowflake-merge": TargetSnowflakeMerge.get_singer_command(),
}
FENCED = re.compile(r"^ *```\w*\n(.*?)^ *```", re.DOTALL | re.MULTILINE)
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")


def lines(document: Path) -> Iterator[str]:
    """Yield the lines of code blocks that could be commands, without comments."""
    for block in FENCED.findall(document.read_text("utf-8")):
        for line in block.splitlines():
            yield re.split(r"\s#|\s{3,}|\s+\|\s+", line.strip())[0]


def shown() -> list[str]:
    """Return each command that a document shows, once."""
    found = {line for document in DOCUMENTS for line in lines(document)}
    tools = {*COMMANDS, "make", "meltano"}
    first = ((line.split(" ")[0].removeprefix(".venv/bin/"), line) for line in found)
    return sorted(line for name, line in first if name in tools and " " in line)


def anchors(document: Path) -> set[str]:
    """Return the anchors of a document's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.*)$", document.read_text("utf-8"), re.MULTILINE)
    plain = (re.sub(r"[^\w\- ]", "", heading.lower()) for heading in headings)
    return {heading.replace(" ", "-") for heading in plain}


@pytest.mark.parametrize(
    "document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT))
)
def test_links_lead_somewhere(document: Path) -> None:
    broken = []
    for link in LINK.findall(document.read_text("utf-8")):
        if link.startswith(("https://", "http://")):
            continue
        name, _, anchor = link.partition("#")
        target = (document.parent / name) if name else document
        is_broken = not target.exists()
        if is_broken or (anchor and anchor not in anchors(target)):
            broken.append(link)
    assert broken == []


@pytest.mark.parametrize("line", shown())
def test_commands_exist(line: str) -> None:
    name, *words = shlex.split(line)
    name = name.removeprefix(".venv/bin/")
    if name == "make":
        check_make(words)
    elif name == "meltano":
        check_meltano([word for word in words if not word.startswith("-")])
    else:
        check_click(COMMANDS[name], words)


def check_make(words: list[str]) -> None:
    targets = re.findall(
        r"^([a-z./-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE
    )
    assert [word for word in words if "=" not in word and word not in targets] == []


def commands(plugin: dict[str, Any], plugins: dict[str, Any]) -> dict[str, Any]:
    """Return a plugin's commands; one that inherits has those of the other."""
    parent = plugins.get(plugin.get("inherit_from", ""), {})
    found: dict[str, Any] = plugin.get("commands", parent.get("commands", {}))
    return found


def check_meltano(words: list[str]) -> None:
    """Check plugins, their commands, jobs and schedules against meltano.yml."""
    project = yaml.safe_load((ROOT / "meltano.yml").read_text("utf-8"))
    plugins = {p["name"]: p for kind in project["plugins"].values() for p in kind}
    known = {
        "run": {*plugins, *(job["name"] for job in project["jobs"])},
        "schedule": {"run", *(one["name"] for one in project["schedules"])},
        "invoke": {
            *plugins,
            *(
                f"{name}:{command}"
                for name, plugin in plugins.items()
                for command in commands(plugin, plugins)
            ),
        },
    }
    verb, *named = words
    if verb in known:
        assert named[0] in known[verb]


def check_click(command: click.Command, words: list[str]) -> None:
    """Check sub-commands and options against the command itself."""
    options = {o for p in command.params for o in (*p.opts, *p.secondary_opts)}
    while words:
        word = words.pop(0).partition("=")[0]
        if word.startswith("--"):
            assert word in options | {"--help"}
        elif isinstance(command, click.Group) and word in command.commands:
            command = command.commands[word]
            options |= {o for p in command.params for o in (*p.opts, *p.secondary_opts)}
