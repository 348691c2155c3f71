"""An HTTP client of Snowflake's SQL API.

The API's reference: https://docs.snowflake.com/en/developer-guide/sql-api/reference
"""

from __future__ import annotations

import logging
import ssl
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.cookiejar import DefaultCookiePolicy
from typing import TYPE_CHECKING, Any

import backoff
import msgspec
import requests
from requests.auth import AuthBase
from requests.exceptions import InvalidProxyURL, InvalidSchema, ProxyError
from typing_extensions import override

from target_snowflake_merge.errors import TargetError, excerpt, one_line
from target_snowflake_merge.sql_api.responses import LOCK_QUEUE_FULL, Answer, refusal

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from target_snowflake_merge.sql_api.auth import Authenticator

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

NOT_FINISHED = {requests.codes.too_many_requests}
"""What a poll may be answered as well where the statement still runs."""

PARAMETERS: dict[str, str | int] = {"timezone": "UTC", "rows_per_resultset": 0}
"""What every session is to be, whatever the account and the user set: ``0`` has results
come whole, such as the columns of a wide table.
"""

NETWORK_VARIABLES = "HTTPS_PROXY, ALL_PROXY, REQUESTS_CA_BUNDLE and CURL_CA_BUNDLE"
"""What else decides how an address is reached."""

LOST = (
    requests.ConnectionError,
    requests.Timeout,
    requests.exceptions.ChunkedEncodingError,
    requests.exceptions.ContentDecodingError,
)


@dataclass(frozen=True)
class Session:
    """What every statement of a run is executed with; None leaves it to the user."""

    database: str | None
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
    """A statement, its text binds and the request id that is its identity.

    ``resent`` says that it may have been sent before, by a run that has ended.
    """

    sql: str
    request_id: str
    binds: tuple[str, ...] = ()
    tag: str = ""
    resent: bool = False


@dataclass(frozen=True)
class Result:
    """What a statement returned. Values are text or None, whatever their type."""

    handle: str
    rows: list[dict[str, str | None]]
    stats: Mapping[str, Any]
    attempts: int
    """How often the statement was sent."""

    def count(self, verb: str) -> int:
        """Return how many rows a MERGE has inserted, updated or deleted.

        Args:
            verb: ``inserted``, ``updated`` or ``deleted``.

        Returns:
            The number from the statistics, which may be absent, else from the MERGE's
            own result row, which tells of what the MERGE has clauses for.

        Raises:
            TargetError: It is no number, or nothing is counted.
        """
        row = self.rows[0] if self.rows else {}
        counted = self.stats.get(f"numRows{verb.capitalize()}")
        if counted is None:
            counts = (*self.stats, *row)
            others = any(n.startswith(("numRows", "number of rows ")) for n in counts)
            counted = row.get(f"number of rows {verb}", 0 if others else None)
        try:
            return int(str(counted))
        except ValueError as error:
            raise TargetError(
                f"Snowflake does not say how many rows statement {self.handle} has "
                f"{verb}, but {excerpt(counted)}; check account and host."
            ) from error


