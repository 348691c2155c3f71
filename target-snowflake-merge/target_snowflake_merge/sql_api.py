"""An HTTP client of Snowflake's SQL API.

The API's reference: https://docs.snowflake.com/en/developer-guide/sql-api/reference
"""

from __future__ import annotations

import logging
import re
import ssl
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import backoff
import msgspec
import requests

from target_snowflake_merge.errors import (
    StatementError,
    StatementTooLargeError,
    TargetError,
    one_line,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from target_snowflake_merge.auth import Authenticator

logger = logging.getLogger(__name__)

STATEMENTS = "/api/v2/statements"

CONNECT_TIMEOUT_SECONDS = 15
READ_TIMEOUT_SECONDS = 120
"""A synchronous answer comes after 45 seconds at the latest, as 202 if need be."""

RESEND_FOR_SECONDS = 300
"""How long a request is sent again before the run gives up."""

FIRST_CONTACT_SECONDS = 5
"""The same before the host has ever answered: its name is then more likely wrong."""

MAX_PAUSE_SECONDS = 30.0
"""The longest pause before a resend, also where Retry-After asks for more."""

MAX_POLL_PAUSE_SECONDS = 10.0

TRANSIENT_STATUS = {429, 500, 502, 503, 504}
LOST = (
    requests.ConnectionError,
    requests.Timeout,
    requests.exceptions.ChunkedEncodingError,
    requests.exceptions.ContentDecodingError,
)


UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)

ADVICE = {
    "000606": "set warehouse, or give the user a default one",
    "002003": "check database, default_target_schema and the grants of the role",
    "002043": "check warehouse, database and the grants of the role",
    "390189": "set a role that the user has",
    "003001": "grant the role what is missing, or set another role",
}
"""What to do about the errors that a wrong setting causes, by Snowflake's code."""


@dataclass(frozen=True)
class Session:
    """What every statement of a run is executed with; None leaves it to the user."""

    database: str
    warehouse: str | None
    role: str | None
    timeout_seconds: int

    def body(self) -> dict[str, Any]:
        """Return the fields of a request's body that do not change."""
        fields = {
            "database": self.database,
            "warehouse": self.warehouse,
            "role": self.role,
            "timeout": self.timeout_seconds,
        }
        return {key: value for key, value in fields.items() if value is not None}


@dataclass(frozen=True)
class Statement:
    """A statement, its text binds and the request id that is its identity."""

    sql: str
    request_id: str
    binds: tuple[str, ...] = ()
    tag: str = ""


@dataclass(frozen=True)
class Result:
    """What a statement returned. Values are text or None, whatever their type."""

    handle: str
    rows: list[dict[str, str | None]]
    stats: Mapping[str, Any]

    def count(self, verb: str) -> int:
        """Return how many rows a MERGE has inserted, updated or deleted.

        Args:
            verb: ``inserted``, ``updated`` or ``deleted``.

        Returns:
            The number from the statistics, which may be absent, else from the MERGE's
            own result row.
        """
        counted = self.stats.get(f"numRows{verb.capitalize()}")
        if counted is None and self.rows:
            counted = self.rows[0].get(f"number of rows {verb}")
        return int(counted or 0)


