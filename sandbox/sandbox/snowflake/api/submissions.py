"""Requests of the SQL API: what they ask for, checked against what is documented."""

from __future__ import annotations

import datetime as dt
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec

from sandbox import config
from sandbox.snowflake.engine import errors
from sandbox.snowflake.engine.account import is_timezone
from sandbox.snowflake.engine.context import Context, Instant
from sandbox.snowflake.engine.errors import SnowflakeError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

PARAMETERS = {
    "binary_output_format",
    "client_result_chunk_size",
    "date_output_format",
    "multi_statement_count",
    "query_tag",
    "rows_per_resultset",
    "time_output_format",
    "timestamp_ltz_output_format",
    "timestamp_ntz_output_format",
    "timestamp_output_format",
    "timestamp_tz_output_format",
    "timezone",
    "use_cached_result",
}
"""The session parameters that a request may set; no others are accepted."""

MAX_TAG = 2000
"""Characters of a query tag."""

UTC_OFFSET = 1440
"""How a TIMESTAMP_TZ spells an offset of zero minutes."""
EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


@dataclass(frozen=True)
class Submission:
    """One request to run statements.

    Args:
        request_id: The client's UUID, or one of ours.
        retry: The request was sent before.
        asynchronous: The client wants a handle, not the result.
        nullable: SQL NULL is sent as JSON null, else as the text ``null``.
        statement: The text.
        binds: Values by number.
        context: Where and as whom.
        timeout: Seconds after which to give up; None for the account's two days.
        parameters: The session parameters, their names in lower case.
        size: Bytes of the statement and its bound values.
    """

    request_id: str
    retry: bool
    asynchronous: bool
    nullable: bool
    statement: str
    binds: Mapping[int, Any]
    context: Context
    timeout: float | None
    parameters: Mapping[str, str]
    size: int


def invalid(message: str) -> SnowflakeError:
    """Return the error for a request that is malformed."""
    return SnowflakeError("390142", "08001", message, 400)


def check_headers(headers: Mapping[str, str], *, has_body: bool) -> None:
    """Refuse a request that lacks a required header.

    Raises:
        SnowflakeError: 400, or 415 for a body that is not declared as JSON.
    """
    if not headers.get("user-agent"):
        raise invalid("The request has no User-Agent header.")
    accept = headers.get("accept", "")
    if not any(kind in accept for kind in ("application/json", "*/*")):
        message = f"Unsupported Accept header {accept or None} is specified."
        raise SnowflakeError("391902", "0A000", message, 400)
    content_type = headers.get("content-type", "").partition(";")[0].strip()
    if has_body and content_type != "application/json":
        message = (
            f"Unsupported Content-Type header {content_type or None} is specified."
        )
        raise SnowflakeError("391903", "0A000", message, 415)


def read(
    query: Mapping[str, str], body: bytes, account: Mapping[str, str]
) -> Submission:
    """Return what a POST asks for.

    Args:
        query: The query parameters.
        body: The JSON body.
        account: The parameters that the account sets.

    Raises:
        SnowflakeError: 400, or the error for a role, database or warehouse that is not
            there.
    """
    fields = _fields(body)
    statement = fields.get("statement")
    if not isinstance(statement, str):
        raise invalid("The request has no statement.")
    parameters = _parameters(fields.get("parameters") or {})
    bindings = fields.get("bindings") or {}
    values = (b.get("value") or "" for b in bindings.values())
    return Submission(
        request_id=_request_id(query.get("requestId")),
        retry=query.get("retry") == "true",
        asynchronous=query.get("async") == "true",
        nullable=query.get("nullable") != "false",
        statement=statement,
        binds=_binds(bindings),
        context=_context(fields, parameters, account),
        timeout=_timeout(fields.get("timeout")),
        parameters=parameters,
        size=len(statement.encode()) + sum(len(value.encode()) for value in values),
    )


def _fields(body: bytes) -> dict[str, Any]:
    try:
        fields = msgspec.json.decode(body)
    except msgspec.DecodeError as error:
        raise invalid(f"The body is no JSON: {error}") from None
    if not isinstance(fields, dict):
        raise invalid("The body is no JSON object.")
    return fields


def _request_id(text: str | None) -> str:
    if text is None:
        return str(uuid.uuid4())
    try:
        return str(uuid.UUID(text))
    except ValueError:
        raise invalid(f"The requestId {text!r} is no UUID.") from None


