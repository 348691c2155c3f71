"""``$filter``: the documented parts of OData 3 (contract 4), OData 4.01 (contract 5).

Operators: eq, ne, gt, ge, lt, le, and, or, parentheses. Literals: ``'text'`` (a quote
inside is doubled), numbers, true, false. Version 4 has ``substringof('text', Field)``,
``datetimeoffset'2024-07-15T10:31:28.402+03:00'`` (an offset is required),
``date'2025-06-17'`` and ``guid'…'``; version 5 has ``contains(Field, 'text')`` and the
same literals bare: ``2024-07-15T10:31:28.402+03:00``, ``2025-06-17``. A date stands for
its midnight in the tenant's zone. What is written for the one version is a syntax error
in the other. Only natural keys and LastModifiedDateTime can be filtered on; everything
else is answered as the server answers it. Drop-downs among the keys compare by their
description in both versions, as they do in the address of a record.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias
from uuid import UUID

from sandbox.acumatica.api import errors
from sandbox.acumatica.model import clock
from sandbox.acumatica.model.values import MODIFIED, key_text

if TYPE_CHECKING:
    from sandbox.acumatica.model.endpoints import EntityType, Readable

Predicate: TypeAlias = Callable[[Mapping[str, Any]], bool]

OPERATORS: dict[str, Callable[[Any, Any], bool]] = {
    "eq": operator.eq,
    "ne": operator.ne,
    "gt": operator.gt,
    "ge": operator.ge,
    "lt": operator.lt,
    "le": operator.le,
}
MAX_DEPTH = 100
"""Parentheses inside one another before the server gives up."""

WORD = r"""\s*(?:
    (?P<typed>{typed})
  | (?P<text>'(?:[^']|'')*')
  | (?P<number>-?\d+(?:\.\d+)?[MmDdFfLl]?(?![\w.]))
  | (?P<word>[A-Za-z_][\w/]*)
  | (?P<mark>[(),])
    )"""
DATE_TIME = re.compile(
    r"\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d{1,7})?)?(?:Z|[+-]\d\d:\d\d)", re.ASCII
)
DATE = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)


class Syntax(NamedTuple):
    """How a contract version writes filters.

    Attributes:
        token: One word of a filter.
        function: What looks for a part of a text.
        text_first: Whether the text is that function's first argument.
    """

    token: re.Pattern[str]
    function: str
    text_first: bool


def pattern(typed: str) -> re.Pattern[str]:
    """A word of a filter, with a version's own literals."""
    return re.compile(WORD.replace("{typed}", typed), re.VERBOSE | re.ASCII)


ODATA_3 = Syntax(
    pattern("(?:datetimeoffset|date|guid)'[^']*'"), "substringof", text_first=True
)
ODATA_401 = Syntax(
    pattern(
        r"[\dA-Fa-f]{8}(?:-[\dA-Fa-f]{4}){3}-[\dA-Fa-f]{12}"
        r"|\d{4}-\d\d-\d\d(?:T[^\s(),]*)?"
    ),
    "contains",
    text_first=False,
)


class Token(NamedTuple):
    """A word of the filter and the position where it starts."""

    kind: str
    text: str
    position: int


@dataclass(frozen=True)
class Literal:
    """A value in the filter: its Edm type and what it stands for."""

    kind: str
    value: object


@dataclass(frozen=True)
class Comparison:
    """``Field operator literal``."""

    field: str
    operation: str
    literal: Literal


@dataclass(frozen=True)
class Substring:
    """``substringof('text', Field)``."""

    text: str
    field: str


@dataclass(frozen=True)
class Junction:
    """Two conditions and ``and`` or ``or`` between them."""

    word: str
    left: Node
    right: Node


Node: TypeAlias = "Comparison | Substring | Junction"


def syntax_error(position: int, text: str) -> errors.AnswerError:
    """The OData library's way to say that it cannot read a filter."""
    return errors.failure(
        errors.ODATA, f"Syntax error at position {position} in '{text}'."
    )


