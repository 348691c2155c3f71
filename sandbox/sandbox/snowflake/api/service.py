"""The SQL API as a Starlette application."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
from typing import TYPE_CHECKING, Any

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response
from typing_extensions import override

from sandbox.snowflake.api import auth, results, submissions
from sandbox.snowflake.api.faults import CODES, LOCK_WAITERS, Event, Faults
from sandbox.snowflake.api.statements import Execution, Statements
from sandbox.snowflake.engine import errors
from sandbox.snowflake.engine.engine import Engine
from sandbox.snowflake.engine.errors import SnowflakeError
from sandbox.snowflake.engine.privileges import Grants
from sandbox.snowflake.messages import Fault, Sent, Settings

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from starlette.requests import Request

API = "/api/v2/statements"
SUCCESS = "090001"
RUNNING = "333334"


class Dropped(Response):
    """No answer at all: the connection is closed."""

    @override
    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Close the connection beneath."""
        # uvicorn offers no way to hang up; its request cycle, whose method ``receive``
        # is, holds the transport.
        receive.__self__.transport.abort()
        await asyncio.sleep(0.01)


def reply(
    status: int, content: object, headers: Mapping[str, str] | None = None
) -> Response:
    """Return an answer with a JSON body."""
    body = msgspec.json.encode(content)
    return Response(body, status, headers, media_type="application/json")


def refuse(error: SnowflakeError, **more: object) -> Response:
    """Return the answer for an error."""
    content = {
        "code": error.code,
        "sqlState": error.sql_state,
        "message": error.message,
        **more,
    }
    return reply(error.status, content)


