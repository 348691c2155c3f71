"""Signing in and out: who may, what stands for it, and the licensed seats it takes.

Facts: access tokens live for 3600 seconds; a refresh token needs the scope
offline_access and is replaced with each use; client_credentials is not offered; the
first entity call of a token opens a session; a session takes a seat until it signs out
or its token ends; a token used after signing out opens a new session. Cookies take the
seat when they are given out, end with it, and end by themselves when they are not used
for ten minutes. Wrong passwords in a row lock the user out, wherever they were given.
"""

from __future__ import annotations

import secrets
from base64 import urlsafe_b64encode
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from sandbox import config
from sandbox.acumatica.api import errors
from sandbox.acumatica.model import clock

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sandbox.acumatica.model.settings import Settings

SCOPES = {"api", "offline_access"}
WRONG_PASSWORD = "invalid_username_or_password"  # noqa: S105 - a message
INVALID_CREDENTIALS = "Invalid credentials. Please try again."
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


class SignInRefusedError(Exception):
    """A user who may not sign in, and the reason."""


class SeatLimitRedirectError(Exception):
    """The session limit is reached, and the server leads to its error page."""


@dataclass
class Token:
    """An access token, or the ticket in a session's cookies.

    Attributes:
        value: What the client sends.
        expires: When it ends.
        idle: For tickets: how long after its last use it ends.
        session: For tickets: the other cookie.
    """

    value: str
    expires: datetime
    idle: timedelta | None = None
    session: str = ""

    @property
    def expired(self) -> bool:
        """Whether the token has ended."""
        return self.expires <= clock.real()

    def use(self) -> None:
        """Put the end off, if it depends on the last use."""
        if self.idle is not None:
            self.expires = clock.real() + self.idle


@dataclass
class Code:
    """An authorization code, good for one token.

    Attributes:
        redirect_uri: Where it was sent.
        scope: What the person has allowed.
        challenge: The PKCE challenge, empty without one.
        expires: When it ends.
    """

    redirect_uri: str
    scope: str
    challenge: str
    expires: datetime

    def suits(self, form: Mapping[str, str]) -> bool:
        """Whether a request for a token comes from where the code was sent."""
        challenge = s256(form["code_verifier"]) if "code_verifier" in form else ""
        return (
            self.expires > clock.real()
            and form.get("redirect_uri") == self.redirect_uri
            and challenge == self.challenge
        )


@dataclass
class Chain:
    """Refresh tokens, each of which has come in the place of the one before.

    Attributes:
        scope: What the person has allowed.
        began: When the first of them was given out.
    """

    scope: str
    began: datetime = field(default_factory=clock.real)


@dataclass
class Session:
    """An open session, which takes a seat.

    Attributes:
        id: Decides the ids of detail lines.
        token: The token or ticket that the session belongs to.
        opened: When it was opened.
        requests: How many requests the session has served.
    """

    token: Token
    id: str = field(default_factory=secrets.token_urlsafe)
    opened: datetime = field(default_factory=clock.real)
    requests: int = 0


