"""What an answer of the SQL API means, and the sentence for a refusal (pure).

https://docs.snowflake.com/en/developer-guide/sql-api/handling-responses
"""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import msgspec
from requests import codes

from target_snowflake_merge.errors import (
    StatementError,
    StatementTooLargeError,
    TargetError,
    one_line,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from requests import Response

TRANSIENT_STATUS = {
    codes.too_many_requests,
    codes.internal_server_error,
    codes.bad_gateway,
    codes.service_unavailable,
    codes.gateway_timeout,
}

DEFINITE_STATUS = {
    codes.bad_request,
    codes.request_timeout,
    codes.unprocessable_entity,
}
"""These say that the statement was not executed, and will not be."""

LOCK_QUEUE_FULL = "000625"
"""Too many statements wait for the table: this one was not executed, and may be later.

https://docs.snowflake.com/en/sql-reference/transactions
"""

STATEMENT_LOST = "000709"
"""There is no statement of this handle: it tells nothing about what was executed."""

TOLERATED_SKEW_SECONDS = 30
"""By how much clocks may differ before it is said where a sign-in is refused."""

UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)

ADVICE = {
    "000603": "an internal error of Snowflake: run again, and where it comes again "
    "give Snowflake's support the statement and what it says",
    "000604": "somebody has cancelled it: run again",
    "000606": "set warehouse, or give the user a default one",
    LOCK_QUEUE_FULL: "run fewer statements at once on the table",
    "000630": "raise statement_timeout_seconds and, where it is lower, the "
    "STATEMENT_TIMEOUT_IN_SECONDS of the warehouse, or use a larger one",
    STATEMENT_LOST: "run again, which finds out whether it was executed",
    "002003": "check database, default_target_schema, warehouse and the grants of the "
    "role",
    "002043": "check warehouse, database and the grants of the role",
    "003001": "grant the role what is missing, or set another role",
    "090073": "raise the quota of the resource monitor, wait for its next period or "
    "set a warehouse that has credits left",
    "390142": "the request is malformed, which is a fault of this program",
    "390186": "grant the role to the user, or set another role",
    "390189": "set a role that the user has",
    "390201": "check warehouse and the grants of the role",
    "390318": "get a new oauth_token",
    "390422": "let the network policy of the user allow this machine's address",
    "394400": "make a new programmatic_access_token",
}
"""What to do about an error, by Snowflake's code."""


@dataclass(frozen=True)
class Answer:
    """An answer of the server, whose body may be no JSON at all."""

    status: int
    body: Mapping[str, Any]
    text: str
    """The status in words, where the body says nothing."""

    is_garbled: bool
    """Whether a body that was declared as JSON is none: it was cut off on the way."""

    retry_after: float | None
    """The seconds to wait at least, where the server says so."""

    clock: float | None
    """The server's time in seconds since 1970, where it says so."""

    @classmethod
    def read(cls, response: Response) -> Answer:
        """Read a response."""
        try:
            body = msgspec.json.decode(response.content)
            is_garbled = False
        except (msgspec.DecodeError, UnicodeDecodeError):
            body = {}
            is_garbled = "json" in response.headers.get("Content-Type", "")
        return cls(
            response.status_code,
            body if isinstance(body, dict) else {},
            "" if body else _words(response),
            is_garbled,
            _seconds(response.headers.get("Retry-After", "")),
            _moment(response.headers.get("Date", "")),
        )

    @property
    def code(self) -> str:
        """Snowflake's own code, or nothing where the answer is not Snowflake's."""
        return str(self.body.get("code") or "")

    @property
    def handle(self) -> str:
        """The handle of the statement, where the answer names one."""
        return str(self.body.get("statementHandle") or "")

    @property
    def has_rows(self) -> bool:
        """Whether there are rows, though perhaps none in number."""
        return isinstance(self.body.get("data"), list)

    @property
    def is_running(self) -> bool:
        """Whether the statement runs on, and can be asked for."""
        return self.status == codes.accepted and bool(self.handle)

    @property
    def is_lost(self) -> bool:
        """Whether a poll was told that there is no such statement."""
        return self.status == codes.not_found or self.code == STATEMENT_LOST

    @property
    def is_result(self) -> bool:
        """Whether this says that a statement has ended well.

        The status alone does not: a proxy that asks for a login answers 200 as well,
        and to believe it would pass a state on with nothing loaded.
        """
        described = isinstance(self.body.get("resultSetMetaData"), dict)
        is_ok = self.status == codes.ok
        return bool(is_ok and self.handle and described and self.has_rows)

    @property
    def is_transient(self) -> bool:
        """Whether the same request may be answered otherwise soon.

        Snowflake's own 408 says that the statement was cancelled; a gateway's says
        nothing about it.
        """
        is_gateway_timeout = self.status == codes.request_timeout and not self.code
        return self.status in TRANSIENT_STATUS or self.is_garbled or is_gateway_timeout

    def described(self) -> str:
        """Say what the server said: status, code, SQL state, message, statement."""
        marks = "/".join(str(m) for m in (self.code, self.body.get("sqlState")) if m)
        message = one_line(str(self.body.get("message") or self.text)).rstrip(".")
        where = f" [statement {self.handle}]" if self.handle else ""
        return f"{self.status}{f' ({marks})' if marks else ''} {message}{where}"


