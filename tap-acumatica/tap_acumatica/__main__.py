"""Where the commands begin: Ctrl-C ends them quietly while the rest is imported."""

from __future__ import annotations

import signal


def tap() -> None:
    """Run ``tap-acumatica``."""
    _end_at_interrupts()
    from tap_acumatica.command import run  # noqa: PLC0415 - as said above
    from tap_acumatica.tap import TapAcumatica  # noqa: PLC0415 - as above

    run(TapAcumatica)


def operate() -> None:
    """Run ``acumatica``."""
    _end_at_interrupts()
    from tap_acumatica.cli import acumatica  # noqa: PLC0415 - as above

    acumatica()


def _end_at_interrupts() -> None:
    """Have SIGINT end the process, unless whoever started it has it ignored.

    Nothing is begun yet that would have to be brought to an end. Python's own way is a
    traceback, and the imports take a second.
    """
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)


if __name__ == "__main__":
    tap()
