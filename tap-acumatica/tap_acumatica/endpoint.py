"""Which endpoints an instance serves, and the swagger of one of them (pure)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from typing_extensions import override

from tap_acumatica.errors import SettingError


class Endpoint(NamedTuple):
    """A contract-based endpoint; its version is part of each address."""

    name: str
    version: str

    @override
    def __str__(self) -> str:
        return f"{self.name}/{self.version}"

    @property
    def path(self) -> str:
        """The path below the instance's address."""
        return f"entity/{self.name}/{self.version}"


def served_endpoints(body: Any) -> list[Endpoint]:  # noqa: ANN401 - any JSON
    """Read the answer of ``GET /entity``; older builds answer a bare array.

    Raises:
        SettingError: It is no list of endpoints.
    """
    try:
        entries = body["endpoints"] if isinstance(body, Mapping) else body
        return [Endpoint(entry["name"], entry["version"]) for entry in entries]
    except (KeyError, TypeError) as error:
        raise SettingError(
            "GET entity answered something else than the list of endpoints: is "
            "instance_url an Acumatica instance?"
        ) from error


def choose(name: str, version: str | None, served: Iterable[Endpoint]) -> Endpoint:
    """Return the endpoint that the settings ask for.

    Raises:
        SettingError: The version is missing, or the instance does not serve it; the
            message lists what it serves.
    """
    served = list(served)
    if version and (chosen := Endpoint(name, version)) in served:
        return chosen
    listed = ", ".join(sorted(map(str, served))) or "no endpoint"
    wrong = (
        f"Endpoint {name}/{version} is not served"
        if version
        else "Setting 'endpoint_version' is missing"
    )
    raise SettingError(
        f"{wrong}: this instance serves {listed}. "
        "Set endpoint_name and endpoint_version to one of them."
    )