def tokenize(text: str, syntax: Syntax) -> list[Token]:
    """Split a filter into tokens; the last one is of the kind ``end``."""
    tokens = []
    position = 0
    while text[position:].strip():
        match = syntax.token.match(text, position)
        if not match:
            raise syntax_error(position, text)
        kind = str(match.lastgroup)
        tokens.append(Token(kind, match[kind], match.start(kind)))
        position = match.end()
    return [*tokens, Token("end", "", len(text))]


class Parser:
    """Recursive descent over the tokens: ``or`` binds weaker than ``and``."""

    def __init__(self, text: str, syntax: Syntax) -> None:
        self.text = text
        self.syntax = syntax
        self.tokens = tokenize(text, syntax)
        self.index = 0
        self.depth = 0

    def parse(self) -> Node:
        """Read the whole filter."""
        node = self.disjunction()
        self.take("end")
        return node

    def peek(self) -> Token:
        """The next token, which stays."""
        return self.tokens[self.index]

    def take(self, kind: str, *texts: str) -> Token:
        """The next token, which must be of a kind and, if given, one of the texts."""
        token = self.peek()
        if token.kind != kind or (texts and token.text not in texts):
            raise syntax_error(token.position, self.text)
        self.index += 1
        return token

    def disjunction(self) -> Node:
        """Conditions with ``or`` between them."""
        node = self.conjunction()
        while self.peek()[:2] == ("word", "or"):
            self.index += 1
            node = Junction("or", node, self.conjunction())
        return node

    def conjunction(self) -> Node:
        """Conditions with ``and`` between them."""
        node = self.condition()
        while self.peek()[:2] == ("word", "and"):
            self.index += 1
            node = Junction("and", node, self.condition())
        return node

    def condition(self) -> Node:
        """Parentheses, the function or one comparison."""
        if self.peek().text == "(":
            return self.parenthesis()
        field = self.take("word")
        if field.text == self.syntax.function:
            return self.substring()
        operation = self.take("word", *OPERATORS)
        return Comparison(field.text, operation.text, self.literal())

    def parenthesis(self) -> Node:
        """A whole condition in parentheses."""
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise errors.failure(errors.ODATA, "Recursion limit reached.")
        self.take("mark", "(")
        node = self.disjunction()
        self.take("mark", ")")
        self.depth -= 1
        return node

    def substring(self) -> Node:
        """The arguments of ``substringof`` or ``contains``."""
        kinds = ("text", "word") if self.syntax.text_first else ("word", "text")
        self.take("mark", "(")
        found = {kinds[0]: self.take(kinds[0]).text}
        self.take("mark", ",")
        found[kinds[1]] = self.take(kinds[1]).text
        self.take("mark", ")")
        return Substring(unquote(found["text"]), found["word"])

    def literal(self) -> Literal:
        """The value to compare with."""
        token = self.peek()
        self.index += 1
        if token.kind == "text":
            return Literal("Edm.String", unquote(token.text))
        if token.kind == "number":
            return Literal("Edm.Decimal", token.text)
        if token.kind == "word" and token.text in {"true", "false"}:
            return Literal("Edm.Boolean", token.text == "true")
        if token.kind == "typed":
            return typed_literal(token.text)
        raise syntax_error(token.position, self.text)


def unquote(text: str) -> str:
    """The value of a quoted text."""
    return text[1:-1].replace("''", "'")


def typed_literal(text: str) -> Literal:
    """The value of a literal with a type: ``date'2025-06-17'`` or ``2025-06-17``."""
    kind, value = text[:-1].split("'") if "'" in text else (bare_kind(text), text)
    try:
        if kind == "guid":
            return Literal("Edm.Guid", UUID(value))
        return Literal("Edm.DateTimeOffset", instant(kind, value))
    except ValueError as error:
        raise errors.failure(
            errors.ODATA, f"Unrecognized '{kind}' literal '{text}'."
        ) from error


def bare_kind(text: str) -> str:
    """What a literal without quotes is."""
    if "T" in text:
        return "datetimeoffset"
    return "date" if DATE.fullmatch(text) else "guid"


