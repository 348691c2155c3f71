"""What every request passes before it is served: log, faults, token, seat."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from email.utils import format_datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, TypedDict
from urllib.parse import quote, unquote_plus

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response

from sandbox.acumatica.api.auth import (
    LIMIT_REACHED,
    Identity,
    SeatLimitRedirectError,
    Token,
)
from sandbox.acumatica.api.errors import AnswerError
from sandbox.acumatica.api.licence import DECLINED, Licence
from sandbox.acumatica.api.pages import PAGE
from sandbox.acumatica.api.sign_in import SESSION_COOKIE, TICKET_COOKIE
from sandbox.acumatica.api.site import site_of
from sandbox.acumatica.model import clock

if TYPE_CHECKING:
    from collections import deque

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from sandbox.acumatica.api.faults import Fault, Faults

GATED = ("/entity", "/identity")
SIGN_IN = "/entity/auth/login"
SIGN_OUT = "/entity/auth/logout"
IGNORED = {"ignore_skip": "$skip", "ignore_top": "$top"}
LOG_LENGTH = 100_000


class LoggedRequest(TypedDict):
    """A request of the log.

    The path is the one below the instance's site path; the query is as it was sent; the
    status is 0 when none was.
    """

    method: str
    path: str
    query: str
    status: int


class Dated:
    """Says in each answer what the server's clock shows.

    Args:
        app: What answers.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""

        async def dated_send(message: Message) -> None:
            if message["type"] == "http.response.start":
                date = format_datetime(clock.shown(), usegmt=True)
                MutableHeaders(scope=message)["Date"] = date
            await send(message)

        await self.app(scope, receive, dated_send)


class Gate:
    """Stands before the entity and token endpoints.

    Args:
        app: What serves the requests that pass.
        identity: Tokens and sessions.
        licence: How many requests are let through.
        faults: What is to go wrong.
        log: Where requests are written.
    """

    def __init__(
        self,
        app: ASGIApp,
        identity: Identity,
        licence: Licence,
        faults: Faults,
        log: deque[LoggedRequest],
    ) -> None:
        self.app = app
        self.identity = identity
        self.licence = licence
        self.faults = faults
        self.log = log

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, log it first."""
        if scope["type"] != "http" or not scope["path"].startswith(GATED):
            await self.app(scope, receive, send)
            return
        entry = log_entry(scope)
        self.log.append(entry)

        async def logging_send(message: Message) -> None:
            if message["type"] == "http.response.start":
                entry["status"] = message["status"]
            await send(message)

        await self.pass_faults(scope, receive, logging_send, entry)

    async def pass_faults(
        self, scope: Scope, receive: Receive, send: Send, entry: LoggedRequest
    ) -> None:
        """Play the fault that hits the request, if one does."""
        fault = self.faults.take(f"{entry['path']}?{unquote_plus(entry['query'])}")
        if fault and fault.kind == "drop":
            await drop(receive)
            return
        if fault and fault.kind == "expire":
            self.expire(scope)
        if fault and (name := IGNORED.get(fault.kind)):
            scope["query_string"] = without(scope["query_string"], name)
        answer = (fault and fault_answer(fault)) or self.refusal(scope)
        if answer:
            await answer(scope, receive, send)
        elif is_limited(scope["path"]):
            await self.queue(scope, receive, send, fault)
        else:
            await self.app(scope, receive, send)

    async def queue(
        self, scope: Scope, receive: Receive, send: Send, fault: Fault | None
    ) -> None:
        """Serve the request when the licence lets it through, or decline it."""
        if not await self.licence.admit():
            declined = JSONResponse({"message": DECLINED}, 429)
            await declined(scope, receive, send)
            return
        try:
            if fault and fault.kind == "slow":
                await asyncio.sleep(fault.seconds)
            await self.app(scope, receive, send)
        finally:
            await self.licence.leave()

    def refusal(self, scope: Scope) -> Response | None:
        """Check token and seat; put the session into the scope's state."""
        if not scope["path"].startswith("/entity") or scope["path"] == SIGN_IN:
            return None
        try:
            token = self.token(scope)
            scope.setdefault("state", {})["token"] = token
            if scope["path"] != SIGN_OUT:
                scope["state"]["session"] = self.identity.session(token)
        except SeatLimitRedirectError:
            return seat_limit_page(scope)
        except AnswerError as error:
            unknown = error.status == HTTPStatus.UNAUTHORIZED
            if unknown and self.leads_to_sign_in(scope):
                return sign_in_page(scope)
            headers = {"WWW-Authenticate": "Bearer"} if unknown else None
            return JSONResponse(error.body(), error.status, headers)
        return None

    def leads_to_sign_in(self, scope: Scope) -> bool:
        """Whether a request without a session is led to the page for people."""
        wanted = self.identity.settings.ended_session_answer == "redirect"
        return wanted and not authorization(scope)

    def expire(self, scope: Scope) -> None:
        """End what the request signs in with before its time."""
        # A request without a valid token is refused in a moment.
        with suppress(AnswerError):
            self.token(scope).expires = clock.real()

    def token(self, scope: Scope) -> Token:
        """The token in the request's header, or else the ticket in its cookies."""
        if header := authorization(scope):
            return self.identity.token(header)
        cookies = Request(scope).cookies
        return self.identity.ticket(
            cookies.get(TICKET_COOKIE, ""), cookies.get(SESSION_COOKIE, "")
        )


def seat_limit_page(scope: Scope) -> Response:
    """Leads a client that finds no seat to the error page."""
    address = f"{site_of(scope)}/Frames/Error.aspx?message={quote(LIMIT_REACHED)}"
    return RedirectResponse(address, 302)


def sign_in_page(scope: Scope) -> Response:
    """Leads a client without a session to the page where people sign in."""
    wanted = quote(f"{site_of(scope)}{scope['path']}", safe="")
    return RedirectResponse(
        f"{site_of(scope)}/Frames/Login.aspx?ReturnUrl={wanted}", 302
    )


def is_limited(path: str) -> bool:
    """Whether the licence limits requests for a path."""
    return path.startswith("/entity") and path != SIGN_OUT


def without(query: bytes, name: str) -> bytes:
    """A query as if one of its parameters had not been sent."""
    parts = query.decode("latin-1").split("&")
    kept = [part for part in parts if unquote_plus(part.partition("=")[0]) != name]
    return "&".join(kept).encode("latin-1")


def log_entry(scope: Scope) -> LoggedRequest:
    """A request before it is answered."""
    return {
        "method": scope["method"],
        "path": scope["path"],
        "query": scope["query_string"].decode("latin-1"),
        "status": 0,
    }


def authorization(scope: Scope) -> str:
    """The Authorization header, empty when there is none."""
    return Request(scope).headers.get("authorization", "")


def fault_answer(fault: Fault) -> Response | None:
    """The answer that a fault gives instead of the server's own."""
    if fault.kind == "html":
        return HTMLResponse(PAGE.format("The service is under maintenance."))
    if fault.kind == "empty":
        return Response(status_code=200)
    if fault.kind == "redirect":
        return RedirectResponse(fault.location, 302)
    if fault.kind != "status":
        return None
    headers = {"Retry-After": fault.retry_after} if fault.retry_after else None
    body = {"message": "The server cannot answer now."}
    return JSONResponse(body, fault.status, headers)


async def drop(receive: Receive) -> None:
    """Close the connection without an answer, and wait until it is closed."""
    # ASGI has no word for this. uvicorn hands out its request's own method.
    cycle: Any = receive
    cycle.__self__.transport.abort()
    while (await receive())["type"] != "http.disconnect":
        continue
