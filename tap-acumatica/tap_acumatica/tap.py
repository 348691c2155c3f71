"""The tap: its command and its discovery.

Overridden of what is private in singer-sdk, beside what ``config.py`` lists:
``_handle_termination``, since the SDK would end with 0.
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

from tap_acumatica import clocks, endpoint, exact_json
from tap_acumatica.catalog import custom_paths
from tap_acumatica.client import Client, Pace
from tap_acumatica.command import Command
from tap_acumatica.config import Configured
from tap_acumatica.errors import (
    AcumaticaError,
    NotFoundError,
    SettingError,
    StreamError,
)
from tap_acumatica.schema import Structure, Swagger
from tap_acumatica.settings import SETTINGS
from tap_acumatica.sign_in import authenticator, header_value, instance_url, source
from tap_acumatica.state import Source, bookmarks, check_source
from tap_acumatica.stream import AcumaticaStream
from tap_acumatica.stream_specs import REPLICATION_KEY, StreamSpec, proposal, specs

if TYPE_CHECKING:
    from datetime import datetime
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
        TapCapabilities.ACTIVATE_VERSION,
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
        self._warned_of_clocks = False
        super().__init__(**kwargs)

    @override
    def _validate_config(self, *, raise_errors: bool = True) -> list[str]:
        errors = super()._validate_config(raise_errors=raise_errors)
        self.start = None if errors else self._start()
        return errors

    def _start(self) -> datetime | None:
        try:
            given = self._config.get("start_date")
            return given and clocks.start(given)
        except ValueError as error:
            raise SettingError(f"Setting 'start_date' {error}.") from error

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
        check_source(self._earlier, self.source)
        # The streams add fields that are newer than the catalog, and the mapper takes
        # its schemas from there.
        self.logger.debug("Reading %d streams.", len(self.streams))
        super().setup_mapper()
        if self.start:
            self.logger.info(
                "What was modified at %s or later is read (start_date).",
                self.start.isoformat(),
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
        """Return a stream for each entity of the table and of the settings.

        A stream that the catalog selects and that is not there any more is one of them,
        so that the run reads the others and fails at its end: a table that is no longer
        kept up to date must not go unnoticed.
        """
        wanted = specs(self.config["entities"])
        there = set(self.swagger.entities)
        missing = [spec for spec in wanted if spec.entity not in there]
        if wrong := [spec.entity for spec in missing if spec.is_setting]:
            raise SettingError(
                f"Setting 'entities' names {', '.join(wrong)}, which endpoint "
                f"{self.endpoint} does not have; `acumatica endpoints` lists its "
                "entities."
            )
        if missing:
            names = ", ".join(spec.entity for spec in missing)
            self.logger.warning("Endpoint %s has no %s.", self.endpoint, names)
        found = [spec for spec in wanted if spec.entity in there]
        if not found:
            raise SettingError(
                f"Endpoint {self.endpoint} has none of the built-in entities; name its "
                "own in setting 'entities' (`acumatica endpoints` lists them)."
            )
        lost = self._selected().difference(spec.name for spec in found)
        return [*map(self._stream, found), *map(self._lost, sorted(lost))]

    def _selected(self) -> set[str]:
        """Return the streams that the catalog selects."""
        return {name for name in self.input_catalog or () if self._is_selected(name)}

    def _lost(self, name: str) -> AcumaticaStream:
        refusal = StreamError(
            f"The catalog selects {name}, which neither endpoint {self.endpoint} nor "
            "setting 'entities' has. Deselect it, or discover again."
        )
        return AcumaticaStream(self, StreamSpec(name, name), Structure(), refusal)

    def _stream(self, spec: StreamSpec) -> AcumaticaStream:
        structure = self._structure(spec)
        if structure.undescribed:
            self.logger.warning(
                "%s: the endpoint's swagger.json does not describe %s in the way of "
                "contract-based endpoints, so this is left out.",
                spec.name,
                ", ".join(structure.undescribed),
            )
        refusal = None
        if self._is_selected(spec.name):
            refusal = self._customise(spec, structure)
            if sentence := proposal(spec, structure.fields):
                self.logger.warning(sentence)
        return AcumaticaStream(self, spec, structure, refusal)

    def _structure(self, spec: StreamSpec) -> Structure:
        """Return how an entity's records are made up in the tenant's endpoint."""
        expand = (
            self.swagger.nested(spec.entity) if spec.expand is None else spec.expand
        )
        missing = self.swagger.missing(spec.entity, expand)
        if missing and spec.is_setting:
            raise SettingError(
                f"Setting 'entities' expands {', '.join(missing)}, which {spec.entity} "
                f"does not have in endpoint {self.endpoint}."
            )
        structure = self.swagger.structure(
            spec.entity, [path for path in expand if path not in missing]
        )
        try:
            list(map(structure.filtered_as, spec.key))
        except KeyError as error:
            raise SettingError(
                f"Setting 'entities' names {error.args[0]} in the key of {spec.entity},"
                " which has no field of that name with one value."
            ) from error
        key = structure.fields.get(spec.replication_key, {})
        if (
            spec.is_setting
            and key.get("format") != "date-time"
            and (spec.replication_key != REPLICATION_KEY)
        ):
            raise SettingError(
                f"Setting 'entities' names {spec.replication_key} as the replication "
                f"key of {spec.entity}, which has no date-time field of that name."
            )
        return structure

    def _is_selected(self, stream: str) -> bool:
        """Tell whether a stream is to be read: without a catalog, each is."""
        if self.input_catalog is None:
            return True
        entry = self.input_catalog.get_stream(stream)
        return bool(entry and entry.metadata.resolve_selection().get((), True))

    def _selected_custom(self, stream: str) -> list[str]:
        """Return the custom fields that the catalog selects, lines included."""
        entry = (self.input_catalog or Catalog()).get_stream(stream)
        if not entry:
            return []
        mask = entry.metadata.resolve_selection()
        return list(custom_paths(entry.schema.to_dict(), mask))

    def _customise(self, spec: StreamSpec, structure: Structure) -> StreamError | None:
        """Add the custom fields of an entity, as far as the settings want them.

        Returns:
            Why the stream must not be read, if so: without a custom field that the
            catalog selects, a target would put nothing in the place of its values. To
            drop it from the schema would not help where `custom`, or the array of the
            lines, is one column.
        """
        patterns = self.config["custom_fields"]
        cause = "the server does not tell them or setting custom_fields leaves them out"
        try:
            structure.add_custom(self._template(spec) if patterns else {}, patterns)
        except (StreamError, NotFoundError) as error:
            self.logger.warning("%s: no custom fields: %s", spec.name, error)
            cause = f"the server does not tell them ({error})"
        added = set(structure.whole().customised())
        lost = [path for path in self._selected_custom(spec.name) if path not in added]
        if not lost:
            return None
        return StreamError(
            f"The catalog selects custom fields of {spec.name}, such as {lost[0]}, but "
            f"{cause}. Give the user's role the form, have custom_fields take them, or "
            "discover again to go on without them."
        )

    def _template(self, spec: StreamSpec) -> dict[str, Any]:
        """Return the ad-hoc schema of an entity, which names its custom fields."""
        path = f"{self.endpoint.path}/{spec.entity}/$adHocSchema"
        try:
            return self._record(path)
        except (StreamError, NotFoundError):
            raise
        except AcumaticaError as error:
            raise AcumaticaError(
                f"{spec.name}: its custom fields cannot be found ({error}). If that "
                "stays so, set custom_fields to [] and discover again to read all "
                "streams without any."
            ) from error

    def _record(self, path: str) -> dict[str, Any]:
        body = self.client.get(path).body
        if not isinstance(body, dict):
            raise AcumaticaError(f"GET {path} answered something else than a record.")
        return body

    @cached_property
    def client(self) -> Client:
        """The client of the instance; its authenticator follows from the settings."""
        headers = {}
        if branch := self.config.get("branch"):
            headers["PX-CbApiBranch"] = header_value("branch", branch)
        if self.config["include_archived"]:
            headers["PX-ApiArchive"] = "SHOW"
        pace = Pace(self.config.get("requests_per_minute"))
        url = instance_url(self.config["instance_url"])
        return Client(url, authenticator(url, self.config), pace, headers)

    @cached_property
    def endpoint(self) -> endpoint.Endpoint:
        """The endpoint of the settings, which the instance serves."""
        return endpoint.choose(
            self.config["endpoint_name"],
            self.config.get("endpoint_version"),
            endpoint.served_endpoints(self.client.get("entity").body),
        )

    @cached_property
    def swagger(self) -> Swagger:
        """The description of the tenant's endpoint."""
        path = f"{self.endpoint.path}/swagger.json"
        return Swagger(self.client.get(path).body)

    @cached_property
    def source(self) -> Source:
        """What is read, for states to know."""
        return source(self.config)

    @property
    def clocks(self) -> clocks.Clocks:
        """The clocks when the instance last answered; a warning, once, if they differ.

        Raises:
            AcumaticaError: No answer has told the instance's.
        """
        shown = self.client.clocks
        if shown.differ and not self._warned_of_clocks:
            self._warned_of_clocks = True
            self.logger.warning(
                "The clocks of the instance and of this machine differ: %s. The "
                "earlier one bounds what is read and bookmarked, so that nothing is "
                "lost, but rows may come again in the next run; %s.",
                shown.words(),
                clocks.CLOCK_REMEDY,
            )
        return shown

    @property
    def contract(self) -> int:
        """The endpoint's contract version."""
        given: int | None = self.config.get("contract_version")
        return given or self._told_contract

    @cached_property
    def _told_contract(self) -> int:
        if doubt := self.swagger.doubt:
            self.logger.warning(
                "Endpoint %s is taken for one of contract version %d, though %s. Where "
                "that is wrong, set contract_version.",
                self.endpoint,
                self.swagger.contract,
                doubt,
            )
        return self.swagger.contract
