"""From the tenant's swagger to the JSON Schema of a stream (pure)."""

from __future__ import annotations

from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from tap_acumatica import contract
from tap_acumatica.errors import AcumaticaError
from tap_acumatica.projection import Shape

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping

Schema = dict[str, Any]
Breadcrumb = tuple[str, ...]

ID: Schema = {"type": "string", "format": "uuid"}
TEXT: Schema = {"type": "string"}
NOTE: Schema = {"type": ["string", "null"]}
ROW_NUMBER: Schema = {"type": ["integer", "null"]}
ANY: Schema = {"type": ["string", "number", "boolean", "object", "array", "null"]}

CHOICE_ID = "_id"
"""What follows a drop-down's name in the name of the field with the option's id."""
OPTION = frozenset({"id", "description"})
"""What tells an option from other values; either may be missing, others may come."""
CUSTOM_TYPES: dict[str, Schema] = {
    "Boolean": {"type": "boolean"},
    "Byte": {"type": "integer"},
    "DateOnly": {"type": "string", "format": "date"},
    "DateTime": {"type": "string", "format": "date-time"},
    "Decimal": {"type": "number"},
    "Double": {"type": "number"},
    "Guid": {"type": "string", "format": "uuid"},
    "Int": {"type": "integer"},
    "Long": {"type": "integer"},
    "Short": {"type": "integer"},
    "String": {"type": "string"},
}
"""The values of custom fields, by what stands between ``Custom`` and ``Field``."""

_SYSTEM_MEMBERS = frozenset(
    {"id", "rowNumber", "note", "custom", "error", "files", "_links"}
)
_KEPT_FORMATS = frozenset({"date", "date-time", "uuid"})


@dataclass
class Structure:
    """An entity as a stream holds it: at the top, in a detail array, or linked.

    Attributes:
        fields: The JSON Schema of each field; a drop-down has one for its id as well.
        custom: The same of custom fields, by view and field.
        details: The lines of detail arrays.
        linked: The linked objects.
        choices: The fields that are drop-downs.
        undescribed: The paths of members that the swagger does not describe as it
            describes others, so that they are left out, here and below.
    """

    fields: dict[str, Schema] = field(default_factory=dict)
    custom: dict[str, dict[str, Schema]] = field(default_factory=dict)
    details: dict[str, Structure] = field(default_factory=dict)
    linked: dict[str, Structure] = field(default_factory=dict)
    choices: set[str] = field(default_factory=set)
    undescribed: list[str] = field(default_factory=list)

    def schema(self, *, with_id: bool = True) -> Schema:
        """Return the JSON Schema of the unwrapped records of a stream.

        Args:
            with_id: Whether records have an id that stays.
        """
        id_ = {"id": ID} if with_id else {}
        return {"type": "object", "properties": {**id_, **self.members()}}

    def members(self) -> Schema:
        """Return the JSON Schema of each member of the unwrapped entity."""
        lines = {name: _array(below) for name, below in self.details.items()}
        linked = {name: _object(below.members()) for name, below in self.linked.items()}
        views = {view: _object(fields) for view, fields in self.custom.items()}
        custom = _object(views) if views else {"type": ["object", "null"]}
        return {**self.fields, **lines, **linked, "note": NOTE, "custom": custom}

    def filtered_as(self, name: str) -> str | None:
        """Return the type by which a filter names a field's values: text or integer.

        Raises:
            KeyError: The entity has no field of that name with one value.
        """
        schema = self.fields[name]
        kind: str = schema["type"][0]
        if kind == "array" or self._is_choice_id(name):
            raise KeyError(name)
        is_plain = schema == {"type": [kind, "null"]} and name not in self.choices
        return kind if is_plain and kind in {"string", "integer"} else None

    def fill(self, record: dict[str, Any]) -> None:
        """Give a record the ids of drop-downs that are empty, at the top level."""
        for name in self.choices:
            record.setdefault(name + CHOICE_ID, None)

    def add_custom(
        self, template: Mapping[str, Any], patterns: Collection[str], path: str = ""
    ) -> None:
        """Add the custom fields of an ad-hoc schema that match a pattern.

        Args:
            template: The answer of ``$adHocSchema``: a record with all its members.
            patterns: Shell patterns of paths such as ``Details/Transactions.UsrRate``.
            path: Where this entity stands, such as ``Details/``.
        """
        for view, name, kind in _custom_fields(template):
            if any(fnmatchcase(f"{path}{view}.{name}", one) for one in patterns):
                self.custom.setdefault(view, {})[name] = custom_schema(kind)
        for name, below in (self.details | self.linked).items():
            part = template.get(name)
            part = part[0] if isinstance(part, list) and part else part
            if isinstance(part, dict):
                below.add_custom(part, patterns, f"{path}{name}/")

    def shape(
        self, mask: Mapping[Breadcrumb, bool], breadcrumb: Breadcrumb = ()
    ) -> Shape:
        """Return what to ask for.

        Args:
            mask: Which breadcrumbs of the catalog are selected. Lines are selected as a
                whole, since catalogs have no breadcrumbs inside of arrays.
            breadcrumb: Where this entity stands in the stream's schema.
        """

        def chosen(*names: str) -> bool:
            below = (part for name in names for part in ("properties", name))
            return mask[(*breadcrumb, *below)]

        own = [name for name in self.fields if not self._is_choice_id(name)]
        fields = tuple(
            name
            for name in own
            if chosen(name) or (name in self.choices and chosen(name + CHOICE_ID))
        )
        custom = tuple(
            f"{view}.{name}"
            for view, names in self.custom.items()
            for name in names
            if chosen("custom", view, name)
        )
        lines = {n: s.whole() for n, s in self.details.items() if chosen(n)}
        linked = {
            name: below.shape(mask, (*breadcrumb, "properties", name))
            for name, below in self.linked.items()
            if chosen(name)
        }
        return Shape(fields, custom, lines | linked, complete=len(fields) == len(own))

    def whole(self) -> Shape:
        """Return the shape that asks for everything."""
        return self.shape(_Everything())

    def _is_choice_id(self, name: str) -> bool:
        return name.endswith(CHOICE_ID) and name[: -len(CHOICE_ID)] in self.choices


