"""Values that contract version 5 sends in another form than version 4.

Source: the endpoint metadata of Default/26.200.001. A drop-down has the code and the
description of its entry, a multi-select an array of them, a date-only field the
business date. A date-time is sent as before.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeAlias

from sandbox.acumatica.model import dropdowns

if TYPE_CHECKING:
    from sandbox.acumatica.model.endpoints import EntityType

Wrap: TypeAlias = Callable[[Any], Any]
"""Makes the value that is sent from the one that the company keeps."""


def wraps(name: str, entity: EntityType) -> dict[str, Wrap]:
    """The fields of an entity that are not sent as they are kept.

    Args:
        name: The entity's name.
        entity: The entity.
    """
    makers = {
        "DateOnlyValue": date_only,
        "StringSingleSelectValue": single_select,
        "StringMultiSelectValue": multi_select,
        "IntSingleSelectValue": number_select,
    }
    return {
        field: makers[kind](name, field)
        for field, kind in entity.fields.items()
        if kind in makers
    }


def date_only(_entity: str, _field: str) -> Wrap:
    """The business date, which no time zone moves."""
    return lambda value: value[:10]


def single_select(entity: str, field: str) -> Wrap:
    """An entry of a list of texts."""

    def entry(value: str) -> dict[str, str]:
        return {"id": dropdowns.code(entity, field, value), "description": value}

    return entry


def multi_select(entity: str, field: str) -> Wrap:
    """Several entries, which are kept, and sent by version 4, as ``One,Two``."""
    entry = single_select(entity, field)
    return lambda value: [entry(part.strip()) for part in value.split(",") if part]


def number_select(_entity: str, _field: str) -> Wrap:
    """An entry of a list of numbers."""
    return lambda value: {"id": dropdowns.minutes(value), "description": value}
