"""The target: its settings, the order of messages and state, and the command.

What is private in singer-sdk 0.54 and used here all the same, since no public hook does
what it does; the upper bound on the SDK in pyproject.toml is for its sake. Overridden:

- ``TargetSnowflakeMerge``: ``_env_var_config``, ``_validate_config``,
  ``_process_state_message``, ``_process_activate_version_message``,
  ``_process_batch_message``, ``_write_state_message``, ``_handle_termination``;
- ``MergeSink``: ``_add_sdc_metadata_to_schema``, ``_add_sdc_metadata_to_record``,
  ``_validate_and_parse``, ``_singer_validate_message``.

Used: ``classproperty``, ``parse_environment_config``, ``Target._sinks_active``.
"""

from __future__ import annotations

import os
import re
import sys
from typing import TYPE_CHECKING, Any, ClassVar

import click
from singer_sdk import Target
from singer_sdk.configuration._dict_config import parse_environment_config
from singer_sdk.exceptions import ConfigValidationError, SingerSDKError
from singer_sdk.helpers._classproperty import classproperty
from singer_sdk.helpers.capabilities import PluginCapabilities
from singer_sdk.plugin_base import SingerCommand
from singer_sdk.singerlib.exceptions import SingerError
from singer_sdk.singerlib.json import serialize_json
from typing_extensions import override

from target_snowflake_merge.account import base_url
from target_snowflake_merge.auth import authenticator
from target_snowflake_merge.connector import Connector
from target_snowflake_merge.errors import TargetError, one_line
from target_snowflake_merge.reader import MessageReader
from target_snowflake_merge.settings import SETTINGS
from target_snowflake_merge.sinks import MergeSink
from target_snowflake_merge.sql_api import Session, SqlApi

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import FrameType

    from singer_sdk.helpers.capabilities import CapabilitiesEnum
    from singer_sdk.plugin_base import _ConfigInput
    from singer_sdk.sinks import Sink

STANDARD_ERROR = 2
"""The descriptor, which can be written to from within a signal handler."""

REQUIRED = re.compile(r"^'(\w+)' is a required property$")


class Command(SingerCommand):
    """The command line, which ends a failed run with one sentence."""

    @override
    def main(self, *args: Any, **kwargs: Any) -> Any:
        """Run, and report what is known to go wrong without a traceback."""
        try:
            return super().main(*args, **kwargs)
        except (TargetError, SingerSDKError, SingerError) as error:
            self.logger.error("%s", one_line(str(error), 2_000))  # noqa: TRY400 - the sentence says what a traceback would hide
        sys.exit(1)


