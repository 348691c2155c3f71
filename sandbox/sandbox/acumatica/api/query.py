"""What a request asks for: its shape, and its page (``$top``, ``$skip``).

Other parameters, ``$orderby`` among them, are ignored without a word.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sandbox.acumatica.api import errors, selection
from sandbox.acumatica.api.selection import Asked, join
from sandbox.acumatica.api.wrapping import Wrap, wraps
from sandbox.acumatica.model.custom_fields import CustomField, custom_fields
from sandbox.acumatica.model.derived import DERIVED, Source
from sandbox.acumatica.model.endpoints import TABLES, Endpoint, EntityType

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping


@dataclass(frozen=True)
class Shape:
    """Which members of an entity are written, and how.

    Attributes:
        fields: The fields with one value.
        linked: Linked entities and their shapes.
        details: Detail arrays and the shapes of their lines.
        sources: Where values come from that are not kept under the field's name.
        wraps: The fields that are not sent as they are kept.
        customs: The custom fields.
        files: Whether the list of attached files is written.
    """

    fields: tuple[str, ...]
    linked: Mapping[str, Shape]
    details: Mapping[str, Shape]
    sources: Mapping[str, Source]
    wraps: Mapping[str, Wrap]
    customs: tuple[CustomField, ...] = ()
    files: bool = False


EMPTY_TYPE = EntityType("Detail", {})
"""What hangs from a field with one value: nothing."""


def request_shape(
    endpoint: Endpoint, name: str, parameters: Mapping[str, str], *, customs: bool
) -> Shape:
    """The shape that a request's parameters ask for.

    Args:
        endpoint: The endpoint that is asked.
        name: The entity.
        parameters: The decoded query.
        customs: Whether the tenant has custom fields.

    Raises:
        AnswerError: A name is none of the entity's fields.
    """
    wanted = selection.read(parameters, endpoint.contract)
    if TABLES[endpoint.table(name)].ignores_select:
        wanted.select = None
        wanted.inner.clear()
    shaper = Shaper(endpoint, endpoint.table(name), wanted, customs=customs)
    shaper.check(name)
    return shaper.shape(name)


class Shaper:
    """Finds the shapes of an entity and of what is nested in it.

    Args:
        endpoint: The endpoint that is asked.
        table: The company's table of the entity at the top.
        wanted: What is asked for.
        customs: Whether the tenant has custom fields.
    """

    def __init__(
        self, endpoint: Endpoint, table: str, wanted: Asked, *, customs: bool
    ) -> None:
        self.endpoint = endpoint
        self.table = table
        self.wanted = wanted
        self.customs = customs

    def check(self, name: str) -> None:
        """Refuse names that the endpoint or the tenant lacks."""
        entity = self.endpoint.entities[name]
        for path in self.wanted.plain():
            check_path(self.endpoint, entity, path)
        for path in self.wanted.expand:
            if path in entity.scalars:
                raise errors.unknown_field(path)
        for path in self.wanted.custom:
            parent, _, field = path.rpartition("/")
            if field not in {custom.path for custom in self.custom_fields(parent)}:
                raise errors.unknown_field(path)

    def shape(self, name: str, path: str = "") -> Shape:
        """The shape of an entity at a path.

        A name that is expanded but not selected is dropped without a word, and so is
        one whose parent is not expanded.
        """
        entity = self.endpoint.entities[name]
        selection = self.wanted.selection(path)

        def wanted(field: str) -> bool:
            return selection is None or field in selection

        nested = {
            field: self.shape(kind, join(path, field))
            for field, kind in entity.nested.items()
            if join(path, field) in self.wanted.expand and wanted(field)
        }
        return Shape(
            fields=tuple(filter(wanted, entity.scalars)),
            linked={n: s for n, s in nested.items() if not entity.is_array(n)},
            details={n: s for n, s in nested.items() if entity.is_array(n)},
            sources=self.sources(name, path),
            wraps=wraps(name, entity),
            customs=tuple(
                custom
                for custom in self.custom_fields(path)
                if join(path, custom.path) in self.wanted.custom
            ),
            files=self.wanted.files and not path,
        )

    def custom_fields(self, path: str) -> tuple[CustomField, ...]:
        """The tenant's custom fields at a path."""
        return custom_fields(self.table, path) if self.customs else ()

    def sources(self, name: str, path: str) -> dict[str, Source]:
        """Where values come from that are not kept under the field's name."""
        entity = self.endpoint.entities[name]
        sources: dict[str, Source] = {
            field: source
            for field, source in DERIVED.get(entity.table or name, {}).items()
            if field in entity.fields
        }
        customs = {custom.path: custom for custom in custom_fields(self.table, path)}
        for field, stored in entity.stored.items():
            if stored in customs:
                sources[field] = customs[stored].value
            else:
                sources[field] = kept(stored)
        return sources


def kept(name: str) -> Source:
    """The source of a renamed field's values."""
    return lambda fields, _origin: fields.get(name)


def check_path(endpoint: Endpoint, entity: EntityType, path: str) -> None:
    """Refuse a path that names a field which the endpoint lacks."""
    for name in path.split("/"):
        if name not in entity.fields:
            raise errors.unknown_field(path)
        entity = endpoint.entities.get(entity.nested.get(name, ""), EMPTY_TYPE)


def check_optimizable(
    endpoint: Endpoint, name: str, shape: Shape, delegates: Collection[str]
) -> None:
    """Refuse to list what the list optimiser cannot read.

    Args:
        endpoint: The endpoint.
        name: The entity that is listed.
        shape: What is to be written of it.
        delegates: The fields, expansions and custom fields with a BQL delegate behind
            them.

    Raises:
        AnswerError: One of them is to be written.
    """
    nested = endpoint.entities[name].nested
    expanded = [path for path in (*shape.linked, *shape.details) if path in delegates]
    firsts = [endpoint.entities[nested[path]].scalars[0] for path in expanded]
    fields = zip(expanded, firsts, strict=True)
    causes = [(f"{path}.{field}", path) for path, field in fields]
    causes += [(field, field) for field in shape.fields if field in delegates]
    causes += [(c.path, c.view) for c in shape.customs if c.path in delegates]
    if causes:
        raise errors.not_optimizable(causes)


def page(parameters: Mapping[str, str]) -> slice:
    """The rows between ``$skip`` and ``$skip`` + ``$top``; all without ``$top``."""
    start = whole_number("$skip", parameters.get("$skip", "0"))
    if "$top" not in parameters:
        return slice(start, None)
    return slice(start, start + whole_number("$top", parameters["$top"]))


def whole_number(name: str, text: str) -> int:
    """The value of ``$top`` or ``$skip``."""
    if not (text.isascii() and text.isdigit()):
        raise errors.failure(
            errors.ODATA,
            f"Invalid value '{text}' for {name} query option found. The {name} query "
            "option requires a non-negative integer value.",
        )
    return int(text)