def refusal(answer: Answer, url: str, remedy: str, now: float) -> TargetError:
    """Turn an answer that will stay the same into the error to raise.

    Args:
        answer: The answer; neither a result nor transient.
        url: The address of the account.
        remedy: What to look at when the sign-in was refused.
        now: This machine's time in seconds since 1970.

    Returns:
        A StatementError where the statement was not executed and will not be;
        otherwise a TargetError, which says nothing about it.
    """
    said = answer.described()
    if answer.status == codes.unauthorized:
        hints = f"{_login_hint(answer)}{_clock_hint(answer, now)}"
        advice = ADVICE.get(answer.code)
        return TargetError(
            f"Snowflake refused the sign-in at {url}: {said}; {hints}"
            f"{f'{advice}; ' if advice else ''}{remedy}."
        )
    if answer.status == codes.request_entity_too_large:
        return StatementTooLargeError("The request was too large for Snowflake.")
    if not answer.code:
        return TargetError(
            f"{url} does not answer as Snowflake's SQL API does: {said}; check account "
            "and host."
        )
    advice = f"; {ADVICE[answer.code]}" if answer.code in ADVICE else ""
    text = f"Snowflake refused: {said}{advice}."
    if answer.status in DEFINITE_STATUS and answer.code != STATEMENT_LOST:
        return StatementError(text, code=answer.code)
    return TargetError(text)


def _words(response: Response) -> str:
    """Say in words what an answer without a JSON body is."""
    target = urlsplit(response.headers.get("Location", ""))
    if response.is_redirect:
        # The path and the query of a login page may hold secrets.
        return f"it redirects to {target.scheme}://{target.hostname}"
    return response.reason or ""


def _seconds(retry_after: str) -> float | None:
    """Read a Retry-After header, which holds seconds or a date."""
    if retry_after.isdecimal():
        return float(retry_after)
    moment = _moment(retry_after)
    now = dt.datetime.now(dt.UTC).timestamp()
    return None if moment is None else max(0.0, moment - now)


def _moment(date: str) -> float | None:
    """Read a date of HTTP as seconds since 1970."""
    try:
        return parsedate_to_datetime(date).timestamp()
    except (ValueError, TypeError, OverflowError):
        return None


def _login_hint(answer: Answer) -> str:
    """Point to the details that Snowflake keeps of a failed login.

    https://docs.snowflake.com/en/sql-reference/functions/system_get_login_failure_details
    """
    found = UUID.search(str(answer.body.get("message", "")))
    if not found:
        return ""
    query = f"SELECT SYSTEM$GET_LOGIN_FAILURE_DETAILS('{found.group()}')"
    return f"an administrator sees the reason with {query}; "


def _clock_hint(answer: Answer, now: float) -> str:
    """Say that the clocks differ, for which a token is refused."""
    difference = clock_difference(answer.clock, now)
    return f"{difference}; " if difference else ""


def clock_difference(theirs: float | None, ours: float) -> str:
    """Say in half a sentence by how many seconds the clocks differ, if by many."""
    skew = 0.0 if theirs is None else ours - theirs
    if abs(skew) < TOLERATED_SKEW_SECONDS:
        return ""
    side = "ahead of" if skew > 0 else "behind"
    return f"this machine's clock is {abs(skew):.0f} seconds {side} Snowflake's"
