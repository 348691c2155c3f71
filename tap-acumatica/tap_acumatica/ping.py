"""What works between this machine and an instance, one fact after the other."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

import requests

from tap_acumatica.auth import UNREACHABLE, unreachable
from tap_acumatica.clocks import CLOCK_REMEDY
from tap_acumatica.endpoint import served_endpoints
from tap_acumatica.errors import AcumaticaError
from tap_acumatica.stream import AcumaticaStream

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tap_acumatica.tap import TapAcumatica

TIMEOUT = (15, 60)
"""Seconds to wait for a connection and for an answer of the address."""


class Check(NamedTuple):
    """One thing that was looked at.

    Attributes:
        about: What it is.
        finding: What was found, or what went wrong and what to do.
        passed: Whether it is as it should be.
    """

    about: str
    finding: str
    passed: bool = True


def checks(tap: TapAcumatica) -> Iterator[Check]:
    """Look at everything that a run needs, in its order; each look is one check.

    What depends on a check that failed is left out. The seat is given back at the end.

    Args:
        tap: The tap, with its settings and, if there is one, its catalog.

    Raises:
        SettingError: A setting that all checks need is missing or wrong.
    """
    client = tap.instance.client
    yield from _until_one_fails(tap)
    finding, passed = SEAT[client.close()]
    yield Check("seat", finding, passed)


def _until_one_fails(tap: TapAcumatica) -> Iterator[Check]:
    for about, look in LOOKS.items():
        check = _checked(about, partial(look, tap))
        yield check
        if not check.passed and about != "clock":
            return
    selected = [stream for stream in tap.streams.values() if stream.selected]
    if not selected:
        yield Check("streams", "the catalog selects none", passed=False)
    for stream in selected:
        if isinstance(stream, AcumaticaStream):
            yield _checked(stream.name, stream.probe)


def _checked(about: str, look: Callable[[], str]) -> Check:
    try:
        return Check(about, look())
    except AcumaticaError as error:
        return Check(about, str(error), passed=False)


def _address(tap: TapAcumatica) -> str:
    url = tap.instance.client.instance_url
    try:
        requests.get(url, timeout=TIMEOUT, allow_redirects=False)
    except UNREACHABLE as error:
        raise AcumaticaError(unreachable(url, error)) from error
    return f"{url} answers"


def _sign_in(tap: TapAcumatica) -> str:
    tap.instance.client.get("entity")
    return tap.instance.client.signs_in_by


def _served(tap: TapAcumatica) -> str:
    body: Any = tap.instance.client.get("entity").body
    version = body.get("version", {}) if isinstance(body, Mapping) else {}
    build = version.get("acumaticaBuildVersion", "of a build that it does not tell")
    return f"{build}, {', '.join(sorted(map(str, served_endpoints(body))))}"


def _endpoint(tap: TapAcumatica) -> str:
    instance = tap.instance
    return (
        f"{instance.endpoint}, contract version {instance.contract.version}, "
        f"{len(instance.swagger.entities)} entities, {len(tap.streams)} streams"
    )


def _clock(tap: TapAcumatica) -> str:
    tap.instance.client.get("entity")
    clocks = tap.instance.client.clocks
    if clocks.differ:
        raise AcumaticaError(f"{clocks.words()}; {CLOCK_REMEDY}.")
    return clocks.words()


SEAT = {
    True: ("given back", True),
    False: ("still taken until the server ends it", False),
    None: ("none was taken", True),
}
LOOKS = {
    "address": _address,
    "sign-in": _sign_in,
    "build": _served,
    "endpoint": _endpoint,
    "clock": _clock,
}