class Identity:
    """The tokens, codes and cookies that were given out, and the open sessions.

    Nothing here survives a restart of the server.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.tokens: dict[str, Token] = {}
        self.tickets: dict[str, Token] = {}
        self.codes: dict[str, Code] = {}
        self.chains: dict[str, Chain] = {}
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
        grants = {
            "password": self.password_grant,
            "refresh_token": self.refresh_grant,
            "authorization_code": self.code_grant,
        }
        grant_type = form.get("grant_type")
        if grant_type not in grants:
            unsupported = "unsupported_grant_type" if grant_type else "invalid_request"
            raise OAuthError(unsupported)
        return grants[grant_type](form)

    def check_user(self, username: object, password: object) -> None:
        """Let a user in who gives the right password.

        Raises:
            SignInRefusedError: Name or password are wrong, or have been too often.
        """
        if username != config.USERNAME:
            raise SignInRefusedError(WRONG_PASSWORD)
        if self.wrong_passwords >= LOCKED_AFTER:
            raise SignInRefusedError(LOCKED)
        if password != config.PASSWORD:
            self.wrong_passwords += 1
            raise SignInRefusedError(WRONG_PASSWORD)
        self.wrong_passwords = 0

    def unlock(self) -> None:
        """Forget the wrong passwords."""
        self.wrong_passwords = 0

    def password_grant(self, form: dict[str, str]) -> dict[str, Any]:
        """A token for a user's name and password."""
        try:
            self.check_user(form.get("username"), form.get("password"))
        except SignInRefusedError as error:
            raise OAuthError("invalid_grant", str(error)) from error
        scope = form.get("scope", "")
        check_scope(scope)
        self.check_sessions()
        return self.issue(scope)

    def refresh_grant(self, form: dict[str, str]) -> dict[str, Any]:
        """A token for a refresh token, which is worth nothing afterwards."""
        chain = self.chains.pop(form.get("refresh_token", ""), None)
        lifetime = timedelta(seconds=self.settings.refresh_chain_seconds)
        if chain is None or chain.began + lifetime <= clock.real():
            raise OAuthError("invalid_grant")
        self.check_sessions()
        return self.issue(chain.scope, chain)

    def code_grant(self, form: dict[str, str]) -> dict[str, Any]:
        """A token for an authorization code, which is worth nothing afterwards."""
        code = self.codes.pop(form.get("code", ""), None)
        if code is None or not code.suits(form):
            raise OAuthError("invalid_grant")
        return self.issue(code.scope)

    def issue_code(self, asked: Mapping[str, str]) -> str:
        """A new authorization code for a request that a person has allowed."""
        code = secrets.token_urlsafe(32)
        self.codes[code] = Code(
            redirect_uri=asked["redirect_uri"],
            scope=asked["scope"],
            challenge=asked.get("code_challenge", ""),
            expires=clock.real() + timedelta(seconds=self.settings.code_seconds),
        )
        return code

    def issue(self, scope: str, chain: Chain | None = None) -> dict[str, Any]:
        """A new access token, and a refresh token where the scope asks for one.

        Args:
            scope: The scope.
            chain: What the refresh token continues; without it, it is a first one.
        """
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
            self.chains[str(answer["refresh_token"])] = chain or Chain(scope)
        return answer

    def sign_in(self, credentials: Mapping[str, Any]) -> Token:
        """Open a session for a user's name and password; returns its ticket.

        The locale is for future use, says the guide, and is ignored here.

        Raises:
            AnswerError: The user, tenant or branch is refused, or no seat is free.
            SeatLimitRedirectError: No seat is free, as other instances say it.
        """
        self.check_tenant(credentials)
        try:
            self.check_user(credentials.get("name"), credentials.get("password"))
        except SignInRefusedError as error:
            locked = str(error) == LOCKED
            raise self.cannot_sign_in(
                LOCKED if locked else INVALID_CREDENTIALS
            ) from error
        check_branch(credentials.get("branch"))
        if self.has_all_sessions():
            raise self.cannot_sign_in(LIMIT_REACHED)
        idle = timedelta(seconds=self.settings.session_seconds)
        ticket = Token(
            secrets.token_urlsafe(32), clock.real() + idle, idle, secrets.token_hex(12)
        )
        self.open(ticket)
        self.tickets[ticket.value] = ticket
        return ticket

    def check_tenant(self, credentials: Mapping[str, Any]) -> None:
        """Refuse a tenant that the instance does not have.

        An old build knows ``company`` only, and must be told it here. A later one takes
        either name, but not both (AcumaticaRESTAPIClientForCSharp#19), or neither,
        because there is one tenant.
        """
        company, tenant = credentials.get("company"), credentials.get("tenant")
        if self.settings.old_build:
            wanted = company
        elif company and tenant:
            raise errors.failure(
                errors.API_USERS,
                "The company and tenant parameters cannot be specified at the same "
                "time.",
            )
        else:
            wanted = company or tenant or config.TENANT
        if wanted != config.TENANT:
            raise self.cannot_sign_in(INVALID_CREDENTIALS)

    def cannot_sign_in(self, message: str) -> errors.AnswerError:
        """What a refused sign-in is answered; nobody documents with which status."""
        status = self.settings.refused_sign_in_status
        return errors.failure(errors.API_USERS, message, status)

    def token(self, authorization: str) -> Token:
        """The valid token in an Authorization header.

        Raises:
            AnswerError: 401, there is none.
        """
        scheme, _, value = authorization.partition(" ")
        return valid(self.tokens.get(value.strip()), scheme.lower() == "bearer")

    def ticket(self, value: str, session: str) -> Token:
        """The valid ticket in a request's cookies.

        Raises:
            AnswerError: 401, there is none.
        """
        ticket = self.tickets.get(value)
        return valid(ticket, ticket is not None and ticket.session == session)

    def session(self, token: Token) -> Session:
        """The token's session, opened now if there is none.

        Raises:
            AnswerError: 429, all seats are taken.
            SeatLimitRedirectError: The same, as other instances say it.
        """
        session = self.open_sessions().get(token.value) or self.open(token)
        session.requests += 1
        token.use()
        return session

    def open(self, token: Token) -> Session:
        """Take a seat."""
        sessions = self.open_sessions()
        if len(sessions) >= self.settings.seats:
            raise self.no_seat()
        sessions[token.value] = Session(token)
        return sessions[token.value]

    def has_all_sessions(self) -> bool:
        """Whether the user has as many sessions as its user type allows."""
        limit = self.settings.user_sessions
        return limit is not None and len(self.open_sessions()) >= limit

    def check_sessions(self) -> None:
        """Refuse a token to a user that has all sessions that it may have."""
        if self.has_all_sessions():
            raise OAuthError("invalid_grant", LIMIT_REACHED)

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
        """Close the token's session; a ticket ends with it, a token does not."""
        self.sessions.pop(token.value, None)
        self.tickets.pop(token.value, None)

    def close_all(self) -> None:
        """Close all sessions, as an administrator can."""
        self.sessions.clear()
        self.tickets.clear()


def valid(token: Token | None, belongs: bool) -> Token:  # noqa: FBT001 - one condition more
    """A token that exists, belongs to what came with it, and has not ended."""
    if token is None or not belongs or token.expired:
        raise errors.AnswerError(401, "Authorization has been denied for this request.")
    return token


def check_scope(scope: str) -> None:
    """Refuse a scope that is not offered, or without the API."""
    if not {"api"} <= set(scope.split()) <= SCOPES:
        raise OAuthError("invalid_scope")


def check_branch(branch: object) -> None:
    """Refuse a branch that the company does not have; none is the default one."""
    if branch and branch != config.BRANCH:
        raise errors.failure(
            errors.API_USERS, f"The branch {branch} cannot be found in the system."
        )


def s256(verifier: str) -> str:
    """The PKCE challenge of a verifier (RFC 7636, section 4.2)."""
    digest = sha256(verifier.encode()).digest()
    return urlsafe_b64encode(digest).rstrip(b"=").decode()
