"""Running statements: handles, request ids, time-outs, cancelling."""

from __future__ import annotations

import threading
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from sandbox.snowflake.engine import errors, parsing
from sandbox.snowflake.engine.errors import SnowflakeError
from sandbox.snowflake.engine.history import Entry, History

if TYPE_CHECKING:
    from collections.abc import Iterator
    from concurrent.futures import Future

    from sandbox.snowflake.api.auth import Users
    from sandbox.snowflake.api.submissions import Submission
    from sandbox.snowflake.engine.connection import Connection
    from sandbox.snowflake.engine.context import Outcome
    from sandbox.snowflake.engine.engine import Engine
    from sandbox.snowflake.engine.privileges import Grants

REMEMBERED_BYTES = 1_000_000
"""Larger statements are truncated in the history, so a resend does not find them."""
WORKERS = 40
"""More than may wait for one table."""
MULTIPLE = (
    "SELECT 'Multiple statements executed successfully.' AS "
    '"multiple statement execution"'
)
"""The result of a request with several statements; each has its own, by its handle."""


def timed_out(seconds: float) -> SnowflakeError:
    """Return the error for a statement that was stopped by its time-out."""
    message = (
        "Statement reached its statement or warehouse timeout of "
        f"{seconds:g} second(s) and was canceled."
    )
    return SnowflakeError("000630", "57014", message, 408)


@dataclass
class Execution:
    """Statements that were submitted together, and what came of them.

    Args:
        submission: The request.
        delay: Seconds to wait before running, as if the warehouse were busy.
        handle: The handle that the client polls.
        created: When it was submitted, in milliseconds since 1970.
    """

    submission: Submission
    delay: float = 0
    handle: str = field(default_factory=lambda: str(uuid.uuid4()))
    created: int = field(default_factory=lambda: int(time.time() * 1000))
    outcome: Outcome | None = None
    error: SnowflakeError | None = None
    children: list[Execution] = field(default_factory=list)
    future: Future[None] | None = None
    stopped: SnowflakeError | None = None
    connection: Connection | None = None
    waking: threading.Event = field(default_factory=threading.Event)

    @property
    def done(self) -> bool:
        """Whether it has ended, well or not."""
        return self.outcome is not None or self.error is not None

    def stop(self, reason: SnowflakeError) -> bool:
        """Stop it if it still runs.

        Args:
            reason: The error that it ends with.

        Returns:
            Whether it was still running.
        """
        if self.done:
            return False
        self.stopped = reason
        self.waking.set()
        if self.connection is not None:
            self.connection.interrupt()
        return True


class Statements:
    """All statements of the server's life.

    Args:
        engine: Where they run.
        grants: What the role may do.
        users: Who may sign in; a statement may ask why a sign-in failed.
    """

    def __init__(self, engine: Engine, grants: Grants, users: Users) -> None:
        self.engine = engine
        self.users = users
        self.grants = grants
        self.history = History()
        self.remember = True
        self.executions: dict[str, Execution] = {}
        self.requests: dict[str, Execution] = {}
        self.workers = ThreadPoolExecutor(WORKERS, thread_name_prefix="statement")

    def submit(
        self, submission: Submission, delay: float = 0, *, again: bool = False
    ) -> Execution:
        """Start a request's statements, or find those of its first attempt.

        With ``retry=true`` a request whose statements succeeded, or still run, is not
        run again. One that failed is.

        Args:
            submission: The request.
            delay: Seconds by which its statements are delayed.
            again: Run it even so; clients have seen that happen.
        """
        known = self.requests.get(submission.request_id)
        finds = submission.retry and self.remember and not again
        if finds and known and known.error is None:
            return known
        execution = Execution(submission, delay)
        self.executions[execution.handle] = execution
        if submission.size <= REMEMBERED_BYTES:
            self.requests[submission.request_id] = execution
        execution.future = self.workers.submit(self._work, execution)
        if submission.timeout is not None:
            self._watch(execution, submission.timeout)
        return execution

    def find(self, handle: str) -> Execution:
        """Return the statements of a handle.

        Raises:
            SnowflakeError: 404, there are none.
        """
        if handle not in self.executions:
            raise SnowflakeError(
                "000709", "02000", f"Statement {handle} not found", 404
            )
        return self.executions[handle]

    def _watch(self, execution: Execution, seconds: float) -> None:
        reason = timed_out(seconds)
        timer = threading.Timer(seconds, execution.stop, [reason])
        timer.daemon = True
        timer.start()
        if execution.future is not None:
            execution.future.add_done_callback(lambda _: timer.cancel())

    def _work(self, execution: Execution) -> None:
        execution.waking.wait(execution.delay)
        try:
            self._run(execution)
        except SnowflakeError as error:
            execution.error = execution.stopped or error
        except Exception as error:  # noqa: BLE001 - a server answers whatever happens
            execution.error = errors.from_engine(error)
        finally:
            execution.connection = None
            # A megabyte each would add up.
            execution.submission = replace(execution.submission, binds={})

    def _run(self, execution: Execution) -> None:
        submission = execution.submission
        texts = parsing.split(submission.statement)
        _check_count(texts, submission)
        context = replace(
            submission.context,
            failures=self.users.failures,
            grants=self.grants,
            history=self.history,
        )
        with self.engine.connect(context) as connection:
            execution.connection = connection
            if len(texts) == 1:
                with self._remembered(execution.handle, texts[0], connection):
                    execution.outcome = self._one(execution, texts[0], connection)
                return
            for text in texts:
                child = Execution(replace(submission, binds={}))
                with self._remembered(child.handle, text, connection):
                    child.outcome = self._one(execution, text, connection, several=True)
                execution.children.append(child)
                self.executions[child.handle] = child
            execution.outcome = connection.run(parsing.parse(MULTIPLE), {})

    @contextmanager
    def _remembered(
        self, handle: str, text: str, connection: Connection
    ) -> Iterator[None]:
        """Keep a statement, and how it ends, in the history."""
        context = connection.context
        entry = Entry(handle, text.strip(), context, context.parameters["QUERY_TAG"])
        self.history.entries.append(entry)
        try:
            yield
        except SnowflakeError as error:
            entry.finish(error)
            raise
        entry.finish()

    def _one(
        self,
        execution: Execution,
        text: str,
        connection: Connection,
        *,
        several: bool = False,
    ) -> Outcome:
        if execution.stopped:
            raise execution.stopped
        statement = connection.parse(text)
        if not several:
            parsing.check_single(statement)
        self.grants.check(statement, connection.context)
        outcome = connection.execute(statement, execution.submission.binds)
        rows = int(connection.context.parameters["ROWS_PER_RESULTSET"])
        return replace(outcome, table=outcome.table.slice(0, rows or None))


def _check_count(texts: list[str], submission: Submission) -> None:
    """Refuse several statements that were not announced, or that have binds."""
    if not texts:
        message = "SQL compilation error:\nEmpty SQL statement."
        raise SnowflakeError("000900", "42601", message)
    wanted = int(submission.parameters.get("multi_statement_count", 1))
    if wanted not in {0, len(texts)}:
        message = (
            f"Actual statement count {len(texts)} did not match the desired "
            f"statement count {wanted}."
        )
        raise SnowflakeError("000008", "0A000", message)
    if len(texts) > 1 and submission.binds:
        raise errors.unsupported("bind variables in a multi-statement request")
