"""Signing in: OAuth tokens, or the cookies of a session.

Source: Integration Development Guide, "Authorizing Client Applications to Work with
Acumatica ERP" and "Sign In to the Service".
"""

from __future__ import annotations

import re
import time
from abc import ABC, abstractmethod
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any, NamedTuple

import requests
from typing_extensions import override

from tap_acumatica import exact_json, responses
from tap_acumatica.errors import AcumaticaError, RetryableError, SettingError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from contextlib import AbstractContextManager

    from tap_acumatica.token_file import TokenFile

TOKEN_PATH = "identity/connect/token"  # noqa: S105 - an address
LOGIN_PATH = "entity/auth/login"
USUAL_LIFETIME = 3600.0
"""Seconds that a token is good for where the server does not say."""
RENEWAL_MARGIN = 120
"""Seconds before its end at which a token is renewed."""
TIMEOUT = (15, 120)
"""Seconds to wait for a connection and for the answer."""

_REFUSED = (requests.codes.bad_request, requests.codes.unauthorized)
UNREACHABLE = (requests.RequestException, ValueError)
"""What requests raises; a plain ValueError for a redirect to what is no address, even
where it is told to follow none."""
_SENDABLE = re.compile(r"[!-~]+")
"""What a header can carry of a token (RFC 6750, 2.1)."""
_NO_SEAT = (
    "All sessions of the licence, or of this user, are taken: sign other clients out, "
    "or raise the limit (User Types, EP202500, or Users, SM201010)"
)
_LOCKS = "a wrong password that is sent again and again locks the account"


class Authenticator(ABC):
    """Signs the requests of a session in.

    Attributes:
        description: What it signs in with, for people; never a secret.
    """

    description: str

    def turn(self) -> AbstractContextManager[None]:
        """Wait until no other process exchanges what this one is to sign in with.

        Raises:
            AcumaticaError: That takes too long, or what tells it cannot be used.
        """
        return nullcontext()

    @abstractmethod
    def sign_in(self, session: requests.Session) -> None:
        """Make a session good for its next request; to be called within `turn`.

        Raises:
            AcumaticaError: The instance refuses the sign-in; it is not repeated,
                because repeated wrong passwords lock the account.
            RetryableError: The instance does not answer as it should.
        """

    @abstractmethod
    def forget(self) -> None:
        """Drop what the server no longer accepts, so that a new sign-in follows."""


class Token(NamedTuple):
    """A bearer token and the moment, on the monotonic clock, at which to renew it."""

    value: str
    renew_at: float


class Bearer(requests.auth.AuthBase):
    """Signs requests with a token.

    A header alone would not do: requests overwrites it with what ``~/.netrc`` says.
    """

    def __init__(self, token: str) -> None:
        self._token = token

    @override
    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self._token}"
        return request


class OAuthAuthenticator(Authenticator):
    """OAuth 2 with tokens that are asked for when they are needed."""

    def __init__(self, instance_url: str, client_id: str, client_secret: str) -> None:
        self._endpoint = Form(f"{instance_url}/{TOKEN_PATH}")
        self._client = {"client_id": client_id, "client_secret": client_secret}
        self._token: Token | None = None

    @override
    def turn(self) -> AbstractContextManager[None]:
        # `sign_in` does not look again: it would renew a token without its turn.
        if self._token is not None and time.monotonic() >= self._token.renew_at:
            self.forget()
        return super().turn()

    @override
    def sign_in(self, session: requests.Session) -> None:
        if self._token is None:
            asked_at = time.monotonic()
            answer = self._grant(session)
            lifetime = _lifetime(answer)
            renew_at = asked_at + max(lifetime - RENEWAL_MARGIN, lifetime / 2)
            self._token = Token(answer["access_token"], renew_at)
        session.auth = Bearer(self._token.value)

    @override
    def forget(self) -> None:
        self._token = None

    @abstractmethod
    def _grant(self, session: requests.Session) -> Mapping[str, Any]:
        """Ask the token endpoint for a token."""

    def _ask(
        self, session: requests.Session, check: str, **form: str
    ) -> Mapping[str, Any]:
        return token(session, self._endpoint, self._client | form, check)