class SqlApi:
    """Executes statements, whatever happens between this machine and Snowflake.

    A request that may have been lost is sent again with the same request id and
    ``retry=true``. Threads may share a client.
    """

    def __init__(
        self, url: str, authenticator: Authenticator, session: Session, user_agent: str
    ) -> None:
        """Prepare a client; nothing is sent yet.

        Args:
            url: Scheme and host of the account.
            authenticator: Signs the requests in.
            session: What all statements are executed with.
            user_agent: Names this program to Snowflake.
        """
        self._url = url
        self._authenticator = authenticator
        self._session = session
        self._http = requests.Session()
        self._http.headers.update(
            {
                "Accept": "application/json",
                "Content-Type": "application/json",
                "User-Agent": user_agent,
            }
        )
        self._answered = False

    def execute(self, statement: Statement) -> Result:
        """Execute a statement and wait until it is done.

        Args:
            statement: The statement. Executing it again after a crash of this program,
                with the same request id, is the caller's decision.

        Returns:
            Its result, with all partitions.

        Raises:
            StatementTooLargeError: The request was too large.
            StatementError: Snowflake refused the statement.
            TargetError: Snowflake could not be reached, or refused the sign-in.
        """
        parameters = {
            "timezone": "UTC",
            "query_tag": statement.tag,
        }
        binds = {
            str(place): {"type": "TEXT", "value": value}
            for place, value in enumerate(statement.binds, start=1)
        }
        body = {
            **self._session.body(),
            "statement": statement.sql,
            "bindings": binds,
            "parameters": parameters,
        }
        request = _Request(
            "POST",
            STATEMENTS,
            {"requestId": statement.request_id},
            msgspec.json.encode(body),
        )
        return self._result(self._finished(self._send(request)))

    def _finished(self, answer: _Answer) -> _Answer:
        """Poll a statement until it is no longer running."""
        poll = _Request("GET", f"{STATEMENTS}/{answer.handle}")
        pause = 0.1
        while answer.status == requests.codes.accepted and answer.handle:
            time.sleep(pause)
            pause = min(pause * 1.5, MAX_POLL_PAUSE_SECONDS)
            answer = self._send(poll)
        if not answer.is_result:
            raise self._refusal(answer)
        return answer

    def _result(self, answer: _Answer) -> Result:
        """Gather the rows of all partitions and name their columns."""
        body = answer.body
        meta = body["resultSetMetaData"]
        names = [column["name"] for column in meta.get("rowType", ())]
        rows = list(body["data"])
        for partition in range(1, len(meta.get("partitionInfo", ()))):
            rows += self._partition(answer.handle, partition)
        named = [dict(zip(names, row, strict=True)) for row in rows]
        return Result(answer.handle, named, body.get("stats") or {})

    def _partition(self, handle: str, number: int) -> Sequence[Sequence[str | None]]:
        path, parameters = f"{STATEMENTS}/{handle}", {"partition": str(number)}
        answer = self._send(_Request("GET", path, parameters))
        if answer.status != requests.codes.ok or not answer.has_rows:
            raise self._refusal(answer)
        rows: Sequence[Sequence[str | None]] = answer.body["data"]
        return rows

    def _send(self, request: _Request) -> _Answer:
        """Send a request until there is an answer that will stay the same.

        Network trouble, throttling and server errors are waited out with pauses that
        grow at random; a refused token is made anew once.
        """
        attempts = _Attempts()
        may_renew = True
        while True:
            answer, trouble = self._try(request)
            if answer and answer.status == requests.codes.unauthorized and may_renew:
                may_renew = False
                if self._authenticator.renew():
                    request = request.again()
                    continue
            if answer and answer.status not in TRANSIENT_STATUS:
                return answer
            limit = RESEND_FOR_SECONDS if self._answered else FIRST_CONTACT_SECONDS
            pause = attempts.next_pause(answer.retry_after if answer else None)
            if attempts.elapsed() + pause > limit:
                raise TargetError(self._unreachable(trouble))
            logger.warning(
                "%s (%s); sending it again in %.1f s", trouble, request.name, pause
            )
            time.sleep(pause)
            request = request.again()

    def _try(self, request: _Request) -> tuple[_Answer | None, str]:
        """Send a request once.

        Returns:
            The answer, or None where the connection was lost, and what went wrong.
        """
        try:
            response = self._http.request(
                request.method,
                f"{self._url}{request.path}",
                params=request.parameters,
                data=request.body,
                auth=self._authenticator,
                timeout=(CONNECT_TIMEOUT_SECONDS, READ_TIMEOUT_SECONDS),
                allow_redirects=False,
            )
        except LOST as error:
            if isinstance(_innermost(error), ssl.SSLCertVerificationError):
                raise TargetError(
                    f"The certificate of {self._url} cannot be trusted "
                    f"({_reason(error)}); check account and host."
                ) from error
            return None, f"The connection to {self._url} failed ({_reason(error)})"
        self._answered = True
        answer = _Answer.read(response)
        return answer, f"Snowflake answered {_described(answer)}"

    def _unreachable(self, trouble: str) -> str:
        if self._answered:
            return f"{trouble}, also after {RESEND_FOR_SECONDS} seconds; try later."
        return f"{trouble}; check account, host and the network."

    def _refusal(self, answer: _Answer) -> TargetError:
        """Turn a definite answer into the error to raise."""
        said = _described(answer)
        if answer.status == requests.codes.unauthorized:
            return TargetError(
                f"Snowflake refused the sign-in at {self._url}: {said}; "
                f"{_login_hint(answer)}{self._authenticator.remedy}."
            )
        if answer.status == requests.codes.request_entity_too_large:
            return StatementTooLargeError("The request was too large for Snowflake.")
        code = str(answer.body.get("code", ""))
        if not code:
            return TargetError(
                f"{self._url} does not answer as Snowflake's SQL API does: {said}; "
                "check account and host."
            )
        advice = f"; {ADVICE[code]}" if code in ADVICE else ""
        return StatementError(f"Snowflake refused: {said}{advice}.", code=code)


