"""Taking out of a JSON Schema what cannot be checked here (pure functions)."""

from __future__ import annotations

from functools import cache, cached_property
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from jsonschema_rs import (
    Draft202012,
    Draft202012Validator,
    ReferencingError,
    RegexOptions,
    Registry,
    ValidationError,
)

from target_snowflake_merge.errors import excerpt
from target_snowflake_merge.schema.upgrade import held

if TYPE_CHECKING:
    from collections.abc import Callable

    from jsonschema_rs import Resolved

LINEAR = RegexOptions()
"""Patterns without look-around and back-references, which alone may take for ever:
https://docs.rs/regex/latest/regex/#untrusted-input
"""

REFERENCES = {"$ref", "$dynamicRef"}
DEFINITIONS = {"$defs", "definitions"}

UNEVALUATED = {"unevaluatedItems", "unevaluatedProperties"}
"""Keywords that depend on all that stands beside them."""

REVERSING = {"not", "oneOf", "if", "contains"}
"""Keywords that refuse a value since it fits a schema."""

ROOT = "json-schema:///"
"""The address of a schema that has none."""

RESERVED = "%/:?#[]@!$&'()*+,;="
"""What an address may have beside letters and digits; taps also write spaces there."""


def understood(schema: Any) -> tuple[Any, list[str]]:  # noqa: ANN401 - a schema may be an object or a boolean, and a wrong one anything
    """Take out of a schema what cannot be checked.

    These are patterns that no linear-time engine knows, and references that lead
    nowhere or out of the schema. What refuses a value since it fits a schema goes with
    a rule below it, without which more values fit.

    Args:
        schema: The stream's schema, in the words of the newest draft.

    Returns:
        What is left of it, and the rules that are not.
    """
    addressed = _each(schema, _addressed)
    reading = _Reading(addressed)
    known = reading.read(addressed)
    if reading.left_out:
        reading.doubts_references = True
        known = reading.read(addressed)
    return known, list(reading.left_out)


class _Reading:
    """Goes through a schema, and knows what it has left out of it."""

    def __init__(self, root: Any) -> None:  # noqa: ANN401 - as above
        self._root = root
        self._doubts = 0
        self.left_out: dict[str, None] = {}
        self.doubts_references = False
        """Whether a reference may lead to something that is left out."""

    def read(self, schema: Any, base: str = ROOT) -> Any:  # noqa: ANN401 - as above
        """Return what is known of a schema that stands at some address."""
        if isinstance(schema, list):
            return [self.read(part, base) for part in schema]
        if not isinstance(schema, dict):
            return schema
        if "$id" in schema:
            base = self._base(schema["$id"], base)
        before = self._doubts
        known: dict[str, Any] = {}
        for keyword, value in schema.items():
            self._read_keyword(keyword, value, base, known)
        if "patternProperties" not in known and "patternProperties" in schema:
            known.pop("additionalProperties", None)
        if self._doubts > before:
            known = {name: known[name] for name in known if name not in UNEVALUATED}
        return known

    def _read_keyword(
        self,
        keyword: str,
        value: Any,  # noqa: ANN401 - as above
        base: str,
        known: dict[str, Any],
    ) -> None:
        before = self._doubts
        if not self._is_known(keyword, value, base):
            self.left_out[excerpt(f"{keyword} {value}")] = None
            self._doubts += 1
            return
        if keyword in REFERENCES and self.doubts_references:
            self._doubts += 1
        inner = held(keyword, value, lambda part: self.read(part, base))
        if keyword in DEFINITIONS:
            self._doubts = before
        if self._doubts == before or keyword not in REVERSING:
            known[keyword] = inner

    def _is_known(self, keyword: str, value: Any, base: str) -> bool:  # noqa: ANN401 - as above
        if keyword == "pattern" and isinstance(value, str):
            return _is_pattern(value)
        if keyword == "patternProperties" and isinstance(value, dict):
            return all(map(_is_pattern, value))
        if keyword in REFERENCES and isinstance(value, str):
            return self._looked_up(value, base) is not None
        return True

    def _base(self, name: str, base: str) -> str:
        found = self._looked_up(name, base)
        return found.resolver.base_uri if found else base

    def _looked_up(self, reference: str, base: str) -> Resolved | None:
        try:
            return self._registry.resolver(base).lookup(reference)
        except (ReferencingError, ValueError):
            return None

    @cached_property
    def _registry(self) -> Registry:
        """The schemas by their addresses; what they refer to would be fetched."""
        root = _each(self._root, _without_references)
        return Registry([(ROOT, root)], draft=Draft202012)


@cache
def _is_pattern(pattern: str) -> bool:
    try:
        Draft202012Validator({"pattern": pattern}, pattern_options=LINEAR)
    except ValidationError:
        return False
    return True


@cache
def _is_address(text: str) -> bool:
    try:
        Registry([(ROOT, {"$id": text})], draft=Draft202012)
    except ValueError:
        return False
    return True


def _addressed(schema: dict[str, Any]) -> dict[str, Any]:
    """Write addresses as they have to be, and leave out names that are none."""
    new = dict(schema)
    for keyword in {"$id", *REFERENCES} & new.keys():
        if isinstance(new[keyword], str):
            new[keyword] = quote(new[keyword], safe=RESERVED)
    if not _is_address(new.get("$id", "")):
        del new["$id"]
    return new


def _without_references(schema: dict[str, Any]) -> dict[str, Any]:
    return {name: schema[name] for name in schema if name not in REFERENCES}


def _each(schema: Any, change: Callable[[dict[str, Any]], dict[str, Any]]) -> Any:  # noqa: ANN401 - as above
    """Change a schema and all that are in it."""
    if isinstance(schema, list):
        return [_each(part, change) for part in schema]
    if not isinstance(schema, dict):
        return schema
    return change(
        {
            keyword: held(keyword, value, lambda part: _each(part, change))
            for keyword, value in schema.items()
        }
    )
