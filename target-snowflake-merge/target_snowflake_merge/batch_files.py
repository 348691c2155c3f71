"""The files of BATCH messages, which hold the records of a stream.

https://sdk.meltano.com/en/latest/batch.html
"""

from __future__ import annotations

import gzip
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from target_snowflake_merge.errors import TargetError, one_line

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

COMPRESSIONS = (None, "none", "gzip")


def paths(message: Mapping[str, Any]) -> list[Path]:
    """Return the files of a message, all of which are JSON lines.

    Args:
        message: A BATCH message.

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
    if not path or "\0" in path:
        raise TargetError(
            f"Stream {stream}: the file {one_line(str(url), 200)} of a batch is not on "
            "this machine; set batch_config.storage.root of the tap to a file:// "
            "address that both can reach."
        )
    return Path(path)


def _local(url: str) -> str:
    """Return the path that an address means on this machine, or nothing."""
    try:
        parts = urlsplit(url)
    except ValueError:  # such as file://[x
        return ""
    is_here = parts.scheme in {"", "file"} and parts.netloc in {"", "localhost"}
    # A plain path is no address: a percent sign in it stands for itself.
    path = unquote(parts.path) if parts.scheme else url
    return path if is_here and parts.path else ""


def lines(stream: str, path: Path, compression: str | None) -> Iterator[bytes]:
    """Read the lines of a file.

    Args:
        stream: The stream, for an error.
        path: The file.
        compression: ``gzip``, or none.

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
