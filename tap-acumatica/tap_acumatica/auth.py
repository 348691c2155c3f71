"""Signing in: OAuth tokens of an instance."""

from __future__ import annotations

import time
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, NamedTuple

import requests

from tap_acumatica.errors import AcumaticaError, RetryableError, SettingError

if TYPE_CHECKING:
    from collections.abc import Mapping

TOKEN_PATH = "identity/connect/token"  # noqa: S105 - an address
RENEWAL_MARGIN = 120
"""Seconds before its end at which a token is renewed."""
TIMEOUT = (15, 120)
"""Seconds to wait for a connection and for the token."""

_REFUSED = (requests.codes.bad_request, requests.codes.unauthorized)


class Token(NamedTuple):
    """A bearer token and the moment, on the monotonic clock, at which to renew it."""

    value: str
    renew_at: float


class PasswordAuthenticator:
    """OAuth 2 with the resource owner password flow.

    Source: Integration Development Guide, "Resource Owner Password Credentials Flow".
    """

    def __init__(
        self,
        instance_url: str,
        *,
        client_id: str,
        client_secret: str,
        username: str,
        password: str,
    ) -> None:
        self._url = f"{instance_url}/{TOKEN_PATH}"
        self._form = {
            "grant_type": "password",
            "scope": "api",
            "client_id": client_id,
            "client_secret": client_secret,
            "username": username,
            "password": password,
        }
        self._token: Token | None = None
        self._reached = False

    def token(self, session: requests.Session) -> str:
        """Return a token that is good for the next request.

        Raises:
            AcumaticaError: The instance refuses the sign-in; it is not repeated,
                because repeated wrong passwords lock the account.
            RetryableError: The token endpoint does not answer as it should.
        """
        if self._token is None or time.monotonic() >= self._token.renew_at:
            self._token = self._ask(session)
        return self._token.value

    def forget(self) -> None:
        """Drop the token, so that the next request asks for a new one."""
        self._token = None

    def _ask(self, session: requests.Session) -> Token:
        asked_at = time.monotonic()
        try:
            response = session.post(
                self._url,
                data=self._form,
                auth=_unsigned,
                timeout=TIMEOUT,
                allow_redirects=False,
            )
        except requests.RequestException as error:
            # Before the first sign-in the address is more likely wrong than down.
            kind = RetryableError if self._reached else SettingError
            raise kind(unreachable(self._url, error)) from error
        self._reached = True
        answer = _answer(response)
        if response.status_code in _REFUSED:
            raise AcumaticaError(_refusal(answer))
        if "access_token" not in answer:
            message = f"{self._url} answered {response.status_code} instead of a token"
            if _may_pass(response.status_code):
                raise RetryableError(
                    f"{message}; try again later.", retry_after(response)
                )
            raise SettingError(f"{message}: is instance_url an Acumatica instance?")
        lifetime = float(answer.get("expires_in", 3600))
        renew_at = asked_at + max(lifetime - RENEWAL_MARGIN, lifetime / 2)
        return Token(answer["access_token"], renew_at)


def retry_after(response: requests.Response) -> float | None:
    """Return the seconds that the server asks us to wait, if it does."""
    value = response.headers.get("Retry-After", "")
    return float(value) if value.isdecimal() else None


def _may_pass(status: int) -> bool:
    return (
        status == HTTPStatus.TOO_MANY_REQUESTS
        or status >= HTTPStatus.INTERNAL_SERVER_ERROR
    )


def _unsigned(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """Send neither the old token nor what ``~/.netrc`` says: the form signs in."""
    return request


def _answer(response: requests.Response) -> Mapping[str, Any]:
    try:
        answer = response.json()
    except requests.JSONDecodeError:
        return {}
    return answer if isinstance(answer, dict) else {}


def _refusal(answer: Mapping[str, Any]) -> str:
    """Say which of the settings the token endpoint does not accept (RFC 6749, 5.2)."""
    code = answer.get("error", "no reason given")
    reason = (
        f"{code}: {answer['error_description']}"
        if "error_description" in answer
        else code
    )
    settings = (
        "client_id and client_secret"
        if code in {"invalid_client", "unauthorized_client"}
        else "username and password"
    )
    return (
        f"The instance refuses the sign-in ({reason}). Check {settings}; "
        "a wrong password that is sent again and again locks the account."
    )


def unreachable(url: str, error: Exception) -> str:
    """Say in one sentence that an address does not answer, and why."""
    cause: BaseException = error
    while cause.__context__ is not None:
        cause = cause.__context__
    return f"Cannot reach {url} ({cause}). Check instance_url and the network."
