"""Unwrap records of the contract-based REST API (pure).

Every field arrives as ``{"value": …}``, an empty one as ``{}``. Source: Integration
Development Guide, "Representation of a Record in JSON Format".
"""

from __future__ import annotations

from typing import Any, NamedTuple

Json = Any

# A custom field also names its type, an empty one nothing else.
_WRAPPER = frozenset({"value", "error", "type"})
_DROPPED = frozenset({"_links", "files", "error"})
# They change with paging or with the session, though the record has not changed.
_DROPPED_AT_TOP = _DROPPED | {"rowNumber"}
_DROPPED_BELOW = _DROPPED | {"id"}


class FieldError(NamedTuple):
    """An error that the server reports on a record or on one of its fields.

    Attributes:
        path: The field, such as ``Details/2/Account``; empty for the record itself.
        message: What the server says.
    """

    path: str
    message: str


class Unwrapper:
    """Unwraps one record and collects the errors that stand in it."""

    def __init__(self, *, trim: bool) -> None:
        """Prepare for one record.

        Args:
            trim: Cut trailing spaces off strings; keys can arrive padded.
        """
        self.trim = trim
        self.errors: list[FieldError] = []

    def record(self, record: dict[str, Json]) -> dict[str, Json]:
        """Return the record's fields without their wrappers."""
        return self._members(record, "", _DROPPED_AT_TOP)

    def _members(
        self, members: dict[str, Json], path: str, dropped: frozenset[str]
    ) -> dict[str, Json]:
        self._note_error(members, path)
        return {
            name: self._member(name, value, f"{path}/{name}" if path else name)
            for name, value in members.items()
            if name not in dropped
        }

    def _member(self, name: str, value: Json, path: str) -> Json:
        if name == "custom" and isinstance(value, dict):
            return {
                view: {
                    field: self._field(wrapped, f"{path}/{view}/{field}")
                    for field, wrapped in fields.items()
                }
                for view, fields in value.items()
            }
        return self._field(value, path)

    def _field(self, value: Json, path: str) -> Json:
        if isinstance(value, list):
            return [
                self._element(element, f"{path}/{index}")
                for index, element in enumerate(value)
            ]
        if not isinstance(value, dict):
            return self._scalar(value)
        if _is_wrapper(value):
            self._note_error(value, path)
            return self._scalar(value.get("value"))
        return self._members(value, path, _DROPPED_BELOW)

    def _element(self, element: Json, path: str) -> Json:
        if isinstance(element, dict):
            return self._members(element, path, _DROPPED_BELOW)
        return self._field(element, path)

    def _scalar(self, value: Json) -> Json:
        return value.rstrip(" ") if self.trim and isinstance(value, str) else value

    def _note_error(self, members: dict[str, Json], path: str) -> None:
        if message := members.get("error"):
            self.errors.append(FieldError(path, str(message)))


def _is_wrapper(value: dict[str, Json]) -> bool:
    """Tell a field from a linked record."""
    return value.keys() <= _WRAPPER or ("type" in value and "value" in value)