class PasswordAuthenticator(OAuthAuthenticator):
    """The resource owner password flow."""

    def __init__(
        self,
        instance_url: str,
        *,
        client_id: str,
        client_secret: str,
        username: str,
        password: str,
    ) -> None:
        super().__init__(instance_url, client_id, client_secret)
        self._user = {"username": username, "password": password}
        self.description = f"OAuth, with the password of {username}"

    @override
    def _grant(self, session: requests.Session) -> Mapping[str, Any]:
        check = f"Check username and password; {_LOCKS}"
        form = {"grant_type": "password", "scope": "api", **self._user}
        return self._ask(session, check, **form)


class RefreshTokenAuthenticator(OAuthAuthenticator):
    """Refresh tokens, each of which is good for one access token and its successor."""

    def __init__(
        self, instance_url: str, *, client_id: str, client_secret: str, file: TokenFile
    ) -> None:
        super().__init__(instance_url, client_id, client_secret)
        self._file = file
        self.description = "OAuth, with a refresh token"

    @override
    def turn(self) -> AbstractContextManager[None]:
        own_turn = super().turn()
        return self._file.held() if self._token is None else own_turn

    @override
    def _grant(self, session: requests.Session) -> Mapping[str, Any]:
        newest = self._file.newest()
        check = (
            f"The chain of refresh tokens is {self._file.age}. Run `acumatica login` "
            "for a new one, and remove the setting refresh_token if it holds an old one"
        )
        form = {"grant_type": "refresh_token", "refresh_token": newest}
        answer = self._ask(session, check, **form)
        # The old one is void now, and the next run needs the new one.
        self._file.keep(answer.get("refresh_token") or newest)
        self.description = (
            f"OAuth, with a refresh token, whose chain is {self._file.age}"
        )
        return answer


class CookieAuthenticator(Authenticator):
    """A session that is signed in once and known by its cookies."""

    def __init__(
        self, instance_url: str, *, username: str, password: str, **session: str
    ) -> None:
        """Prepare; nothing is sent yet.

        Args:
            instance_url: The instance's address.
            username: The user's login.
            password: The user's password.
            session: Tenant, branch and locale, as far as they are given.
        """
        self._endpoint = Form(f"{instance_url}/{LOGIN_PATH}")
        self._login = {"name": username, "password": password, **session}
        if "tenant" in session:
            # Old builds know only this name of it, and would ignore the other one and
            # sign in to their default tenant. Builds that know both refuse both.
            self._login["company"] = session["tenant"]
        self._is_signed_in = False
        tenant = session.get("tenant", "the default one")
        self.description = f"cookies, with the password of {username}, tenant {tenant}"

    @override
    def sign_in(self, session: requests.Session) -> None:
        if self._is_signed_in:
            return
        session.cookies.clear()
        session.auth = unsigned
        response = self._endpoint.post(session, json=self._login)
        if "company" in self._login and _refuses_both(response):
            del self._login["company"]
            response = self._endpoint.post(session, json=self._login)
        if not response.ok or response.is_redirect:
            raise self._refusal(response)
        if not session.cookies:
            raise SettingError(
                f"{self._endpoint.url} answered {response.status_code} without a "
                "cookie: is instance_url an Acumatica instance?"
            )
        self._is_signed_in = True

    @override
    def forget(self) -> None:
        self._is_signed_in = False

    def _refusal(self, response: requests.Response) -> AcumaticaError:
        """Say why; a wrong password is a 500 as well, so that its words decide."""
        status, led_to = response.status_code, responses.redirect(response)
        told = led_to or f"{status}: {responses.said(response)}"
        message = f"The instance refuses the sign-in ({told})."
        is_busy = status in responses.PASSING - {requests.codes.internal_server_error}
        is_unspoken = is_busy and not responses.message(response)
        if responses.has_no_seat(response):
            message += f" {_NO_SEAT}."
        if is_unspoken or _is_closed(response):
            return RetryableError(message, responses.retry_after(response))
        return AcumaticaError(
            f"{message} Check username, password and tenant; {_LOCKS}."
        )


