"""Where the commands begin: Ctrl-C ends them quietly while the rest is imported."""

from __future__ import annotations

import signal


def target() -> None:
    """Run ``target-snowflake-merge``."""
    _end_at_interrupts()
    from target_snowflake_merge.command import run  # noqa: PLC0415 - as said above
    from target_snowflake_merge.target import TargetSnowflakeMerge  # noqa: PLC0415 - as above

    run(TargetSnowflakeMerge)


def operate() -> None:
    """Run ``snowflake-merge``."""
    _end_at_interrupts()
    from target_snowflake_merge.operate.cli import cli  # noqa: PLC0415 - as above

    cli()


def _end_at_interrupts() -> None:
    """Have SIGINT end the process, unless whoever started it has it ignored.

    Nothing is begun yet that would have to be brought to an end. Python's own way is a
    traceback, and the imports take a second.
    """
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)


if __name__ == "__main__":
    target()
