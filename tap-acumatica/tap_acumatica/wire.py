"""JSON from the server and to the target, without losing a digit on the way."""

from __future__ import annotations

import re
import sys
from decimal import Decimal
from typing import Any

import msgspec
from singer_sdk.singerlib.encoding.base import GenericSingerWriter
from singer_sdk.singerlib.encoding.simple import Message
from typing_extensions import override


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
_decoder = msgspec.json.Decoder(float_hook=WireDecimal)
_encoder = msgspec.json.Encoder(enc_hook=_encode_other, decimal_format="number")


def decode(body: bytes) -> Any:  # noqa: ANN401 - JSON can be anything
    """Decode JSON; numbers with a fraction or an exponent become `WireDecimal`.

    Raises:
        msgspec.DecodeError: The body is not JSON.
    """
    return _decoder.decode(body)


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
        sys.stdout.buffer.write(self.format_message(message) + b"\n")
        sys.stdout.buffer.flush()
