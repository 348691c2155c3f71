"""A run: what it needs to load batches, and in which order it does."""

from __future__ import annotations

import contextlib
import logging
import math
import threading
import time
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from target_snowflake_merge.errors import TargetError
from target_snowflake_merge.journal.journal import Journal
from target_snowflake_merge.load.batch import Batch, Shared
from target_snowflake_merge.load.checkpoints import Checkpoints
from target_snowflake_merge.load.completeness import Completeness
from target_snowflake_merge.load.delivery import Delivery
from target_snowflake_merge.load.loader import Loader
from target_snowflake_merge.load.methods import METHODS
from target_snowflake_merge.load.recovery import settle
from target_snowflake_merge.sql_api.account import base_url, destination
from target_snowflake_merge.sql_api.auth import authenticator
from target_snowflake_merge.sql_api.client import Session, SqlApi
from target_snowflake_merge.warehouse.connector import Connector
from target_snowflake_merge.warehouse.ledger import Ledger

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from target_snowflake_merge.signals import Ending

logger = logging.getLogger(__name__)


class Run:
    """Loads the batches of all streams; nothing is sent before `loader` is asked for.

    All of its methods belong to the main thread.
    """

    def __init__(
        self,
        settings: Mapping[str, Any],
        user_agent: str,
        ending: Ending,
        pass_on: Callable[[Any], None],
    ) -> None:
        """Prepare to talk to Snowflake.

        Raises:
            TargetError: A setting is missing or wrong.
        """
        database, schema = settings["database"], settings["default_target_schema"]
        session = Session(
            database.upper(),
            settings.get("warehouse"),
            settings.get("role"),
            settings["statement_timeout_seconds"],
        )
        url = base_url(settings["account"], settings.get("host"))
        api = SqlApi(url, authenticator(settings), session, user_agent)
        self.connector = Connector(api, database, schema, user_agent)
        self.ledger = Ledger(self.connector)
        self.destination = destination(settings["account"], database, schema)
        self.method = METHODS[settings["load_method"]]
        self.completeness = Completeness()
        self.sources: dict[str, str] = {}
        """What the tap calls the streams, by the names that stream_maps give them."""

        self._settings = settings
        self._ending = ending
        self._pass_on = pass_on
        self._checkpoints = Checkpoints()
        self._batches: dict[str, Batch] = {}
        self._announced: dict[str, int] = {}
        self._next_age_check = math.inf

    @property
    def journal_path(self) -> Path:
        """The folder of the journal."""
        path = self._settings["journal_path"]
        try:
            return Path(path).expanduser()
        except RuntimeError as error:  # the folder of a user who is not there
            raise TargetError(
                f"Setting journal_path: {path} cannot be used ({error}); correct it."
            ) from error

    def open_journal(self) -> Journal:
        """Open the journal for this process."""
        return Journal(
            self.journal_path,
            self.destination,
            self._settings["journal_retention_days"],
            self._settings["journal_max_bytes"],
        )

    @cached_property
    def loader(self) -> Loader:
        """Loads this run's batches; what earlier runs have left is settled first."""
        journal = self.open_journal()
        delivery = Delivery(self.connector)
        self.method.begin(journal, self.connector)
        settle(journal, delivery, self.ledger, self._ending.check)
        return Loader(
            delivery=delivery,
            journal=journal,
            ledger=self.ledger,
            checkpoints=self._checkpoints,
            pass_on=self._pass_on,
            parallelism=self._settings["max_parallelism"],
        )

    @contextlib.contextmanager
    def ending_well(self) -> Iterator[None]:
        """Bring to its end what is in flight, also when a run breaks off."""
        loader = self.loader
        try:
            yield
        except BaseException:
            loader.abandon()
            raise

    # Batches.

    def add(self, batch: Batch) -> Batch:
        """Begin with a stream, or with another schema of it."""
        self._batches[batch.stream] = batch
        return batch

    @cached_property
    def shared(self) -> Shared:
        """What its batches share."""
        return Shared(
            settings=self._settings,
            destination=self.destination,
            loader=self.loader,
            checkpoints=self._checkpoints,
            begin=self._note_age,
        )

    def source(self, stream: str) -> str:
        """Return what the tap calls a stream."""
        return self.sources.get(stream, stream)

    def before_schema(self, stream: str) -> None:
        """Load what came of a stream before a changed schema takes effect."""
        if batch := self._batches.get(stream):
            batch.send()
            self.loader.settle(batch.table)
        self.loader.collect()
        self.ledger.open()

    # The order of messages and states.

    def wait_for_input(self, descriptor: int) -> bool:
        """Wait for input, and send meanwhile what has waited for long enough."""
        while not self._ending.has_begun:
            timeout = self._next_age_check - time.monotonic()
            if timeout <= 0:
                self._send_old_batches()
            elif self.loader.wait(descriptor, min(timeout, threading.TIMEOUT_MAX)):
                return not self._ending.has_begun
        return False

    def _note_age(self) -> None:
        """Note that the first row of a batch waits."""
        oldest = time.monotonic() + self._settings["max_batch_age_seconds"]
        self._next_age_check = min(self._next_age_check, oldest)

    def _send_old_batches(self) -> None:
        """Send the batches whose first row has waited for long enough."""
        age = self._settings["max_batch_age_seconds"]
        self._next_age_check = math.inf
        for batch in self._batches.values():
            since = batch.since
            if since is not None and time.monotonic() - since >= age:
                batch.send()
            elif since is not None:
                self._next_age_check = min(self._next_age_check, since + age)

    def advance(self) -> None:
        """Go on to the next message of the input."""
        self._checkpoints.advance()
        self.loader.collect()
        if time.monotonic() >= self._next_age_check:
            self._send_old_batches()

    def take_state(self, value: Any) -> None:  # noqa: ANN401 - a state is any JSON
        """Hold a state until it may be passed on; an empty one erases nothing."""
        self.completeness.state(value if isinstance(value, dict) else {})
        if value:
            self._checkpoints.read(value)
            self.loader.pass_states_on()

    # Versions.

    def announce(self, stream: str, version: int) -> None:
        """Activate a version that has begun; one that is announced early waits."""
        batch = self._batches[stream]
        self._announced[stream] = version
        self._checkpoints.open(batch.announced)
        if batch.has_begun(version):
            self._activate(batch, version)

    def _activate(self, batch: Batch, version: int) -> None:
        """Remove the rows that a complete reading of the source has not shown.

        A version whose records have not come, since the source is empty or has nothing
        new, removes nothing: it would remove every row.
        """
        why = "" if batch.own.adds_metadata else "add_record_metadata is off"
        if not batch.has_begun(version):
            why = why or "no record of it has come"
        if why:
            logger.warning(
                "Stream %s: version %s is not activated, %s; rows that are gone at the "
                "source stay unmarked",
                *(batch.stream, version, why),
            )
            self._dismiss(batch)
            return
        batch.send()
        del self._announced[batch.stream]
        self.loader.send(batch.activation(version), b"", batch.announced)

    def _dismiss(self, batch: Batch) -> None:
        """Give up a version that was announced; states no longer wait for it."""
        del self._announced[batch.stream]
        self._checkpoints.close(batch.announced)

    def _activate_early_version(self, batch: Batch) -> None:
        """Activate a version that was announced before its records, if they are whole.

        Where they may not be, the states since the announcement are not passed on.
        Where rows are really removed, the tap must announce the version again behind
        its records.
        """
        version = self._announced[batch.stream]
        is_whole = self.completeness.is_whole(batch.source)
        is_safe = is_whole and not self._settings["hard_delete"]
        if is_safe or not batch.has_begun(version):
            self._activate(batch, version)
            return
        logger.warning(
            "Stream %s: version %s is not activated, since %s has not come behind "
            "its records; the reading may have broken off",
            *(batch.stream, version),
            "another ACTIVATE_VERSION" if is_whole else "a STATE",
        )
        if is_whole:
            self._dismiss(batch)

    # The end.

    def finish(self) -> Sequence[str]:
        """Load what waits, pass the last state on, and say what was loaded.

        Raises:
            TargetError: Something was not loaded.
        """
        with self.ending_well():
            self._ending.check()
            self._load_the_rest()
        self.loader.close()
        return list(self.loader.summary())

    def _load_the_rest(self) -> None:
        for batch in self._batches.values():
            batch.send()
            self._ending.check()
        for batch in self._batches.values():
            if batch.stream in self._announced:
                self.loader.settle(batch.table)
                self._ending.check()
                self._activate_early_version(batch)
        self.method.end(
            self._batches.values(),
            self.loader,
            self.connector,
            self.completeness,
            self._ending.check,
        )
        self.loader.finish()
