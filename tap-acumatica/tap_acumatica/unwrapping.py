"""Unwrap records of the contract-based REST API (pure).

Every field arrives as ``{"value": …}``, an empty one as ``{}``. From contract version 5
on the value of a drop-down is its option, with an id and a description. Source:
Integration Development Guide, "Representation of a Record in JSON Format".
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from tap_acumatica.schema import CHOICE_ID, OPTION

if TYPE_CHECKING:
    from collections.abc import Collection

Json = Any

# A custom field also names its type, an empty one nothing else.
_WRAPPER = frozenset({"value", "error", "type"})
_DROPPED = frozenset({"_links", "files", "error"})
# They change with paging or with the session, though the record has not changed.
_DROPPED_AT_TOP = _DROPPED | {"rowNumber"}
_OF_ALL_ENTITIES = _DROPPED_AT_TOP | {"id", "note", "custom"}
_DROPPED_FROM_LINES = _DROPPED | {"id"}
_DROPPED_FROM_LINKED = _DROPPED | {"id", "rowNumber"}


class _Option(NamedTuple):
    """A drop-down's value before its two parts become two fields."""

    id: Json
    description: Json


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
        self, members: dict[str, Json], path: str, dropped: Collection[str]
    ) -> dict[str, Json]:
        self._note_error(members, path)
        unwrapped: dict[str, Json] = {}
        for name, value in members.items():
            if name not in dropped:
                self._add(unwrapped, name, value, f"{path}/{name}" if path else name)
        return unwrapped

    def _add(
        self, unwrapped: dict[str, Json], name: str, value: Json, path: str
    ) -> None:
        """Add a member; a drop-down gives its description, and its id beside it."""
        if name == "custom" and isinstance(value, dict):
            unwrapped[name] = {
                view: self._view(fields, f"{path}/{view}")
                for view, fields in value.items()
            }
            return
        field = self._field(value, path)
        if isinstance(field, _Option):
            unwrapped[name], unwrapped[name + CHOICE_ID] = field.description, field.id
        elif isinstance(value, dict) and _are_options(field):
            unwrapped[name] = [option and option.description for option in field]
            unwrapped[name + CHOICE_ID] = [option and option.id for option in field]
        else:
            unwrapped[name] = field

    def _view(self, fields: Json, path: str) -> Json:
        return self._members(fields, path, ()) if isinstance(fields, dict) else None

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
        return self._members(value, path, _DROPPED_FROM_LINKED)

    def _element(self, element: Json, path: str) -> Json:
        if isinstance(element, dict):
            return self._members(element, path, _DROPPED_FROM_LINES)
        return self._field(element, path)

    def _scalar(self, value: Json) -> Json:
        if isinstance(value, str):
            return value.rstrip(" ") if self.trim else value
        if isinstance(value, dict) and value.keys() & OPTION:
            return _Option(*(self._scalar(value.get(part)) for part in _Option._fields))
        if isinstance(value, list):
            return [self._scalar(element) for element in value]
        return value

    def _note_error(self, members: dict[str, Json], path: str) -> None:
        if message := members.get("error"):
            self.errors.append(FieldError(path, str(message)))


def is_blank(row: dict[str, Json]) -> bool:
    """Tell a row whose fields say nothing: each of them is empty, zero or false."""
    return bool(row.keys() - _OF_ALL_ENTITIES) and not says(row)


def says(member: Json) -> bool:
    """Tell whether a member has a value that is neither empty nor zero nor false."""
    if isinstance(member, list):
        return any(map(says, member))
    if not isinstance(member, dict):
        return bool(member)
    if _is_wrapper(member):
        return says(member.get("value"))
    own = (value for name, value in member.items() if name not in _OF_ALL_ENTITIES)
    return any(map(says, own))


def _are_options(field: Json) -> bool:
    """Tell what is set of a drop-down of several options; it can be nothing."""
    return isinstance(field, list) and all(
        one is None or isinstance(one, _Option) for one in field
    )


def _is_wrapper(value: dict[str, Json]) -> bool:
    """Tell a field from a linked record."""
    return value.keys() <= _WRAPPER or ("type" in value and "value" in value)