def _parameters(given: Any) -> dict[str, str]:  # noqa: ANN401 - from outside
    if not isinstance(given, dict):
        raise invalid("The parameters are no object.")
    parameters = {name.lower(): str(value) for name, value in given.items()}
    if unknown := sorted(set(parameters) - PARAMETERS):
        raise invalid(f"Unsupported parameters: {', '.join(unknown)}.")
    for name, value in parameters.items():
        if not _fits(name, value):
            message = f"Invalid value '{value[:100]}' for parameter {name.upper()}."
            raise SnowflakeError("001007", "22023", message)
    return parameters


def _fits(name: str, value: str) -> bool:
    if name == "timezone":
        return is_timezone(value)
    if name == "query_tag":
        return len(value) <= MAX_TAG
    return name != "rows_per_resultset" or value.isdecimal()


def _timeout(given: Any) -> float | None:  # noqa: ANN401 - from outside
    if given is None or given == 0:
        return None
    if not isinstance(given, (int, float)) or given < 0:
        raise invalid("The timeout is no number of seconds.")
    return float(given)


def _context(
    fields: Mapping[str, Any],
    parameters: Mapping[str, str],
    account: Mapping[str, str],
) -> Context:
    role = fields.get("role") or config.ROLE
    if role != config.ROLE:
        message = (
            f"Role '{role}' specified in the connect string does not exist or not "
            "authorized. Contact your local system administrator, or attempt to login "
            "with another valid role, e.g. PUBLIC."
        )
        raise SnowflakeError("390189", "08001", message, 403)
    warehouse = fields.get("warehouse") or config.WAREHOUSE
    if warehouse != config.WAREHOUSE:
        raise errors.missing("Warehouse", warehouse)
    return Context(
        database=fields.get("database") or None,
        schema=fields.get("schema") or None,
        role=role,
        warehouse=warehouse,
        account=account,
        session={name.upper(): value for name, value in parameters.items()},
    )


def _binds(given: Any) -> dict[int, Any]:  # noqa: ANN401 - from outside
    if not isinstance(given, dict):
        raise invalid("The bindings are no object.")
    return {_number(name): _bind(name, bind) for name, bind in given.items()}


def _number(name: str) -> int:
    if not name.isdecimal() or name.startswith("0"):
        raise invalid(f"The binding {name!r} is no position counted from 1.")
    return int(name)


def _bind(name: str, bind: Any) -> object:  # noqa: ANN401 - from outside
    kind = bind.get("type") if isinstance(bind, dict) else None
    if not isinstance(kind, str) or kind.upper() not in READERS:
        raise invalid(f"The binding {name} has no supported type: {kind}.")
    value = bind.get("value")
    if value is not None and not isinstance(value, str):
        raise invalid(f"The value of binding {name} is no string.")
    if value is None:
        return None
    try:
        return READERS[kind.upper()](value)
    except (ValueError, OverflowError):
        message = f"Invalid value '{value[:100]}' for a binding of type {kind}."
        raise SnowflakeError("100037", "22018", message) from None


def _boolean(text: str) -> bool:
    words = {"true": True, "1": True, "false": False, "0": False}
    if text.lower() not in words:
        raise ValueError(text)
    return words[text.lower()]


def _date(text: str) -> dt.date:
    return (EPOCH + dt.timedelta(milliseconds=int(text))).date()


def _instant(text: str) -> dt.datetime:
    return EPOCH + dt.timedelta(microseconds=int(text) // 1000)


def _zoned(text: str) -> Instant:
    nanoseconds, _, offset = text.partition(" ")
    zone = dt.timezone(dt.timedelta(minutes=int(offset or UTC_OFFSET) - UTC_OFFSET))
    return Instant(_instant(nanoseconds).astimezone(zone).isoformat(" "))


READERS: dict[str, Callable[[str], object]] = {
    "FIXED": int,
    "REAL": float,
    "TEXT": str,
    "BOOLEAN": _boolean,
    "DATE": _date,
    "TIME": lambda text: _instant(text).time(),
    "TIMESTAMP_NTZ": lambda text: _instant(text).replace(tzinfo=None),
    "TIMESTAMP_LTZ": _instant,
    "TIMESTAMP_TZ": _zoned,
}
"""How the text of a bound value is read: DATE in milliseconds, times in nanoseconds,
TIMESTAMP_TZ in nanoseconds and its offset in minutes plus 1440."""
