"""What documents and demo say of the streams is what the table of streams says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from sandbox.acumatica.model.endpoints import load_endpoints
from tap_acumatica.query import LONGEST_SELECT
from tap_acumatica.stream_specs import REPLICATION_KEY, STREAMS, StreamSpec

from sandbox import demo

ROOT = Path(__file__).parents[3]
FIRST, README, DETAILS = (
    (ROOT / path).read_text("utf-8")
    for path in ("README.md", "tap-acumatica/README.md", "docs/tap/streams.md")
)
BY_NAME = {spec.name: spec.entity for spec in STREAMS}
ROWS = {
    cells[1].strip("`"): cells[2:6]
    for line in README.splitlines()
    if line.count("|") == 6
    and (cells := [cell.strip() for cell in line.split("|")])[1].startswith("`")
}
"""The table of the tap's README: entity, form, detail arrays and linked objects."""
ENTITIES = load_endpoints()["Default", "24.200.001"].entities


def test_each_table_of_streams_has_those_that_there_are() -> None:
    assert {name: row[0] for name, row in ROWS.items()} == BY_NAME, "the tap's README"
    arriving = re.findall(r"^\| ([A-Z_]+) \| (\w+) \|", FIRST, re.MULTILINE)
    assert {table.lower(): entity for table, entity in arriving} == BY_NAME, "README"
    compared = {stream.table.lower(): stream.entity for stream in demo.STREAMS}
    assert compared == BY_NAME, "the demo's table, sandbox/sandbox/demo.py"


@pytest.mark.parametrize("spec", STREAMS, ids=lambda spec: spec.name)
def test_the_readme_describes_each_stream(spec: StreamSpec) -> None:
    assert spec.name in ROWS, "the table in the tap's README has no row for it"
    entity, form, details, linked = ROWS[spec.name]
    assert entity == spec.entity
    assert form == ENTITIES[entity].form
    assert form in FIRST, "the first README does not ask for the right to view its form"
    named = set((details + " " + linked).replace(",", " ").replace(";", " ").split())
    assert {path.partition("/")[0] for path in spec.expand or ()} <= named


def test_the_documents_name_key_and_replication_key_of_all_streams() -> None:
    assert {spec.replication_key for spec in STREAMS} == {REPLICATION_KEY}
    named = " ".join(DETAILS.split())
    assert "The key of each stream is `id`" in named
    assert f"Streams are INCREMENTAL on `{REPLICATION_KEY}`;" in named


def test_the_documents_tell_how_long_a_selection_may_be() -> None:
    assert f"at most {LONGEST_SELECT:,} characters" in DETAILS
