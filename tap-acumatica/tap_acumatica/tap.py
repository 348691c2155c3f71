"""The tap: its settings, its command and its discovery."""

from __future__ import annotations

import os
import re
import sys
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import urlsplit

from simplejson import JSONDecodeError
from singer_sdk import Tap
from singer_sdk import typing as th
from singer_sdk.exceptions import ConfigValidationError
from singer_sdk.helpers.capabilities import PluginCapabilities, TapCapabilities
from singer_sdk.plugin_base import SingerCommand
from typing_extensions import override

from tap_acumatica import endpoint, wire
from tap_acumatica.auth import PasswordAuthenticator
from tap_acumatica.client import Client, Pace
from tap_acumatica.errors import AcumaticaError, SettingError
from tap_acumatica.schema import Swagger
from tap_acumatica.streams import STREAMS, AcumaticaStream
from tap_acumatica.windows import moment

if TYPE_CHECKING:
    from types import FrameType

    import click
    from singer_sdk.helpers.capabilities import CapabilitiesEnum

STANDARD_ERROR = 2
"""The descriptor, which can be written to from within a signal handler."""
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


class TapCommand(SingerCommand):
    """Ends with one sentence and exit code 1 where the user can mend something."""

    @override
    def main(self, *args: Any, **kwargs: Any) -> Any:
        try:
            return super().main(*args, **kwargs)
        except AcumaticaError as error:
            self.logger.error("%s", error)  # noqa: TRY400 - a sentence, no traceback
        except (FileNotFoundError, PermissionError, JSONDecodeError) as error:
            self.logger.error("A file cannot be read: %s.", error)  # noqa: TRY400 - as above
        sys.exit(1)


