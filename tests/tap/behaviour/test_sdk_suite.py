"""The SDK's own suite for taps, with nothing switched off."""

from __future__ import annotations

import tempfile
import weakref
from pathlib import Path

from sandbox.acumatica.control.admin_client import AcumaticaAdmin
from singer_sdk.testing import get_tap_test_class
from tap_acumatica.tap import TapAcumatica

from sandbox import config, processes

# The suite discovers the streams when this module is imported.
folder = Path(tempfile.mkdtemp())
server = processes.start("acumatica", folder, "--port", "0", "--small")
# Not by atexit: finalizers run newest first, so the taps sign out before it stops.
weakref.finalize(server, server.stop)
AcumaticaAdmin(server.url).change_settings(seats=50)

TestTapAcumatica = get_tap_test_class(
    TapAcumatica,
    config=config.tap_settings(server.url),
)
