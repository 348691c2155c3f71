"""Faults that tests ask for: the next matching requests go wrong in a chosen way."""

from __future__ import annotations

from typing import Literal

import msgspec

FaultKind = Literal[
    "status",
    "redirect",
    "drop",
    "html",
    "empty",
    "expire",
    "slow",
    "ignore_skip",
    "ignore_top",
]


class Fault(msgspec.Struct, forbid_unknown_fields=True):
    """What goes wrong with the next requests.

    Attributes:
        kind: ``status`` answers with an error status; ``drop`` closes the connection
            before answering; ``redirect`` leads to another place; ``html`` and
            ``empty`` answer 200 with a page or with nothing, as proxies do; ``expire``
            ends the request's token first; ``slow`` keeps the request in processing
            for a while; ``ignore_skip`` and ``ignore_top`` serve the request
            as if it had no ``$skip`` or no ``$top``.
        count: How many requests are hit.
        path: A part of the path and query that a request must contain to be hit.
        status: The status of ``status``.
        retry_after: The Retry-After header of ``status``.
        seconds: The delay of ``slow``.
        location: Where ``redirect`` leads: ``/Frames/Maintenance.aspx``, or the place
            of a single sign-on.
    """

    kind: FaultKind
    count: int = 1
    path: str = "/entity/Default/"
    status: int = 503
    retry_after: str | None = None
    seconds: float = 0
    location: str = "/Frames/Maintenance.aspx"


class Faults:
    """The faults that are still to come, oldest first."""

    def __init__(self) -> None:
        self.queue: list[Fault] = []

    def take(self, target: str) -> Fault | None:
        """The fault that hits a request, which is then counted down.

        Args:
            target: The request's decoded path, ``?`` and decoded query.
        """
        fault = next((fault for fault in self.queue if fault.path in target), None)
        if fault:
            fault.count -= 1
            self.queue = [fault for fault in self.queue if fault.count > 0]
        return fault
