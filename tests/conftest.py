"""What holds for all tests."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from tests.helpers import lanes

if TYPE_CHECKING:
    import pytest

lanes.load_profile()
FOLDERS = ("pipeline", "proofs", "behaviour", "unit")
"""From those whose files take the longest to those that take the shortest."""


def pytest_xdist_auto_num_workers() -> int:
    """Return one more than there are cores, since tests wait for locks and clocks."""
    return (os.cpu_count() or 1) + 1


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the files that take the longest, so that none is left at the end."""
    items.sort(key=rank)


def rank(item: pytest.Item) -> int:
    """Return which of the folders a test lies in."""
    name = item.path.parent.name
    return FOLDERS.index(name) if name in FOLDERS else len(FOLDERS)