class Api:
    """The routes of the SQL API and what they share.

    Args:
        data_dir: Where the database file and the loader's key are.
    """

    def __init__(self, data_dir: Path) -> None:
        data_dir.mkdir(parents=True, exist_ok=True)
        self.engine = Engine(data_dir)
        self.grants = Grants()
        self.users = auth.Users({})
        self.users.register(auth.key_pair(data_dir))
        self.statements = Statements(self.engine, self.grants, self.users)
        self.faults = Faults()
        self.sent: list[Sent] = []
        self.settings = Settings()

    async def submit(self, request: Request) -> Response:
        """``POST /api/v2/statements``."""
        body = await request.body()
        sent = self._log(request, body)
        fault = self.faults.take(Event("POST", sent.statement))
        runs = fault and (fault.executes or fault.during)
        if fault and not runs and (answer := self._failure(fault)):
            return self._logged(sent, answer)
        try:
            answer = await self._submit(request, body, sent, fault)
        except SnowflakeError as error:
            answer = refuse(error)
        if fault and runs:
            answer = self._failure(fault) or answer
        return self._logged(sent, answer)

    async def _submit(
        self, request: Request, body: bytes, sent: Sent, fault: Fault | None
    ) -> Response:
        submissions.check_headers(request.headers, has_body=True)
        self.users.sign_in(request.headers)
        submission = submissions.read(request.query_params, body, self.settings.account)
        delay = fault.seconds if fault else 0
        again = fault is not None and fault.kind == "again"
        execution = self.statements.submit(submission, delay, again=again)
        sent.handle = execution.handle
        at_once = submission.asynchronous or (
            fault and (fault.kind == "async" or fault.during)
        )
        await self._wait(execution, 0 if at_once else self.settings.sync_seconds)
        if at_once and execution.error is None:
            return running(execution)
        return await self._answer(execution, 0)

    async def _wait(self, execution: Execution, seconds: float) -> None:
        if execution.future is None or seconds <= 0:
            return
        future = asyncio.wrap_future(execution.future)
        with contextlib.suppress(asyncio.TimeoutError):
            await asyncio.wait_for(asyncio.shield(future), seconds)

    async def poll(self, request: Request) -> Response:
        """``GET /api/v2/statements/{handle}``."""
        sent = self._log(request, b"")
        execution = self.statements.executions.get(request.path_params["handle"])
        partition = request.query_params.get("partition", "0")
        statement = execution.submission.statement if execution else ""
        fault = self.faults.take(Event("GET", statement, partition != "0"))
        if fault and fault.kind == "async" and execution:
            return self._logged(sent, running(execution))
        if fault and (answer := self._failure(fault)):
            return self._logged(sent, answer)
        try:
            submissions.check_headers(request.headers, has_body=False)
            self.users.sign_in(request.headers)
            execution = self.statements.find(request.path_params["handle"])
            answer = await self._answer(execution, _partition(partition))
        except SnowflakeError as error:
            answer = refuse(error)
        return self._logged(sent, answer)

    async def cancel(self, request: Request) -> Response:
        """``POST /api/v2/statements/{handle}/cancel``."""
        sent = self._log(request, b"")
        try:
            submissions.check_headers(request.headers, has_body=False)
            self.users.sign_in(request.headers)
            execution = self.statements.find(request.path_params["handle"])
            if execution.stop(errors.cancelled()):
                content = {**_status(execution), "code": "000604", "sqlState": "57014"}
                content["message"] = "successfully canceled"
                answer = reply(200, content)
            else:
                message = "The statement has already ended."
                answer = refuse(SnowflakeError("000605", "57014", message))
        except SnowflakeError as error:
            answer = refuse(error)
        return self._logged(sent, answer)

    async def _answer(self, execution: Execution, partition: int) -> Response:
        if not execution.done:
            return running(execution)
        if execution.error is not None:
            return refuse(execution.error, statementHandle=execution.handle)
        if partition:
            return await run_in_threadpool(self._partition, execution, partition)
        return await run_in_threadpool(self._result, execution)

    def _result(self, execution: Execution) -> Response:
        outcome = execution.outcome
        if outcome is None:
            raise SnowflakeError("000709", "02000", "The statement has no result", 404)
        content: dict[str, Any] = {
            "resultSetMetaData": {
                "numRows": outcome.table.num_rows,
                "format": "jsonv2",
                "partitionInfo": self._partitions(execution),
                "rowType": [
                    results.row_type(name, kind)
                    for name, kind in zip(
                        outcome.table.column_names, outcome.types, strict=True
                    )
                ],
            },
            "data": self._rows(execution, 0),
            "code": SUCCESS,
            **_status(execution),
            "message": "Statement executed successfully.",
        }
        if outcome.stats is not None and self.settings.stats:
            content["stats"] = outcome.stats
        if execution.children:
            content["message"] = "Multiple statements executed successfully."
            content["statementHandles"] = [c.handle for c in execution.children]
        return reply(200, content)

    def _rows(self, execution: Execution, partition: int) -> list[list[str | None]]:
        outcome, size = execution.outcome, self.settings.partition_rows
        if outcome is None:
            return []
        rows = results.encode(outcome, partition * size, size)
        if execution.submission.nullable:
            return rows
        return [["null" if value is None else value for value in row] for row in rows]

    def _partitions(self, execution: Execution) -> list[dict[str, int]]:
        outcome, size = execution.outcome, self.settings.partition_rows
        total = outcome.table.num_rows if outcome else 0
        counts = [min(size, total - start) for start in range(0, max(total, 1), size)]
        return [
            {
                "rowCount": count,
                "uncompressedSize": len(msgspec.json.encode(self._rows(execution, n))),
            }
            for n, count in enumerate(counts)
        ]

    def _partition(self, execution: Execution, partition: int) -> Response:
        rows = self._rows(execution, partition)
        if not rows:
            raise submissions.invalid(f"There is no partition {partition}.")
        body = gzip.compress(msgspec.json.encode({"data": rows}))
        headers = {"Content-Encoding": "gzip"}
        return Response(body, 200, headers, media_type="application/json")

    def _failure(self, fault: Fault) -> Response | None:
        """Return the answer that a fault puts in place of the real one, if it does."""
        if fault.kind == "drop":
            return Dropped()
        if fault.kind == "error":
            code = fault.code or LOCK_WAITERS
            return refuse(SnowflakeError(code, fault.sql_state, fault.message))
        if fault.kind == "status":
            headers = {"Retry-After": fault.retry_after} if fault.retry_after else None
            code = fault.code or CODES.get(fault.status, "000000")
            message = fault.message
            if code in auth.EXPLAINED:
                message += f" [{self.users.explain(fault.reason)}]"
            return reply(fault.status, {"code": code, "message": message}, headers)
        return None

    def _log(self, request: Request, body: bytes) -> Sent:
        sent = Sent(request.method, request.url.path, dict(request.query_params))
        sent.body_bytes = len(body)
        with contextlib.suppress(msgspec.DecodeError, AttributeError, TypeError):
            fields = msgspec.json.decode(body)
            sent.statement = str(fields.get("statement", ""))
            sent.query_tag = str((fields.get("parameters") or {}).get("query_tag", ""))
            binds = (fields.get("bindings") or {}).values()
            sent.bind_bytes = sum(len((b["value"] or "").encode()) for b in binds)
        self.sent.append(sent)
        return sent

    def _logged(self, sent: Sent, answer: Response) -> Response:
        sent.status = 0 if isinstance(answer, Dropped) else answer.status_code
        return answer


def running(execution: Execution) -> Response:
    """Return the answer for statements that have not ended."""
    message = (
        "Asynchronous execution in progress. Use provided query id to perform query "
        "monitoring and management."
    )
    return reply(202, {**_status(execution), "code": RUNNING, "message": message})


def _status(execution: Execution) -> dict[str, Any]:
    request_id = execution.submission.request_id
    return {
        "statementHandle": execution.handle,
        "statementStatusUrl": f"{API}/{execution.handle}?requestId={request_id}",
        "sqlState": "00000",
        "requestId": request_id,
        "createdOn": execution.created,
    }


def _partition(text: str) -> int:
    if not text.isdecimal():
        raise submissions.invalid(f"The partition {text!r} is no number.")
    return int(text)
