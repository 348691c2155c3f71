"""What a state of earlier runs says, and whether this run may go on from it (pure)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from typing_extensions import override

from tap_acumatica.errors import SettingError

if TYPE_CHECKING:
    from collections.abc import Mapping, MutableMapping


class Source(NamedTuple):
    """Where records come from: bookmarks and ids of one mean nothing in another.

    Attributes:
        instance: The instance's address, without what may be written in several ways.
        tenant: The tenant; empty for the instance's default one.
    """

    instance: str
    tenant: str

    @override
    def __str__(self) -> str:
        return f"{self.instance}, tenant {self.tenant or '(the default one)'}"

    def sign(self, bookmark: MutableMapping[str, Any]) -> None:
        """Note in a stream's bookmark where its records come from."""
        bookmark.update(self._asdict())


def bookmarks(state: object) -> dict[str, dict[str, Any]]:
    """Return the bookmarks of a state by stream; none where there is no state.

    Raises:
        SettingError: They, or one of them, are no JSON object.
    """
    found = state.get("bookmarks", {}) if isinstance(state, dict) else {}
    if not isinstance(found, dict):
        raise SettingError("The state's bookmarks are no JSON object.")
    for stream, bookmark in found.items():
        if not isinstance(bookmark, dict):
            raise SettingError(f"The state's bookmark of {stream} is no JSON object.")
    return found


def check_source(earlier: Mapping[str, Mapping[str, Any]], source: Source) -> None:
    """Refuse to go on from where another instance or tenant has been read to.

    What is older there than the bookmarks would never come, and a full refresh would
    mark the other one's rows as deleted. Older states do not say whose they are, and
    are taken.

    Args:
        earlier: The state's bookmarks by stream.
        source: What the settings name.

    Raises:
        SettingError: A bookmark is of another one.
    """
    for stream, bookmark in earlier.items():
        known = Source(bookmark.get("instance") or "", bookmark.get("tenant") or "")
        if known.instance and known != source:
            raise SettingError(
                f"The state's bookmark of {stream} is of {known}, but the settings "
                f"name {source}, whose older records would never come. Give each "
                "instance and tenant a state id and a schema of its own, or clear the "
                "state. Where it is the same one under another name, put that into the "
                "state's 'instance' and 'tenant'."
            )