def instant(kind: str, text: str) -> datetime:
    """The instant that a date-time or date literal names.

    Raises:
        ValueError: The text is none. An unencoded ``+`` has arrived as a space.
    """
    if kind == "date" and DATE.fullmatch(text):
        return clock.midnight(date.fromisoformat(text))
    if kind == "datetimeoffset" and DATE_TIME.fullmatch(text):
        return datetime.fromisoformat(text).astimezone(UTC)
    raise ValueError(text)


def compile_filter(
    text: str, syntax: Syntax, entity: EntityType, behaviour: Readable
) -> Predicate:
    """Turn a filter into a test of unwrapped fields.

    Args:
        text: The decoded value of ``$filter``.
        syntax: How the endpoint's contract version writes filters.
        entity: The entity whose records are tested.
        behaviour: The entity's natural key and known peculiarities.

    Raises:
        AnswerError: The filter is no filter, compares what cannot be compared, or
            names a field that the entity lacks or cannot be filtered on.
    """
    return bind(Parser(text, syntax).parse(), entity, behaviour)


def bind(node: Node, entity: EntityType, behaviour: Readable) -> Predicate:
    """Check the fields of a condition and make a test of it."""
    if isinstance(node, Junction):
        left = bind(node.left, entity, behaviour)
        right = bind(node.right, entity, behaviour)
        if node.word == "and":
            return lambda fields: left(fields) and right(fields)
        return lambda fields: left(fields) or right(fields)
    if not may_filter(node.field, entity, behaviour):
        return lambda _fields: False
    kind = entity.fields[node.field]
    node = replace(node, field=entity.stored.get(node.field, node.field))
    if isinstance(node, Substring):
        return substring_test(node)
    if kind == "IntValue":
        return number_test(node)
    return comparison_test(node)


def may_filter(field: str, entity: EntityType, behaviour: Readable) -> bool:
    """Whether a field can be filtered on; False where the server finds nothing."""
    if field.partition("/")[0] not in entity.fields:
        raise errors.unknown_field(field)
    if entity.stored.get(field, field) in (*behaviour.keys, MODIFIED):
        return True
    if behaviour.silent_text_filters and entity.fields.get(field) == "StringValue":
        return False
    raise errors.not_filterable(field)


def check_types(field_kind: str, literal_kind: str, operation: str) -> None:
    """Refuse a comparison of different types, as the OData library does."""
    if field_kind != literal_kind:
        raise errors.failure(
            errors.ODATA,
            "A binary operator with incompatible types was detected. Found operand "
            f"types '{field_kind}' and '{literal_kind}' for operator '{operation}'.",
        )


def substring_test(node: Substring) -> Predicate:
    """Whether a key contains a text."""
    if node.field == MODIFIED:
        check_types("Edm.DateTimeOffset", "Edm.String", "substringof")
    return lambda fields: node.text in key_text(fields.get(node.field))


def comparison_test(node: Comparison) -> Predicate:
    """Whether a key or the time of the last change compares as asked."""
    compare = OPERATORS[node.operation]
    if node.field == MODIFIED:
        check_types("Edm.DateTimeOffset", node.literal.kind, node.operation)
        return lambda fields: (
            # An empty time matches nothing, as NULL does in SQL.
            bool(fields.get(MODIFIED))
            and compare(datetime.fromisoformat(fields[MODIFIED]), node.literal.value)
        )
    check_types("Edm.String", node.literal.kind, node.operation)
    wanted = key_text(node.literal.value)
    return lambda fields: compare(key_text(fields.get(node.field)), wanted)


def number_test(node: Comparison) -> Predicate:
    """Whether a key that is a number compares as asked."""
    compare = OPERATORS[node.operation]
    check_types("Edm.Decimal", node.literal.kind, node.operation)
    wanted = Decimal(str(node.literal.value).rstrip("MmDdFfLl"))
    return lambda fields: compare(fields[node.field], wanted)