class TargetSnowflakeMerge(Target):
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
        self._ended_by: int | None = None
        super().__init__(**kwargs)
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

    # Settings.

    @classmethod
    @override
    def append_builtin_config(cls, config_jsonschema: dict[str, Any]) -> None:
        """Take the SDK's settings but for load_method, which nothing here reads."""
        super().append_builtin_config(config_jsonschema)
        config_jsonschema["properties"].pop("load_method", None)

    @classproperty
    @override
    def _env_var_config(cls) -> dict[str, Any]:  # noqa: N805 - a property of the class
        """Read the settings from environment variables; empty ones are not given."""
        cls.append_builtin_config(cls.config_jsonschema)
        config: dict[str, Any] = {}
        for name, schema in cls.config_jsonschema["properties"].items():
            variable = f"{cls._env_var_prefix}{name.upper()}"
            if os.environ.get(variable) == "":
                continue
            try:
                one = {"properties": {name: schema}}
                config |= parse_environment_config(one, cls._env_var_prefix)
            except ValueError as error:
                raise TargetError(
                    f"Setting {name}: the environment variable {variable} does not "
                    "hold a value of its type; correct it."
                ) from error
        return config

    @override
    def _validate_config(self, *, raise_errors: bool = True) -> list[str]:
        """Validate the settings, and say what is wrong without showing a secret."""
        self._config = {
            name: value for name, value in self._config.items() if value != ""
        }
        try:
            return super()._validate_config(raise_errors=raise_errors)
        except ConfigValidationError as error:
            raise TargetError(self._setting_errors(error.errors)) from None

    def _setting_errors(self, errors: Sequence[str]) -> str:
        missing = [found[1] for text in errors if (found := REQUIRED.match(text))]
        if missing:
            return f"Settings are missing: {', '.join(missing)}; set them."
        text = "; ".join(errors)
        for name, schema in self.config_jsonschema["properties"].items():
            if schema.get("secret") and name in self._config:
                text = text.replace(repr(self._config[name]), "the secret")
        return f"Settings are wrong: {text}; correct them."

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
        """Load what waits before a changed schema takes effect.

        The SDK would keep the old sink until the next full drain, so that its older
        records could be loaded after newer ones, into a table that has changed.
        """
        if schema is not None and self.sink_exists(stream_name):
            self.drain_one(self._sinks_active[stream_name])
        return super().get_sink(
            stream_name, record=record, schema=schema, key_properties=key_properties
        )

    @override
    def process_endofpipe(self) -> None:
        """Load what waits, pass the state on, and say what was loaded."""
        if self._ended_by is not None:
            sys.exit(128 + self._ended_by)
        super().process_endofpipe()
        for line in self.connector.summary():
            self.logger.info(line)

    @override
    def _process_state_message(self, message_dict: dict[str, Any]) -> None:
        """Keep the latest state; an empty one says nothing and erases nothing."""
        if message_dict.get("value") or "value" not in message_dict:
            super()._process_state_message(message_dict)

    @override
    def _write_state_message(self, state: dict[str, Any]) -> None:
        """Pass a state on, with every digit of its numbers."""
        sys.stdout.write(f"{serialize_json(state)}\n")
        sys.stdout.flush()

    @override
    def _process_activate_version_message(self, message_dict: dict[str, Any]) -> None:
        """Load what came before, then let the sink mark what has not come."""
        for stream_map in self.mapper.stream_maps.get(message_dict["stream"], ()):
            sink = self._sinks_active[stream_map.stream_alias]
            self.drain_one(sink)
            if sink.process_activate_version_messages:
                sink.activate_version(message_dict["version"])

    @override
    def _process_batch_message(self, message_dict: dict[str, Any]) -> None:
        raise TargetError(
            f"Stream {message_dict['stream']}: BATCH messages are not supported; "
            "remove batch_config from the tap's settings."
        )

    @override
    def _handle_termination(self, signum: int, frame: FrameType | None) -> None:
        """End at once, with no state passed on: the next run repeats what is open.

        The SDK would drain from within the signal handler, in the middle of a batch,
        and then pass on the state of records that are not loaded.
        """
        # Python drops an exception that is raised while an object is being finalised.
        self._ended_by = signum
        # The logger may be in the middle of a line: it would refuse, and end nothing.
        text = f"Ended by signal {signum}; no further state is passed on\n"
        os.write(STANDARD_ERROR, text.encode())
        sys.exit(128 + signum)

    # The command.

    @classmethod
    @override
    def cb_config(
        cls, ctx: click.Context, param: click.Option, value: tuple[str, ...]
    ) -> _ConfigInput:
        try:
            return super().cb_config(ctx, param, value)
        except (OSError, ValueError) as error:
            reason = one_line(str(error))
            raise TargetError(
                f"--config cannot be read: {reason}; correct it."
            ) from error

    @classmethod
    @override
    def get_singer_command(cls) -> click.Command:
        """Make the command, whose --input is UTF-8 whatever the locale."""
        command = super().get_singer_command()
        for parameter in command.params:
            if parameter.name == "file_input":
                parameter.type = click.File("rb")
        return Command(
            name=command.name,
            callback=command.callback,
            help=command.help,
            context_settings=command.context_settings,
            params=command.params,
            logger=cls.logger,
        )
