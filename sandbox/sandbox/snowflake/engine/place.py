"""Where and as whom a statement runs, by names."""

from __future__ import annotations

from typing import Protocol


class Place(Protocol):
    """What the history and the privileges read of a statement's context."""

    @property
    def database(self) -> str | None:
        """The upper-case name, or None."""

    @property
    def schema(self) -> str | None:
        """The name as SHOW prints it, or None."""

    @property
    def role(self) -> str:
        """The role."""

    @property
    def warehouse(self) -> str | None:
        """The warehouse, or None."""
