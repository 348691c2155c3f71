"""The control endpoints under ``/sandbox``.

They need no token: they stand for what an administrator or a person at a worksheet
does, and for what goes wrong on a bad day.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response
from starlette.routing import Route

from sandbox.snowflake.api import results
from sandbox.snowflake.engine import account, parsing
from sandbox.snowflake.engine.context import Context
from sandbox.snowflake.engine.errors import SnowflakeError
from sandbox.snowflake.messages import (
    Answer,
    Fault,
    GrantChange,
    KeyChange,
    Query,
    Settings,
)

if TYPE_CHECKING:
    from starlette.requests import Request

    from sandbox.snowflake.api.service import Api


def reply(content: object, status: int = 200) -> Response:
    """Return an answer with a JSON body."""
    return Response(msgspec.json.encode(content), status, media_type="application/json")


async def refused(_: Request, error: Exception) -> Response:
    """Answer a request whose content makes no sense."""
    return reply({"message": str(error)}, 400)


class Admin:
    """The routes.

    Args:
        api: The server that they control.
    """

    def __init__(self, api: Api) -> None:
        self.api = api

    async def sql(self, request: Request) -> Response:
        """``POST /sandbox/sql``: run a statement, answer its rows."""
        query = msgspec.json.decode(await request.body(), type=Query)
        try:
            return reply(await run_in_threadpool(self._sql, query))
        except SnowflakeError as error:
            return reply({"code": error.code, "message": str(error)}, 422)

    def _sql(self, query: Query) -> Answer:
        context = Context(
            schema=query.schema,
            account=self.api.settings.account,
            session={"TIMEZONE": "UTC", "AUTOCOMMIT": "true"},
            grants=self.api.grants,
            history=self.api.statements.history,
        )
        with self.api.engine.connect(context) as connection:
            for text in parsing.split(query.statement):
                outcome = connection.execute(connection.parse(text), {})
        return Answer(list(outcome.table.column_names), results.readable(outcome))

    async def requests(self, request: Request) -> Response:
        """``GET`` or ``DELETE /sandbox/requests``: what was sent so far."""
        if request.method == "DELETE":
            self.api.sent.clear()
        return reply(self.api.sent)

    async def faults(self, request: Request) -> Response:
        """``GET``, ``POST`` or ``DELETE /sandbox/faults``: what shall go wrong."""
        if request.method == "DELETE":
            self.api.faults.waiting.clear()
        elif request.method == "POST":
            fault = msgspec.json.decode(await request.body(), type=Fault)
            self.api.faults.waiting.append(fault)
        return reply(self.api.faults.waiting)

    async def keys(self, request: Request) -> Response:
        """``GET`` or ``POST /sandbox/keys``: the fingerprints that may sign in."""
        if request.method == "POST":
            change = msgspec.json.decode(await request.body(), type=KeyChange)
            if change.register is not None:
                self.api.users.register(change.register.encode())
            if change.revoke is not None:
                self.api.users.keys.pop(change.revoke, None)
        return reply(list(self.api.users.keys))

    async def grants(self, request: Request) -> Response:
        """``POST /sandbox/grants``: take a privilege away, or give it back."""
        change = msgspec.json.decode(await request.body(), type=GrantChange)
        self.api.grants.change(change.action, change.privilege, change.on)
        return reply(sorted(self.api.grants.revoked))

    async def settings(self, request: Request) -> Response:
        """``POST /sandbox/settings``: replace them; what is not given is as new."""
        settings = msgspec.json.decode(await request.body(), type=Settings)
        settings.account = account.checked(settings.account)
        self.api.settings = settings
        self.api.statements.remember = self.api.settings.remember_requests
        return reply(self.api.settings)


def routes(api: Api) -> list[Route]:
    """Return the routes of the control endpoints."""
    admin = Admin(api)
    return [
        Route("/sandbox/sql", admin.sql, methods=["POST"]),
        Route("/sandbox/requests", admin.requests, methods=["GET", "DELETE"]),
        Route("/sandbox/faults", admin.faults, methods=["GET", "POST", "DELETE"]),
        Route("/sandbox/keys", admin.keys, methods=["GET", "POST"]),
        Route("/sandbox/grants", admin.grants, methods=["POST"]),
        Route("/sandbox/settings", admin.settings, methods=["POST"]),
    ]
