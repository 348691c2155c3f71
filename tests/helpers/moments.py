"""Moments at which a tap has read."""

from __future__ import annotations

import datetime as dt


def moment(**ago: float) -> str:
    return (dt.datetime.now(dt.UTC) - dt.timedelta(**ago)).isoformat()
