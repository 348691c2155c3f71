"""Reading Singer messages, with every digit of their numbers."""

from __future__ import annotations

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

from target_snowflake_merge.duplicates import repeated_name
from target_snowflake_merge.errors import TargetError, one_line

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from contextlib import AbstractContextManager

CHUNK = 1 << 18
"""Bytes that are read at a time."""

EXCERPT = 100
"""Characters of a bad line that an error shows."""

FIELDS: dict[str, dict[str, type]] = {
    "SCHEMA": {"stream": str, "schema": dict},
    "RECORD": {"stream": str, "record": dict},
    "STATE": {},
    "ACTIVATE_VERSION": {"stream": str},
    "BATCH": {"stream": str, "encoding": dict, "manifest": list},
}
"""The messages of the Singer specification, and of which type their fields are."""

TYPE_NAMES: dict[type, str] = {str: "text", dict: "an object", list: "a list"}


class MessageReader(GenericSingerReader[bytes]):
    """Reads lines of JSON as UTF-8, whatever the locale, and numbers as Decimal."""

    def __init__(
        self,
        during: Callable[[], AbstractContextManager[None]] = nullcontext,
        wait: Callable[[int], bool] = lambda _: True,
    ) -> None:
        """Prepare to read.

        Args:
            during: Makes a context in which everything is read.
            wait: Waits until a descriptor can be read, and says whether to go on.
        """
        super().__init__()
        self._decoder = msgspec.json.Decoder(float_hook=Decimal)
        self._line = 0
        self._source = "the input"
        self._during = during
        self._wait = wait
        self._stopped = False

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
        for number, line in enumerate(lines, start=1):
            if self._stopped:
                break
            if not line.strip():
                continue
            self._line = number
            message = self.deserialize_json(line)
            self._check(message, line)
            callbacks[message["type"]](message)
            counted[message["type"]] += 1
        return counted

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
        try:
            for self._line, line in enumerate(lines, start=1):
                if self._stopped:
                    return
                if line.strip():
                    yield self._decoded(line, _has_names)
        finally:
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
            shown = one_line(name, EXCERPT)
            raise self._invalid(f"has the name {shown} twice in one object", line)
        return message

    def _decode_leniently(
        self, line: bytes, can_be_named: Callable[[object], bool]
    ) -> object:
        """Decode NaN, infinity and halves of surrogate pairs, which JSON has not.

        In the values of records they are refused later, where stream, key and property
        are known.
        """
        try:
            message = json.loads(line, parse_float=Decimal, parse_constant=Decimal)
        except (ValueError, ArithmeticError) as error:  # the latter for 1e999999999999
            raise self._invalid("is not valid JSON", line) from error
        if not can_be_named(message):
            raise self._invalid("is not valid JSON", line)
        return message

    def _check(self, message: dict[str, Any], line: bytes) -> None:
        kind = message.get("type")
        if kind not in FIELDS:
            raise self._invalid("is no Singer message of a known type", line)
        for name, wanted in FIELDS[kind].items():
            if not isinstance(message.get(name), wanted):
                what = f"is a {kind} message whose {name} is not {TYPE_NAMES[wanted]}"
                raise self._invalid(what, line)
        version = message.get("version", 0 if kind != "ACTIVATE_VERSION" else None)
        is_optional = kind != "ACTIVATE_VERSION" and version is None
        if type(version) is not int and not is_optional:
            what = f"is a {kind} message whose version is not a whole number"
            raise self._invalid(what, line)

    def _invalid(self, what: str, line: bytes | str) -> InvalidInputLine:
        text = line.decode(errors="replace") if isinstance(line, bytes) else line
        return InvalidInputLine(
            f"Line {self._line} of {self._source} {what}: {one_line(text, EXCERPT)}"
        )

    @staticmethod
    @override
    def assert_line_requires(line_dict: dict[str, Any], requires: set[str]) -> None:
        missing = requires - set(line_dict)
        if missing:
            excerpt = one_line(str(line_dict), EXCERPT)
            raise InvalidInputLine(
                f"The input lacks {', '.join(sorted(missing))} in {excerpt}"
            )


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
