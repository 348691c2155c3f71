"""Whether the records of a stream are whole, as far as the input tells (pure).

The end of the input does not tell: that of a tap that died looks the same. A STATE
behind the last record of a stream does, as taps write one when they are done with it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from target_snowflake_merge.errors import TargetError

if TYPE_CHECKING:
    from collections.abc import Mapping


class Completeness:
    """Knows the streams with records behind which no STATE has come."""

    def __init__(self) -> None:
        self._known: set[str] = set()
        self._open: set[str] = set()
        self.last_state: Mapping[str, object] = {}
        """The last STATE that was not empty."""

    def schema(self, stream: str) -> None:
        """Note a stream that the tap describes."""
        self._known.add(stream)

    def record(self, stream: str) -> None:
        """Note a record."""
        self._open.add(stream)

    def state(self, value: Mapping[str, object]) -> None:
        """Note a STATE, which concludes all records before it.

        But for those of the stream that it says is being read: taps that are built on
        singer-python set ``currently_syncing``. Some name their streams there in a way
        of their own; such a state does not tell which stream is whole.
        """
        self.last_state = value or self.last_state
        reading = value.get("currently_syncing")
        if reading is None:
            self._open.clear()
        elif str(reading) in self._known:
            self._open &= {str(reading)}

    def is_whole(self, stream: str) -> bool:
        """Whether a STATE has come behind the last record of a stream."""
        return stream not in self._open

    def check(self) -> None:
        """Refuse to put a table in the place of another that may be whole.

        Raises:
            TargetError: The tap may have died in the middle of a stream.
        """
        if self._open:
            raise TargetError(
                f"Stream {', '.join(sorted(self._open))}: no STATE has come behind the "
                "last records, so the tap may have died; with load_method overwrite "
                "the old tables stay. Run it again."
            )
