"""Signing in and out: OAuth 2 tokens, and the licensed seats that sessions take.

Facts: access tokens live for 3600 seconds; a refresh token needs the scope
offline_access and is replaced with each use; client_credentials is not offered; the
first entity call of a token opens a session; a session takes a seat until it signs out
or its token ends; a token used after signing out opens a new session; wrong passwords
in a row lock the user out.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from sandbox import config
from sandbox.acumatica import clock, errors

if TYPE_CHECKING:
    from sandbox.acumatica.settings import Settings

SCOPES = {"api", "offline_access"}
WRONG_PASSWORD = "invalid_username_or_password"  # noqa: S105 - a message
LOCKED_AFTER = 5
"""Wrong passwords in a row, as the security policy of a new tenant has it."""
LOCKED = (
    "The user account is locked out because of too many unsuccessful sign-in attempts."
)
LIMIT_REACHED = (
    "The number of concurrent API logins for the user has been reached. "
    "Check the limit of API users on the Users (SM201010) form."
)


class OAuthError(Exception):
    """A refusal of the token endpoint, with an error code of RFC 6749, section 5.2."""

    def __init__(self, code: str, description: str = "") -> None:
        super().__init__(code)
        self.body = {"error": code}
        if description:
            self.body["error_description"] = description


class SeatLimitRedirectError(Exception):
    """The session limit is reached, and the server leads to its error page."""

    location = f"/Frames/Error.aspx?message={quote(LIMIT_REACHED)}"


@dataclass
class Token:
    """An access token."""

    value: str
    expires: datetime

    @property
    def expired(self) -> bool:
        """Whether the token has ended."""
        return self.expires <= clock.real()


@dataclass
class Session:
    """An open session, which takes a seat.

    Attributes:
        id: Decides the ids of detail lines.
        token: The access token whose use opened the session.
        opened: When it did.
        requests: How many requests the session has served.
    """

    token: Token
    id: str = field(default_factory=secrets.token_urlsafe)
    opened: datetime = field(default_factory=clock.real)
    requests: int = 0


class Identity:
    """The token endpoint, the tokens that it gave out, and the open sessions.

    Nothing here survives a restart of the server.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.tokens: dict[str, Token] = {}
        self.refresh_scopes: dict[str, str] = {}
        self.sessions: dict[str, Session] = {}
        self.wrong_passwords = 0

    def grant(self, form: dict[str, str]) -> dict[str, Any]:
        """Answer a request for a token.

        Raises:
            OAuthError: The client, the grant or the scope is refused.
        """
        client = (form.get("client_id"), form.get("client_secret"))
        if client != (config.CLIENT_ID, config.CLIENT_SECRET):
            raise OAuthError("invalid_client")
        grant_type = form.get("grant_type")
        if grant_type == "password":
            return self.password_grant(form)
        if grant_type == "refresh_token":
            return self.refresh_grant(form)
        raise OAuthError("unsupported_grant_type" if grant_type else "invalid_request")

    def password_grant(self, form: dict[str, str]) -> dict[str, Any]:
        """A token for a user's name and password."""
        if form.get("username") != config.USERNAME:
            raise OAuthError("invalid_grant", WRONG_PASSWORD)
        if self.wrong_passwords >= LOCKED_AFTER:
            raise OAuthError("invalid_grant", LOCKED)
        if form.get("password") != config.PASSWORD:
            self.wrong_passwords += 1
            raise OAuthError("invalid_grant", WRONG_PASSWORD)
        self.wrong_passwords = 0
        scope = form.get("scope", "")
        if not {"api"} <= set(scope.split()) <= SCOPES:
            raise OAuthError("invalid_scope")
        return self.issue(scope)

    def unlock(self) -> None:
        """Forget the wrong passwords."""
        self.wrong_passwords = 0

    def refresh_grant(self, form: dict[str, str]) -> dict[str, Any]:
        """A token for a refresh token, which is worth nothing afterwards."""
        scope = self.refresh_scopes.pop(form.get("refresh_token", ""), None)
        if scope is None:
            raise OAuthError("invalid_grant")
        return self.issue(scope)

    def issue(self, scope: str) -> dict[str, Any]:
        """A new access token, and a refresh token where the scope asks for one."""
        lifetime = self.settings.token_seconds
        expires = clock.real() + timedelta(seconds=lifetime)
        token = Token(secrets.token_urlsafe(32), expires)
        self.tokens[token.value] = token
        answer = {
            "access_token": token.value,
            "expires_in": lifetime,
            "token_type": "Bearer",
            "scope": scope,
        }
        if "offline_access" in scope.split():
            answer["refresh_token"] = secrets.token_urlsafe(32)
            self.refresh_scopes[str(answer["refresh_token"])] = scope
        return answer

    def token(self, authorization: str) -> Token:
        """The valid token in an Authorization header.

        Raises:
            AnswerError: 401, there is none.
        """
        scheme, _, value = authorization.partition(" ")
        token = self.tokens.get(value.strip())
        if scheme.lower() != "bearer" or token is None or token.expired:
            raise errors.AnswerError(
                401, "Authorization has been denied for this request."
            )
        return token

    def expire(self, authorization: str) -> None:
        """End a token before its time."""
        value = authorization.partition(" ")[2].strip()
        if value in self.tokens:
            self.tokens[value].expires = clock.real()

    def session(self, token: Token) -> Session:
        """The token's session, opened now if there is none.

        Raises:
            AnswerError: 429, all seats are taken.
            SeatLimitRedirectError: The same, as other instances say it.
        """
        sessions = self.open_sessions()
        if token.value not in sessions:
            if len(sessions) >= self.settings.seats:
                raise self.no_seat()
            sessions[token.value] = Session(token)
        session = sessions[token.value]
        session.requests += 1
        return session

    def no_seat(self) -> Exception:
        """What is said when all seats are taken."""
        if self.settings.seat_limit_answer == "redirect":
            return SeatLimitRedirectError()
        return errors.failure(errors.API_USERS, LIMIT_REACHED, status=429)

    def open_sessions(self) -> dict[str, Session]:
        """The open sessions by token; those whose token has ended are closed."""
        for value, session in list(self.sessions.items()):
            if session.token.expired:
                del self.sessions[value]
        return self.sessions

    def sign_out(self, token: Token) -> None:
        """Close the token's session; the token itself stays good."""
        self.sessions.pop(token.value, None)
