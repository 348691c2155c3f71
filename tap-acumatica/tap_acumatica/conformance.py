"""Make values what a stream's schema says that they are (pure).

Acumatica answers some fields in another JSON type than its swagger.json declares, such
as amounts as text. What is exactly a value of the declared type becomes one.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, NamedTuple

from tap_acumatica import exact_json

if TYPE_CHECKING:
    from collections.abc import Mapping
    from logging import Logger

Json = Any
Schema = dict[str, Any]

SHOWN = 40
"""Characters of a value whose form is told."""
DIGITS = 400
"""Places before the decimal point that a number without a fraction may have."""
_NUMBER = re.compile(r"-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d{1,3})?", re.ASCII)
_BOOLEANS = {"true": True, "false": False}
_MIDNIGHT = re.compile(r"(\d{4}-\d\d-\d\d)T00:00(?::00(?:\.0+)?)?(?:Z|[+-]\d\d:\d\d)?")
_DATE = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_DATE_TIME = re.compile(
    r"\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:?\d\d)?)?",
    re.ASCII,
)


class Misfit(NamedTuple):
    """A value that is none of its declared type.

    Attributes:
        path: Where it stands, such as ``Details/2/Amount``.
        declared: The type.
        form: What it looks like: its type, and digits and letters for any others.
        written: What stands in its place.
    """

    path: str
    declared: str
    form: str
    written: str

    @property
    def field(self) -> str:
        """The path without the numbers of lines."""
        return "/".join(part for part in self.path.split("/") if not part.isdecimal())


class Conformer:
    """Makes the records of a stream conform, and counts what does not."""

    def __init__(self, stream: str, schema: Schema, logger: Logger) -> None:
        """Prepare for the records of a stream.

        Args:
            stream: Its name.
            schema: Its schema, as a target sees it.
            logger: Where misfits are told: the first one of each field, and how many
                these were at the end.
        """
        self._stream = stream
        self._convert = conforming(schema)
        self._logger = logger
        self._misfits: Counter[str] = Counter()

    def conform(self, record: dict[str, Json], name: str) -> None:
        """Put values that conform into a record.

        Args:
            record: The record.
            name: What tells it from others.
        """
        misfits: list[Misfit] = []
        if self._convert:
            self._convert(record, "", misfits)
        for misfit in misfits:
            self._misfits[misfit.field] += 1
            if self._misfits[misfit.field] == 1:
                self._logger.warning(
                    "%s, record %s: %s is %s where the schema has %s; %s is written.",
                    self._stream,
                    name,
                    misfit.path,
                    misfit.form,
                    misfit.declared,
                    misfit.written,
                )

    def conclude(self) -> None:
        """Tell how many values did not conform."""
        for field, count in self._misfits.items():
            self._logger.warning(
                "%s: %d values of %s were none of their type, see above.",
                self._stream,
                count,
                field,
            )


Convert = Callable[[Json, str, list[Misfit]], Json]
"""Takes a value that is not null and its path; notes misfits."""


def conforming(schema: Schema) -> Convert | None:
    """Return what makes values conform to a schema; None where each one does.

    Args:
        schema: A JSON Schema, as streams have it. Where it names no type, or several
            beside null, it allows any value.
    """
    named = schema.get("type")
    types = {named} if isinstance(named, str) else set(named or ())
    if len(types - {"null"}) != 1:
        return None
    [kind] = types - {"null"}
    if kind == "object":
        return _object(schema)
    if kind == "array":
        return _array(schema)
    declared = schema.get("format", kind)
    exact = _SCALARS.get(declared) or _SCALARS.get(kind)
    return exact and _scalar(exact, declared, is_text=exact is _text)


def _scalar(exact: Callable[[Json], Json], declared: str, *, is_text: bool) -> Convert:
    def convert(value: Json, path: str, misfits: list[Misfit]) -> Json:
        try:
            return exact(value)
        except ValueError:
            return _misfit(value, path, declared, misfits, is_text=is_text)

    return convert


def _object(schema: Schema) -> Convert:
    found = _of_members(schema.get("properties") or {})

    def convert(value: Json, path: str, misfits: list[Misfit]) -> Json:
        if not isinstance(value, dict):
            return _misfit(value, path, "object", misfits)
        for name, native, member in found:
            held = value.get(name)
            if held is not None and type(held) not in native:
                where = f"{path}/{name}" if path else name
                value[name] = member(held, where, misfits)
        return value

    return convert


def _of_members(
    properties: Mapping[str, Schema],
) -> list[tuple[str, tuple[type, ...], Convert]]:
    """Return names, Python types that need no look, and what converts the others."""
    return [
        (name, _native(member), convert)
        for name, member in properties.items()
        if (convert := conforming(member)) is not None
    ]


def _native(schema: Schema) -> tuple[type, ...]:
    for kind, types in _NATIVE.items():
        if schema == {"type": [kind, "null"]}:
            return types
    return ()


def _array(schema: Schema) -> Convert:
    items = conforming(schema.get("items") or {})

    def convert(value: Json, path: str, misfits: list[Misfit]) -> Json:
        if not isinstance(value, list):
            return _misfit(value, path, "array", misfits)
        if items is None:
            return value
        return [
            element if element is None else items(element, f"{path}/{n}", misfits)
            for n, element in enumerate(value)
        ]

    return convert


def _misfit(
    value: Json,
    path: str,
    declared: str,
    misfits: list[Misfit],
    *,
    is_text: bool = False,
) -> Json:
    """Note a misfit and return what the schema allows: null, or the JSON as text."""
    written = "the JSON of it" if is_text else "null"
    misfits.append(Misfit(path, declared, _form(value), written))
    return exact_json.encode(value).decode() if is_text else None


def _form(value: Json) -> str:
    """Return what a value looks like without telling it."""
    if not isinstance(value, str):
        return exact_json.kind(value)
    letters = re.sub(r"[^\W\d_]", "a", value[:SHOWN])
    digits = re.sub(r"\d", "9", letters)
    return f"text like {digits!r}"


def _text(value: Json) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, (dict, list)):
        raise ValueError  # noqa: TRY004 - the one way to say so here
    return exact_json.encode(value).decode()


def _number(value: Json) -> int | Decimal:
    if isinstance(value, str):
        return exact_json.decode(_matched(_NUMBER, value))  # type: ignore[no-any-return]
    if isinstance(value, bool) or not isinstance(value, (int, Decimal)):
        raise ValueError  # noqa: TRY004 - as above
    return value


def _integer(value: Json) -> int:
    number = _number(value)
    if isinstance(number, int):
        return number
    if number.adjusted() > DIGITS or number != number.to_integral_value():
        raise ValueError
    return int(number)


def _boolean(value: Json) -> bool:
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.lower() in _BOOLEANS:
        return _BOOLEANS[value.lower()]
    raise ValueError


def _date(value: Json) -> str:
    if isinstance(value, str) and (midnight := _MIDNIGHT.fullmatch(value)):
        value = midnight[1]
    day = _matched(_DATE, value)
    datetime.fromisoformat(day)
    return day


def _date_time(value: Json) -> str:
    moment = _matched(_DATE_TIME, value)
    datetime.fromisoformat(moment)
    return moment


def _matched(pattern: re.Pattern[str], value: Json) -> str:
    if not isinstance(value, str) or not pattern.fullmatch(value):
        raise ValueError
    return value


_NATIVE: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "number": (int, exact_json.WireDecimal),
    "integer": (int,),
    "boolean": (bool,),
}
"""What decoded JSON holds where it conforms to a type without a format."""
_SCALARS: dict[str, Callable[[Json], Json]] = {
    "string": _text,
    "number": _number,
    "integer": _integer,
    "boolean": _boolean,
    "date": _date,
    "date-time": _date_time,
}