class SqlApi:
    """Executes statements, whatever happens between this machine and Snowflake.

    A request that may have been lost is sent again with the same request id and
    ``retry=true``. Threads may share a client.
    """

    def __init__(
        self, url: str, authenticator: Authenticator, session: Session, user_agent: str
    ) -> None:
        """Prepare a client; nothing is sent yet."""
        self._url = url
        self._authenticator = authenticator
        self._session = session
        self._connections = _Connections(user_agent)
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
            StatementError: Snowflake refused the statement: it was not executed.
            TargetError: Snowflake could not be reached, refused the sign-in, or did not
                say how the statement ended.
        """
        request = self._submission(statement)
        pauses = _Pauses()
        while True:
            answer = self._ended(request)
            if answer.is_result:
                return self._result(answer, request.attempts)
            pause = pauses.next(answer.retry_after)
            spent = pauses.elapsed() + pause > self._session.timeout_seconds
            if answer.code != LOCK_QUEUE_FULL or spent:
                raise self._refusal(answer)
            self._wait(pause, answer.described(), request)

    def server_clock(self) -> float | None:
        """Ask for any answer.

        Returns:
            The server's time in seconds since 1970, where it says so.

        Raises:
            TargetError: Nobody answers at this address.
        """
        # A token would be of no use here, and may be the reason for the question.
        return self._send(_Request("GET", "/", is_signed=False)).clock

    def _submission(self, statement: Statement) -> _Request:
        binds = {
            str(place): {"type": "TEXT", "value": value}
            for place, value in enumerate(statement.binds, start=1)
        }
        body = {
            **self._session.body(),
            "statement": statement.sql,
            "bindings": binds,
            "parameters": {**PARAMETERS, "query_tag": statement.tag},
        }
        return _Request(
            "POST",
            STATEMENTS,
            {"requestId": statement.request_id},
            _encoded(body),
            resent=statement.resent,
        )

    def _ended(self, request: _Request) -> Answer:
        """Send a request and wait until its statement has ended.

        A statement whose handle Snowflake does not know any more is asked for once more
        by its request id, which finds it or executes it: each may be executed again.
        """
        for _ in range(2):
            submitted = self._send(request)
            answer = self._finished(submitted)
            if not (submitted.is_running and answer.is_lost):
                return answer
            logger.warning(
                "Snowflake does not know statement %s any more, which was running (%s);"
                " asking for it by its request id",
                *(submitted.handle, answer.described()),
            )
        raise TargetError(
            f"Snowflake does not know statement {submitted.handle} any more, which was "
            f"running ({answer.described()}); whether it was executed is not known. "
            "Look it up in the query history; the next run settles it."
        )

    def _finished(self, answer: Answer) -> Answer:
        """Poll a statement until it is no longer running.

        Snowflake ends it after its time-out; the polls end some time later.
        """
        handle = answer.handle
        started = time.monotonic()
        pause = 0.1
        while answer.is_running or answer.status in NOT_FINISHED:
            if time.monotonic() - started > self._patience():
                raise TargetError(
                    f"Snowflake says that statement {handle} still runs after "
                    f"{self._patience()} seconds; look it up in the query history."
                )
            time.sleep(max(pause, min(answer.retry_after or 0, MAX_PAUSE_SECONDS)))
            pause = min(pause * 1.5, MAX_POLL_PAUSE_SECONDS)
            poll = _Request("GET", f"{STATEMENTS}/{handle}")
            answer = self._send(poll, or_return=NOT_FINISHED)
        return answer

    def _patience(self) -> int:
        return self._session.timeout_seconds + RESEND_FOR_SECONDS

    def _result(self, answer: Answer, attempts: int) -> Result:
        """Gather the rows of all partitions and name their columns."""
        with self._readable(answer):
            body = msgspec.convert(answer.body, _Body)
        meta, rows = body.result_set_meta_data, list(body.data)
        for partition in range(1, len(meta.partition_info or ())):
            rows += self._partition(answer.handle, partition)
        names = [column.name for column in meta.row_type]
        if any(len(row) != len(names) for row in rows):
            raise self._odd(answer, f"rows do not have {len(names)} values")
        if meta.num_rows is None and meta.partition_info is None:
            raise self._odd(answer, "nothing says how many rows there are")
        if meta.num_rows not in {None, len(rows)}:
            raise self._odd(answer, f"of {meta.num_rows} rows {len(rows)} have come")
        named = [dict(zip(names, row, strict=True)) for row in rows]
        return Result(answer.handle, named, body.stats or {}, attempts)

    @contextmanager
    def _readable(self, answer: Answer) -> Iterator[None]:
        try:
            yield
        except msgspec.ValidationError as error:
            raise self._odd(answer, str(error)) from error

    def _odd(self, answer: Answer, reason: str) -> TargetError:
        """Describe an answer of an odd shape; its statement may be executed."""
        return TargetError(
            f"{self._url} does not answer as Snowflake's SQL API does: "
            f"{one_line(reason)} [statement {answer.handle}]; check account and host."
        )

    def _partition(self, handle: str, number: int) -> _Rows:
        path, parameters = f"{STATEMENTS}/{handle}", {"partition": str(number)}
        answer = self._send(_Request("GET", path, parameters))
        if answer.is_lost:
            raise TargetError(
                f"Snowflake does not have the result of statement {handle} any more, "
                f"which was being read ({answer.described()}); run it again."
            )
        if answer.status != requests.codes.ok or not answer.has_rows:
            raise self._refusal(answer)
        with self._readable(answer):
            return msgspec.convert(answer.body["data"], _Rows)

    def _send(self, request: _Request, or_return: Collection[int] = ()) -> Answer:
        """Send a request until there is an answer that will stay the same.

        Network trouble, throttling and server errors are waited out with pauses that
        grow at random; a refused token is made anew once.
        """
        pauses = _Pauses()
        may_renew = True
        while True:
            answer, trouble = self._try(request)
            if answer and answer.status == requests.codes.unauthorized and may_renew:
                may_renew = False
                if self._authenticator.renew():
                    continue
            if answer and (answer.status in or_return or not answer.is_transient):
                return answer
            limit = RESEND_FOR_SECONDS if self._answered else FIRST_CONTACT_SECONDS
            pause = pauses.next(answer.retry_after if answer else None)
            if pauses.elapsed() + pause > limit:
                raise TargetError(self._unreachable(trouble))
            self._wait(pause, trouble, request)

    def _wait(self, pause: float, trouble: str, request: _Request) -> None:
        logger.warning(
            "%s (%s); sending it again in %.1f s", trouble, request.name, pause
        )
        time.sleep(pause)

    def _try(self, request: _Request) -> tuple[Answer | None, str]:
        """Send a request once.

        Returns:
            The answer, or None where the connection was lost, and what went wrong.
        """
        parameters = request.next_parameters()
        try:
            response = self._connections.http.request(
                request.method,
                f"{self._url}{request.path}",
                params=parameters,
                data=request.body,
                auth=self._authenticator if request.is_signed else _Unsigned(),
                timeout=(CONNECT_TIMEOUT_SECONDS, READ_TIMEOUT_SECONDS),
                allow_redirects=False,
            )
        except (OSError, ValueError) as error:
            return None, self._trouble(error)
        self._answered = True
        answer = Answer.read(response)
        return answer, f"Snowflake answered {answer.described()}"

    def _trouble(self, error: OSError | ValueError) -> str:
        """Describe a connection that was lost, and stop where no other can be had."""
        if not isinstance(error, LOST):
            raise TargetError(
                f"{self._url} cannot be asked, since a setting for the network is "
                f"wrong ({_wrong_setting(error)}); check {NETWORK_VARIABLES} of the "
                "environment, then account and host."
            ) from error
        if isinstance(_innermost(error), ssl.SSLCertVerificationError):
            raise TargetError(
                f"The certificate of {self._url} cannot be trusted "
                f"({_reason(error)}); check account and host."
            ) from error
        way = " through a proxy" if isinstance(error, ProxyError) else ""
        return f"The connection to {self._url}{way} failed ({_reason(error)})"

    def _unreachable(self, trouble: str) -> str:
        if self._answered:
            return f"{trouble}, also after {RESEND_FOR_SECONDS} seconds; try later."
        return f"{trouble}; check account, host and the network."

    def _refusal(self, answer: Answer) -> TargetError:
        return refusal(answer, self._url, self._authenticator.remedy, time.time())


_Rows = list[list[Any]]


class _Column(msgspec.Struct):
    """A column of a result."""

    name: str


class _Meta(msgspec.Struct, rename="camel"):
    """What a result says about its rows."""

    row_type: list[_Column] = []
    num_rows: int | None = None
    partition_info: list[Any] | None = None


class _Body(msgspec.Struct, rename="camel"):
    """A result, whose rows may go on in other partitions."""

    result_set_meta_data: _Meta
    data: _Rows
    stats: dict[str, Any] | None = None


class _Unsigned(AuthBase):
    """Keeps requests from sending a password of ``~/.netrc``."""

    @override
    def __call__(self, r: requests.PreparedRequest) -> requests.PreparedRequest:
        return r


class _Connections(threading.local):
    """A session of requests in each thread: it does not promise that they may share it.

    Cookies are refused: each request stands for itself.
    """

    def __init__(self, user_agent: str) -> None:
        self.http = requests.Session()
        self.http.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        self.http.headers.update(
            {
                "Accept": "application/json",
                "Content-Type": "application/json",
                "User-Agent": user_agent,
            }
        )


@dataclass
class _Request:
    """A request that can be sent again."""

    method: str
    path: str
    parameters: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None
    resent: bool = False
    is_signed: bool = True
    attempts: int = 0

    @property
    def name(self) -> str:
        """What to call the request in a log line."""
        request_id = self.parameters.get("requestId")
        return f"request {request_id}" if request_id else f"{self.method} {self.path}"

    def next_parameters(self) -> Mapping[str, str]:
        """Count an attempt, and return the parameters that it is sent with."""
        is_resend = self.resent or self.attempts > 0
        self.attempts += 1
        if self.method == "POST" and is_resend:
            return {**self.parameters, "retry": "true"}
        return self.parameters


class _Pauses:
    """The pauses between the attempts at one request."""

    def __init__(self) -> None:
        self._started = time.monotonic()
        self._count = 0

    def elapsed(self) -> float:
        """Return the seconds since the first attempt."""
        return time.monotonic() - self._started

    def next(self, retry_after: float | None) -> float:
        """Return the seconds to wait: at random below a limit that doubles."""
        self._count += 1
        jittered = backoff.full_jitter(min(MAX_PAUSE_SECONDS, 0.5 * 2**self._count))
        return max(jittered, min(retry_after or 0.0, MAX_PAUSE_SECONDS))


def _encoded(body: Mapping[str, Any]) -> bytes:
    """Encode a body, whose names come from the settings.

    Raises:
        TargetError: One of them is no text.
    """
    try:
        return msgspec.json.encode(body)
    except UnicodeEncodeError as error:
        raise TargetError(
            f"Half of a character stands in {excerpt(ascii(error.object))}; "
            "correct role, warehouse, database or default_target_schema."
        ) from error


def _wrong_setting(error: Exception) -> str:
    """Say what is wrong; of a proxy's address nothing, as it may hold a password."""
    is_named = isinstance(error, InvalidProxyURL | InvalidSchema)
    if is_named or not isinstance(error, requests.RequestException | ValueError):
        return one_line(str(error))
    return "an address is malformed"


def _innermost(error: Exception) -> BaseException:
    cause: BaseException = error
    while nested := cause.__cause__ or cause.__context__:
        cause = nested
    return cause


def _reason(error: Exception) -> str:
    """Name the innermost cause of a failed connection."""
    cause = _innermost(error)
    return one_line(str(cause) or type(cause).__name__, limit=200)
