"""Names that stand twice in one JSON object (pure).

JSON leaves open what they mean; a reader takes the last one and says nothing.
"""

from __future__ import annotations

import json

import msgspec

ODD = (b'" ', b'"\t', b'"\r', b"\\u0022", b"\\u003a", b"\\u003A")
"""Ways to write a name, or a text that looks like one, for which counting is no use."""

encoder = msgspec.json.Encoder(decimal_format="number")


class _RepeatedError(Exception):
    """An object has a name twice; the argument is the name."""


def repeated_name(line: bytes, message: object) -> str | None:
    """Find a name that stands twice in one object.

    Every name ends with a quote and a colon. What was read has lost the repeated ones,
    so when it is written again there are fewer of them than in the line.

    Returns:
        The first such name, or None.
    """
    try:
        written = encoder.encode(message)
    except UnicodeEncodeError:  # half of a surrogate pair
        written = b""
    if line.count(b'":') == written.count(b'":') and not any(o in line for o in ODD):
        return None
    try:
        # Numbers stay texts: Python has no integers of more than 4,300 digits.
        json.loads(line, object_pairs_hook=_refuse_repeated, parse_int=str)
    except _RepeatedError as error:
        return str(error)
    return None


def _refuse_repeated(pairs: list[tuple[str, object]]) -> None:
    names = [name for name, _ in pairs]
    if len(set(names)) < len(names):
        raise _RepeatedError(next(n for n in names if names.count(n) > 1))
