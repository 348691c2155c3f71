"""The target: its settings, the order of messages and state, and the command.

What is private in singer-sdk 0.54 and used here all the same, since no public hook does
what it does; the upper bound on the SDK in pyproject.toml is for its sake. Overridden,
beside what ``config.py`` lists:

- ``TargetSnowflakeMerge``: ``_handle_max_record_age``, ``_process_schema_message``,
  ``_process_record_message``, ``_process_state_message``,
  ``_process_activate_version_message``, ``_process_batch_message``,
  ``_write_state_message``, ``_handle_termination``;
- ``MergeSink``: ``_add_sdc_metadata_to_schema``, ``_add_sdc_metadata_to_record``,
  ``_validate_and_parse``, ``_singer_validate_message``;
- ``ExactStreamMap``: ``_eval``.

Used: ``Target._sinks_active``, ``CustomStreamMap._transform_fn``, ``flatten_key``.
"""

from __future__ import annotations

import contextlib
import math
import sys
import threading
import time
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import click
from singer_sdk import Target
from singer_sdk.helpers.capabilities import PluginCapabilities
from singer_sdk.mapper import RemoveRecordTransform
from singer_sdk.singerlib.json import serialize_json
from typing_extensions import override

from target_snowflake_merge.config import Configured
from target_snowflake_merge.errors import TargetError
from target_snowflake_merge.journal.journal import Journal
from target_snowflake_merge.load import overwrite
from target_snowflake_merge.load.checkpoints import Checkpoints
from target_snowflake_merge.load.completeness import Completeness
from target_snowflake_merge.load.delivery import Delivery
from target_snowflake_merge.load.loader import Loader
from target_snowflake_merge.load.recovery import settle
from target_snowflake_merge.schema.json_schema import whole
from target_snowflake_merge.settings import SETTINGS
from target_snowflake_merge.signals import Ending
from target_snowflake_merge.singer import batch_files, flattening, stream_maps
from target_snowflake_merge.singer.draining import DrainingCommand
from target_snowflake_merge.singer.reader import MessageReader
from target_snowflake_merge.sinks import MergeSink
from target_snowflake_merge.sql_api.account import base_url, destination
from target_snowflake_merge.sql_api.auth import authenticator
from target_snowflake_merge.sql_api.client import Session, SqlApi
from target_snowflake_merge.warehouse.connector import Connector
from target_snowflake_merge.warehouse.ledger import Ledger

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from types import FrameType

    from singer_sdk.helpers.capabilities import CapabilitiesEnum
    from singer_sdk.sinks import Sink

    from target_snowflake_merge.journal.entry import Entry