class _Everything(dict[Breadcrumb, bool]):
    """A mask that selects every breadcrumb."""

    def __missing__(self, _breadcrumb: Breadcrumb) -> bool:
        return True


class Swagger:
    """An endpoint's swagger.json: OpenAPI 3.0, or Swagger 2.0 from older builds."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        """Wrap a decoded swagger.json.

        Raises:
            AcumaticaError: The document describes no schemas.
        """
        try:
            definitions = document.get("definitions")
            self._definitions: Mapping[str, Schema] = (
                document["components"]["schemas"]
                if definitions is None
                else definitions
            )
            self._definitions.keys()
        except (AttributeError, KeyError, TypeError) as error:
            raise AcumaticaError(
                "The endpoint's swagger.json has neither components.schemas nor "
                "definitions, so it is no OpenAPI 3 or Swagger 2 description."
            ) from error
        self._paths = _part(document, "paths")
        self._told = _part(document, "info").get("version")

    @property
    def entities(self) -> list[str]:
        """The top-level entities: what can be read at an address of its own."""
        read = [path for path in self._paths if "get" in _part(self._paths, path)]
        addressed = {path.rpartition("/")[2] for path in read}
        return sorted(addressed & self._definitions.keys())

    @property
    def contract(self) -> int:
        """The contract version: what ``info.version`` says.

        It does so in each published swagger.json. Where it says something else, the
        wrappers that are declared tell it.
        """
        return contract.told(self._told) or self._declared_contract

    @property
    def doubt(self) -> str:
        """Why the contract version may be another one; empty where nothing says so."""
        # A small endpoint of version 5 need not have any of its types.
        if (contract.told(self._told) or 0) >= self._declared_contract:
            return ""
        return (
            f"info.version of its swagger.json is {self._told!r}, the types that it "
            f"declares are those of contract version {self._declared_contract}"
        )

    @property
    def _declared_contract(self) -> int:
        return contract.declared(self._definitions)

    def structure(self, entity: str, expand: Collection[str]) -> Structure:
        """Return how an entity is made up.

        Args:
            entity: A top-level entity, such as ``Bill``.
            expand: The paths of the linked and detail entities that are asked for;
                the others never arrive, so they are no part of it.

        Raises:
            AcumaticaError: A field has the name of a drop-down's id.
        """
        return self._structure(entity, "", expand)

    def nested(self, entity: str) -> list[str]:
        """Return the detail arrays and linked objects of an entity, in its order."""
        return [
            name
            for name, member in self._properties(entity).items()
            if self._is_nested(member)
        ]

    def missing(self, entity: str, paths: Iterable[str]) -> list[str]:
        """Return those of the paths that the entity does not have in this version."""
        return [path for path in paths if not self._has(entity, path.split("/"))]

    def _has(self, entity: str, path: list[str]) -> bool:
        member = self._properties(entity).get(path[0])
        if member is None or not self._is_nested(member):
            return False
        return len(path) == 1 or self._has(_entity_name(member), path[1:])

    def _is_nested(self, member: Schema) -> bool:
        is_array = member.get("type") == "array"
        return is_array or "value" not in self._members(_entity_name(member))

    def _structure(self, entity: str, path: str, expand: Collection[str]) -> Structure:
        made = Structure()
        made.undescribed += [path + name for name in self._undescribed(entity)]
        for name, member in self._properties(entity).items():
            if not self._is_nested(member):
                self._add_field(made, name, _entity_name(member))
            elif (below := path + name) in expand:
                part = self._structure(_entity_name(member), f"{below}/", expand)
                made.undescribed += part.undescribed
                is_array = member.get("type") == "array"
                (made.details if is_array else made.linked)[name] = part
        if taken := [
            c for c in made.choices if c + CHOICE_ID in self._properties(entity)
        ]:
            raise AcumaticaError(
                f"{entity}: the id of drop-down {taken[0]} would be field "
                f"{taken[0]}{CHOICE_ID}, which the entity has as a field of its own."
            )
        return made

    def _add_field(self, made: Structure, name: str, wrapper: str) -> None:
        value = self._resolved(_part(self._members(wrapper), "value"))
        if option := self._option(value):
            made.choices.add(name)
            made.fields[name] = _text_or_texts(value, option.get("description", TEXT))
            made.fields[name + CHOICE_ID] = _text_or_texts(
                value, option.get("id", TEXT)
            )
        else:
            made.fields[name] = _scalar(value)

    def _option(self, value: Schema) -> Schema | None:
        """Return the members of a drop-down's options, None for other values."""
        option = self._resolved(_part(value, "items") or value)
        members = _part(option, "properties")
        return members if members.keys() & OPTION else None

    def _resolved(self, schema: Schema) -> Schema:
        if "$ref" not in schema:
            return schema
        return _part(self._definitions, _entity_name(schema))

    def _properties(self, entity: str) -> Schema:
        """Return an entity's own fields, without the members that all entities have."""
        members = self._own(entity)
        return {
            n: member for n, member in members.items() if self._is_described(member)
        }

    def _undescribed(self, entity: str) -> list[str]:
        members = self._own(entity)
        return [n for n, member in members.items() if not self._is_described(member)]

    def _own(self, entity: str) -> Schema:
        members = self._members(entity)
        return {n: member for n, member in members.items() if n not in _SYSTEM_MEMBERS}

    def _is_described(self, member: object) -> bool:
        """Tell whether a member refers to a definition, as the guide says it does."""
        return isinstance(member, dict) and isinstance(
            self._definitions.get(_entity_name(member)), dict
        )

    def _members(self, name: str) -> Schema:
        definition = _part(self._definitions, name)
        parts = definition.get("allOf") or [definition]
        return {n: m for part in parts for n, m in _part(part, "properties").items()}


