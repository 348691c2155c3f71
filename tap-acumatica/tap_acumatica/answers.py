"""What an instance says in its answers, for people and for decisions."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import requests

if TYPE_CHECKING:
    from collections.abc import Mapping

SHOWN = 200
"""Characters of an answer that an error shows."""
PASSING = frozenset({429, 500, 502, 503, 504})
"""Statuses that may pass."""

_SEAT_LIMIT = re.compile(r"concurrent|api log-?in", re.IGNORECASE)


def content(response: requests.Response) -> Mapping[str, Any]:
    """Return the object that an answer holds; an empty one where it holds none."""
    try:
        answer = response.json()
    except requests.JSONDecodeError:
        return {}
    return answer if isinstance(answer, dict) else {}


def said(response: requests.Response) -> str:
    """Return Acumatica's message, or the beginning of what was answered instead."""
    answer = content(response)
    parts = (answer.get("message"), answer.get("exceptionMessage"))
    told = " ".join(dict.fromkeys(str(part) for part in parts if part))
    return (
        told
        or error_page_message(response)
        or response.text[:SHOWN]
        or "(an empty body)"
    )


def error_page_message(response: requests.Response) -> str:
    """Return the message of a redirect to ``/Frames/Error.aspx``, if it is one."""
    parts = urlsplit(response.headers.get("Location", ""))
    messages = parse_qs(parts.query).get("message", [""])
    return messages[0] if parts.path.lower().endswith("error.aspx") else ""


def has_no_seat(response: requests.Response) -> bool:
    """Tell whether all sessions that the licence allows are taken, which passes."""
    return bool(_SEAT_LIMIT.search(said(response)))


def retry_after(response: requests.Response) -> float | None:
    """Return the seconds that the server asks us to wait, if it does."""
    value = response.headers.get("Retry-After", "")
    if value.isdecimal():
        return float(value)
    until = _date(value)
    now = server_time(response) or datetime.now(UTC)
    return max((until - now).total_seconds(), 0) if until else None


def server_time(response: requests.Response) -> datetime | None:
    """Return the server's clock, as far as an answer tells it."""
    return _date(response.headers.get("Date", ""))


def _date(header: str) -> datetime | None:
    try:
        date = parsedate_to_datetime(header)
    except ValueError:
        return None
    return date if date.tzinfo else date.replace(tzinfo=UTC)