class TargetSnowflakeMerge(Configured, Target):
    """Loads Snowflake through idempotent MERGE statements of its SQL API."""

    name = "target-snowflake-merge"
    config_jsonschema: ClassVar[dict[str, Any]] = SETTINGS
    default_sink_class = MergeSink
    message_reader_class = MessageReader
    capabilities: ClassVar[list[CapabilitiesEnum]] = [
        *Target.capabilities,
        PluginCapabilities.ACTIVATE_VERSION,
    ]

    def __init__(self, **kwargs: Any) -> None:  # noqa: ANN401 - the SDK's own
        """Read the settings; nothing is sent yet.

        Args:
            kwargs: What the SDK's `Target` takes.

        Raises:
            TargetError: A setting is missing or wrong.
        """
        self._ending = Ending()
        self._announced: dict[str, int] = {}
        self._source = ""
        self.sources: dict[str, str] = {}
        """What the tap calls the streams, by the names that stream_maps give them."""

        self._next_age_check = math.inf
        self._last_state: dict[str, Any] = {}
        self.conclusions = Completeness()
        self.states = Checkpoints()
        self._reader = MessageReader(self._ending_well, self._wait_for_input)
        super().__init__(message_reader=self._reader, **kwargs)
        config = self.config
        url = base_url(config["account"], config.get("host"))
        session = Session(
            config["database"].upper(),
            config.get("warehouse"),
            config.get("role"),
            config["statement_timeout_seconds"],
        )
        user_agent = f"{self.name}/{self.plugin_version}"
        api = SqlApi(url, authenticator(config), session, user_agent)
        schema = config["default_target_schema"]
        self.connector = Connector(api, config["database"], schema, user_agent)
        self.ledger = Ledger(self.connector)
        self.destination = destination(config["account"], config["database"], schema)

    # Settings.

    @override
    def _validate_config(self, *, raise_errors: bool = True) -> list[str]:
        if raise_errors:
            stream_maps.check(self._config.get("stream_maps"))
            flattening.check(self._config)
        return super()._validate_config(raise_errors=raise_errors)

    # A run.

    @property
    def overwrites(self) -> bool:
        """Whether new tables take the place of the old ones."""
        is_overwriting: bool = self.config["load_method"] == "overwrite"
        return is_overwriting

    @property
    def journal_path(self) -> Path:
        """The folder of the journal."""
        path = self.config["journal_path"]
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
            self.config["journal_retention_days"],
            self.config["journal_max_bytes"],
        )

    @cached_property
    def loader(self) -> Loader:
        """Loads this run's batches; what earlier runs have left is settled first."""
        journal = self.open_journal()
        delivery = Delivery(self.connector)
        if self.overwrites:
            overwrite.drop_remnants(journal, self.connector)
        settle(journal, delivery, self.ledger, self._ending.check)
        return Loader(
            delivery=delivery,
            journal=journal,
            ledger=self.ledger,
            states=self.states,
            pass_on=self._write_state_message,
            parallelism=self.config["max_parallelism"],
        )

    @contextlib.contextmanager
    def _ending_well(self) -> Iterator[None]:
        """Bring to its end what is in flight, also when a run breaks off."""
        loader = self.loader
        try:
            yield
        except BaseException:
            loader.abandon()
            raise

    @override
    def _handle_termination(self, signum: int, frame: FrameType | None) -> None:
        """Have the reading end, or the process when the signal comes again.

        The SDK would drain from within the signal handler, in the middle of a batch,
        and then pass on the state of records that are not loaded.
        """
        self._reader.stop()
        self._ending.begin(signum)

    def _wait_for_input(self, descriptor: int) -> bool:
        """Wait for input, and send meanwhile what has waited for long enough."""
        while not self._ending.has_begun:
            timeout = self._next_age_check - time.monotonic()
            if timeout <= 0:
                self._send_old_batches()
            elif self.loader.wait(descriptor, min(timeout, threading.TIMEOUT_MAX)):
                return not self._ending.has_begun
        return False

    def begin(self, sink: MergeSink) -> None:
        """Note that the first row of a batch waits."""
        self.states.open(sink.place)
        if self.overwrites:
            self.states.open(overwrite.place(sink))
        oldest = time.monotonic() + self.config["max_batch_age_seconds"]
        self._next_age_check = min(self._next_age_check, oldest)

    def _send_old_batches(self) -> None:
        """Send the batches whose first row has waited for long enough."""
        age = self.config["max_batch_age_seconds"]
        self._next_age_check = math.inf
        for sink in self._merge_sinks():
            since = sink.filling_since
            if since is not None and time.monotonic() - since >= age:
                self.drain_one(sink)
            elif since is not None:
                self._next_age_check = min(self._next_age_check, since + age)

    def _merge_sinks(self) -> list[MergeSink]:
        return [s for s in self._sinks_active.values() if isinstance(s, MergeSink)]

    # Messages.

    @override
    def get_sink(
        self,
        stream_name: str,
        *,
        record: dict[str, Any] | None = None,
        schema: dict[str, Any] | None = None,
        key_properties: Sequence[str] | None = None,
    ) -> Sink:
        """Load what came before a changed schema takes effect.

        The SDK would keep the old sink until the next full drain, so that its older
        records could be loaded after newer ones, into a table that has changed.
        """
        old = self._sinks_active.get(stream_name)
        if old is not None and (schema is None or self._is_removed(stream_name)):
            return old
        self._check_source(stream_name)
        if schema and self.config.get("stream_maps"):
            source = self.mapper.stream_maps[self._source][0].raw_schema
            schema = stream_maps.mended(schema, source)
        keys = list(key_properties or ())
        if isinstance(old, MergeSink):
            if old.original_schema == schema and list(old.key_properties) == keys:
                return old
            self.drain_one(old)
            self.loader.settle(old.table)
            old.clean_up()
        self.loader.collect()
        self.ledger.open()
        return self.add_sink(stream_name, schema or {}, key_properties)

    def _check_source(self, stream_name: str) -> None:
        """Refuse two streams that stream_maps give one name.

        One would be read by the schema of the other, and its complete readings would
        remove the other's rows.
        """
        if self._is_removed(stream_name):
            return
        other = self.sources.setdefault(stream_name, self._source)
        if other != self._source:
            raise TargetError(
                f"Streams {other} and {self._source} are both called {stream_name} by "
                "stream_maps; give one of them another __alias__."
            )

    def _is_removed(self, stream_name: str) -> bool:
        """Whether stream_maps remove the stream whose schema has come."""
        return any(
            isinstance(stream_map, RemoveRecordTransform)
            and stream_map.stream_alias == stream_name
            for stream_map in self.mapper.stream_maps[self._source]
        )

    @override
    def _handle_max_record_age(self) -> None:
        """Go on to the next message; the SDK would drain all sinks now and then."""
        self.states.advance()
        self.loader.collect()
        if time.monotonic() >= self._next_age_check:
            self._send_old_batches()

    @override
    def _process_schema_message(self, message_dict: dict[str, Any]) -> None:
        """Describe the properties so that the SDK finds and flattens all of them."""
        self._source = message_dict["stream"]
        self.conclusions.schema(self._source)
        schema = whole(message_dict["schema"])
        self._assert_line_requires(schema, requires={"properties"})
        levels = self.config.get("flattening_max_depth") or 0
        if self.config.get("flattening_enabled") and levels:
            schema = flattening.plain(schema, levels)
        if self.config.get("stream_maps"):
            schema = stream_maps.described(schema)
        with flattening.explained(self._source):
            super()._process_schema_message({**message_dict, "schema": schema})
        stream_maps.make_exact(self.mapper.stream_maps[self._source])

    @override
    def _process_record_message(self, message_dict: dict[str, Any]) -> None:
        with stream_maps.explained(message_dict["stream"]):
            super()._process_record_message(message_dict)

    @override
    def _process_state_message(self, message_dict: dict[str, Any]) -> None:
        """Hold a state until it may be passed on; an empty one erases nothing."""
        self._assert_line_requires(message_dict, requires={"value"})
        value = message_dict["value"]
        known = value if isinstance(value, dict) else {}
        self.conclusions.state(known)
        if value:
            self._last_state = known
            self.states.read(value)
            self.loader.pass_states_on()
        self._handle_max_record_age()

    @override
    def _write_state_message(self, state: dict[str, Any]) -> None:
        """Pass a state on, with every digit of its numbers."""
        try:
            sys.stdout.write(f"{serialize_json(state)}\n")
            sys.stdout.flush()
        except OSError as error:
            raise TargetError(
                f"The state cannot be written to standard output ({error.strerror}); "
                "the next run repeats what came after the last one."
            ) from error

    @override
    def _process_activate_version_message(self, message_dict: dict[str, Any]) -> None:
        """Activate a version that has begun; one that is announced early waits."""
        version = message_dict["version"]
        for stream_map in self.mapper.stream_maps.get(message_dict["stream"], ()):
            if isinstance(stream_map, RemoveRecordTransform):
                continue
            sink = self._sinks_active[stream_map.stream_alias]
            if isinstance(sink, MergeSink) and sink.process_activate_version_messages:
                self._announced[sink.stream_name] = version
                self.states.open(announced(sink))
                if sink.has_begun(version):
                    sink.activate_version(version)
        self._handle_max_record_age()

    def activate(self, sink: MergeSink, entry: Entry) -> None:
        """Send the statement that activates a version, after the rows before it."""
        self.drain_one(sink)
        del self._announced[sink.stream_name]
        self.loader.send(entry, b"", announced(sink))

    def dismiss(self, sink: MergeSink) -> None:
        """Give up a version that was announced; states no longer wait for it."""
        del self._announced[sink.stream_name]
        self.states.close(announced(sink))

    @override
    def _process_batch_message(self, message_dict: dict[str, Any]) -> None:
        """Load the records of files as if each had come in a message of its own.

        The SDK would read a whole file into memory, and lead its records past stream
        maps and validation.
        """
        stream, encoding = message_dict["stream"], message_dict["encoding"]
        message = {"type": "RECORD", "stream": stream}
        if message_dict.get("version") is not None:
            message["version"] = message_dict["version"]
        for path in batch_files.paths(message_dict):
            lines = batch_files.lines(stream, path, encoding.get("compression"))
            for record in self._reader.records(lines, f"the file {path}"):
                self._process_record_message({**message, "record": record})

    @override
    def process_endofpipe(self) -> None:
        """Load what waits, pass the last state on, and say what was loaded."""
        with self._ending_well():
            self._ending.check()
            self._load_the_rest()
        self.loader.close()
        for sink in self._merge_sinks():
            sink.clean_up()
        for line in self.loader.summary():
            self.logger.info(line)
        self._ending.check()

    def _load_the_rest(self) -> None:
        for sink in self._merge_sinks():
            self.drain_one(sink)
            self._ending.check()
        for sink in self._merge_sinks():
            if sink.stream_name in self._announced:
                self.loader.settle(sink.table)
                self._ending.check()
                self._activate_early_version(sink)
        if self.overwrites:
            sinks = self._merge_sinks()
            self.conclusions.check()
            overwrite.take_places(
                sinks,
                self.loader,
                self.connector,
                self._last_state,
                self._ending.check,
            )
        self.loader.finish()

    def _activate_early_version(self, sink: MergeSink) -> None:
        """Activate a version that was announced before its records, if they are whole.

        Where they may not be, the states since the announcement are not passed on.
        Where rows are really removed, the tap must announce the version again behind
        its records.
        """
        version = self._announced[sink.stream_name]
        has_begun = sink.has_begun(version)
        is_whole = self.conclusions.are_whole(sink.source)
        if has_begun and (not is_whole or self.config["hard_delete"]):
            missing = "a STATE" if not is_whole else "another ACTIVATE_VERSION"
            self.logger.warning(
                "Stream %s: version %s is not activated, since %s has not come behind "
                "its records; the reading may have broken off",
                *(sink.stream_name, version, missing),
            )
            if is_whole:
                self.dismiss(sink)
            return
        sink.activate_version(version)

    # The command.

    @classmethod
    @override
    def get_singer_command(cls) -> click.Command:
        """Make the command, whose --input is UTF-8 whatever the locale."""
        command = super().get_singer_command()
        for parameter in command.params:
            if parameter.name == "file_input":
                parameter.type = click.File("rb")
        return DrainingCommand(
            name=command.name,
            callback=command.callback,
            help=command.help,
            context_settings=command.context_settings,
            params=command.params,
            logger=cls.logger,
        )


def announced(sink: MergeSink) -> tuple[str, str]:
    """Under which name the states are held for a version that was announced."""
    return ("announced", sink.stream_name)
