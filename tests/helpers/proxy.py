"""A proxy before the sandbox that kills its client at a chosen statement."""

from __future__ import annotations

import http.client
import json
import os
import signal
import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urlsplit

from typing_extensions import override

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

Action = Literal["kill before", "kill after", "refuse", "hold"]
"""Kill the client before a statement arrives, or after it was executed but before the
answer; or refuse the statement definitely; or hold it until it is released."""

CHANGES = ("MERGE", "UPDATE", "DELETE", "INSERT", "CREATE OR REPLACE")
"""What statements that change data begin with."""

REFUSAL = {"code": "000603", "sqlState": "XX000", "message": "Refused by the test."}


class Proxy(ThreadingHTTPServer):
    """Hands requests on, but for the statements that change data and are chosen."""

    daemon_threads = True  # what is held need not be waited for

    def __init__(self, url: str, plan: Mapping[int, Action]) -> None:
        """Listen on a free port.

        Args:
            url: The sandbox's Snowflake.
            plan: What to do at which statement that changes data, counted from 0.
        """
        super().__init__(("127.0.0.1", 0), Handler)
        self.behind = urlsplit(url).netloc
        self.plan = dict(plan)
        self.seen: list[str] = []
        self.lock = threading.Lock()
        self.client = 0
        """The process to kill."""

        self.hold = 0.0
        """Seconds for which each statement that changes data is held."""

        self.released = threading.Event()
        self.running: list[str] = []
        self.together: list[list[str]] = []
        """What was running whenever a statement arrived, with it."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def action(self, statement: str) -> Action | None:
        """Count a statement that changes data, and return what is to happen to it."""
        if not statement.startswith(CHANGES):
            return None
        with self.lock:
            self.seen.append(statement)
            return self.plan.get(len(self.seen) - 1)

    @contextmanager
    def held(self, statement: str) -> Iterator[None]:
        """Hold a statement that changes data, and note what runs beside it."""
        if not statement.startswith(CHANGES):
            yield
            return
        with self.lock:
            self.running.append(statement)
            self.together.append(list(self.running))
        time.sleep(self.hold)
        yield
        with self.lock:
            self.running.remove(statement)

    def kill(self) -> None:
        os.kill(self.client, signal.SIGKILL)

    @override
    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: a client that was killed does not listen."""


class Handler(BaseHTTPRequestHandler):
    server: Proxy
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        statement = json.loads(body)["statement"]
        action = self.server.action(statement)
        if action == "kill before":
            self.server.kill()
            return
        if action == "refuse":
            self.answer(422, json.dumps(REFUSAL).encode())
            return
        if action == "hold":
            self.server.released.wait()
        with self.server.held(statement):
            status, content = self.hand_on(body)
        if action == "kill after":
            self.server.kill()
            return
        self.answer(status, content)

    def do_GET(self) -> None:
        self.answer(*self.hand_on(b""))

    def hand_on(self, body: bytes) -> tuple[int, bytes]:
        connection = http.client.HTTPConnection(self.server.behind)
        headers = {k: v for k, v in self.headers.items() if k != "Accept-Encoding"}
        connection.request(self.command, self.path, body, headers)
        response = connection.getresponse()
        content = response.read()
        connection.close()
        return response.status, content

    def answer(self, status: int, content: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    @override
    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


@contextmanager
def before(url: str, plan: Mapping[int, Action]) -> Iterator[Proxy]:
    """Serve a proxy before the sandbox."""
    proxy = Proxy(url, plan)
    thread = threading.Thread(target=proxy.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield proxy
    finally:
        proxy.shutdown()
        proxy.server_close()
        thread.join()
