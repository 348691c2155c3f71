"""Who may import whom: nothing imports upwards, and there are no circles.

docs/architecture.md draws it. Imports that only serve type checking count as well.
"""

from __future__ import annotations

import ast
import re
from graphlib import TopologicalSorter
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parent.parent
PLUGINS = {
    "tap_acumatica": ROOT / "tap-acumatica" / "tap_acumatica",
    "target_snowflake_merge": ROOT
    / "target-snowflake-merge"
    / "target_snowflake_merge",
}
PACKAGES = {**PLUGINS, "sandbox": ROOT / "sandbox" / "sandbox"}

FLOORS = (
    {"__main__"},
    {"operate"},
    {"target"},
    {"sinks"},
    {"load"},
    {"warehouse"},
    {"journal", "singer"},
    {"schema", "sql_api"},
    {"command"},
    {"settings", "config", "signals", "integrity"},
    {"errors"},
)
"""The target's rooms, from the top down; those of one floor do not know each other."""

ONLY = {
    "singer_sdk": {
        *("singer", "target", "sinks"),
        *("settings", "errors", "config", "command"),
    },
    "requests": {"sql_api"},
}
"""Which rooms of the target may import a library."""


def modules(package: str) -> Iterator[tuple[str, Path]]:
    """Yield the dotted names of a package's modules, and their files."""
    folder = PACKAGES[package]
    for path in sorted(folder.rglob("*.py")):
        parts = path.relative_to(folder).with_suffix("").parts
        yield ".".join((package, *parts)).removesuffix(".__init__"), path


def imports(path: Path) -> Iterator[str]:
    """Yield what a file imports: modules, and what may be one or a name of one."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            package = f"{path.parent.name}." if node.level else ""
            yield from (f"{package}{node.module}.{alias.name}" for alias in node.names)


def room(module: str) -> str:
    return module.split(".")[1]


def floor(name: str) -> int:
    return next(n for n, rooms in enumerate(FLOORS) if name in rooms)


def target_imports() -> Iterator[tuple[str, str]]:
    package = "target_snowflake_merge"
    for module, path in modules(package):
        if module != package:
            yield from ((module, imported) for imported in imports(path))


def test_the_target_imports_downwards_only() -> None:
    own = "target_snowflake_merge."
    inner = [(a, b) for a, b in target_imports() if b.startswith(own)]
    wrong = [
        f"{importer} imports {imported}"
        for importer, imported in inner
        if room(importer) != room(imported)
        and floor(room(importer)) >= floor(room(imported))
    ]
    assert wrong == []


@pytest.mark.parametrize(("library", "rooms"), ONLY.items())
def test_only_some_rooms_of_the_target_know_a_library(
    library: str, rooms: set[str]
) -> None:
    users = {room(a) for a, b in target_imports() if b.split(".")[0] == library}
    assert users == rooms


@pytest.mark.parametrize("package", PACKAGES)
def test_no_modules_import_each_other_in_a_circle(package: str) -> None:
    known = dict(modules(package))
    graph: TopologicalSorter[str] = TopologicalSorter()
    for module, path in known.items():
        found = {i if i in known else i.rpartition(".")[0] for i in imports(path)}
        graph.add(module, *(found & known.keys() - {module, package}))
    graph.prepare()  # raises CycleError with the circle


@pytest.mark.parametrize("plugin", PLUGINS)
def test_plugins_know_neither_each_other_nor_the_sandbox(plugin: str) -> None:
    others = PACKAGES.keys() - {plugin}
    strangers = {
        imported
        for _, path in modules(plugin)
        for imported in imports(path)
        if imported.split(".")[0] in others
    }
    assert strangers == set()


def test_no_test_imports_another() -> None:
    """What several need lives in tests/helpers."""
    found = [
        (str(path.relative_to(ROOT)), name)
        for path in sorted((ROOT / "tests").rglob("*.py"))
        for name in imports(path)
        if any(part.startswith("test_") for part in name.split(".")[:-1])
    ]
    assert found == []


@pytest.mark.parametrize("plugin", PLUGINS)
def test_the_architecture_says_what_each_module_or_room_is_for(plugin: str) -> None:
    document = (ROOT / "docs" / "architecture.md").read_text("utf-8")
    title = {"tap_acumatica": "## The tap", "target_snowflake_merge": "## The target"}
    _, _, after = document.partition(f"{title[plugin]}\n")
    named = set(re.findall(r"\w+", after.partition("###")[0]))
    rooms = {room(module) for module, _ in modules(plugin) if module != plugin}
    assert rooms - {"__main__"} - named == set()