class TapAcumatica(Tap):
    """Reads entities of a contract-based endpoint of Acumatica ERP."""

    name = "tap-acumatica"
    dynamic_catalog = True
    message_writer_class = wire.MessageWriter
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

    config_jsonschema = th.PropertiesList(
        th.Property(
            "instance_url",
            th.StringType,
            required=True,
            title="Instance URL",
            description=(
                "Address of the instance, with its site path if it has one, such as "
                "https://erp.example.com/Finance."
            ),
        ),
        th.Property(
            "endpoint_name",
            th.StringType,
            default="Default",
            title="Endpoint name",
            description="Name of the contract-based endpoint.",
        ),
        th.Property(
            "endpoint_version",
            th.StringType,
            title="Endpoint version",
            description=(
                "Version of the endpoint, such as 24.200.001. It decides the schema, "
                "so it is never guessed; when it is missing, the tap lists the "
                "versions that the instance serves."
            ),
        ),
        th.Property(
            "client_id",
            th.StringType,
            title="Client ID",
            description="Client ID of the connected application, as GUID@Tenant.",
        ),
        th.Property(
            "client_secret",
            th.StringType,
            secret=True,
            title="Client secret",
            description="Shared secret of the connected application.",
        ),
        th.Property(
            "username",
            th.StringType,
            title="User name",
            description="Login of the API user.",
        ),
        th.Property(
            "password",
            th.StringType,
            secret=True,
            title="Password",
            description="Password of the API user.",
        ),
        th.Property(
            "start_date",
            th.DateTimeType,
            title="Start date",
            description=(
                "The first run reads records that were modified at this moment or "
                "later; without it, all records."
            ),
        ),
        th.Property(
            "lookback_seconds",
            th.IntegerType(minimum=0),
            default=600,
            title="Lookback",
            description=(
                "Each run reads again the changes of so many seconds before its "
                "bookmark, since a long transaction can become visible after a later "
                "one."
            ),
        ),
        th.Property(
            "page_size",
            th.IntegerType(minimum=2),
            default=500,
            title="Page size",
            description="Rows that are asked for in one request.",
        ),
        th.Property(
            "requests_per_minute",
            th.IntegerType(minimum=1),
            title="Requests per minute",
            description=(
                "The tap sends no more requests in any sixty seconds. Half of what the "
                "licence allows leaves other users undisturbed. Without it, requests "
                "follow one another as fast as the instance answers."
            ),
        ),
        th.Property(
            "emit_activate_version_messages",
            th.BooleanType,
            default=True,
            title="Emit ACTIVATE_VERSION",
            description=(
                "After a stream has been read in full, tell the target so, that it can "
                "mark what is gone. Only for streams in FULL_TABLE mode."
            ),
        ),
        th.Property(
            "trim_trailing_spaces",
            th.BooleanType,
            default=True,
            title="Trim trailing spaces",
            description="Cut the spaces at the end of strings; keys can be padded.",
        ),
    ).to_dict()

    @classmethod
    @override
    def get_singer_command(cls) -> click.Command:
        command = super().get_singer_command()
        return TapCommand(
            name=command.name,
            callback=command.callback,
            params=command.params,
            help=command.help,
            context_settings=command.context_settings,
            logger=cls.logger,
        )

    @override
    def _validate_config(self, *, raise_errors: bool = True) -> list[str]:
        # An environment variable that is not set reaches us as an empty string.
        self._config = {
            k: v for k, v in self._config.items() if v is not None and v != ""
        }
        try:
            errors = super()._validate_config(raise_errors=raise_errors)
            moment(self._config.get("start_date"))
        except ConfigValidationError as error:
            raise SettingError(_settings_sentence(error.errors)) from error
        except ValueError as error:
            raise SettingError(
                f"Setting 'start_date' is no date-time: {error}."
            ) from error
        return errors

    @override
    def _handle_termination(self, signum: int, frame: FrameType | None) -> None:
        # The SDK would end with 0, as if the streams had been read to their end.
        # The logger may be in the middle of a line: it would refuse, and end nothing.
        os.write(STANDARD_ERROR, f"Ended by signal {signum}.\n".encode())
        sys.exit(128 + signum)

    @override
    def setup_mapper(self) -> None:
        # The streams add fields that are newer than the catalog, and the mapper takes
        # its schemas from there.
        self.logger.debug("Reading %d streams.", len(self.streams))
        super().setup_mapper()

    @override
    def discover_streams(self) -> list[AcumaticaStream]:
        """Return a stream for each row of the table that the endpoint has."""
        missing = [spec.entity for spec in STREAMS if spec.entity not in self.swagger]
        if missing:
            self.logger.warning(
                "Endpoint %s has no %s.", self.endpoint, ", ".join(missing)
            )
        return [
            AcumaticaStream(self, spec)
            for spec in STREAMS
            if spec.entity in self.swagger
        ]

    @cached_property
    def client(self) -> Client:
        """The client of the instance; its authenticator follows from the settings."""
        url = _instance_url(self.config["instance_url"])
        names = ("client_id", "client_secret", "username", "password")
        given = {name: self.config.get(name) or "" for name in names}
        if missing := [name for name in names if not given[name]]:
            raise SettingError(
                "To sign in with a password, these settings are missing: "
                f"{', '.join(missing)}."
            )
        pace = Pace(self.config.get("requests_per_minute"))
        return Client(url, PasswordAuthenticator(url, **given), pace)

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


def _instance_url(value: str) -> str:
    """Return the instance's address without a slash at its end.

    Raises:
        SettingError: It is no address, or it would send the password in clear.
    """
    try:
        parts = urlsplit(value)
    except ValueError:
        parts = urlsplit("")
    # Our paths are put at its end; a password in it would show in each error.
    if (
        parts.scheme not in {"http", "https"}
        or not parts.hostname
        or parts.query
        or parts.fragment
    ):
        raise SettingError(
            f"Setting 'instance_url' is {value!r}, which is no address such as "
            "https://erp.example.com."
        )
    if parts.password is not None:
        raise SettingError(
            "Setting 'instance_url' holds a password; use the settings username and "
            "password."
        )
    if parts.scheme == "http" and parts.hostname not in LOOPBACK:
        raise SettingError(
            "Setting 'instance_url' starts with http://, which would send the password "
            "unencrypted; use https://."
        )
    return value.rstrip("/")


def _settings_sentence(errors: list[str]) -> str:
    missing = re.compile(r"^'(\w+)' is a required property")
    told = [missing.sub(r"setting '\1' is missing", error) for error in errors]
    return f"Wrong settings: {'; '.join(told)}."
