"""What a request asks for: ``$select``, ``$expand``, ``$filter``, ``$top``, ``$skip``.

Other parameters, ``$orderby`` among them, are ignored without a word. ``$custom`` is
accepted; this company has no custom fields.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from sandbox.acumatica import errors
from sandbox.acumatica.endpoints import Endpoint, EntityType, Readable

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

FILES = "files"

Expanded: TypeAlias = dict[str, "Expanded"]
"""Names to expand, each with the names to expand inside it."""

Selected: TypeAlias = dict[str, "Selected | None"]
"""Names to send, each with the names to send inside it; None sends everything."""


@dataclass(frozen=True)
class Shape:
    """Which members of an entity are written.

    Attributes:
        fields: The fields with one value.
        linked: Linked entities and their shapes.
        details: Detail arrays and the shapes of their lines.
        files: Whether the list of attached files is written.
    """

    fields: tuple[str, ...]
    linked: Mapping[str, Shape]
    details: Mapping[str, Shape]
    files: bool = False


def names(parameter: str | None) -> list[str]:
    """The names in a comma-separated parameter."""
    return [name for part in (parameter or "").split(",") if (name := part.strip())]


def expansions(paths: Iterable[str]) -> Expanded:
    """The tree of ``MainContact,MainContact/Address``.

    A path whose parent is not expanded itself has nothing to hang from and is dropped.
    """
    wanted = set(paths)
    tree: Expanded = {}
    for path in sorted(wanted, key=lambda path: path.count("/")):
        *parents, name = path.split("/")
        node: Expanded | None = tree
        for parent in parents:
            node = node.get(parent) if node is not None else None
        if node is not None:
            node[name] = {}
    return tree


def selections(paths: Iterable[str]) -> Selected:
    """The tree of ``VendorID,MainContact/Email``; a whole name beats its parts."""
    tree: Selected = {}
    for path in sorted(paths, key=lambda path: path.count("/")):
        *parents, name = path.split("/")
        node: Selected | None = tree
        for parent in parents:
            node = None if node is None else node.setdefault(parent, {})
        if node is not None:
            node[name] = None
    return tree


def check_path(endpoint: Endpoint, entity: EntityType, path: str) -> None:
    """Refuse a path that names a field which the endpoint lacks."""
    for name in path.split("/"):
        if name not in entity.fields:
            raise errors.unknown_field(path)
        entity = endpoint.entities.get(entity.nested.get(name, ""), EMPTY_TYPE)


EMPTY_TYPE = EntityType("Detail", {})
"""What hangs from a field with one value: nothing."""


def request_shape(
    endpoint: Endpoint, name: str, behaviour: Readable, parameters: Mapping[str, str]
) -> Shape:
    """The shape that a request's ``$select`` and ``$expand`` ask for.

    Raises:
        AnswerError: A name is none of the entity's fields.
    """
    entity = endpoint.entities[name]
    expand = names(parameters.get("$expand"))
    select = [] if behaviour.ignores_select else names(parameters.get("$select"))
    with_files = FILES in expand
    expand = [path for path in expand if path != FILES]
    for path in [*expand, *select]:
        check_path(endpoint, entity, path)
    for path in expand:
        if path in entity.scalars:
            raise errors.unknown_field(path)
    selected = selections(select) if select else None
    return entity_shape(endpoint, entity, expansions(expand), selected, with_files)


def entity_shape(
    endpoint: Endpoint,
    entity: EntityType,
    expanded: Expanded,
    selected: Selected | None,
    files: bool = False,  # noqa: FBT001, FBT002 - the shape's own attribute
) -> Shape:
    """The shape of an entity below two trees of names.

    A name that is expanded but not selected is dropped without a word.
    """

    def wanted(name: str) -> bool:
        return selected is None or name in selected

    nested = {
        name: entity_shape(
            endpoint,
            endpoint.entities[entity.nested[name]],
            below,
            None if selected is None else selected[name],
        )
        for name, below in expanded.items()
        if name in entity.nested and wanted(name)
    }
    return Shape(
        fields=tuple(filter(wanted, entity.scalars)),
        linked={n: s for n, s in nested.items() if not entity.is_array(n)},
        details={n: s for n, s in nested.items() if entity.is_array(n)},
        files=files,
    )


def check_optimizable(
    endpoint: Endpoint, name: str, shape: Shape, delegates: Collection[str]
) -> None:
    """Refuse to list what the list optimiser cannot read.

    Args:
        endpoint: The endpoint.
        name: The entity that is listed.
        shape: What is to be written of it.
        delegates: The expansions with a BQL delegate behind them.

    Raises:
        AnswerError: One of them is to be written.
    """
    nested = endpoint.entities[name].nested
    expanded = [path for path in (*shape.linked, *shape.details) if path in delegates]
    if expanded:
        firsts = (endpoint.entities[nested[path]].scalars[0] for path in expanded)
        fields = zip(expanded, firsts, strict=True)
        causes = [(f"{path}.{field}", path) for path, field in fields]
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
