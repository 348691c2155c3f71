"""The instance that is read: its client, its endpoint and what describes it."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

from tap_acumatica import clocks, endpoint
from tap_acumatica.client import Client, Pace
from tap_acumatica.contract import CONTRACTS, Contract
from tap_acumatica.errors import AcumaticaError, SettingError
from tap_acumatica.schema import Swagger
from tap_acumatica.sign_in import authenticator, header_value, instance_url, source

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from logging import Logger

    from tap_acumatica.state import Source


class Instance:
    """One tenant of one instance, as the settings name it.

    Nothing is sent before something of it is asked for; each answer is asked for once.

    Attributes:
        start: What was modified before this moment is not read; None for all.
    """

    def __init__(self, settings: Mapping[str, Any], logger: Logger) -> None:
        """Read the settings; nothing is sent.

        Args:
            settings: The valid settings.
            logger: Where to say what is in doubt.

        Raises:
            SettingError: The start is no moment.
        """
        self._settings = settings
        self._logger = logger
        self._warned_of_clocks = False
        self.start = self._start()

    def _start(self) -> datetime | None:
        try:
            given = self._settings.get("start_date")
            return given and clocks.start(given)
        except ValueError as error:
            raise SettingError(f"Setting 'start_date' {error}.") from error

    @cached_property
    def client(self) -> Client:
        """The client of the instance; its authenticator follows from the settings."""
        headers = {}
        if branch := self._settings.get("branch"):
            headers["PX-CbApiBranch"] = header_value("branch", branch)
        if self._settings["include_archived"]:
            headers["PX-ApiArchive"] = "SHOW"
        pace = Pace(self._settings.get("requests_per_minute"))
        url = instance_url(self._settings["instance_url"])
        return Client(url, authenticator(url, self._settings), pace, headers)

    @cached_property
    def source(self) -> Source:
        """What is read, for states to know."""
        return source(self._settings)

    @cached_property
    def endpoint(self) -> endpoint.Endpoint:
        """The endpoint of the settings, which the instance serves."""
        return endpoint.choose(
            self._settings["endpoint_name"],
            self._settings.get("endpoint_version"),
            endpoint.served_endpoints(self.client.get("entity").body),
        )

    @cached_property
    def swagger(self) -> Swagger:
        """The description of the tenant's endpoint."""
        path = f"{self.endpoint.path}/swagger.json"
        return Swagger(self.client.get(path).body)

    @cached_property
    def contract(self) -> Contract:
        """The endpoint's contract version."""
        if given := self._settings.get("contract_version"):
            return CONTRACTS[given]
        if doubt := self.swagger.doubt:
            self._logger.warning(
                "Endpoint %s is taken for one of contract version %d, though %s. Where "
                "that is wrong, set contract_version.",
                self.endpoint,
                self.swagger.contract,
                doubt,
            )
        return CONTRACTS[self.swagger.contract]

    def template(self, entity: str) -> dict[str, Any]:
        """Return the ad-hoc schema of an entity, which names its custom fields.

        Raises:
            AcumaticaError: It does not come, or is none.
        """
        path = f"{self.endpoint.path}/{entity}/$adHocSchema"
        body = self.client.get(path).body
        if not isinstance(body, dict):
            raise AcumaticaError(f"GET {path} answered something else than a record.")
        return body

    @property
    def clocks(self) -> clocks.Clocks:
        """The clocks when the instance last answered; a warning, once, if they differ.

        Raises:
            AcumaticaError: No answer has told the instance's.
        """
        shown = self.client.clocks
        if shown.differ and not self._warned_of_clocks:
            self._warned_of_clocks = True
            self._logger.warning(
                "The clocks of the instance and of this machine differ: %s. The "
                "earlier one bounds what is read and bookmarked, so that nothing is "
                "lost, but rows may come again in the next run; %s.",
                shown.words(),
                clocks.CLOCK_REMEDY,
            )
        return shown
