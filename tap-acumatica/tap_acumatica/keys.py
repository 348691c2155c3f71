"""What tells a row of an entity from all others: its id, or its natural key (pure).

Ids are NoteIDs, which stay. Records without one, as custom entities and those of
generic inquiries can be, get ids that are new with each session. Source: Integration
Development Guide, "Retrieve a Record by ID" and "Retrieve a Record by Key Fields".
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import quote, unquote

from tap_acumatica import exact_json, query
from tap_acumatica.errors import StreamError
from tap_acumatica.unwrapping import Unwrapper

if TYPE_CHECKING:
    from collections.abc import Sequence

Row = dict[str, Any]

_NO_ID = re.compile(r"[0{}\s-]*")
"""An empty id, or a GUID of zeros in any notation."""
_ADDRESSABLE = re.compile(r"(?![.\s])[\w ,.()'-]*[\w,()'-]")
"""Values that an address carries whatever the server takes for a separator, or its web
server for a danger."""


class KeyField(NamedTuple):
    """A field of a natural key.

    Attributes:
        name: The field.
        kind: ``string`` or ``integer`` where a filter can name its values.
    """

    name: str
    kind: str | None


class Identity:
    """Gives rows the names by which they are told apart.

    A row's name stands in its ``id``: the id that the server has sent, or the values of
    the natural key, encoded and with slashes between them.

    Attributes:
        fields: The names of the natural key's fields; none where ids are the key.
    """

    def __init__(self, entity: str, key: Sequence[KeyField] = ()) -> None:
        """Describe how rows are named.

        Args:
            entity: The entity, for people.
            key: Its natural key; none where its ids stay.
        """
        self.fields = tuple(field.name for field in key)
        self._entity = entity
        self._key = key
        self._ids: dict[str, str] = {}

    @property
    def kind(self) -> str:
        """What the names are, for people."""
        return "key" if self._key else "id"

    def name(self, row: Row) -> None:
        """Put a row's name into its ``id``.

        Raises:
            StreamError: It has none, or one that other rows may have as well.
        """
        if not self._key:
            if _NO_ID.fullmatch(row["id"]):
                raise StreamError(self._nameless(row["id"]))
            return
        texts = self._texts(row)
        name = "/".join(quote(text, safe="") for text in texts)
        if not all(map(_ADDRESSABLE.fullmatch, texts)):
            self._ids[name] = row["id"]
        row["id"] = name

    def address(self, name: str) -> str:
        """Return what stands for a row in the address of a reading of it alone.

        A key that holds a slash cannot be addressed, its id in this session can.
        """
        return self._ids.get(name, name)

    def condition(self, name: str) -> str | None:
        """Return the filter that finds a row by its key; None where there is none."""
        values = zip(self._key, map(unquote, name.split("/")), strict=True)
        parts = [query.equal(field.name, field.kind, value) for field, value in values]
        return None if None in parts else " and ".join(filter(None, parts))

    def _texts(self, row: Row) -> list[str]:
        """Return the values of the natural key as they stand in the record."""
        wrapped = {field: row.get(field) for field in self.fields}
        values = Unwrapper(trim=True).record(wrapped)
        empty = [field for field in self.fields if values[field] is None]
        if empty or not any(values[field] != "" for field in self.fields):
            raise StreamError(
                f"{self._entity}: a record has no value in {(empty or self.fields)[0]},"
                " which setting 'entities' names in its key; name fields that every "
                "record has."
            )
        texts = (values[field] for field in self.fields)
        return [
            t if isinstance(t, str) else exact_json.encode(t).decode() for t in texts
        ]

    def _nameless(self, id_: str) -> str:
        return (
            f"{self._entity}: the server answered a record with the id {id_!r}, which "
            "others may have as well, so that one would take the other's place. Name "
            "the fields of its natural key in setting 'entities', as `key`."
        )
