"""The licence's limits on requests: how many a minute, how many at a time.

To the letter of License Restrictions for API Users in the vendor's integration guide:
requests wait in one queue for the licensed number of processing cores; from half of the
limit per minute on, each waits longer; more than 20 in the queue, or ten minutes in it,
and a request is declined. Signing out is never queued. What the guide leaves open, read
literally: a request counts from when its processing starts; how long it waits is
settled when it arrives; nobody overtakes in the queue.
"""

from __future__ import annotations

import asyncio
from collections import deque
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from sandbox.acumatica.model import clock

if TYPE_CHECKING:
    from sandbox.acumatica.model.settings import Settings

MINUTE = timedelta(seconds=60)
DECLINED = "The request was declined because of the license's limits for API requests."


def delay(limit: int, processed: int, age: float) -> float:
    """How long a request that arrives now has to wait, in seconds.

    Args:
        limit: The licensed requests per minute; 0 is no limit.
        processed: How many requests were processed in the past minute.
        age: Seconds since the first of them.
    """
    if not limit or processed * 2 < limit:
        return 0
    left = max(0.0, MINUTE.total_seconds() - age)
    return left / (limit - processed) if processed < limit else left


class Licence:
    """The queue, and who is being processed.

    Args:
        settings: The limits.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.started: deque[datetime] = deque()
        self.processing = 0
        self.queue: deque[object] = deque()
        self.changed = asyncio.Condition()

    async def admit(self) -> bool:
        """Wait until a request may be processed; ``leave`` must follow.

        Returns:
            Whether it may; False where it is declined, which is not counted.
        """
        wait = self.delay()
        if not (wait or self.queue) and self.core_free():
            self.begin()
            return True
        if len(self.queue) >= self.settings.queue_limit:
            return False
        return await self.line_up(wait)

    def begin(self) -> None:
        """A request is processed from now on."""
        self.processing += 1
        self.started.append(clock.now())

    async def leave(self) -> None:
        """A request has been processed."""
        self.processing -= 1
        await self.tell()

    def delay(self) -> float:
        """How long a request that arrives now has to wait, by the server's clock."""
        now = clock.now()
        while self.started and now - self.started[0] >= MINUTE:
            self.started.popleft()
        first = self.started[0] if self.started else now
        limit = self.settings.requests_per_minute
        return delay(limit, len(self.started), max(0.0, (now - first).total_seconds()))

    def core_free(self) -> bool:
        """Whether another request can be processed at the same time."""
        return not self.settings.cores or self.processing < self.settings.cores

    async def line_up(self, wait: float) -> bool:
        """Stand in the queue; says whether the request's turn came in time.

        Args:
            wait: How long the request has to wait even if a core is free, in seconds.
        """
        ticket = object()
        self.queue.append(ticket)
        try:
            async with asyncio.timeout(self.settings.queue_seconds):
                await asyncio.sleep(wait)
                await self.turn(ticket)
        except TimeoutError:
            return False
        finally:
            self.queue.remove(ticket)
            await self.tell()
        return True

    async def turn(self, ticket: object) -> None:
        """Wait for a free core and for those before in the queue, then begin."""
        async with self.changed:
            await self.changed.wait_for(
                lambda: self.queue[0] is ticket and self.core_free()
            )
            self.begin()

    async def tell(self) -> None:
        """Let those who wait look again."""
        async with self.changed:
            self.changed.notify_all()

    def forget(self) -> None:
        """Count from nothing."""
        self.started.clear()
