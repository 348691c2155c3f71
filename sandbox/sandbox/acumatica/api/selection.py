"""How requests name members: ``$expand``, ``$select`` and ``$custom``, by contract.

Version 4 separates the names inside a nested entity by a slash, and has ``$custom``:
``$expand=MainContact,MainContact/Address&$custom=Document.UsrCode``. Version 5 nests as
OData 4.01 does, and custom fields stand among the selected ones:
``$expand=MainContact($expand=Address;$select=Email)&$select=Document.UsrCode``. What is
written for the one version is refused by the other. ``$custom`` is an error in version
5: to ignore it would hide that the fields which it asks for are missing.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sandbox.acumatica.api import errors

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

FILES = "files"
ODATA_4 = 5
"""The first contract version with the syntax of OData 4.01."""


@dataclass
class Asked:
    """The members that a request names, as paths such as ``MainContact/Address``.

    Attributes:
        expand: What is expanded.
        select: What is selected; None selects everything.
        inner: What is selected inside an expansion, by the expansion's path.
        custom: Custom fields: ``View.Field``, ``Details/View.Field``.
        files: Whether the list of attached files is asked for.
    """

    expand: set[str] = field(default_factory=set)
    select: set[str] | None = None
    inner: dict[str, set[str]] = field(default_factory=dict)
    custom: set[str] = field(default_factory=set)
    files: bool = False

    def selection(self, path: str) -> set[str] | None:
        """The names that are selected of what is at a path; None is all of them.

        A whole name beats its parts.
        """
        if path in self.inner:
            return {name.partition("/")[0] for name in self.inner[path]}
        if self.select is None or (path and self.covers(path)):
            return None
        start = f"{path}/" if path else ""
        below = (name for name in self.select if name.startswith(start))
        return {name.removeprefix(start).partition("/")[0] for name in below}

    def covers(self, path: str) -> bool:
        """Whether a path is selected as a whole."""
        parts = path.split("/")
        return any(
            "/".join(parts[:count]) in (self.select or ())
            for count in range(1, len(parts) + 1)
        )

    def plain(self) -> Iterator[str]:
        """The paths of all fields that the endpoint must have."""
        yield from self.expand
        yield from (self.select or set()) - self.custom
        for path, names in self.inner.items():
            yield from (join(path, name) for name in names if not is_custom(name))


def read(parameters: Mapping[str, str], contract: int) -> Asked:
    """Read the parameters of a request.

    Raises:
        AnswerError: They are not written as the contract version wants them.
    """
    asked = read_5(parameters) if contract >= ODATA_4 else read_4(parameters)
    files = {name for name in asked.expand if name.lower() == FILES}
    asked.files = bool(files)
    asked.expand -= files
    return asked


def read_4(parameters: Mapping[str, str]) -> Asked:
    """The names with slashes between them."""
    return Asked(
        expand=set(names(parameters.get("$expand"))),
        select=set(names(parameters.get("$select"))) or None,
        custom=set(names(parameters.get("$custom"))),
    )


def read_5(parameters: Mapping[str, str]) -> Asked:
    """The names with what is asked of each in parentheses."""
    if "$custom" in parameters:
        raise unreadable("$custom", parameters["$custom"])
    asked = Asked(select=set(names(parameters.get("$select"))) or None)
    read_expansions(parameters.get("$expand") or "", "", asked)
    asked.custom = set(filter(is_custom, asked.select or ()))
    for path, inner in asked.inner.items():
        asked.custom |= {join(path, name) for name in inner if is_custom(name)}
    return asked


def read_expansions(text: str, parent: str, asked: Asked) -> None:
    """Add what an ``$expand`` of version 5 names."""
    for part in split(text, ","):
        name, bracket, rest = part.partition("(")
        name = name.strip()
        if "/" in name or (bracket and not rest.endswith(")")):
            raise unreadable("$expand", part)
        path = join(parent, name)
        asked.expand.add(path)
        for option in split(rest[:-1], ";"):
            read_option(option, path, asked)


def read_option(option: str, path: str, asked: Asked) -> None:
    """Add what an option of an expansion asks for."""
    name, _, value = option.strip().partition("=")
    if name == "$expand":
        read_expansions(value, path, asked)
    elif name == "$select":
        asked.inner.setdefault(path, set()).update(names(value))
    else:
        raise unreadable("$expand", option)


def split(text: str, mark: str) -> Iterator[str]:
    """The parts between the marks that stand outside of all parentheses."""
    depth = start = 0
    for position, letter in enumerate(text):
        depth += (letter == "(") - (letter == ")")
        if letter == mark and depth == 0:
            yield text[start:position].strip()
            start = position + 1
    if depth:
        raise unreadable("$expand", text)
    if rest := text[start:].strip():
        yield rest


def names(parameter: str | None) -> list[str]:
    """The names in a comma-separated parameter."""
    return [name for part in (parameter or "").split(",") if (name := part.strip())]


def is_custom(path: str) -> bool:
    """Whether a path names a custom field: it has a view."""
    return "." in path.rpartition("/")[2]


def join(path: str, name: str) -> str:
    """A name inside a path, which is empty at the top."""
    return f"{path}/{name}" if path else name


def unreadable(parameter: str, text: str) -> errors.AnswerError:
    """A parameter that the endpoint's contract version cannot read."""
    return errors.failure(
        errors.ODATA, f"The query option {parameter} is not valid here: '{text}'."
    )
