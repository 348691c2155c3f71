"""When a STATE may be passed on (pure)."""

from __future__ import annotations

import math
from collections import deque
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Hashable

Place = tuple[str, str]
"""Under which name something is open: of which sort, and of which stream or table."""


class Checkpoints:
    """Holds each state back until everything that was read before it is durable.

    Whoever has something to make durable opens it under a name of its own and closes
    it when that is done; what is opened counts from the present place in the input.
    """

    def __init__(self) -> None:
        self._place = 0
        self._open: dict[Hashable, int] = {}
        self._waiting: deque[tuple[int, Any]] = deque()
        self._passed: Any = None

    def advance(self) -> None:
        """Go on to the next message of the input."""
        self._place += 1

    def open(self, name: Hashable) -> None:
        """Hold the states from here on; what is open already stays where it is."""
        self._open.setdefault(name, self._place)

    def move(self, name: Hashable, to: Hashable) -> None:
        """Go on under another name from the same place in the input."""
        self._open[to] = self._open.pop(name)

    def close(self, name: Hashable) -> None:
        """Say that what was opened under a name is durable."""
        self._open.pop(name, None)

    def read(self, state: Any) -> None:  # noqa: ANN401 - a state is any JSON
        """Take a state from the input.

        It takes the place of one that waits for the very same things.
        """
        if self._waiting:
            last, _ = self._waiting[-1]
            if not any(last < place <= self._place for place in self._open.values()):
                self._waiting.pop()
        self._waiting.append((self._place, state))

    def passable(self) -> Any:  # noqa: ANN401 - as above
        """Take out the newest state that nothing holds back.

        Returns:
            The state, or None where there is none that was not passed on already.
        """
        first_open = min(self._open.values(), default=math.inf)
        newest = None
        while self._waiting and self._waiting[0][0] < first_open:
            _, newest = self._waiting.popleft()
        if newest == self._passed:
            return None
        self._passed = newest or self._passed
        return newest
