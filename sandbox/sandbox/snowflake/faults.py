"""Misfortune on order: what shall go wrong with the next requests."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sandbox.snowflake.control import Fault


class Faults:
    """The faults still to come, in the order in which they were asked for."""

    def __init__(self) -> None:
        self.waiting: list[Fault] = []

    def take(self, method: str, statement: str) -> Fault | None:
        """Return the first fault that fits a request, and use it up by one."""
        for fault in self.waiting:
            if fault.method == method and fault.contains in statement:
                fault.times -= 1
                if fault.times <= 0:
                    self.waiting.remove(fault)
                return fault
        return None
