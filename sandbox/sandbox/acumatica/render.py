"""Records as contract version 4 sends them: every value wrapped."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sandbox.acumatica.endpoints import Endpoint, Readable
    from sandbox.acumatica.query import Shape
    from sandbox.acumatica.values import Fields, Record

EMPTY: dict[str, Any] = {}
NO_NOTE = {"value": ""}

NestedId = Callable[[str, str, int], str]


def session_ids(session: str) -> NestedId:
    """Ids of nested entities: the same within a session, new in the next.

    Documented for detail lines; that linked entities do the same is inferred.
    """
    secret = session.encode()

    def nested_id(owner: str, name: str, number: int) -> str:
        text = f"{owner}/{name}/{number}".encode()
        digits = blake2b(text, digest_size=16, key=secret).hexdigest()
        return "-".join(
            (digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:])
        )

    return nested_id


class Renderer:
    """Writes the records of one entity for one session.

    Args:
        endpoint: The endpoint that is asked; links lead to it.
        name: The entity's name.
        behaviour: Names the view of file links.
        session: Decides the ids of nested entities.
    """

    def __init__(
        self, endpoint: Endpoint, name: str, behaviour: Readable, session: str
    ) -> None:
        self.base = endpoint.path
        self.name = name
        self.view = behaviour.view
        self.nested_id = session_ids(session)

    def rows(
        self, records: list[Record], shape: Shape, first: int
    ) -> Iterator[dict[str, Any]]:
        """A list's records; rows are numbered from ``first``."""
        for number, record in enumerate(records, first):
            yield self.record(record, shape, number)

    def record(self, record: Record, shape: Shape, number: int = 1) -> dict[str, Any]:
        """One top-level record."""
        note = {"value": record.note} if record.note else NO_NOTE
        row = self.entity(record.id, record.fields, shape, number)
        row["note"] = note
        row["_links"] = {
            "self": f"{self.base}/{self.name}/{record.id}",
            "files:put": f"{self.base}/files/{self.view}/{record.id}/{{filename}}",
        }
        if shape.files:
            row["files"] = []
        return row

    def entity(
        self, entity_id: str, fields: Fields, shape: Shape, number: int
    ) -> dict[str, Any]:
        """An entity at any depth."""
        row: dict[str, Any] = {"id": entity_id, "rowNumber": number, "note": NO_NOTE}
        get = fields.get
        for name in shape.fields:
            value = get(name)
            row[name] = EMPTY if value is None else {"value": value}
        for name, below in shape.linked.items():
            row[name] = self.linked(entity_id, name, get(name), below)
        for name, below in shape.details.items():
            row[name] = self.lines(entity_id, name, get(name) or [], below)
        row["custom"] = EMPTY
        return row

    def linked(
        self, owner: str, name: str, fields: Mapping[str, Any] | None, shape: Shape
    ) -> dict[str, Any]:
        """A linked entity; an absent one is empty."""
        if fields is None:
            return EMPTY
        return self.entity(self.nested_id(owner, name, 1), dict(fields), shape, 1)

    def lines(
        self, owner: str, name: str, lines: list[Fields], shape: Shape
    ) -> list[dict[str, Any]]:
        """Detail lines."""
        return [
            self.entity(self.nested_id(owner, name, number), line, shape, number)
            for number, line in enumerate(lines, 1)
        ]


def ad_hoc_schema(endpoint: Endpoint, name: str) -> dict[str, Any]:
    """The template record of ``$adHocSchema``: every field, every nested entity.

    Custom fields and their types would stand in ``custom`` at each level.
    """
    entity = endpoint.entities[name]
    template: dict[str, Any] = {"rowNumber": 1, "note": NO_NOTE}
    template |= dict.fromkeys(entity.scalars, EMPTY)
    for field, kind in entity.nested.items():
        below = ad_hoc_schema(endpoint, kind)
        template[field] = [below] if entity.is_array(field) else below
    return template | {"custom": EMPTY}
