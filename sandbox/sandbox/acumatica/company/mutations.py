"""The next days of the company: what people add, change and delete while others read.

Which records are touched follows from the seed and from the number of days played so
far; when they were changed is the server's clock. The books stay consistent: batches
balance, payments settle what is open, totals are what lines add up to.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypedDict

from sandbox.acumatica.company.company import MUTATIONS, SEED
from sandbox.acumatica.company.day import Day
from sandbox.acumatica.company.deletions import Evening
from sandbox.acumatica.company.randomness import Maker
from sandbox.acumatica.model.endpoints import READABLE

if TYPE_CHECKING:
    from sandbox.acumatica.model.store import Store


class Count(TypedDict):
    """How many records of an entity were added, changed and deleted."""

    added: int
    changed: int
    deleted: int


Counts = dict[str, Count]
"""The counts by entity."""


def in_words(count: Count) -> str:
    """A count as people read it, such as ``3 added, 9 changed, 1 deleted``."""
    return ", ".join(f"{number} {done}" for done, number in count.items())


def mutate(store: Store, days: int, *, deletes: bool = False) -> Counts:
    """Play some days.

    Args:
        store: The company.
        days: How many days.
        deletes: Whether people also delete a few records in the evening.

    Returns:
        How many records were added, changed and deleted, per entity.
    """
    counts: Counts = {e: {"added": 0, "changed": 0, "deleted": 0} for e in READABLE}
    for _ in range(days):
        played = store.fact(MUTATIONS)
        day = Day(store, Maker(f"mutation {store.fact(SEED)} {played}"))
        day.play()
        if deletes:
            Evening(day).play()
        store.put(day.changes(), day.removals())
        store.remember(MUTATIONS, played + 1)
        for entity in READABLE:
            counts[entity]["added"] += len(day.added[entity])
            counts[entity]["changed"] += len(day.changed[entity])
            counts[entity]["deleted"] += len(day.deleted[entity])
    return counts
