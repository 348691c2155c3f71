"""A server that answers as its table says, also what no Acumatica answers."""

from __future__ import annotations

import json
import time
from contextlib import closing, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

from tap_acumatica.tap import TapAcumatica
from typing_extensions import override

if TYPE_CHECKING:
    from collections.abc import Iterator

TOKEN = {"access_token": "good", "expires_in": 3600}
ENDPOINTS = [{"name": "Default", "version": "24.200.001"}]
SWAGGER: dict[str, Any] = {
    "info": {"version": "4"},
    "paths": {"/Account": {"get": {}}},
    "components": {
        "schemas": {
            "StringValue": {"properties": {"value": {"type": "string"}}},
            "Account": {
                "properties": {
                    "LastModifiedDateTime": {"$ref": "#/components/schemas/StringValue"}
                }
            },
        }
    },
}


class Turns(list[Any]):
    """Answers that come one after the other."""


class OddServer(ThreadingHTTPServer):
    """Answers as its table says; what is asked for is kept.

    An answer is what JSON is made of, or bytes; or a tuple of status, one of them, and
    perhaps headers; or it is called with the last part of the path and the query. That
    of ``*`` is for whatever has no other one.
    """

    def __init__(self, **answers: Any) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.answers = {
            "token": TOKEN,
            "entity": ENDPOINTS,
            "swagger.json": SWAGGER,
            "$adHocSchema": {},
            "logout": {},
            **answers,
        }
        self.with_date = True
        self.delays: dict[str, float] = {}
        self.bodies: dict[str, list[bytes]] = {}
        self.signed: dict[str, str | None] = {}
        self.asked: dict[str, str] = {}

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class Handler(BaseHTTPRequestHandler):
    server: OddServer

    def do_GET(self) -> None:
        body_sent = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        name = self.path.partition("?")[0].rpartition("/")[2]
        self.server.bodies.setdefault(name, []).append(body_sent)
        time.sleep(self.server.delays.get(name, 0))
        self.server.asked[name] = self.path
        self.server.signed[name] = self.headers.get("Authorization")
        answers = self.server.answers
        answer = answers.get(name, answers.get("*", (404, {})))
        if isinstance(answer, Turns):
            answer = answer.pop(0)
        if callable(answer):
            answer = answer(name, dict(parse_qsl(urlsplit(self.path).query)))
        reply = answer if isinstance(answer, tuple) else (200, answer)
        status, body, *headers = reply
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response_only(status)
        for name_, value in headers[0].items() if headers else ():
            self.send_header(name_, value)
        if self.server.with_date:
            self.send_header("Date", self.date_time_string())
        if name == "login" and status < 300:
            self.send_header("Set-Cookie", "ASP.NET_SessionId=1")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_POST = do_GET  # noqa: N815 - the base class names it so

    @override
    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


@contextmanager
def serving(**answers: Any) -> Iterator[OddServer]:
    with OddServer(**answers) as server:
        Thread(target=server.serve_forever).start()
        try:
            yield server
        finally:
            server.shutdown()


def sync(
    server: OddServer,
    state: dict[str, Any] | None = None,
    catalog: dict[str, Any] | None = None,
    **settings: Any,
) -> None:
    """Run the tap against a server that answers as its table says."""
    config = {
        "instance_url": server.url,
        "endpoint_version": "24.200.001",
        "username": "user",
        "password": "word",
        "client_id": "id",
        "client_secret": "secret",
        **settings,
    }
    tap = TapAcumatica(config=config, state=state, catalog=catalog)
    with closing(tap.instance.client):
        tap.sync_all()
