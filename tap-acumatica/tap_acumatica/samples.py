"""Rows that the next run looks for, to see whether ids are new with each session.

Records without a NoteID get such ids. A target would take the rows of each run for
further ones, so the state keeps a few rows: each one's id, its content as a hash, and
when it was modified. A run reads them by their ids before it reads anything else. Where
none is found, but one has come again with the same content under another id, ids do not
stay.
"""

from __future__ import annotations

from datetime import timedelta
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from tap_acumatica import exact_json
from tap_acumatica.errors import AcumaticaError, StreamError
from tap_acumatica.windows import EARLIEST, Window, floor, moment

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime
    from logging import Logger

Row = dict[str, Any]

MOST = 3
"""How many rows are kept: people change and delete some."""
INSTANT = timedelta(milliseconds=10)
"""How far a row may lie from the moment that it was given: databases round."""


class Sample(NamedTuple):
    """What is kept of a row.

    Attributes:
        id: Its id.
        content: The hash of its fields.
        modified: When it was modified, as far as it says.
    """

    id: str
    content: str
    modified: datetime | None


class Reader(Protocol):
    """Where rows are looked for."""

    def has(self, id_: str) -> bool:
        """Tell whether a row is found by an id."""

    def glance(self, window: Window) -> list[Row]:
        """Return rows, among them the first of a window."""


class Samples:
    """The rows of an entity that are kept from one run to the next."""

    def __init__(self, entity: str, kept: object) -> None:
        """Take what the last run has kept.

        Args:
            entity: The entity.
            kept: What `content` has returned; None for nothing.

        Raises:
            AcumaticaError: It is something else.
        """
        self._entity = entity
        try:
            self._known = list(_samples(entity, kept))
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise AcumaticaError(
                f"{entity}: the samples in the state are not made as this tap makes "
                f"them ({error!r}); remove them."
            ) from error
        self._new: list[Sample] = []

    def note(self, row: Row, modified: datetime | None) -> bool:
        """Keep a row if it is one of the newest, or of the first where none says.

        Returns:
            Whether it is kept.
        """
        if len(self._new) == MOST:
            if modified is None or modified <= (self._new[0].modified or EARLIEST):
                return False
            del self._new[0]
        self._new.append(Sample(row["id"], _content(row), modified))
        self._new.sort(key=lambda sample: sample.modified or EARLIEST)
        return True

    def content(self) -> dict[str, Any]:
        """Return what a state keeps: of the last run's rows where this one has few."""
        ids = {sample.id for sample in self._new}
        older = [sample for sample in self._known if sample.id not in ids]
        rows = (older + self._new)[-MOST:]
        return {"entity": self._entity, "rows": [_told(sample) for sample in rows]}

    def check(self, reader: Reader, logger: Logger) -> None:
        """See whether ids stay, and tell where it cannot be seen.

        Raises:
            StreamError: They do not.
        """
        if not self._known or any(reader.has(sample.id) for sample in self._known):
            return
        for sample in self._known:
            for row in reader.glance(_around(sample.modified)):
                if row["id"] != sample.id and _content(row) == sample.content:
                    raise StreamError(self._doubled(sample, row))
        logger.warning(
            "%s: no record of the last run that was looked for is found any more. If "
            "nobody has deleted them, its ids are new with each session, and its "
            "natural key must be named as `key` in setting 'entities'.",
            self._entity,
        )

    def _doubled(self, sample: Sample, row: Row) -> str:
        return (
            f"{self._entity}: the record that had the id {sample.id} in the last run "
            f"has come again with the same content and the id {row['id']}. Its ids are "
            "new with each session, so a target would take the rows of each run for "
            "further ones. Name the fields of its natural key as `key` in setting "
            "'entities', and empty the table that was filled by ids."
        )


def _samples(entity: str, kept: Any) -> Iterable[Sample]:  # noqa: ANN401 - any JSON
    if kept is not None and kept["entity"] == entity:
        for row in kept["rows"]:
            yield Sample(row["id"], row["content"], moment(row["modified"]))


def _told(sample: Sample) -> dict[str, str | None]:
    modified = sample.modified.isoformat() if sample.modified else None
    return {"id": sample.id, "content": sample.content, "modified": modified}


def _around(modified: datetime | None) -> Window:
    """Return the window of one instant; of all rows where there is none."""
    if modified is None:
        return Window()
    return Window(floor(modified) - INSTANT, floor(modified) + INSTANT)


def _content(row: Row) -> str:
    """Return the hash of what is the same in each session: fields that have a value."""
    fields = {
        name: member["value"]
        for name, member in sorted(row.items())
        if isinstance(member, dict) and "value" in member and name != "note"
    }
    return blake2b(exact_json.encode(fields), digest_size=12).hexdigest()
