"""Reading Singer messages, with every digit of their numbers."""

from __future__ import annotations

import codecs
import io
import json
import os
import sys
from collections import Counter
from contextlib import nullcontext
from decimal import Decimal
from typing import IO, TYPE_CHECKING, Any

import msgspec
from singer_sdk.singerlib.encoding.base import GenericSingerReader
from singer_sdk.singerlib.exceptions import InvalidInputLine
from typing_extensions import override

from target_snowflake_merge.errors import TargetError, excerpt
from target_snowflake_merge.schema.duplicate_names import repeated_name
from target_snowflake_merge.schema.values import MAX_PRECISION

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from contextlib import AbstractContextManager

NUL = b"\0"

CHUNK = 1 << 18
"""Bytes that are read at a time."""

MARK = codecs.BOM_UTF8
"""The byte order mark with which some programs begin a file; it means nothing."""

FIELDS: dict[str, dict[str, type]] = {
    "SCHEMA": {"stream": str, "schema": dict},
    "RECORD": {"stream": str, "record": dict},
    "STATE": {},
    "ACTIVATE_VERSION": {"stream": str},
    "BATCH": {"stream": str, "encoding": dict, "manifest": list},
}
"""The messages of the Singer specification, and of which type their fields are."""

LARGEST = 10**MAX_PRECISION
"""What no NUMBER can hold any more."""

TYPE_NAMES: dict[type, str] = {str: "text", dict: "an object", list: "a list"}


class MessageReader(GenericSingerReader[bytes]):
    """Reads lines of JSON as UTF-8, whatever the locale, and numbers as Decimal."""

    def __init__(self) -> None:
        """Prepare to read."""
        super().__init__()
        self._decoder = msgspec.json.Decoder(float_hook=Decimal)
        self._line = 0
        self._source = "the input"
        self._during: Callable[[], AbstractContextManager[None]] = nullcontext
        self._wait: Callable[[int], bool] = lambda _: True
        self._stopped = False

    def read_during(
        self,
        during: Callable[[], AbstractContextManager[None]],
        wait: Callable[[int], bool],
    ) -> None:
        """Let others take part in the reading.

        Args:
            during: Makes a context in which everything is read.
            wait: Waits until a descriptor can be read, and says whether to go on.
        """
        self._during, self._wait = during, wait

    def stop(self) -> None:
        """Read no further line; safe in a signal handler."""
        self._stopped = True

    @property
    @override
    def default_input(self) -> IO[bytes]:
        if sys.stdin is None:
            raise TargetError(
                "Standard input is closed; pipe the messages of a tap into it, or name "
                "a file with --input."
            )
        return sys.stdin.buffer

    @override
    def process_lines(
        self,
        file_input: IO[bytes] | None,
        callbacks: dict[str, Callable[[dict[str, Any]], None]],
    ) -> Counter[str]:
        with self._during():
            return self._process(file_input or self.default_input, callbacks)

    def _process(
        self,
        file_input: IO[bytes],
        callbacks: dict[str, Callable[[dict[str, Any]], None]],
    ) -> Counter[str]:
        counted: Counter[str] = Counter()
        lines = self._lines(file_input)
        for self._line, line in _told(lines):
            if self._stopped:
                break
            try:
                kind = self._process_line(line, callbacks)
            except RecursionError as error:
                raise TargetError(
                    f"Line {self._line} of {self._source} is nested too deep; take the "
                    "property out of the tap's catalog."
                ) from error
            counted[kind] += 1
        return counted

    def _process_line(
        self, line: bytes, callbacks: dict[str, Callable[[dict[str, Any]], None]]
    ) -> str:
        message = self.deserialize_json(line)
        fault = next(_faults(message), None)
        if fault:
            raise self._invalid(fault, line)
        kind: str = message["type"]
        callbacks[kind](message)
        return kind

    def _lines(self, file_input: IO[bytes]) -> Iterator[bytes]:
        """Read lines, and let others work while there is nothing to read."""
        try:
            descriptor = file_input.fileno()
        except io.UnsupportedOperation:  # it is in memory, and may be text there
            yield from (_encoded(line) for line in file_input)
            return
        parts: list[bytes] = []
        while self._wait(descriptor):
            chunk = os.read(descriptor, CHUNK)
            *lines, rest = chunk.split(b"\n")
            for line in lines:
                yield b"".join([*parts, line])
                parts.clear()
            parts.append(rest)
            if not chunk:
                yield from filter(None, [b"".join(parts)])
                return

    def records(self, lines: Iterable[bytes], source: str) -> Iterator[dict[str, Any]]:
        """Decode records that stand in a file, one a line, until it is time to stop.

        Args:
            lines: The lines.
            source: Names the file in an error.

        Raises:
            InvalidInputLine: A line is no record.
        """
        line_of_input, self._source = self._line, source
        for self._line, line in _told(lines):
            if self._stopped:
                return
            yield self._decoded(line, _has_names)
        self._line, self._source = line_of_input, "the input"

    @override
    def deserialize_json(self, line: bytes) -> dict[str, Any]:
        return self._decoded(line, _is_record_with_names)

    def _decoded(
        self, line: bytes, can_be_named: Callable[[object], bool]
    ) -> dict[str, Any]:
        try:
            message = self._decoder.decode(line)
        except (msgspec.DecodeError, UnicodeDecodeError, ArithmeticError):
            message = self._decode_leniently(line, can_be_named)
        if not isinstance(message, dict):
            raise self._invalid("is not a JSON object", line)
        name = repeated_name(line, message)
        if name is not None:
            raise self._invalid(
                f"has the name {excerpt(name)} twice in one object", line
            )
        return message

    def _decode_leniently(
        self, line: bytes, can_be_named: Callable[[object], bool]
    ) -> object:
        """Decode NaN, infinity, halves of surrogate pairs and thousands of digits.

        In the values of records they are refused later, where stream, key and property
        are known.
        """
        try:
            message = json.loads(
                line,
                parse_int=_whole_number,
                parse_float=Decimal,
                parse_constant=Decimal,
            )
        except (ValueError, ArithmeticError) as error:  # the latter for 1e999999999999
            raise self._no_json(line) from error
        if not can_be_named(message):
            raise self._no_json(line)
        return message

    def _no_json(self, line: bytes) -> InvalidInputLine:
        why = " (it has zero bytes, as in UTF-16; Singer's is UTF-8)"
        return self._invalid(f"is not valid JSON{why if NUL in line else ''}", line)

    def _invalid(self, what: str, line: bytes | str) -> InvalidInputLine:
        text = line.decode(errors="replace") if isinstance(line, bytes) else line
        return InvalidInputLine(
            f"Line {self._line} of {self._source} {what}: {excerpt(text)}"
        )

    @staticmethod
    @override
    def assert_line_requires(line_dict: dict[str, Any], requires: set[str]) -> None:
        missing = requires - set(line_dict)
        if missing:
            raise InvalidInputLine(
                f"The input lacks {', '.join(sorted(missing))} in {excerpt(line_dict)}"
            )


