"""The command ``snowflake-merge``: what an operator asks of the target."""

from __future__ import annotations

import logging
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click
from singer_sdk.exceptions import SingerSDKError
from typing_extensions import override

from target_snowflake_merge.errors import TargetError, one_line
from target_snowflake_merge.ping import Ping
from target_snowflake_merge.target import TargetSnowflakeMerge

if TYPE_CHECKING:
    from collections.abc import Mapping

    from target_snowflake_merge.connector import Connector


class Commands(click.Group):
    """A group whose commands end with one sentence when they fail."""

    @override
    def main(self, *args: Any, **kwargs: Any) -> Any:
        """Run, and report what is known to go wrong without a traceback."""
        try:
            return super().main(*args, **kwargs)
        except (TargetError, SingerSDKError) as error:
            click.echo(f"Error: {one_line(str(error), 2_000)}", err=True)
        sys.exit(1)


@dataclass(frozen=True)
class Context:
    """What the commands share."""

    target: TargetSnowflakeMerge

    @property
    def config(self) -> Mapping[str, Any]:
        """The settings, validated."""
        return self.target.config

    @property
    def connector(self) -> Connector:
        """Talks to the schema that the settings name."""
        return self.target.connector


@click.group(
    cls=Commands,
    name="snowflake-merge",
    context_settings={"help_option_names": ["--help"]},
)
@click.option(
    "--config",
    multiple=True,
    help="The target's configuration: a file, or ENV for environment variables. May be "
    "given several times; later ones win.",
)
@click.pass_context
def cli(context: click.Context, config: tuple[str, ...]) -> None:
    """Look after what target-snowflake-merge loads."""
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    option = next(param for param in cli.params if param.name == "config")
    given = TargetSnowflakeMerge.cb_config(context, option, config)  # type: ignore[arg-type] # click's own type of a parameter
    logging.getLogger(TargetSnowflakeMerge.name).setLevel(logging.WARNING)
    context.obj = Context(
        TargetSnowflakeMerge(
            config=given.config, parse_env_config=given.parse_env, setup_mapper=False
        )
    )


@cli.command()
@click.pass_obj
def ping(context: Context) -> None:
    """Check what a load needs, a line for each fact.

    Address, clock, sign-in, role, warehouse, database, schema, rights, and settings of
    the account. The rights are tried on a table that is dropped again.
    """
    target = context.target
    checks = Ping(context.config, f"{target.name}/{target.plugin_version}")
    facts = []
    for fact in checks.facts():
        click.echo(str(fact))
        facts.append(fact)
    if not all(fact.is_ok for fact in facts):
        sys.exit(1)
