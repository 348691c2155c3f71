"""The README's table of streams says what the table of streams says."""

from __future__ import annotations

from pathlib import Path

import pytest
from sandbox.acumatica.model.endpoints import load_endpoints
from tap_acumatica.query import LONGEST_SELECT
from tap_acumatica.stream_specs import REPLICATION_KEY, STREAMS, StreamSpec

README = Path(__file__).parents[3] / "tap-acumatica" / "README.md"
TEXT = README.read_text("utf-8")
ROWS = [line for line in TEXT.splitlines() if line.startswith("| `")]
ENTITIES = load_endpoints()["Default", "24.200.001"].entities


@pytest.mark.parametrize("spec", STREAMS, ids=lambda spec: spec.name)
def test_the_readme_describes_each_stream(spec: StreamSpec) -> None:
    [row] = [row for row in ROWS if row.startswith(f"| `{spec.name}` |")]
    _, _, entity, form, details, linked, _ = (cell.strip() for cell in row.split("|"))
    assert entity == spec.entity
    assert form == ENTITIES[entity].form
    named = set((details + " " + linked).replace(",", " ").replace(";", " ").split())
    assert {path.partition("/")[0] for path in spec.expand or ()} <= named


def test_the_readme_has_no_stream_too_many() -> None:
    streams = [row for row in ROWS if row.count("|") == 6]
    assert len(streams) == len(STREAMS)


def test_the_readme_names_key_and_replication_key_of_all_streams() -> None:
    assert {spec.replication_key for spec in STREAMS} == {REPLICATION_KEY}
    named = " ".join(TEXT.split())
    assert "The key of each stream is `id`" in named
    assert f"Streams are INCREMENTAL on `{REPLICATION_KEY}`;" in named


def test_the_readme_tells_how_long_a_selection_may_be() -> None:
    assert f"at most {LONGEST_SELECT:,} characters" in TEXT
