"""What an instance says in its answers, for people and for decisions."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import parse_qs, urljoin, urlsplit

from typing_extensions import override

from tap_acumatica import exact_json

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import requests

SHOWN = 200
"""Characters of an answer that an error shows."""
PASSING = frozenset({429, 500, 502, 503, 504})
"""Statuses that may pass."""
OVERLOADED = frozenset({502, 503, 504})
"""Those of servers and proxies that have not managed a request in time."""

_SEAT_LIMIT = re.compile(
    r"concurrent|api log-?in|(number|limit|maximum)[^.]*\bsessions\b"
    r"|\bsessions\b[^.]*(limit|maximum|exceed|reached)",
    re.IGNORECASE,
)
"""Whose limit it is need not be said: the licence's, or that of the user (User Types,
EP202500). Too many *attempts* lock the account, and must not be repeated."""
_MARKUP = re.compile(r"<(style|script)\b.*?</\1>|<[^>]*>", re.IGNORECASE | re.DOTALL)


class Redirect(NamedTuple):
    """Where an answer leads instead of answering.

    Attributes:
        page: The file, in lower case: ``login.aspx``, ``error.aspx`` and so on.
        place: The address, without its query.
        told: What it says, where it leads to the page for errors.
    """

    page: str
    place: str
    told: str = ""

    @property
    def has_ended(self) -> bool:
        """Whether the session has ended, so that a new sign-in may help."""
        return self.page == "login.aspx"

    @property
    def passes(self) -> bool:
        """Whether another attempt may be answered."""
        return self.page in {"error.aspx", "maintenance.aspx"}

    @override
    def __str__(self) -> str:
        if self.told:
            return f"The instance declines the session: {self.told}"
        return f"The instance leads to {self.place}: {self._meaning}"

    @property
    def _meaning(self) -> str:
        if self.has_ended:
            return "it asks for a sign-in in a browser, and takes no other session."
        if self.page == "error.aspx":
            return "it shows an error there without a message."
        if self.page == "maintenance.aspx":
            return "it is under maintenance; run this again when that is over."
        return (
            "either instance_url is not the address of the instance, or users sign in "
            "at another place (single sign-on), so that the API needs a user of its "
            "own or OAuth."
        )


def content(response: requests.Response) -> Mapping[str, Any]:
    """Return the object that an answer holds; an empty one where it holds none."""
    try:
        answer, _ = exact_json.read(response.content)
    except exact_json.UnreadableError:
        return {}
    return answer if isinstance(answer, dict) else {}


def said(response: requests.Response) -> str:
    """Return Acumatica's message, or what was answered instead; never records."""
    led_to, answer = redirect(response), content(response)
    told = message(response) or (led_to.told if led_to else "")
    return told or (f"({exact_json.outline(answer)})" if answer else _text(response))


def message(response: requests.Response) -> str:
    """Return what Acumatica says; an empty text where it says nothing."""
    return " ".join(dict.fromkeys(_messages(content(response))))


def _messages(answer: Mapping[str, Any]) -> Iterator[str]:
    members = {name.lower(): member for name, member in answer.items()}
    for name in ("message", "exceptionmessage"):
        if members.get(name):
            yield str(members[name])
    states = members.get("modelstate")
    if isinstance(states, str):
        yield states
    for parameter, faults in states.items() if isinstance(states, dict) else ():
        listed = faults if isinstance(faults, list) else [faults]
        yield f"{parameter}: {' '.join(map(str, listed))}"


def _text(response: requests.Response) -> str:
    """Return the beginning of a page; JSON, whole or not, may be records."""
    body = response.text.strip()
    if not body:
        return "(an empty body)"
    if body[0] in "[{":
        return f"(JSON of {len(response.content)} bytes)"
    return " ".join(_MARKUP.sub(" ", body).split())[:SHOWN] or "(an empty page)"


def redirect(response: requests.Response) -> Redirect | None:
    """Return where an answer leads to, None if it leads nowhere."""
    if not response.is_redirect:
        return None
    parts = urlsplit(urljoin(response.url, response.headers["Location"]))
    place = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"
    page = parts.path.rpartition("/")[2].lower()
    told = parse_qs(parts.query).get("message", [""])[0]
    return Redirect(page, place, told if page == "error.aspx" else "")


def has_no_seat(response: requests.Response) -> bool:
    """Tell whether all sessions that the licence allows are taken, which passes.

    RFC 6749, 5.2, gives the token endpoint words of its own for what it says.
    """
    described = content(response).get("error_description")
    told = (described,) if isinstance(described, str) else ()
    return any(map(_SEAT_LIMIT.search, (said(response), *told)))


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
    except (ValueError, TypeError, OverflowError):
        return None
    return date if date.tzinfo else date.replace(tzinfo=UTC)
