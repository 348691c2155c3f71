"""The authorization code flow with PKCE, once, for a first refresh token.

Source: Integration Development Guide, "Authorization Code Flow"; RFC 7636 (PKCE) and
RFC 8252 (a redirect to this machine).
"""

from __future__ import annotations

import secrets
import time
from base64 import urlsafe_b64encode
from hashlib import sha256
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import parse_qs, urlencode, urlsplit

import requests
from typing_extensions import override

from tap_acumatica.auth import TOKEN_PATH, Form, token
from tap_acumatica.errors import AcumaticaError, SettingError

if TYPE_CHECKING:
    from collections.abc import Mapping

AUTHORIZE_PATH = "identity/connect/authorize"
SCOPE = "api offline_access"
CALLBACK = "/callback"
IDLE_SECONDS = 2.0
"""How long a connection may say nothing: browsers open some in advance."""
PAGE = "<!DOCTYPE html><title>acumatica login</title><p>{}</p>"


class Attempt(NamedTuple):
    """One sign-in of a person: what was sent along, to be compared afterwards.

    Attributes:
        redirect_uri: Where the instance sends the browser afterwards.
        state: What the redirect must repeat.
        verifier: What proves that code and token are asked for by the same program.
    """

    redirect_uri: str
    state: str
    verifier: str

    @classmethod
    def begin(cls, port: int) -> Attempt:
        """Begin an attempt that ends at a port of this machine."""
        uri = f"http://127.0.0.1:{port}{CALLBACK}"
        return cls(uri, secrets.token_urlsafe(32), secrets.token_urlsafe(64))

    def address(self, instance_url: str, client_id: str) -> str:
        """Return the address that the person opens."""
        digest = sha256(self.verifier.encode()).digest()
        query = {
            "response_type": "code",
            "client_id": client_id,
            "redirect_uri": self.redirect_uri,
            "scope": SCOPE,
            "state": self.state,
            "code_challenge": urlsafe_b64encode(digest).rstrip(b"=").decode(),
            "code_challenge_method": "S256",
        }
        return f"{instance_url}/{AUTHORIZE_PATH}?{urlencode(query)}"

    def code(self, query: Mapping[str, str]) -> str:
        """Return the code that a redirect brings.

        Raises:
            AcumaticaError: It brings a refusal.
        """
        if "code" not in query:
            reason = query.get("error_description") or query.get("error", "no reason")
            raise AcumaticaError(f"The instance did not permit the sign-in: {reason}.")
        return query["code"]


class Listener(HTTPServer):
    """Waits on loopback for the one redirect that ends an attempt."""

    def __init__(self, port: int) -> None:
        """Take the port.

        Raises:
            SettingError: It is in use.
        """
        try:
            super().__init__(("127.0.0.1", port), _Handler)
        except OSError as error:
            raise SettingError(
                f"Port {port} cannot be used ({error}); choose another one with --port "
                "and register its redirect URI as well."
            ) from error
        self.state = ""
        self.query: dict[str, str] | None = None

    @override
    def handle_error(self, *_: object) -> None:
        """Say nothing: browsers give up connections, and the redirect comes by another.

        The base class would print a traceback.
        """

    def redirect(self, state: str, seconds: float) -> Mapping[str, str]:
        """Return the query of the redirect.

        Args:
            state: What it repeats; others belong to other attempts, or to nobody.
            seconds: How long to wait.

        Raises:
            AcumaticaError: It has not come in time.
        """
        self.state = state
        end = time.monotonic() + seconds
        while self.query is None and (left := end - time.monotonic()) > 0:
            self.timeout = left
            self.handle_request()
        if self.query is None:
            raise AcumaticaError(f"Nobody signed in within {seconds:g} seconds.")
        return self.query


class _Handler(BaseHTTPRequestHandler):
    server: Listener
    timeout = IDLE_SECONDS

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        if parts.path != CALLBACK:
            self._answer(HTTPStatus.NOT_FOUND, "There is nothing here.")
            return
        parsed = parse_qs(parts.query)
        query = {name: values[0] for name, values in parsed.items()}
        if query.get("state") != self.server.state:
            self._answer(
                HTTPStatus.BAD_REQUEST,
                "This belongs to another sign-in than the one that is waited for.",
            )
            return
        self.server.query = query
        self._answer(HTTPStatus.OK, "This window can be closed.")

    @override
    def log_message(self, *_: object) -> None:
        """Say nothing: the code stands in the address."""

    def _answer(self, status: HTTPStatus, text: str) -> None:
        page = PAGE.format(text).encode()
        self.send_response(status)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(page)))
        self.end_headers()
        self.wfile.write(page)


def refresh_token(
    instance_url: str, client: Mapping[str, str], attempt: Attempt, code: str
) -> str:
    """Exchange a code for a refresh token.

    Args:
        instance_url: The instance's address.
        client: Client ID and secret.
        attempt: The attempt that brought the code.
        code: The code.

    Raises:
        AcumaticaError: The instance refuses, or gives no refresh token.
    """
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": attempt.redirect_uri,
        "code_verifier": attempt.verifier,
        **client,
    }
    with requests.Session() as session:
        endpoint = Form(f"{instance_url}/{TOKEN_PATH}")
        answer = token(session, endpoint, form, "Run `acumatica login` again")
    if not answer.get("refresh_token"):
        raise AcumaticaError(
            "The instance gave no refresh token: does the connected application have "
            "the scope offline_access?"
        )
    return str(answer["refresh_token"])
