"""Records as the server sends them: every value wrapped."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

from sandbox.acumatica.api.selection import join
from sandbox.acumatica.model.endpoints import TABLES

if TYPE_CHECKING:
    from sandbox.acumatica.api.query import Shape
    from sandbox.acumatica.model.custom_fields import CustomField
    from sandbox.acumatica.model.endpoints import Endpoint
    from sandbox.acumatica.model.values import Fields, Record

EMPTY: dict[str, Any] = {}

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


@dataclass(frozen=True)
class Style:
    """What differs between servers.

    Attributes:
        site: The path below which the instance is served, empty at the root.
        plain_notes: Notes are texts, as older builds send them.
        session_ids: Tables whose records have ids that are new in each session.
    """

    site: str = ""
    plain_notes: bool = False
    session_ids: Collection[str] = ()

    def note(self, text: str) -> object:
        """A note as the server sends it."""
        return text if self.plain_notes else {"value": text}


class Renderer:
    """Writes the records of one entity for one session.

    Args:
        endpoint: The endpoint that is asked; links lead to it.
        name: The entity's name.
        session: Decides the ids of nested entities.
        style: How the server writes.
    """

    def __init__(
        self, endpoint: Endpoint, name: str, session: str, style: Style
    ) -> None:
        self.base = style.site + endpoint.path
        self.name = name
        table = endpoint.table(name)
        self.view = TABLES[table].view
        self.has_note_ids = table not in style.session_ids
        self.nested_id = session_ids(session)
        self.style = style
        self.no_note = style.note("")

    def rows(
        self, records: list[Record], shape: Shape, first: int
    ) -> Iterator[dict[str, Any]]:
        """A list's records; rows are numbered from ``first``."""
        for number, record in enumerate(records, first):
            yield self.record(record, shape, number)

    def record(self, record: Record, shape: Shape, number: int = 1) -> dict[str, Any]:
        """One top-level record."""
        own_id = self.id(record)
        row = self.entity(own_id, record.id, record.fields, shape, number)
        if record.note:
            row["note"] = self.style.note(record.note)
        row["_links"] = {
            "self": f"{self.base}/{self.name}/{own_id}",
            "files:put": f"{self.base}/files/{self.view}/{own_id}/{{filename}}",
        }
        if shape.files:
            row["files"] = []
        return row

    def id(self, record: Record) -> str:
        """A record's NoteID, or what stands for it in the session."""
        return record.id if self.has_note_ids else self.nested_id(record.id, "", 0)

    def entity(
        self, entity_id: str, origin: str, fields: Fields, shape: Shape, number: int
    ) -> dict[str, Any]:
        """An entity at any depth; ``origin`` is its place in the company."""
        if shape.sources:
            fields = fields | sourced(fields, shape, origin)
        row: dict[str, Any] = {
            "id": entity_id,
            "rowNumber": number,
            "note": self.no_note,
        }
        get = fields.get
        for name in shape.fields:
            value = get(name)
            row[name] = EMPTY if value is None else {"value": value}
        for name, wrap in shape.wraps.items():
            if wrapped := row.get(name):
                row[name] = {"value": wrap(wrapped["value"])}
        owner = (entity_id, origin)
        for name, below in shape.linked.items():
            row[name] = self.linked(owner, name, get(name), below)
        for name, below in shape.details.items():
            row[name] = self.lines(owner, name, get(name) or [], below)
        row["custom"] = custom(fields, shape, origin) if shape.customs else EMPTY
        return row

    def linked(
        self,
        owner: tuple[str, str],
        name: str,
        fields: Mapping[str, Any] | None,
        shape: Shape,
    ) -> dict[str, Any]:
        """A linked entity; an absent one is empty."""
        if fields is None:
            return EMPTY
        entity_id = self.nested_id(owner[0], name, 1)
        return self.entity(entity_id, f"{owner[1]}/{name}", dict(fields), shape, 1)

    def lines(
        self, owner: tuple[str, str], name: str, lines: list[Fields], shape: Shape
    ) -> list[dict[str, Any]]:
        """Detail lines."""
        entity_id, origin = owner
        return [
            self.entity(
                self.nested_id(entity_id, name, number),
                f"{origin}/{name}/{number}",
                line,
                shape,
                number,
            )
            for number, line in enumerate(lines, 1)
        ]


def sourced(fields: Fields, shape: Shape, origin: str) -> Fields:
    """The values that are not kept under the names of their fields."""
    return {
        name: source(fields, origin)
        for name, source in shape.sources.items()
        if fields.get(name) is None
    }


def custom(fields: Fields, shape: Shape, origin: str) -> dict[str, Any]:
    """The custom fields that were asked for; an empty one has a type only."""
    views: dict[str, Any] = {}
    for field in shape.customs:
        value = field.value(fields, origin)
        written = custom_type(field) | ({} if value is None else {"value": value})
        views.setdefault(field.view, {})[field.name] = written
    return views


def custom_type(field: CustomField) -> dict[str, Any]:
    """A custom field without a value."""
    return {"type": field.kind}


def ad_hoc_schema(
    endpoint: Endpoint, name: str, customs: Customs, style: Style, path: str = ""
) -> dict[str, Any]:
    """The template record of ``$adHocSchema``: every field, every nested entity.

    Custom fields and their types stand in ``custom`` at each level. Source: Retrieve
    the Schema of Custom Fields, in the vendor's integration guide.
    """
    entity = endpoint.entities[name]
    template: dict[str, Any] = {"rowNumber": 1, "note": style.note("")}
    template |= dict.fromkeys(entity.scalars, EMPTY)
    for field, kind in entity.nested.items():
        below = ad_hoc_schema(endpoint, kind, customs, style, join(path, field))
        template[field] = [below] if entity.is_array(field) else below
    views: dict[str, Any] = {}
    for custom_field in customs(path):
        views.setdefault(custom_field.view, {})[custom_field.name] = custom_type(
            custom_field
        )
    return template | {"custom": views}


Customs = Callable[[str], "tuple[CustomField, ...]"]
"""The tenant's custom fields at a path inside an entity."""
