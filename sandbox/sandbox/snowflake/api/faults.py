"""Misfortune on order: what shall go wrong with the next requests."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sandbox.snowflake.messages import Fault

LOCK_WAITERS = "000625"
CODES = {
    400: "390142",
    401: "390144",
    403: "390422",
    408: "000630",
    422: LOCK_WAITERS,
    429: "390505",
}
"""The usual code of an answer by its status; gateways, which answer 413 and 5xx, know
no codes."""


@dataclass(frozen=True)
class Event:
    """A request that a fault may meet.

    Args:
        method: The HTTP method.
        statement: The statement that it brings or asks about.
        partition: Whether it reads a second or later partition.
    """

    method: str
    statement: str
    partition: bool = False


class Faults:
    """The faults still to come, in the order in which they were asked for."""

    def __init__(self) -> None:
        self.waiting: list[Fault] = []

    def take(self, event: Event) -> Fault | None:
        """Return the first fault that fits a request, and use it up by one."""
        for fault in self.waiting:
            if meets(fault, event):
                fault.times -= 1
                if fault.times <= 0:
                    self.waiting.remove(fault)
                return fault
        return None


def meets(fault: Fault, event: Event) -> bool:
    """Say whether a fault is meant for a request."""
    return (
        fault.method == event.method
        and fault.contains in event.statement
        and (event.partition or not fault.partition)
    )