class Form:
    """An address that signs somebody in.

    Attributes:
        url: The address.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self._reached = False

    def post(self, session: requests.Session, **content: Any) -> requests.Response:  # noqa: ANN401 - as requests takes it
        """Send a form or JSON.

        Raises:
            RetryableError: The address does not answer.
            SettingError: It has never answered: it is more likely wrong than down.
        """
        try:
            response = session.post(
                self.url,
                **content,
                auth=unsigned,
                timeout=TIMEOUT,
                allow_redirects=False,
            )
        except UNREACHABLE as error:
            kind = RetryableError if self._reached else SettingError
            raise kind(unreachable(self.url, error)) from error
        self._reached = True
        return response


def token(
    session: requests.Session, endpoint: Form, form: Mapping[str, str], check: str
) -> Mapping[str, Any]:
    """Ask a token endpoint for tokens (RFC 6749).

    Args:
        session: What to send the form with.
        endpoint: The token endpoint.
        form: What it is sent.
        check: What to check when the grant is refused.

    Raises:
        AcumaticaError: It refuses.
        RetryableError: It does not answer as it should.
    """
    response = endpoint.post(session, data=form)
    answer = responses.content(response)
    if answer.get("error") == "invalid_grant" and responses.has_no_seat(response):
        raise RetryableError(_refusal(response, _NO_SEAT))
    if response.status_code in _REFUSED:
        raise AcumaticaError(_refusal(response, check))
    if _is_token(answer):
        return answer
    told = responses.redirect(response) or responses.said(response)
    message = (
        f"{endpoint.url} answered {response.status_code} instead of a token ({told})"
    )
    if response.status_code in responses.PASSING or _is_closed(response):
        wait = responses.retry_after(response)
        raise RetryableError(f"{message}; try again later.", wait)
    raise SettingError(f"{message}: is instance_url an Acumatica instance?")


def _is_closed(response: requests.Response) -> bool:
    """Tell that nobody is let in at the moment, whatever the password."""
    led_to = responses.redirect(response)
    is_down = led_to is not None and led_to.page == "maintenance.aspx"
    return is_down or responses.has_no_seat(response)


def _is_token(answer: Mapping[str, Any]) -> bool:
    """Tell tokens that can be sent and kept from what an answer has in their place."""
    access, refresh = answer.get("access_token"), answer.get("refresh_token") or ""
    return (
        isinstance(access, str)
        and isinstance(refresh, str)
        and bool(_SENDABLE.fullmatch(access))
    )


def _lifetime(answer: Mapping[str, Any]) -> float:
    """Return the seconds that a token is good for, as far as the answer tells them."""
    try:
        return float(answer["expires_in"])
    except (KeyError, TypeError, ValueError):
        return USUAL_LIFETIME


def unsigned(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """Send neither an old token nor what ``~/.netrc`` says."""
    return request


def unreachable(url: str, error: Exception) -> str:
    """Say in one sentence that an address does not answer, and why."""
    return f"Cannot reach {url} ({root(error)}). Check instance_url and the network."


def root(error: BaseException) -> BaseException:
    """Return what an error began with."""
    while error.__context__ is not None:
        error = error.__context__
    return error


def _refuses_both(response: requests.Response) -> bool:
    """Tell a build that knows tenant and company, and takes only one of them.

    https://github.com/Acumatica/AcumaticaRESTAPIClientForCSharp/issues/19
    """
    told = responses.said(response).lower()
    return not response.ok and "company" in told and "tenant" in told


def _refusal(response: requests.Response, check: str) -> str:
    """Say which of the settings the token endpoint does not accept (RFC 6749, 5.2)."""
    answer = responses.content(response)
    code = answer.get("error", "no reason given")
    if not isinstance(code, str):
        code = f"{response.url} answered {exact_json.outline(answer)}"
    reason = (
        f"{code}: {answer['error_description']}"
        if "error_description" in answer
        else code
    )
    if code in {"invalid_client", "unauthorized_client"}:
        check = "Check client_id and client_secret"
    return f"The instance refuses the sign-in ({reason}). {check}."
