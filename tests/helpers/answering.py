"""A server that answers as it is told."""

from __future__ import annotations

import json
import ssl
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import TYPE_CHECKING, Any

from target_snowflake_merge.sql_api.auth import AccessToken
from target_snowflake_merge.sql_api.client import Session, SqlApi
from typing_extensions import override

if TYPE_CHECKING:
    import socket
    from collections.abc import Iterator
    from pathlib import Path

received: list[Any] = []


received_cookies: list[Any] = []

PAGE = "<html>Sign in to the network</html>"


@contextmanager
def answering(
    *answers: tuple[Any, ...], certificate: Path | None = None, broken: int = 0
) -> Iterator[SqlApi]:
    """Serve these answers in turn, and give a client of the server.

    An answer is a status, a body and perhaps headers. The first so many ``broken``
    connections end in the middle of the handshake.
    """
    left = list(answers)
    received.clear()
    received_cookies.clear()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    if certificate:
        context.load_cert_chain(certificate)

    class Server(HTTPServer):
        @override
        def get_request(self) -> tuple[socket.socket, Any]:
            nonlocal broken
            connection, address = super().get_request()
            if broken:
                broken -= 1
                connection.recv(65_536)
                connection.close()
                raise OSError
            if certificate:
                connection = context.wrap_socket(connection, server_side=True)
            return connection, address

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            received.append(json.loads(body) if body else None)
            received_cookies.append(self.headers.get("Cookie"))
            status, content, *more = left.pop(0)
            text = content if isinstance(content, str) else json.dumps(content)
            headers = {"Content-Length": str(len(text)), **(more[0] if more else {})}
            self.send_response_only(status)
            for header in headers.items():
                self.send_header(*header)
            self.end_headers()
            self.wfile.write(text.encode())

        do_GET = do_POST  # noqa: N815 - the library's name

        @override
        def log_message(self, *_: object) -> None: ...

    session = Session("DB", "WH", None, 60)
    with Server(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        scheme = "https" if certificate else "http"
        url = f"{scheme}://localhost:{server.server_port}"
        yield SqlApi(url, AccessToken("hush"), session, "test")
        server.shutdown()
    assert left == []
