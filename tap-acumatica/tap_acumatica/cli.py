"""The command ``acumatica``: questions to an instance, and signing in to it."""

from __future__ import annotations

import json
import sys
import webbrowser
from typing import IO, TYPE_CHECKING, Any

import click

from tap_acumatica.command import Commands
from tap_acumatica.config import ENVIRONMENT, read
from tap_acumatica.endpoint import served_endpoints
from tap_acumatica.login import Attempt, Listener, refresh_token
from tap_acumatica.ping import checks
from tap_acumatica.sign_in import instance_url, oauth_client, token_file
from tap_acumatica.tap import TapAcumatica, json_file
from tap_acumatica.token_file import CHAIN_DAYS

if TYPE_CHECKING:
    from collections.abc import Callable

LOGIN_PORT = 8765
LOGIN_SECONDS = 300.0
LONGEST_LOGIN = 3_600


@click.group(cls=Commands)
@click.version_option(package_name="tap-acumatica")
def acumatica() -> None:
    """Ask an Acumatica instance what the tap can read, and sign in to it."""


def command(function: Callable[..., None]) -> click.Command:
    """Make a subcommand that takes settings."""
    option = click.option(
        "--config",
        multiple=True,
        metavar="FILE|ENV",
        help="Settings of the tap; ENV, the default, takes TAP_ACUMATICA_… variables.",
    )
    return acumatica.command()(option(function))


def configured(
    config: tuple[str, ...], catalog: dict[str, Any] | None = None
) -> TapAcumatica:
    """Return a tap with the settings that are named, as its own command reads them.

    Raises:
        SettingError: A setting is missing or wrong, or a file cannot be read.
    """
    given = read(*(config or (ENVIRONMENT,)))
    return TapAcumatica(
        config=given.config,
        parse_env_config=given.parse_env,
        catalog=catalog,
        setup_mapper=False,
    )


@command
@click.option("--catalog", type=json_file, help="Check only what it selects.")
def ping(config: tuple[str, ...], catalog: IO[str] | None) -> None:
    """Check address, sign-in, endpoint, clock and rights, and give the seat back."""
    tap = configured(config, json.load(catalog) if catalog else None)
    failures = 0
    for check in checks(tap):
        failures += not check.passed
        mark = "ok    " if check.passed else "FAILED"
        click.echo(f"{mark}  {check.about:<22} {check.finding}")
    sys.exit(1 if failures else 0)


@command
def endpoints(config: tuple[str, ...]) -> None:
    """List the endpoints that are served, and the entities of the one that is set."""
    tap = configured(config)
    served = served_endpoints(tap.instance.client.get("entity").body)
    for endpoint in sorted(served):
        click.echo(endpoint)
    if tap.config.get("endpoint_version"):
        click.echo(f"\nEntities of {tap.instance.endpoint}, with what can be expanded:")
        for entity in tap.instance.swagger.entities:
            nested = ", ".join(tap.instance.swagger.nested(entity))
            click.echo(f"{entity:<32} {nested}".rstrip())


@command
@click.option(
    "--port",
    type=click.IntRange(1, 65_535),
    default=LOGIN_PORT,
    show_default=True,
    help="Port of this machine to which the instance sends the browser back; the "
    "connected application must have http://127.0.0.1:PORT/callback as a redirect URI.",
)
@click.option(
    "--browser/--no-browser", default=True, help="Open the browser, or only print."
)
@click.option(
    "--wait",
    type=click.FloatRange(0, LONGEST_LOGIN),
    default=LOGIN_SECONDS,
    show_default=True,
    help="Seconds to wait.",
)
def login(config: tuple[str, ...], *, port: int, browser: bool, wait: float) -> None:
    """Sign in in the browser, once, and keep the refresh token for later runs."""
    settings = configured(config).config
    url = instance_url(settings["instance_url"])
    client = oauth_client(settings, "a refresh token")
    file = token_file(settings)
    with Listener(port) as listener, file.held():
        attempt = Attempt.begin(listener.server_port)
        address = attempt.address(url, client["client_id"])
        click.echo(f"Sign in at {address}")
        if browser:
            webbrowser.open(address)
        code = attempt.code(listener.redirect(attempt.state, wait))
        file.begin(refresh_token(url, client, attempt, code))
    click.echo(
        f"The refresh token is kept in {settings['refresh_token_path']}. Each use "
        f"replaces it, but Acumatica ends the chain {CHAIN_DAYS} days after this "
        "sign-in, unless the connected application (SM303010) has Sliding Expiration: "
        "run `acumatica login` again before that. `acumatica ping` tells how old it is."
    )
