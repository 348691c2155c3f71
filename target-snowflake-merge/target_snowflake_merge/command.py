"""The command line of the target, apart from its options."""

from __future__ import annotations

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
        sys.exit(1)


def _check_output() -> None:
    if sys.stdout is None:
        raise TargetError(
            "Standard output is closed, so no state can be passed on; open it, for "
            "example into a file."
        )
