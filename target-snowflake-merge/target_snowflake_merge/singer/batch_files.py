"""The files of BATCH messages, which hold the records of a stream.

https://sdk.meltano.com/en/latest/batch.html
"""

from __future__ import annotations

import gzip
import re
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from target_snowflake_merge.errors import TargetError, one_line

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

COMPRESSIONS = (None, "none", "gzip")

ADDRESS = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):(?://([^/]*))?(.*)", re.DOTALL)
"""Scheme, host and path; ``#`` and ``?`` may be part of a file's name."""


def paths(message: Mapping[str, Any]) -> list[Path]:
    """Return the files of a message, all of which are JSON lines.

    Raises:
        TargetError: They are of another format, or not on this machine.
    """
    stream, encoding = message["stream"], message["encoding"]
    kind, compression = encoding.get("format"), encoding.get("compression")
    if kind != "jsonl" or compression not in COMPRESSIONS:
        raise TargetError(
            f"Stream {stream}: a batch has the format {kind} and the compression "
            f"{compression}; only jsonl with gzip or none is read: set "
            "batch_config.encoding of the tap."
        )
    return [_path(stream, url) for url in message["manifest"]]


def _path(stream: str, url: object) -> Path:
    path = _local(str(url))
    if path is None:
        raise TargetError(
            f"Stream {stream}: the file {one_line(str(url), 200)} of a batch is not on "
            f"this machine, nor below the working directory {Path.cwd()}; set "
            "batch_config.storage.root of the tap to a file:// address that both can "
            "reach."
        )
    return path


def _local(url: str) -> Path | None:
    """Return the path that an address means on this machine, if any.

    Behind ``file://`` a host should stand, and taps write a path below the working
    directory there: that is what it means where there is such a file.
    """
    address = ADDRESS.fullmatch(url)
    if "\0" in unquote(url) or not url:
        return None
    if not address:  # A percent sign in a plain path stands for itself.
        return Path(url)
    scheme, host, path = address.groups()
    if scheme.lower() != "file" or not f"{host or ''}{path}":
        return None
    if host in {None, "", "localhost"}:
        return _unescaped(path)
    below = _unescaped(f"{host}{path}")
    return below if _is_there(below) else None


def _unescaped(path: str) -> Path:
    """Return the path of an address, in which taps do not always escape names."""
    meant, literal = Path(unquote(path)), Path(path)
    return literal if _is_there(literal) and not _is_there(meant) else meant


def _is_there(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # such as a name that is too long
        return False


def lines(stream: str, path: Path, compression: str | None) -> Iterator[bytes]:
    """Read the lines of a file.

    Raises:
        TargetError: The file cannot be read, or breaks off.
    """
    try:
        is_packed = compression == "gzip"
        with gzip.open(path) if is_packed else path.open("rb") as file:
            yield from file
    except (OSError, EOFError, zlib.error) as error:
        raise TargetError(
            f"Stream {stream}: the file {path} of a batch cannot be read ({error}); "
            "let the tap write it again, where the target can read it."
        ) from error
