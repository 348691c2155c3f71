"""The tap: its command, and the streams of an instance.

tests/both/unit/test_sdk.py lists what is used of singer-sdk's private names.
"""

from __future__ import annotations

import io
import json
import os
import sys
from contextlib import suppress
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

import click
from singer_sdk import Tap
from singer_sdk.helpers.capabilities import PluginCapabilities, TapCapabilities
from singer_sdk.singerlib import Catalog
from typing_extensions import override

from tap_acumatica import exact_json
from tap_acumatica.command import Command
from tap_acumatica.config import Configured
from tap_acumatica.discovery import Discovery
from tap_acumatica.errors import (
    SettingError,
)
from tap_acumatica.instance import Instance
from tap_acumatica.settings import SETTINGS
from tap_acumatica.state import bookmarks, check_source
from tap_acumatica.stream import AcumaticaStream

if TYPE_CHECKING:
    from types import FrameType

    from singer_sdk.helpers.capabilities import CapabilitiesEnum

STANDARD_ERROR = 2
"""The descriptor, which can be written to from within a signal handler."""


def json_file(path: str) -> io.StringIO:
    """Read a file that holds a JSON object in UTF-8, whatever the locale.

    Args:
        path: Its path, as it stands on the command line.

    Returns:
        Its text, as the SDK takes it.

    Raises:
        SettingError: It cannot be read, or holds something else.
    """
    try:
        with click.open_file(path, "rb") as file:
            text = file.read().decode("utf-8-sig")
        content: object = json.loads(text)
    except (OSError, ValueError, RecursionError) as error:
        reason = getattr(error, "strerror", None) or error
        raise SettingError(f"The file {path} cannot be read: {reason}.") from error
    if not isinstance(content, dict):
        raise SettingError(f"The file {path} is no JSON object.")
    return io.StringIO(text)


def _catalog(content: dict[str, Any]) -> Catalog:
    try:
        return Catalog.from_dict(content)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise SettingError(
            f"The catalog is not made as Singer's are ({error!r}); discover again."
        ) from error


class TapAcumatica(Configured, Tap):
    """Reads entities of a contract-based endpoint of Acumatica ERP."""

    name = "tap-acumatica"
    dynamic_catalog = True
    message_writer_class = exact_json.MessageWriter
    capabilities: ClassVar[list[CapabilitiesEnum]] = [
        TapCapabilities.CATALOG,
        TapCapabilities.STATE,
        TapCapabilities.DISCOVER,
        PluginCapabilities.ACTIVATE_VERSION,
        PluginCapabilities.ABOUT,
        PluginCapabilities.STREAM_MAPS,
        PluginCapabilities.FLATTENING,
        PluginCapabilities.STRUCTURED_LOGGING,
    ]

    config_jsonschema: ClassVar[dict[str, Any]] = SETTINGS

    @classmethod
    @override
    def get_singer_command(cls) -> click.Command:
        command = super().get_singer_command()
        for parameter in command.params:
            if parameter.name in {"catalog", "state"}:
                parameter.type = click.types.convert_type(json_file)
        return Command(
            name=command.name,
            callback=command.callback,
            params=command.params,
            help=command.help,
            context_settings=command.context_settings,
            logger=cls.logger,
        )

    def __init__(self, **kwargs: Any) -> None:  # noqa: ANN401 - the SDK's own
        """Read settings, catalog and state; nothing is sent yet.

        Args:
            kwargs: What the SDK's `Tap` takes.

        Raises:
            SettingError: One of them is not what it should be.
        """
        self._earlier = bookmarks(kwargs.get("state"))
        if isinstance(catalog := kwargs.get("catalog"), dict):
            kwargs["catalog"] = _catalog(catalog)
        super().__init__(**kwargs)

    @override
    def _validate_config(self, *, raise_errors: bool = True) -> list[str]:
        errors = super()._validate_config(raise_errors=raise_errors)
        if not errors:
            _ = self.instance  # whose start may be no moment
        return errors

    @cached_property
    def instance(self) -> Instance:
        """What is read."""
        return Instance(self._config, self.logger)

    @override
    def _handle_termination(self, signum: int, frame: FrameType | None) -> None:
        # The SDK would end with 0, as if the streams had been read to their end.
        # The logger may be in the middle of a line: it would refuse, and end nothing.
        with suppress(OSError):  # nobody may read it any more
            os.write(STANDARD_ERROR, f"Ended by signal {signum}.\n".encode())
        sys.exit(128 + signum)

    @override
    def setup_mapper(self) -> None:
        # Before anybody signs in.
        check_source(self._earlier, self.instance.source)
        # The streams add fields that are newer than the catalog, and the mapper takes
        # its schemas from there.
        self.logger.debug("Reading %d streams.", len(self.streams))
        super().setup_mapper()
        if start := self.instance.start:
            self.logger.info(
                "What was modified at %s or later is read (start_date).",
                start.isoformat(),
            )
        if not any(stream.selected for stream in self.streams.values()):
            self.logger.warning("The catalog selects no stream: nothing is read.")

    @override
    def run_discovery(self) -> str:
        text = self.catalog_json_text
        exact_json.write(text.encode())
        return text

    @override
    def discover_streams(self) -> list[AcumaticaStream]:
        found = Discovery(self.instance, self.config, self.input_catalog, self.logger)
        return [
            AcumaticaStream(self, self.instance, *stream) for stream in found.streams()
        ]