def custom_schema(kind: str) -> Schema:
    """Return the JSON Schema of a custom field.

    Args:
        kind: Its type, such as ``CustomDecimalField``; one that is not known may hold
            anything.
    """
    name = kind.removeprefix("Custom").removesuffix("Field")
    return _scalar(CUSTOM_TYPES[name]) if name in CUSTOM_TYPES else ANY


def _custom_fields(template: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Yield view, field and type of the custom fields of a template record."""
    views = _part(template, "custom")
    for view in views:
        for name in (fields := _part(views, view)):
            yield view, name, str(_part(fields, name).get("type", ""))


def _part(document: Mapping[str, Any], name: str) -> Schema:
    """Return an object below another one; an empty one where there is none."""
    found = document.get(name) if isinstance(document, dict) else None
    return found if isinstance(found, dict) else {}


def _entity_name(member: Schema) -> str:
    """Return what a member refers to; an empty text where it refers to nothing."""
    reference = _part(member, "items") or member
    return str(reference.get("$ref", "")).rpartition("/")[2]


def _array(line: Structure) -> Schema:
    members = {"rowNumber": ROW_NUMBER, **line.members()}
    return {"type": ["array", "null"], "items": _object(members)}


def _object(members: Schema) -> Schema:
    return {"type": ["object", "null"], "properties": members}


def _text_or_texts(value: Schema, member: Schema) -> Schema:
    """Return a drop-down's schema: one value, or an array where several can be set."""
    if value.get("type") == "array":
        return {"type": ["array", "null"], "items": _scalar(member)}
    return _scalar(member)


def _scalar(value: Schema) -> Schema:
    if not isinstance(value.get("type"), str):
        return ANY
    scalar: Schema = {"type": [value["type"], "null"]}
    if value.get("format") in _KEPT_FORMATS:
        scalar["format"] = value["format"]
    return scalar
