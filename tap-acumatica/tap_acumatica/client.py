"""HTTP client of one instance: one request at a time, retries, clear errors."""

from __future__ import annotations

import logging
import re
import time
import weakref
from collections import deque
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from itertools import count
from typing import TYPE_CHECKING, Any

import backoff
import requests

from tap_acumatica import exact_json, query, responses, seat, signals
from tap_acumatica.auth import UNREACHABLE, root, unreachable
from tap_acumatica.clocks import Clocks
from tap_acumatica.errors import (
    AcumaticaError,
    CannotOptimizeError,
    InsufficientRightsError,
    NotConfiguredError,
    NotFoundError,
    OverloadError,
    RefusedQueryError,
    RetryableError,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping

    from tap_acumatica.auth import Authenticator

LOGOUT_PATH = "entity/auth/logout"
TIMEOUT = (15, 600)
"""Seconds to wait for a connection and for an answer: the licence can delay an answer
by up to ten minutes."""
LOGOUT_TIMEOUT = 30
MINUTE = 60.0
ATTEMPTS = 8
LONGEST_WAIT = 120.0
"""Seconds between two attempts at most, whatever the server asks for."""

_NOT_CONFIGURED = "PXSetupNotEnteredException"
_BUSINESS_RULE = re.compile(r'"exceptionType"\s*:\s*"PX\.Data\.PXException"')
"""What the ERP's own logic objects to, such as a branch that it does not have; of those
only the limit of sessions passes."""
_BAD_QUERY = ("KeyNotFoundException", "ODataException")
_CANNOT_OPTIMIZE = "CannotOptimizeException"
_DEFINITE = {
    400: RefusedQueryError,
    403: InsufficientRightsError,
    404: NotFoundError,
}

logger = logging.getLogger("tap-acumatica")


@dataclass(frozen=True)
class Answer:
    """A decoded answer.

    Attributes:
        body: The JSON value.
        asked_at: Our clock just before the request.
    """

    body: Any
    asked_at: datetime


def waits() -> Generator[float, RetryableError, None]:
    """Yield the seconds to wait before the next attempt: 1, 2, 4 … or Retry-After."""
    error = yield 0
    for attempt in count():
        wait = 2.0**attempt if error.retry_after is None else error.retry_after
        error = yield min(wait, LONGEST_WAIT)


def log_wait(details: Mapping[str, Any]) -> None:
    """Say what has failed, and when it is tried again; `backoff` calls it."""
    logger.warning(
        "%s. Attempt %d of %d; next in %.1f seconds.",
        str(details["exception"]).rstrip("."),
        details["tries"],
        ATTEMPTS,
        details["wait"],
    )


class Pace:
    """Holds a number of requests a minute: the oldest of them must be a minute old."""

    def __init__(
        self,
        per_minute: int | None,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """Start with no request sent.

        Args:
            per_minute: Requests in any sixty seconds; None is no limit.
            clock: Seconds on a clock that never goes back.
            sleep: Waits so many seconds.
        """
        self._sent: deque[float] = deque(maxlen=per_minute)
        self._limited = per_minute is not None
        self._clock = clock
        self._sleep = sleep

    def wait(self) -> None:
        """Wait until the next request may be sent, and count it."""
        if self._limited and len(self._sent) == self._sent.maxlen:
            self._sleep(max(self._sent[0] + MINUTE - self._clock(), 0))
        if self._limited:
            self._sent.append(self._clock())


class Client:
    """Reads from one instance and gives its seat back at the end.

    The first signed request takes a licensed seat, so exactly one logout follows when
    the client is closed or collected, or the process ends, whatever the ending.
    """

    def __init__(
        self,
        instance_url: str,
        authenticator: Authenticator,
        pace: Pace,
        headers: Mapping[str, str],
    ) -> None:
        """Prepare; nothing is sent yet.

        Args:
            instance_url: The instance's address without a slash at its end; it may
                hold a site path.
            authenticator: Signs the requests in.
            pace: How fast requests may follow one another.
            headers: What each request says beside the usual, such as the branch.
        """
        self.instance_url = instance_url
        self._pace = pace
        self._authenticator = authenticator
        self._session = requests.Session()
        self._session.headers.update(
            {
                "Accept": "application/json",
                "User-Agent": f"tap-acumatica/{version('tap-acumatica')}",
                **headers,
            }
        )
        self._clocks: Clocks | None = None
        self._logout: weakref.finalize[..., Client] | None = None
        self._keeper: seat.Keeper | None = None

    @property
    def clocks(self) -> Clocks:
        """The server's clock (its Date header) and ours, when it last answered.

        Raises:
            AcumaticaError: No answer has told the server's.
        """
        if self._clocks is None:
            raise AcumaticaError(
                f"The answers of {self.instance_url} have no readable Date header, so "
                "no bookmark would be safe: does a proxy before the instance drop it?"
            )
        return self._clocks

    @backoff.on_exception(
        waits,
        RetryableError,
        max_tries=ATTEMPTS,
        jitter=backoff.random_jitter,
        on_backoff=log_wait,
        logger=None,
    )
    def get(
        self,
        path: str,
        parameters: Mapping[str, str | int] | None = None,
        *,
        fragile: bool = False,
    ) -> Answer:
        """Read a path below the instance's address.

        Args:
            path: The path.
            parameters: The query.
            fragile: The query holds what some servers answer 500 to, so that it is not
                asked again after one.

        Raises:
            RefusedQueryError: The server refuses the query.
            AcumaticaError: The server declines, or its answer is not JSON; also when
                the last attempt at a passing failure has failed.
        """
        return self._ask(path, parameters, fragile=fragile)

    @backoff.on_exception(
        waits,
        RetryableError,
        max_tries=ATTEMPTS,
        giveup=lambda error: isinstance(error, OverloadError),
        jitter=backoff.random_jitter,
        on_backoff=log_wait,
        logger=None,
    )
    def get_page(
        self, path: str, parameters: Mapping[str, str | int], *, fragile: bool
    ) -> Answer:
        """Read a page of a list, for somebody who will ask for a smaller one.

        The arguments and errors are those of `get`, with one more.

        Raises:
            OverloadError: The server has not managed it; it was not asked again.
        """
        return self._ask(path, parameters, fragile=fragile)

    def _ask(
        self,
        path: str,
        parameters: Mapping[str, str | int] | None,
        *,
        fragile: bool,
    ) -> Answer:
        url = f"{self.instance_url}/{path}"
        if parameters:
            url += f"?{query.encode(parameters)}"
        response, asked_at = self._send(url)
        if _session_has_ended(response):
            self._authenticator.forget()
            response, asked_at = self._send(url)
        _check(response, path, fragile=fragile)
        if server := responses.server_time(response):
            self._clocks = Clocks(server, asked_at, datetime.now(UTC))
        return Answer(_decoded(response, path), asked_at)

    @property
    def signs_in_by(self) -> str:
        """What the requests are signed in with, for people."""
        return self._authenticator.description

    def close(self) -> bool | None:
        """Sign out; tell whether the seat was given back, None where none was taken."""
        return None if self._logout is None else bool(self._logout())

    def _send(self, url: str) -> tuple[requests.Response, datetime]:
        # A new refresh token, or a seat that was taken, must not be lost to a signal.
        with self._authenticator.turn(), signals.deferred():
            self._authenticator.sign_in(self._session)
            self._hold()
        self._pace.wait()
        asked_at = datetime.now(UTC)
        try:
            response = self._session.get(url, timeout=TIMEOUT, allow_redirects=False)
        except UNREACHABLE as error:
            if _has_come_late(error):
                path = url.removeprefix(f"{self.instance_url}/").partition("?")[0]
                raise OverloadError(
                    f"GET {path} was not answered in full within {TIMEOUT[1]} seconds."
                ) from error
            # A proxy or a worker may end so what is too large for it.
            is_cut = isinstance(root(error), ConnectionResetError)
            kind = OverloadError if is_cut else RetryableError
            raise kind(unreachable(self.instance_url, error)) from error
        return response, asked_at

    def _hold(self) -> None:
        """See to it that the seat is given back, whatever the ending."""
        url = f"{self.instance_url}/{LOGOUT_PATH}"
        if self._logout is None:
            self._keeper = seat.keeper()
            self._logout = weakref.finalize(
                self, leave, self._session, url, self._keeper
            )
        if self._keeper:
            sign_out = requests.Request("POST", url)
            self._keeper.tell(self._session.prepare_request(sign_out))


def leave(session: requests.Session, url: str, keeper: seat.Keeper | None) -> bool:
    """Sign out, and tell the keeper so, who does not try again."""
    try:
        return logout(session, url)
    finally:
        if keeper:
            keeper.release()


def _has_come_late(error: Exception) -> bool:
    """Tell an answer that does not come, or not to its end, from a lost connection.

    A time-out in the middle of the answer is a ConnectionError to requests.
    """
    if isinstance(error, requests.ConnectTimeout):
        return False
    cause = root(error)
    # The system's own, for a connection, has a number.
    too_long = isinstance(cause, TimeoutError) and cause.errno is None
    return too_long or isinstance(error, requests.exceptions.ChunkedEncodingError)


def logout(session: requests.Session, url: str) -> bool:
    """Give the session's seat back, and tell whether that has succeeded.

    Without ``Content-Length: 0`` the server answers 411 and keeps the seat taken;
    requests sends that header with an empty POST.
    """
    try:
        answer = session.post(url, timeout=LOGOUT_TIMEOUT, allow_redirects=False)
        answer.raise_for_status()
        if led_to := responses.redirect(answer):
            raise requests.HTTPError(str(led_to))
    except UNREACHABLE as error:
        logger.warning(
            "The sign-out failed (%s): the seat stays taken until the server ends it.",
            error,
        )
        return False
    finally:
        session.close()
    return True


def _session_has_ended(response: requests.Response) -> bool:
    """Tell whether what signed the request in is not good any more."""
    led_to = responses.redirect(response)
    refused = response.status_code == requests.codes.unauthorized
    return refused or bool(led_to and led_to.has_ended)


def _check(response: requests.Response, path: str, *, fragile: bool) -> None:
    """Raise what an answer that is not a success means."""
    status = response.status_code
    if status == requests.codes.ok:
        return
    message = f"GET {path} answered {status}: {responses.said(response)}"
    if led_to := responses.redirect(response):
        raise (RetryableError if led_to.passes else AcumaticaError)(str(led_to))
    if status == requests.codes.internal_server_error:
        raise _server_error(response, message, fragile=fragile)
    if status in responses.PASSING:
        kind = OverloadError if status in responses.OVERLOADED else RetryableError
        raise kind(message, responses.retry_after(response))
    raise _DEFINITE.get(status, AcumaticaError)(message)


def _server_error(
    response: requests.Response, message: str, *, fragile: bool
) -> AcumaticaError:
    """Tell an error that comes again however often one asks from one that may pass."""
    text = response.text
    if _CANNOT_OPTIMIZE in text:
        return CannotOptimizeError(message)
    if _NOT_CONFIGURED in text:
        return NotConfiguredError(message)
    if any(name in text for name in _BAD_QUERY):
        return RefusedQueryError(message)
    if _BUSINESS_RULE.search(text) and not responses.has_no_seat(response):
        return AcumaticaError(message)
    if responses.has_no_seat(response):
        return RetryableError(message)
    return RefusedQueryError(message) if fragile else OverloadError(message)


def _decoded(response: requests.Response, path: str) -> Any:  # noqa: ANN401 - any JSON
    try:
        body, mended = exact_json.read(response.content)
    except exact_json.UnreadableError as error:
        raise AcumaticaError(
            f"GET {path} answered {response.status_code} with something else than JSON "
            f"in UTF-8: {responses.said(response)} ({error}). Is there a proxy or a "
            "sign-in page before the instance?"
        ) from error
    if mended:
        places = dict.fromkeys(exact_json.mended_places(body))
        logger.warning(
            "GET %s answered %d characters that are none, such as half of a pair; "
            "\N{REPLACEMENT CHARACTER} stands in their place now, in %s.",
            path,
            mended,
            ", ".join(places)[: responses.SHOWN],
        )
    return body
