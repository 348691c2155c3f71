"""The control endpoints from Python, for the demo, the command line and the tests."""

from __future__ import annotations

from typing import Any

import msgspec
import requests

from sandbox.processes import SandboxError
from sandbox.snowflake.messages import Answer, KeyChange, Query, Sent

TIMEOUT = 600
"""Seconds; a large query takes a while."""


class SnowflakeAdmin:
    """A client of the control endpoints, for the command line, the demo and the tests.

    Args:
        url: The server's address, such as ``http://127.0.0.1:8802``.
    """

    def __init__(self, url: str) -> None:
        self.url = url.rstrip("/")

    def sql(
        self, statement: str, schema: str = "PUBLIC"
    ) -> tuple[list[str], list[list[Any]]]:
        """Run a statement as a person would in a worksheet.

        Returns:
            The names of the columns, and the rows: typed JSON values; decimals, dates
            and times are texts.

        Raises:
            SandboxError: The server is not up, or refuses the statement.
        """
        content = self._call("POST", "sql", Query(statement, schema))
        answer = msgspec.json.decode(content, type=Answer)
        return answer.columns, answer.rows

    def requests(self) -> list[Sent]:
        """Return the requests of the SQL API since the start or the last ``forget``."""
        return msgspec.json.decode(self._call("GET", "requests"), type=list[Sent])

    def forget(self) -> None:
        """Empty the list of requests and the list of faults."""
        self._call("DELETE", "requests")
        self._call("DELETE", "faults")

    def fault(self, kind: str, **details: object) -> None:
        """Have something go wrong with the next requests.

        Args:
            kind: ``status``, ``error``, ``drop``, ``async`` or ``slow``.
            details: Further fields of ``control.Fault``.
        """
        self._call("POST", "faults", {"kind": kind, **details})

    def keys(self) -> list[str]:
        """Return the fingerprints of the keys that may sign in."""
        return msgspec.json.decode(self._call("GET", "keys"), type=list[str])

    def register_key(self, public_key: str) -> None:
        """Let a further PEM public key sign in; the third one replaces the oldest."""
        self._call("POST", "keys", KeyChange(register=public_key))

    def revoke_key(self, fingerprint: str) -> None:
        """Let a key sign in no more.

        Args:
            fingerprint: ``SHA256:…``.
        """
        self._call("POST", "keys", KeyChange(revoke=fingerprint))

    def revoke(self, privilege: str, on: str) -> None:
        """Take a privilege away from the role; see ``privileges.PRIVILEGES``."""
        change = {"action": "revoke", "privilege": privilege, "on": on}
        self._call("POST", "grants", change)

    def grant(self, privilege: str, on: str) -> None:
        """Give a revoked privilege back."""
        change = {"action": "grant", "privilege": privilege, "on": on}
        self._call("POST", "grants", change)

    def configure(self, **settings: object) -> None:
        """Replace the account's settings; those not given are as after a start.

        Args:
            settings: Fields of ``control.Settings``.
        """
        self._call("POST", "settings", settings)

    def _call(self, method: str, path: str, content: object = None) -> bytes:
        body = None if content is None else msgspec.json.encode(content)
        try:
            answer = requests.request(
                method, f"{self.url}/sandbox/{path}", data=body, timeout=TIMEOUT
            )
        except requests.ConnectionError:
            raise SandboxError(
                f"No Snowflake server answers at {self.url}; start one with "
                "`sandbox snowflake`."
            ) from None
        if not answer.ok:
            raise SandboxError(_message(answer))
        return answer.content


def _message(answer: requests.Response) -> str:
    if answer.headers.get("Content-Type") == "application/json":
        return str(answer.json()["message"])
    return f"{answer.status_code}: {answer.text}"
