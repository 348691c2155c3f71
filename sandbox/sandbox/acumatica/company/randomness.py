"""Chances: everything that is random about the company comes from here."""

from __future__ import annotations

import uuid
from calendar import monthrange
from datetime import date, datetime, time, timedelta
from decimal import ROUND_HALF_UP, Decimal
from random import Random
from typing import TYPE_CHECKING, TypeVar

from sandbox.acumatica.company import vocabulary
from sandbox.acumatica.model import clock

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sandbox.acumatica.model.values import Fields

FIRST_DAY = date(2024, 10, 1)
LAST_DAY = date(2026, 9, 30)

DOCUMENT_DIGITS = (2, 2, 2, 2, 2, 2, 3, 4)
"""Decimals of a document's amounts; most currencies have two."""

T = TypeVar("T")


class Maker:
    """Draws from one sequence of random numbers, so that a seed decides everything.

    Args:
        seed: Which sequence.
        part: How much smaller than usual the company is.
    """

    def __init__(self, seed: str, part: int = 1) -> None:
        self.random = Random(seed)  # noqa: S311 - repeatable on purpose
        self.part = part

    def share(self, usual: int) -> int:
        """As many as the company has where one of the usual size has so many."""
        return usual // self.part

    def guid(self) -> str:
        """A GUID of version 4."""
        return str(uuid.UUID(int=self.random.getrandbits(128), version=4))

    def chance(self, probability: float) -> bool:
        """True with a probability."""
        return self.random.random() < probability

    def pick(self, choices: Sequence[T]) -> T:
        """One of several."""
        return choices[int(self.random.random() * len(choices))]

    def maybe(self, probability: float, value: T) -> T | None:
        """A value with a probability, else an empty field."""
        return value if self.chance(probability) else None

    def number(self, low: int, high: int) -> int:
        """A whole number from ``low`` to ``high``."""
        return low + int(self.random.random() * (high - low + 1))

    def money(self, low: int, high: int, digits: int = 2) -> Decimal:
        """An amount from ``low`` to ``high``, small ones more often than large ones."""
        share = self.random.random() ** 3
        units = int((low + (high - low) * share) * 10**digits)
        return Decimal(units).scaleb(-digits)

    def days(self, count: int) -> list[date]:
        """Days within the company's two years, ascending."""
        span = (LAST_DAY - FIRST_DAY).days
        return sorted(
            FIRST_DAY + timedelta(days=self.number(0, span)) for _ in range(count)
        )

    def later(self, day: date, low: int, high: int) -> date:
        """A day between ``low`` and ``high`` days later, within the two years."""
        return min(day + timedelta(days=self.number(low, high)), LAST_DAY)

    def modified(self, day: date) -> str:
        """When a record of a day was changed last.

        One in eight was released by the job that runs at the end of the month, all of
        a month in the same instant. One in ten has microseconds.
        """
        if self.chance(1 / 8):
            end = date(day.year, day.month, monthrange(day.year, day.month)[1])
            return clock.stamp(clock.midnight(end) + timedelta(hours=22, minutes=30))
        moment = time(
            self.number(6, 18),
            self.number(0, 59),
            self.number(0, 59),
            self.number(0, 999_999),
        )
        start = clock.midnight(self.later(day, 0, 20))
        instant = datetime.combine(start.date(), moment, start.tzinfo)
        return clock.stamp(instant, 6 if self.chance(1 / 10) else 3)

    def digits(self) -> int:
        """Decimals of a new document's amounts."""
        return self.pick(DOCUMENT_DIGITS)

    def memo(self) -> str | None:
        """A remark, or none."""
        return self.maybe(0.4, self.pick(vocabulary.MEMOS))


def rounded(amount: Decimal, digits: int) -> Decimal:
    """An amount with a number of decimals."""
    return amount.quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP)


def zero(digits: int) -> Decimal:
    """Nothing, written with a number of decimals; never -0.00."""
    return Decimal(0).scaleb(-digits)


def decimals(amount: Decimal) -> int:
    """How many decimals an amount is written with."""
    return -int(amount.as_tuple().exponent)


def total(lines: Sequence[Fields], field: str, digits: int) -> Decimal:
    """The sum of a field of detail lines, with the document's decimals."""
    return sum((line[field] for line in lines), zero(digits))


def period(day: date) -> str:
    """The financial period of a day, as ``092026``."""
    return f"{day:%m%Y}"
