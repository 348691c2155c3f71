"""A checksum in a file of JSON, so that damage to it is noticed (pure).

This file is the same in both plugins, byte by byte; a test holds it so.
"""

from __future__ import annotations

import re
from hashlib import sha256

CHECKSUM = re.compile(rb',"sha256":"(.{64})"}\s*$', re.DOTALL)
"""The last member of an object; older files have none."""


class DamagedError(ValueError):
    """A file does not hold what was written into it."""


def with_checksum(content: bytes) -> bytes:
    """Add the SHA-256 of an object to it.

    Args:
        content: A JSON object that is not empty.

    Returns:
        The object with one member more, which readers that do not know it leave alone.
    """
    return b'%s,"sha256":"%s"}' % (content[:-1], _digest(content))


def verified(content: bytes) -> bytes:
    """Return an object as it was before its checksum was added.

    Args:
        content: A JSON object; one without a checksum is returned as it is.

    Raises:
        DamagedError: It is not what it was.
    """
    found = CHECKSUM.search(content)
    if not found:
        return content
    before = content[: found.start()] + b"}"
    if found[1] != _digest(before):
        raise DamagedError("its checksum does not fit its content")
    return before


def _digest(content: bytes) -> bytes:
    return sha256(content).hexdigest().encode()
