"""The addresses where people and programs sign in and out.

Sources: the vendor's integration guide, Authorizing Client Applications, Sign In to the
Service, Sign Out from the Service; OAuth errors are those of RFC 6749. A redirect URI
must be one of those that are registered for the client, to the letter: loopback
addresses are no exception, a free port must be registered too. The guide does not speak
of PKCE; it is accepted with S256, and not required, because clients have a secret.
"""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlencode

import msgspec
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from sandbox import config
from sandbox.acumatica.api.auth import OAuthError, SignInRefusedError, check_scope
from sandbox.acumatica.api.errors import AnswerError
from sandbox.acumatica.api.pages import PAGE

if TYPE_CHECKING:
    from starlette.requests import Request

    from sandbox.acumatica.api.auth import Identity
    from sandbox.acumatica.model.settings import Settings

FORM = """<!DOCTYPE html><html><head><title>Sign In</title></head><body>
<h1>Sign in to {tenant}</h1><p>{message}</p>
<form method="post">
<label>User <input name="username"></label>
<label>Password <input name="password" type="password"></label>
<button name="decision" value="allow">Allow</button>
<button name="decision" value="deny">Deny</button>
</form></body></html>"""
SESSION_COOKIE = "ASP.NET_SessionId"
TICKET_COOKIE = ".ASPXAUTH"


@dataclass
class SignIn:
    """Serves what needs no session yet, and signing out."""

    settings: Settings
    identity: Identity

    def routes(self) -> list[Route]:
        """The addresses."""
        authorize = "/identity/connect/authorize"
        return [
            Route("/identity/connect/token", self.token, methods=["POST"]),
            Route(authorize, self.show_form, methods=["GET"]),
            Route(authorize, self.take_form, methods=["POST"]),
            Route("/entity/auth/login", self.sign_in, methods=["POST"]),
            Route("/entity/auth/logout", self.sign_out, methods=["POST"]),
        ]

    async def token(self, request: Request) -> Response:
        """Give out tokens."""
        headers = {"Cache-Control": "no-store"}
        answer = self.identity.grant(await form_of(request))
        return JSONResponse(answer, headers=headers)

    async def show_form(self, request: Request) -> Response:
        """Ask a person to sign in and to allow the client what it asks for."""
        return self.refusal(request) or sign_in_form()

    async def take_form(self, request: Request) -> Response:
        """Send the person's browser back to the client, with a code or a refusal."""
        if refusal := self.refusal(request):
            return refusal
        form = await form_of(request)
        if form.get("decision") == "deny":
            return redirect(request, error="access_denied")
        try:
            self.identity.check_user(form.get("username"), form.get("password"))
        except SignInRefusedError as error:
            return sign_in_form(str(error))
        code = self.identity.issue_code(dict(request.query_params))
        scope = request.query_params["scope"]
        return redirect(request, code=code, scope=scope)

    def refusal(self, request: Request) -> Response | None:
        """What a request is answered for which no person needs to be asked."""
        asked = request.query_params
        if asked.get("client_id") != config.CLIENT_ID:
            return HTMLResponse(PAGE.format("unauthorized_client"), 400)
        if asked.get("redirect_uri") not in self.settings.redirect_uris:
            return HTMLResponse(PAGE.format("Invalid redirect_uri"), 400)
        if asked.get("response_type") != "code":
            return redirect(request, error="unsupported_response_type")
        if "code_challenge" in asked and asked.get("code_challenge_method") != "S256":
            return redirect(request, error="invalid_request")
        try:
            check_scope(asked.get("scope", ""))
        except OAuthError as error:
            return redirect(request, **error.body)
        return None

    async def sign_in(self, request: Request) -> Response:
        """Open a session that cookies stand for."""
        ticket = self.identity.sign_in(await credentials_of(request))
        response = Response(status_code=204)
        for name, value in (
            (SESSION_COOKIE, ticket.session),
            (TICKET_COOKIE, ticket.value),
        ):
            response.set_cookie(name, value, httponly=True)
        return response

    async def sign_out(self, request: Request) -> Response:
        """Free the seat; IIS refuses a POST that does not say how long it is."""
        if "content-length" not in request.headers:
            return HTMLResponse(PAGE.format("Length Required"), 411)
        self.identity.sign_out(request.state.token)
        return Response(status_code=204)


def redirect(request: Request, **answer: str) -> Response:
    """Send the browser back to the client."""
    asked = request.query_params
    if "state" in asked:
        answer["state"] = asked["state"]
    mark = "&" if "?" in asked["redirect_uri"] else "?"
    return RedirectResponse(asked["redirect_uri"] + mark + urlencode(answer), 302)


def sign_in_form(message: str = "") -> Response:
    """The page that asks for user and password."""
    page = FORM.format(tenant=escape(config.TENANT), message=escape(message))
    return HTMLResponse(page)


async def form_of(request: Request) -> dict[str, str]:
    """A form that was sent."""
    return dict(parse_qsl((await request.body()).decode(errors="replace")))


async def credentials_of(request: Request) -> dict[str, Any]:
    """What a program signs in with, sent as JSON or as a form.

    Raises:
        AnswerError: 400, it is neither.
    """
    kind = request.headers.get("content-type", "").partition(";")[0]
    if kind == "application/x-www-form-urlencoded":
        return await form_of(request)
    try:
        return msgspec.json.decode(await request.body(), type=dict[str, Any])
    except msgspec.MsgspecError as error:
        raise AnswerError(400, "The request is invalid.") from error
