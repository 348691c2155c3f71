"""What statements were translated to, kept for the next of the same shape."""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

KEPT = 2000
Made = TypeVar("Made")


class Translations:
    """Results of pure functions, by all that decides them; the least used ones go."""

    def __init__(self) -> None:
        self.kept: OrderedDict[Hashable, Any] = OrderedDict()
        self.lock = threading.Lock()

    def get(self, key: Hashable, make: Callable[[], Made]) -> Made:
        """Return what was made for a key, or make it."""
        with self.lock:
            if key in self.kept:
                self.kept.move_to_end(key)
                found: Made = self.kept[key]
                return found
        made = make()
        with self.lock:
            self.kept[key] = made
            if len(self.kept) > KEPT:
                self.kept.popitem(last=False)
        return made