def _told(lines: Iterable[bytes]) -> Iterator[tuple[int, bytes]]:
    """Number lines, and leave out what says nothing: empty ones, byte order marks.

    A mark may stand within, where files were joined.
    """
    for number, line in enumerate(lines, start=1):
        told = line.removeprefix(MARK)
        if told.strip():
            yield number, told


def _faults(message: Mapping[str, Any]) -> Iterator[str]:
    """Say what makes an object no Singer message, if anything."""
    kind = message.get("type")
    if not isinstance(kind, str) or kind not in FIELDS:
        yield "is no Singer message of a known type"
        return
    this = f"is a {kind} message whose"
    for name, wanted in FIELDS[kind].items():
        if not isinstance(message.get(name), wanted):
            yield f"{this} {name} is not {TYPE_NAMES[wanted]}"
    version = message.get("version")
    is_optional = kind != "ACTIVATE_VERSION" and version is None
    if not is_optional and (type(version) is not int or abs(version) >= LARGEST):
        yield f"{this} version is not a whole number of at most {MAX_PRECISION} digits"
    if kind == "SCHEMA":
        keys = message.get("key_properties") or []
        if not isinstance(keys, list) or not all(isinstance(key, str) for key in keys):
            yield f"{this} key_properties is not a list of texts"
        properties = message["schema"].get("properties", {})
        if not isinstance(properties, dict):
            yield f"{this} schema has properties that are not an object"
        for name, schema in properties.items():
            if not isinstance(schema, dict | bool):
                yield f"{this} property {excerpt(name)} has no schema"


def _whole_number(text: str) -> int | Decimal:
    """Read a number also where it has more digits than Python allows an int."""
    try:
        return int(text)
    except ValueError:
        return Decimal(text)


def _is_record_with_names(message: object) -> bool:
    """Say whether this is a record of which stream and properties can be named."""
    match message:
        case {"type": "RECORD", "stream": str(stream), "record": dict(record)}:
            return _has_names({stream: None, **record})
    return False


def _has_names(record: object) -> bool:
    """Say whether this is an object whose properties can be named."""
    if not isinstance(record, dict):
        return False
    try:
        "".join(record).encode()
    except UnicodeEncodeError:
        return False
    return True


def _encoded(line: str | bytes) -> bytes:
    return line.encode() if isinstance(line, str) else line
