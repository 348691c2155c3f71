"""The target: its settings, the order of messages and state, and the command.

Private names of the SDK that are overridden or used are listed with their signatures in
tests/both/unit/test_sdk.py.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, ClassVar

import click
from singer_sdk import Target
from singer_sdk.helpers.capabilities import PluginCapabilities
from singer_sdk.mapper import RemoveRecordTransform
from singer_sdk.singerlib.json import serialize_json
from typing_extensions import override

from target_snowflake_merge.config import Configured
from target_snowflake_merge.errors import TargetError
from target_snowflake_merge.load.run import Run
from target_snowflake_merge.schema.json_schema import inline_refs
from target_snowflake_merge.schema.upgrade import refuse_draft_3
from target_snowflake_merge.settings import SETTINGS
from target_snowflake_merge.signals import Ending
from target_snowflake_merge.singer import batch_files, flattening, stream_maps
from target_snowflake_merge.singer.draining import DrainingCommand
from target_snowflake_merge.singer.reader import MessageReader
from target_snowflake_merge.sinks import MergeSink, RunningTarget

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import FrameType

    from singer_sdk.helpers.capabilities import CapabilitiesEnum
    from singer_sdk.sinks import Sink


class TargetSnowflakeMerge(Configured, RunningTarget):
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

        Raises:
            TargetError: A setting is missing or wrong.
        """
        self._ending = Ending()
        self._source = ""
        self._reader = MessageReader()
        super().__init__(message_reader=self._reader, **kwargs)
        self.run = Run(
            self.config, self.user_agent, self._ending, self._write_state_message
        )
        self._reader.read_during(self.run.ending_well, self.run.wait_for_input)

    @property
    def user_agent(self) -> str:
        """What each request and each statement's query tag says of this program."""
        return f"{self.name}/{self.plugin_version}"

    @override
    def _validate_config(self, *, raise_errors: bool = True) -> list[str]:
        if raise_errors:
            stream_maps.check(self._config.get("stream_maps"))
            flattening.check(self._config)
        return super()._validate_config(raise_errors=raise_errors)

    @override
    def _handle_termination(self, signum: int, frame: FrameType | None) -> None:
        """Have the reading end, or the process when the signal comes again.

        The SDK would drain from within the signal handler, in the middle of a batch,
        and then pass on the state of records that are not loaded.
        """
        self._reader.stop()
        self._ending.begin(signum)

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
        if old is not None:
            if old.original_schema == schema and list(old.key_properties) == keys:
                return old
            old.clean_up()
        self.run.before_schema(stream_name)
        return self.add_sink(stream_name, schema or {}, key_properties)

    def _check_source(self, stream_name: str) -> None:
        """Refuse two streams that stream_maps give one name.

        One would be read by the schema of the other, and its complete readings would
        remove the other's rows.
        """
        if self._is_removed(stream_name):
            return
        other = self.run.sources.setdefault(stream_name, self._source)
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
        self.run.advance()

    @override
    def _process_schema_message(self, message_dict: dict[str, Any]) -> None:
        """Describe the properties so that the SDK finds and flattens all of them."""
        self._source = message_dict["stream"]
        refuse_draft_3(self._source, message_dict["schema"])
        self.run.completeness.schema(self._source)
        schema = inline_refs(message_dict["schema"])
        self._assert_line_requires(schema, requires={"properties"})
        levels = self.config.get("flattening_max_depth") or 0
        if self.config.get("flattening_enabled") and levels:
            schema = flattening.plain(schema, levels)
        if self.config.get("stream_maps"):
            schema = stream_maps.described(schema)
        with flattening.as_sentence(self._source):
            super()._process_schema_message({**message_dict, "schema": schema})
        stream_maps.make_exact(self.mapper.stream_maps[self._source])

    @override
    def _process_record_message(self, message_dict: dict[str, Any]) -> None:
        with stream_maps.as_sentence(message_dict["stream"]):
            super()._process_record_message(message_dict)

    @override
    def _process_state_message(self, message_dict: dict[str, Any]) -> None:
        """Hold a state until it may be passed on; an empty one erases nothing."""
        self._assert_line_requires(message_dict, requires={"value"})
        self.run.take_state(message_dict["value"])
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
        """Have a version activated, unless the settings say otherwise."""
        may_activate = self.config.get("process_activate_version_messages", True)
        for stream_map in self.mapper.stream_maps.get(message_dict["stream"], ()):
            if may_activate and not isinstance(stream_map, RemoveRecordTransform):
                self.run.announce(stream_map.stream_alias, message_dict["version"])
        self._handle_max_record_age()

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
        summary = self.run.finish()
        for sink in self._sinks_active.values():
            sink.clean_up()
        for line in summary:
            self.logger.info(line)
        self._ending.check()

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
