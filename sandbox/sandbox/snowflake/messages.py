"""What goes over the wire of the control endpoints."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

SYNC_SECONDS = 45.0
PARTITION_ROWS = 5_000


class Query(msgspec.Struct, forbid_unknown_fields=True):
    """A statement of a person.

    Args:
        statement: One or several statements; the last one's rows are answered.
        schema: The current schema.
    """

    statement: str
    schema: str = "PUBLIC"


class Settings(msgspec.Struct, forbid_unknown_fields=True):
    """How the account behaves.

    Args:
        sync_seconds: How long a statement may run before the answer is 202.
        partition_rows: Rows of a partition of a result.
        remember_requests: Whether ``retry=true`` finds an earlier request.
        account: Parameters that the account sets; see ``account.DEFAULTS``.
        stats: Whether answers to DML have ``stats``; it is not a required field.
    """

    sync_seconds: float = SYNC_SECONDS
    partition_rows: int = PARTITION_ROWS
    remember_requests: bool = True
    stats: bool = True
    account: dict[str, str] = msgspec.field(default_factory=dict)


class KeyChange(msgspec.Struct, forbid_unknown_fields=True):
    """A change of the user's keys.

    Args:
        register: A PEM public key to add.
        revoke: The fingerprint of a key to remove.
    """

    register: str | None = None
    revoke: str | None = None


class GrantChange(msgspec.Struct, forbid_unknown_fields=True):
    """A change of the role's privileges; see ``privileges``.

    Args:
        action: Whether to take away or to give back.
        privilege: One of ``privileges.PRIVILEGES``.
        on: A dotted name without quotes.
    """

    action: Literal["revoke", "grant"]
    privilege: Literal[
        "SELECT", "WRITE", "DELETE", "CREATE", "USAGE", "OWNERSHIP", "MONITOR"
    ]
    on: str


class Answer(msgspec.Struct):
    """The rows of a statement of a person.

    Args:
        columns: The names.
        rows: Typed JSON values; decimals, dates and times are texts.
    """

    columns: list[str]
    rows: list[list[Any]]


class Fault(msgspec.Struct, forbid_unknown_fields=True):
    """One kind of misfortune, for the next requests that it fits.

    Args:
        kind: ``status`` answers with ``status``; ``error`` answers 422 with ``code``,
            ``sql_state`` and ``message``; ``drop`` closes the connection; ``async``
            answers 202 from the start; ``slow`` does nothing but delay; ``again`` runs
            a resend although its request is known.
        times: How many requests it meets.
        method: Only requests of this method.
        contains: Only requests whose statement contains this text.
        partition: Only reads of a result's second and later partitions.
        executes: A ``status`` or ``drop`` comes after the statement has run.
        during: A ``status`` or ``drop`` comes while the statement runs; it runs on.
        status: An HTTP status such as 429, 503, 504 or 413.
        retry_after: Seconds, or an HTTP date, for the header of that name.
        code: Snowflake's error code; empty for the usual one of the status.
        sql_state: Its SQL state.
        message: The message of a ``status`` or ``error``.
        reason: What SYSTEM$GET_LOGIN_FAILURE_DETAILS says about a ``status`` 401.
        seconds: By how much the statement is delayed.
    """

    kind: Literal["status", "error", "drop", "async", "slow", "again"]
    times: int = 1
    method: Literal["GET", "POST"] = "POST"
    contains: str = ""
    partition: bool = False
    executes: bool = False
    during: bool = False
    status: int = 503
    retry_after: str | None = None
    code: str = ""
    sql_state: str = "57014"
    message: str = "The sandbox was asked to fail."
    reason: int = 394303
    seconds: float = 0


class Sent(msgspec.Struct):
    """A request of the SQL API as it arrived, and what became of it.

    Args:
        method: The HTTP method.
        path: The path.
        query: The query parameters.
        statement: The statement's text; empty for a GET.
        query_tag: The parameter of that name; empty if there is none.
        bind_bytes: Bytes of all bound values.
        body_bytes: Bytes of the body.
        status: The status of the answer; 0 when the connection was dropped.
        handle: The statement handle that was answered; empty if none was.
    """

    method: str
    path: str
    query: dict[str, str]
    statement: str = ""
    query_tag: str = ""
    bind_bytes: int = 0
    body_bytes: int = 0
    status: int = 0
    handle: str = ""