@dataclass(frozen=True)
class _Request:
    """A request that can be sent again."""

    method: str
    path: str
    parameters: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None

    @property
    def name(self) -> str:
        """What to call the request in a log line."""
        request_id = self.parameters.get("requestId")
        return f"request {request_id}" if request_id else f"{self.method} {self.path}"

    def again(self) -> _Request:
        """Return the request as it is sent another time."""
        if self.method != "POST":
            return self
        parameters = {**self.parameters, "retry": "true"}
        return _Request(self.method, self.path, parameters, self.body)


@dataclass(frozen=True)
class _Answer:
    """An answer of the server, whose body may be no JSON at all."""

    status: int
    body: Mapping[str, Any]
    text: str
    retry_after: float | None

    @property
    def handle(self) -> str:
        """The handle of the statement, where the answer names one."""
        return str(self.body.get("statementHandle") or "")

    @property
    def has_rows(self) -> bool:
        """Whether there are rows, though perhaps none in number."""
        return isinstance(self.body.get("data"), list)

    @property
    def is_result(self) -> bool:
        """Whether this says that a statement has ended well.

        The status alone does not: a proxy that asks for a login answers 200 as well,
        and to believe it would pass a state on with nothing loaded.
        """
        described = isinstance(self.body.get("resultSetMetaData"), dict)
        is_ok = self.status == requests.codes.ok
        return bool(is_ok and self.handle and described and self.has_rows)

    @classmethod
    def read(cls, response: requests.Response) -> _Answer:
        """Read a response."""
        try:
            body = msgspec.json.decode(response.content)
        except (msgspec.DecodeError, UnicodeDecodeError):
            body = {}
        seconds = response.headers.get("Retry-After", "")
        return cls(
            response.status_code,
            body if isinstance(body, dict) else {},
            "" if body else response.reason or "",
            float(seconds) if seconds.isdecimal() else None,
        )


class _Attempts:
    """The pauses between the attempts at one request."""

    def __init__(self) -> None:
        self._started = time.monotonic()
        self._count = 0

    def elapsed(self) -> float:
        """Return the seconds since the first attempt."""
        return time.monotonic() - self._started

    def next_pause(self, retry_after: float | None) -> float:
        """Return the seconds to wait: at random below a limit that doubles.

        Args:
            retry_after: The seconds that the server asks for at least, if it does.
        """
        self._count += 1
        jittered = backoff.full_jitter(min(MAX_PAUSE_SECONDS, 0.5 * 2**self._count))
        return max(jittered, min(retry_after or 0.0, MAX_PAUSE_SECONDS))


def _described(answer: _Answer) -> str:
    """Say what the server said: status, code, SQL state, message, statement."""
    code = answer.body.get("code", "")
    state = answer.body.get("sqlState", "")
    marks = "/".join(str(mark) for mark in (code, state) if mark)
    message = one_line(str(answer.body.get("message") or answer.text)).rstrip(".")
    handle = answer.body.get("statementHandle")
    where = f" [statement {handle}]" if handle else ""
    return f"{answer.status}{f' ({marks})' if marks else ''} {message}{where}"


def _login_hint(answer: _Answer) -> str:
    """Point to the details that Snowflake keeps of a failed login.

    https://docs.snowflake.com/en/sql-reference/functions/system_get_login_failure_details
    """
    found = UUID.search(str(answer.body.get("message", "")))
    if not found:
        return ""
    query = f"SELECT SYSTEM$GET_LOGIN_FAILURE_DETAILS('{found.group()}')"
    return f"an administrator sees the reason with {query}; "


def _innermost(error: Exception) -> BaseException:
    cause: BaseException = error
    while nested := cause.__cause__ or cause.__context__:
        cause = nested
    return cause


def _reason(error: Exception) -> str:
    """Name the innermost cause of a failed connection."""
    cause = _innermost(error)
    return one_line(str(cause) or type(cause).__name__, limit=200)
