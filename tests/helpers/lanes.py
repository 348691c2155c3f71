"""How many random cases the proofs play: a short run, or as many as a soak asks for."""

from __future__ import annotations

import os

from hypothesis import settings

FACTOR = int(os.environ.get("SOAK_FACTOR", "0"))
"""How many times as many cases as a proof has in full; 0 in a test run."""


def load_profile() -> None:
    """Play the same cases in each test run, and other ones in each soak."""
    settings.register_profile("test", deadline=None, derandomize=True)
    settings.register_profile("soak", deadline=None, print_blob=True)
    settings.load_profile("soak" if FACTOR else "test")


def cases(short: int, full: int) -> int:
    """Return how many cases a proof plays.

    Args:
        short: How many it plays in a test run.
        full: How many a soak plays several times over.
    """
    return full * FACTOR if FACTOR else short
