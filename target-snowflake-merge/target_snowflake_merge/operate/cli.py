"""The command ``snowflake-merge``: what an operator asks of the target."""

from __future__ import annotations

import datetime as dt
import json
import logging
import signal
import sys
from functools import cached_property
from typing import TYPE_CHECKING, Any, get_args

import click

from target_snowflake_merge.command import Commands
from target_snowflake_merge.config import ENVIRONMENT, read
from target_snowflake_merge.journal.entry import Status
from target_snowflake_merge.load import replay
from target_snowflake_merge.load.delivery import Delivery
from target_snowflake_merge.load.recovery import EndedRuns, settle
from target_snowflake_merge.operate import report
from target_snowflake_merge.operate.ping import Ping
from target_snowflake_merge.target import TargetSnowflakeMerge
from target_snowflake_merge.warehouse.ledger import NAME as LEDGER

if TYPE_CHECKING:
    from collections.abc import Mapping

    from target_snowflake_merge.load.run import Run


class Context:
    """What the commands share; settings are read when a command asks for them.

    Args:
        sources: Files of settings, and ENVIRONMENT for variables.
    """

    def __init__(self, *sources: str) -> None:
        self._sources = sources

    @cached_property
    def target(self) -> TargetSnowflakeMerge:
        """The target, which reads no input here.

        Raises:
            SettingError: The settings are not what they should be.
        """
        given = read(*self._sources)
        # An answer stands alone, without a line for each setting that was read.
        for name in (TargetSnowflakeMerge.name, "singer_sdk"):
            logging.getLogger(name).setLevel(logging.WARNING)
        target = TargetSnowflakeMerge(
            config=given.config, parse_env_config=given.parse_env, setup_mapper=False
        )
        # Its own handlers end the reading of an input.
        signal.signal(signal.SIGINT, signal.default_int_handler)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        return target

    @property
    def config(self) -> Mapping[str, Any]:
        """The settings, validated."""
        return self.target.config

    @property
    def run(self) -> Run:
        """Talks to the schema that the settings name, and knows the journal."""
        return self.target.run


@click.group(
    cls=Commands,
    name="snowflake-merge",
    context_settings={"help_option_names": ["--help"]},
)
@click.version_option(package_name="target-snowflake-merge")
@click.option(
    "--config",
    multiple=True,
    metavar="FILE|ENV",
    help="Settings of the target; ENV, the default, takes TARGET_SNOWFLAKE_MERGE_… "
    "variables. May be given several times; later ones win.",
)
@click.pass_context
def cli(context: click.Context, config: tuple[str, ...]) -> None:
    """Look after what target-snowflake-merge loads."""
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    context.obj = Context(*(config or (ENVIRONMENT,)))


def _moment(
    _context: click.Context, _param: click.Parameter, text: str | None
) -> dt.datetime | None:
    """Read a date, which begins in UTC, or a date-time with its offset."""
    if text is None:
        return None
    try:
        moment = _begin_of_day(text) or dt.datetime.fromisoformat(text)
        known = moment.tzinfo and moment.astimezone(dt.UTC)
    except (ValueError, OverflowError) as error:
        raise click.BadParameter(
            f"{text} is no date or date-time (ISO 8601)"
        ) from error
    if not known:
        raise click.BadParameter(
            f"{text} lacks its offset from UTC; write it as {text}Z or {text}+02:00"
        )
    if known > dt.datetime.now(dt.UTC):
        raise click.BadParameter(f"{text} is yet to come, by this machine's clock")
    return known


def _begin_of_day(text: str) -> dt.datetime | None:
    try:
        day = dt.date.fromisoformat(text)
    except ValueError:
        return None
    return dt.datetime.combine(day, dt.time(), dt.UTC)


@cli.command("replay")
@click.option(
    "--status",
    "statuses",
    multiple=True,
    type=click.Choice(get_args(Status)),
    help="Batches in this state; failed ones where neither this nor --request-id is "
    "given. May be given several times.",
)
@click.option("--run", "run_id", help="Batches of the run with this id.")
@click.option("--stream", help="Batches of this stream.")
@click.option(
    "--since",
    callback=_moment,
    help="Batches made at this time or later: a date, which begins in UTC, or a "
    "date-time with its offset.",
)
@click.option(
    "--request-id",
    "request_ids",
    multiple=True,
    help="The batch with this request id. May be given several times.",
)
@click.option(
    "--dump",
    "file",
    metavar="FILE",
    help="Write the records into this file, for nobody else to read (- for standard "
    "output); send nothing.",
)
@click.option("--discard", is_flag=True, help="Give the batches up; send nothing.")
@click.option("--dry-run", is_flag=True, help="List the batches; send nothing.")
@click.pass_obj
def replay_command(  # noqa: PLR0913 - the options of the command
    context: Context,
    /,
    *,
    statuses: tuple[str, ...],
    request_ids: tuple[str, ...],
    file: str | None,
    discard: bool,
    dry_run: bool,
    **others: Any,  # noqa: ANN401 - run_id, stream and since
) -> None:
    """Send batches of the journal again.

    It is safe at any time and in any order: a row is replaced only by a later
    observation, and what was deleted does not come back.
    """
    if bool(file) + discard + dry_run > 1:
        raise click.UsageError("--dump, --discard and --dry-run exclude each other.")
    if not statuses and not request_ids:
        statuses = ("failed",)
    choice = replay.Choice(statuses=statuses, request_ids=request_ids, **others)
    journal, ledger = context.run.open_journal(), context.run.ledger
    delivery = Delivery(context.run.connector)
    try:
        if not (file or discard or dry_run):
            settle(journal, delivery, ledger)
        with journal.idle_runs() as runs:
            ended = EndedRuns(journal, runs, ledger)
            found = replay.chosen(ended, choice)
            batches = [stored.entry for stored in found]
            click.echo(report.chosen(batches), err=bool(file))
            if file:
                if found:
                    replay.dump(found, file)
            elif discard and found:
                given_up = replay.discard(found, ended)
                click.echo(report.discarded(given_up))
            elif not dry_run and found:
                replay.send_again(found, ended, delivery)
    finally:
        journal.close()


@cli.command("loads")
@click.option("--stream", help="Only statements of this stream.")
@click.option(
    "--limit",
    type=click.IntRange(min=1),
    default=20,
    show_default=True,
    help="How many statements to list.",
)
@click.option("--json", "as_json", is_flag=True, help="Write JSON.")
@click.pass_obj
def loads_command(
    context: Context, *, stream: str | None, limit: int, as_json: bool
) -> None:
    """List what was loaded, failures first.

    Those that stand in this machine's journal and must be replayed or discarded come
    on top, also where the table _SDC_LOADS does not know of them yet.
    """
    local = report.unsettled(context.run.journal_path, context.run.destination)
    here = [e for e in local if stream in {None, e.stream}]
    tables = context.run.connector.tables_that_begin_with(LEDGER)
    loads = context.run.ledger.newest(stream, limit) if LEDGER in tables else []
    if as_json:
        click.echo(json.dumps(report.as_json(here, loads), indent=2))
    else:
        click.echo(report.as_text(here, loads))


@cli.command()
@click.pass_obj
def ping(context: Context) -> None:
    """Check what a load needs, a line for each fact.

    Journal, address, clock, sign-in, role, warehouse, database, schema, rights, and
    settings of the account. Rights are tried on what is removed again.
    """
    checks = Ping(context.config, context.target.user_agent)
    facts = []
    for fact in checks.facts():
        click.echo(str(fact))
        facts.append(fact)
    if not all(fact.is_ok for fact in facts):
        sys.exit(1)
