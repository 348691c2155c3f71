"""What holds for all tests."""

from __future__ import annotations

from tests.helpers import lanes

lanes.load_profile()
