"""What is asked for of an entity: fields, custom fields, nested entities (pure)."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping


@dataclass(frozen=True)
class Shape:
    """What is asked for of an entity, or of one that is nested in it.

    Attributes:
        fields: The fields with one value.
        custom: The custom fields, as ``View.Field``.
        nested: The detail arrays and linked objects.
        complete: Whether no field was left out, so that they need not be named.
    """

    fields: tuple[str, ...] = ()
    custom: tuple[str, ...] = ()
    nested: Mapping[str, Shape] = field(default_factory=dict)
    complete: bool = True

    def without(self, names: Collection[str]) -> Shape:
        """Return the shape without some nested entities."""
        kept = {n: below for n, below in self.nested.items() if n not in names}
        return replace(self, nested=kept)

    def bare(self) -> Shape:
        """Return the shape without anything but its own fields."""
        return replace(self, custom=(), nested={})

    def parts(self, count: int, least: Shape) -> list[Shape]:
        """Return shapes that together ask for the same.

        Args:
            count: How many at most; each has a share of the nested entities and custom
                fields.
            least: The fields of all but the first.
        """
        names = [*self.custom, *self.nested]
        count = max(1, min(count, len(names)))
        shares = [set(names[n::count]) for n in range(count)]
        return [
            replace(
                least if n else self,
                custom=tuple(name for name in self.custom if name in share),
                nested={name: b for name, b in self.nested.items() if name in share},
            )
            for n, share in enumerate(shares)
        ]

    def shallow(self) -> Shape:
        """Return the shape with nested entities that leave nothing out."""
        nested = {
            name: replace(below.shallow(), complete=True)
            for name, below in self.nested.items()
        }
        return replace(self, nested=nested)

    def expanded(self) -> Iterator[str]:
        """Yield the paths of the nested entities, such as ``MainContact/Address``."""
        for name, below in self.nested.items():
            yield name
            yield from (f"{name}/{path}" for path in below.expanded())

    def customised(self) -> Iterator[str]:
        """Yield the paths of the custom fields, such as ``Details/View.Field``."""
        yield from self.custom
        for name, below in self.nested.items():
            yield from (f"{name}/{path}" for path in below.customised())

    def selected(self) -> Iterator[str]:
        """Yield the paths of the fields, and of what is nested and named as a whole."""
        yield from self.fields
        for name, below in self.nested.items():
            if below.is_named_whole():
                yield name
            else:
                yield from (f"{name}/{path}" for path in below.selected())

    def is_named_whole(self) -> bool:
        """Tell whether no fields of it are named: all are wanted, or none.

        Custom fields and the note come with what they belong to, as far as it is named.
        """
        by_parts = self.fields or (self.nested and not self.custom)
        return self.is_complete() or not by_parts

    def is_complete(self) -> bool:
        """Tell whether no field was left out, here or below."""
        return self.complete and all(b.is_complete() for b in self.nested.values())
