"""What a catalog knows of a stream, and what its endpoint has now (pure)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

Schema = dict[str, Any]
Breadcrumb = tuple[str, ...]


def custom_paths(
    schema: Schema, mask: Mapping[Breadcrumb, bool], breadcrumb: Breadcrumb = ()
) -> Iterator[str]:
    """Yield the custom fields that a stream's schema names, at the top and below.

    Args:
        schema: The schema, such as that of a catalog.
        mask: Which of its breadcrumbs are selected; the others do not count.
        breadcrumb: Where the schema stands in that of the stream.
    """
    members: Schema = schema.get("items", schema).get("properties", {})
    for name, member in members.items():
        path = (*breadcrumb, "properties", name)
        if not mask[path]:
            continue
        if path[-5:-4] == ("custom",):
            *above, _, view, field_name = path[1::2]
            yield "/".join([*above, f"{view}.{field_name}"])
        else:
            yield from custom_paths(member, mask, path)


def renewed(known: Schema, there: Schema) -> Schema:
    """Return a known schema with the members that are there now, here and below.

    What is known of a member stays; what is there besides is added.
    """
    if "items" in known and "items" in there:
        return {**known, "items": renewed(known["items"], there["items"])}
    if "properties" not in there or "object" not in known.get("type", "object"):
        return known
    chosen = known.get("properties", {})
    members = {
        name: renewed(chosen[name], member) if name in chosen else member
        for name, member in there["properties"].items()
    }
    return {**known, "properties": members}


def gone(
    known: Schema, there: Schema, breadcrumb: Breadcrumb = ()
) -> Iterator[Breadcrumb]:
    """Yield the members of a known schema, here and below, that are not there now.

    Args:
        known: The schema.
        there: What is there.
        breadcrumb: Where the two stand in the schema of the stream.
    """
    known, there = known.get("items", known), there.get("items", there)
    members: Schema = there.get("properties", {})
    for name, member in known.get("properties", {}).items():
        path = (*breadcrumb, "properties", name)
        if name not in members:
            yield path
        else:
            yield from gone(member, members[name], path)


def hollow(
    schema: Schema, mask: Mapping[Breadcrumb, bool], breadcrumb: Breadcrumb = ()
) -> Iterator[Breadcrumb]:
    """Yield the selected objects of which no member is selected.

    Args:
        schema: A stream's schema, such as that of a catalog.
        mask: Which of its breadcrumbs are selected.
        breadcrumb: Where the schema stands in that of the stream.
    """
    for name, member in schema.get("properties", {}).items():
        path = (*breadcrumb, "properties", name)
        if mask[path] and _is_hollow(member, mask, path):
            yield path
        elif mask[path]:
            yield from hollow(member, mask, path)


def _is_hollow(
    schema: Schema, mask: Mapping[Breadcrumb, bool], breadcrumb: Breadcrumb
) -> bool:
    members: Schema = schema.get("properties", {})
    paths = {name: (*breadcrumb, "properties", name) for name in members}
    return bool(members) and not any(
        mask[path] and not _is_hollow(members[name], mask, path)
        for name, path in paths.items()
    )
