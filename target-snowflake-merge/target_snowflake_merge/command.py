"""The command line of the target, apart from its options."""

from __future__ import annotations

import io
import sys
from typing import Any

from singer_sdk.exceptions import SingerSDKError
from singer_sdk.plugin_base import SingerCommand
from singer_sdk.singerlib.exceptions import SingerError
from typing_extensions import override

from target_snowflake_merge.errors import TargetError, one_line


class Command(SingerCommand):
    """The command line, which ends a failed run with one sentence."""

    @override
    def main(self, *args: Any, **kwargs: Any) -> Any:
        """Run, and report what is known to go wrong without a traceback."""
        try:
            _check_output()
            return super().main(*args, **kwargs)
        except (TargetError, SingerSDKError, SingerError) as error:
            self.logger.error("%s", one_line(str(error), 2_000))  # noqa: TRY400 - the sentence says what a traceback would hide
        finally:
            _forget_unread_log()
        sys.exit(1)


def _check_output() -> None:
    if sys.stdout is None:
        raise TargetError(
            "Standard output is closed, so no state can be passed on; open it, for "
            "example into a file."
        )


def _forget_unread_log() -> None:
    """Keep the exit code where nobody reads the log any more.

    Python ends with 120 when what is left for standard error cannot be written.
    """
    try:
        if sys.stderr is not None:
            sys.stderr.flush()
    except OSError:
        sys.stderr = io.StringIO()
