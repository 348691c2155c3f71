"""Locks on tables, as Snowflake's statements hold and await them.

UPDATE, DELETE and MERGE lock their table until their transaction ends, so that two of
them on one table follow one another, while those on different tables run side by side
(https://docs.snowflake.com/en/sql-reference/transactions#resource-locking). A statement
that would be one waiter too many is refused at once.
"""

from __future__ import annotations

import threading
from collections import Counter
from typing import TYPE_CHECKING

from sandbox.snowflake.engine.errors import SnowflakeError

if TYPE_CHECKING:
    from collections.abc import Callable

CATALOG = ""
"""The name of the lock under which tables and schemas are made and changed."""
WAITERS = 20
"""How many statements may wait for one table."""
LOOK_SECONDS = 0.05
"""How often a waiting statement looks whether it was cancelled."""


def too_many_waiters() -> SnowflakeError:
    """Return the error for a statement that finds too many waiting before it."""
    return SnowflakeError(
        "000625",
        "57014",
        "Statement was aborted because the number of waiters for this lock exceeds "
        f"the {WAITERS} statements limit.",
    )


class Locks:
    """Who holds which table, and how many wait for it."""

    def __init__(self) -> None:
        self.changed = threading.Condition()
        self.owners: dict[str, object] = {}
        self.waiting: Counter[str] = Counter()

    def acquire(
        self, owner: object, name: str, check: Callable[[], None], *, limited: bool
    ) -> None:
        """Wait for a table and hold it; holding it already is well.

        Args:
            owner: The session.
            name: The table's full name, or ``CATALOG``.
            check: Raises when the statement was stopped meanwhile.
            limited: Whether a statement too many is refused.

        Raises:
            SnowflakeError: 000625, too many wait already.
        """
        with self.changed:
            if self.owners.get(name) is owner:
                return
            if limited and name in self.owners and self.waiting[name] >= WAITERS:
                raise too_many_waiters()
            self.waiting[name] += 1
            try:
                while name in self.owners:
                    check()
                    self.changed.wait(LOOK_SECONDS)
                check()
                self.owners[name] = owner
            finally:
                self.waiting[name] -= 1

    def release(self, owner: object) -> None:
        """Let go of everything that a session holds."""
        with self.changed:
            for name in [n for n, held in self.owners.items() if held is owner]:
                del self.owners[name]
            self.changed.notify_all()
