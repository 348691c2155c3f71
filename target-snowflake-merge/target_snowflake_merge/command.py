"""The command lines: what goes wrong is one sentence, and exit code 1.

This file is the same in both plugins, byte by byte; a test holds it so.
"""

from __future__ import annotations

import io
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click
from singer_sdk.plugin_base import SingerCommand
from typing_extensions import override

from .errors import EXPLAINED, OutputError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .config import Configured

LONGEST = 2_000
"""Characters of a sentence; what servers say may have more."""


class Command(SingerCommand):
    """The command of a plugin, which tells its log what goes wrong."""

    @override
    def main(self, *args: Any, **kwargs: Any) -> Any:
        try:
            with _output():
                return super().main(*args, **kwargs)
        except EXPLAINED as error:
            self.logger.error("%s", sentence(error))  # noqa: TRY400 - it says what a traceback would hide
        finally:
            _forget_unread_log()
        sys.exit(1)


class Commands(click.Group):
    """A group of commands for people."""

    @override
    def main(self, *args: Any, **kwargs: Any) -> Any:
        try:
            with _output():
                return super().main(*args, **kwargs)
        except EXPLAINED as error:
            click.echo(f"Error: {sentence(error)}", err=True)
        finally:
            _forget_unread_log()
        sys.exit(1)


def run(plugin: type[Configured]) -> None:
    """Run the command of a plugin."""
    try:
        plugin.check_log_level()
    except EXPLAINED as error:
        sys.exit(sentence(error))
    plugin.cli()


def sentence(error: Exception) -> str:
    """Return what an error says, on one line."""
    text = " ".join(str(error).split())
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"


@contextmanager
def _output() -> Iterator[None]:
    """See to it that a command that ends well has written what it says.

    Raises:
        OutputError: Standard output is closed, or cannot be written.
    """
    if sys.stdout is None:
        raise OutputError(
            "Standard output is closed; open it, for example into a file."
        )
    ends_well = False
    try:
        yield
    except SystemExit as end:  # as click ends in any case
        ends_well = not end.code
        raise
    finally:
        try:
            sys.stdout.flush()
        except OSError as error:
            # Python would try once more, and end with 120.
            sys.stdout = io.StringIO()
            if ends_well:
                raise OutputError(
                    f"Standard output cannot be written ({error.strerror})."
                ) from error


def _forget_unread_log() -> None:
    """Keep the exit code where nobody reads the log any more.

    Python ends with 120 when what is left for standard error cannot be written.
    """
    try:
        if sys.stderr is not None:
            sys.stderr.flush()
    except OSError:
        sys.stderr = io.StringIO()
