"""JSON from the server and to the target, without losing a digit on the way."""

from __future__ import annotations

import re
import sys
from decimal import Decimal
from json import detect_encoding
from typing import TYPE_CHECKING, Any

import msgspec
from singer_sdk.singerlib.encoding.base import GenericSingerWriter
from singer_sdk.singerlib.encoding.simple import Message
from typing_extensions import override

from tap_acumatica.errors import OutputError

if TYPE_CHECKING:
    from collections.abc import Iterator


class UnreadableError(ValueError):
    """What was sent is not JSON in UTF-8."""


class WireDecimal(Decimal):
    """A number with the digits that the server sent, written in plain notation.

    Python writes small decimals as 1E-7, which Snowflake's PARSE_JSON and many other
    readers turn into a binary float.
    """

    @override
    def __str__(self) -> str:
        return format(self, "f")


def _encode_other(value: object) -> object:
    if isinstance(value, WireDecimal):
        return msgspec.Raw(str(value).encode())
    return str(value)


_EXPONENT = re.compile(rb"\dE[+-]?\d")
"""What may be a computed decimal with an exponent; a text can look like one."""
_KINDS = {str: "text", bool: "boolean", type(None): "null", list: "list"}
MOST_NAMES = 10
"""Members that an outline names."""
_ESCAPE = re.compile(
    r"\\(?:u[dD][89abAB]..\\u[dD][c-fC-F]..|(?P<half>u[dD][89a-fA-F]..)|.)", re.DOTALL
)
"""An escape of JSON; half a character is one of a pair without the other one."""
REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
MOST_LOST = 10
"""Characters of an answer that may be none, before it must be of another encoding."""
_decoder = msgspec.json.Decoder(float_hook=WireDecimal)
_encoder = msgspec.json.Encoder(enc_hook=_encode_other, decimal_format="number")


def decode(body: bytes | str) -> Any:  # noqa: ANN401 - JSON can be anything
    """Decode JSON; numbers with a fraction or an exponent become `WireDecimal`.

    Raises:
        UnreadableError: The body is not JSON in UTF-8.
    """
    try:
        return _decoder.decode(body)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise UnreadableError(str(error)) from error


def read(body: bytes) -> tuple[Any, int]:
    """Decode JSON, mended where that is needed; returns how many characters were.

    Raises:
        UnreadableError: The body is not JSON, whatever is mended.
    """
    try:
        return decode(body), 0
    except UnreadableError:
        return mended(body)


def mended(body: bytes) -> tuple[Any, int]:
    """Decode JSON in which single characters are none.

    Databases cut texts in the middle of a character of two parts, and what is left of
    it is no character. A byte order mark, or UTF-16, is no fault.

    Args:
        body: What `decode` does not read.

    Returns:
        The value, with `REPLACEMENT` in the place of each, and how many these were.

    Raises:
        UnreadableError: It is no JSON for all that, or so much of it is not UTF-8 that
            it must be in another encoding.
    """
    text = body.decode(detect_encoding(body), errors="replace")
    lost = text.count(REPLACEMENT) - body.count(REPLACEMENT.encode())
    if lost > MOST_LOST:
        raise UnreadableError(f"{lost} characters are not UTF-8")
    halves = 0

    def whole(escape: re.Match[str]) -> str:
        nonlocal halves
        halves += bool(escape["half"])
        return "\\ufffd" if escape["half"] else escape[0]

    return decode(_ESCAPE.sub(whole, text)), lost + halves


def mended_places(value: object, path: str = "") -> Iterator[str]:
    """Yield where a decoded value holds a `REPLACEMENT`, rows by their ids."""
    if isinstance(value, str) and REPLACEMENT in value:
        yield path
    elif isinstance(value, dict):
        for name, member in value.items():
            yield from mended_places(name, f"{path}/{name}")
            yield from mended_places(member, f"{path}/{name}".removesuffix("/value"))
    elif isinstance(value, list):
        for number, element in enumerate(value):
            is_row = not path and isinstance(element, dict)
            name = element.get("id", number) if is_row else number
            yield from mended_places(element, f"{path}/{name}")


def outline(value: object) -> str:
    """Say what a decoded value is made of: types and names, none of its values."""
    if isinstance(value, dict):
        names = [f"{str(n)[:40]}: {kind(m)}" for n, m in value.items()][:MOST_NAMES]
        more = ["…"] if len(value) > MOST_NAMES else []
        return f"an object of {', '.join(names + more)}" if value else "an empty object"
    if isinstance(value, list):
        return (
            f"a list of {len(value)}: {outline(value[0])}" if value else "an empty list"
        )
    return kind(value)


def kind(value: object) -> str:
    """Return the JSON type of a decoded value."""
    return _KINDS.get(type(value), "object" if isinstance(value, dict) else "number")


def encode(value: object) -> bytes:
    """Encode a value as one line of JSON, without the line break."""
    line = _encoder.encode(value)
    return _encoder.encode(_plain(value)) if _EXPONENT.search(line) else line


def _plain(value: Any) -> Any:  # noqa: ANN401 - as above
    """Return a value in which numbers that were computed are `WireDecimal` as well."""
    if isinstance(value, dict):
        return {name: _plain(member) for name, member in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(element) for element in value]
    return WireDecimal(value) if isinstance(value, Decimal) else value


class MessageWriter(GenericSingerWriter[bytes, Message]):
    """Writes Singer messages to standard output, one line each."""

    @override
    def serialize_message(self, message: Message) -> bytes:
        return encode(message.to_dict())

    @override
    def write_message(self, message: Message) -> None:
        """Write a message at once.

        Raises:
            OutputError: It cannot be written, mostly since the target has ended.
        """
        try:
            write(self.format_message(message))
        except OutputError as error:
            if not isinstance(error.__cause__, BrokenPipeError):
                raise
            raise OutputError(
                "The target has ended; see its message. The next run goes on from the "
                "last state that the target has passed on."
            ) from error


def write(line: bytes) -> None:
    """Write a line to standard output at once.

    Raises:
        OutputError: It cannot be written.
    """
    try:
        sys.stdout.buffer.write(line + b"\n")
        sys.stdout.buffer.flush()
    except OSError as error:
        raise OutputError(
            f"Standard output cannot be written ({error.strerror})."
        ) from error
