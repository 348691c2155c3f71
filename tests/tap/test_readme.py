"""The README's table of streams says what the table of streams says."""

from __future__ import annotations

from pathlib import Path

import pytest
from tap_acumatica.streams import STREAMS, StreamSpec

README = Path(__file__).parents[2] / "tap-acumatica" / "README.md"
ROWS = [
    line for line in README.read_text("utf-8").splitlines() if line.startswith("| `")
]


@pytest.mark.parametrize("spec", STREAMS, ids=lambda spec: spec.name)
def test_the_readme_describes_each_stream(spec: StreamSpec) -> None:
    [row] = [row for row in ROWS if row.startswith(f"| `{spec.name}` |")]
    _, _, entity, _form, details, linked, _ = (cell.strip() for cell in row.split("|"))
    assert entity == spec.entity
    named = set((details + " " + linked).replace(",", " ").replace(";", " ").split())
    assert {path.partition("/")[0] for path in spec.expand or ()} <= named


def test_the_readme_has_no_stream_too_many() -> None:
    streams = [row for row in ROWS if row.count("|") == 6]
    assert len(streams) == len(STREAMS)
