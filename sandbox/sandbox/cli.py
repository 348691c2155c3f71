"""The command ``sandbox``: serve, seed, mutate and read both sides."""

from __future__ import annotations

import json
import shutil
import signal
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import click
import uvicorn
from typing_extensions import override

from sandbox import config, processes
from sandbox.table import distinct, fitted

if TYPE_CHECKING:
    import socket

    from starlette.applications import Starlette

data_dir_option = click.option(
    "--data-dir",
    type=click.Path(file_okay=False, path_type=Path),
    default=config.DATA_DIR,
    show_default=True,
    help="Where the server keeps its data.",
)
seed_option = click.option(
    "--seed", default=config.SEED, show_default=True, help="Which company to make."
)
acumatica_port_option = click.option(
    "--acumatica-port",
    default=config.ACUMATICA_PORT,
    show_default=True,
    help="Port of the Acumatica server; 0 takes a free one.",
)
snowflake_port_option = click.option(
    "--snowflake-port",
    default=config.SNOWFLAKE_PORT,
    show_default=True,
    help="Port of the Snowflake server; 0 takes a free one.",
)


class Commands(click.Group):
    """Says what went wrong in one sentence."""

    @override
    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except processes.SandboxError as error:
            raise click.ClickException(str(error)) from error


@click.group(cls=Commands)
@click.version_option(package_name="acumatica-snowflake-sandbox")
def main() -> None:
    """Acumatica and Snowflake on loopback, for the demo and the tests."""


@main.command()
@data_dir_option
@acumatica_port_option
@snowflake_port_option
def up(data_dir: Path, acumatica_port: int, snowflake_port: int) -> None:
    """Serve both sides until Ctrl-C."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    ports = {"acumatica": acumatica_port, "snowflake": snowflake_port}
    for port in ports.values():
        processes.require_free(port)
    with ExitStack() as stack:
        servers = [
            stack.enter_context(processes.start(name, data_dir, "--port", str(port)))
            for name, port in ports.items()
        ]
        for server in servers:
            click.echo(f"{server.name} {processes.READY}{server.url}")
        addresses = [server.url for server in servers]
        if addresses != [config.ACUMATICA_URL, config.SNOWFLAKE_URL]:
            click.echo("For Meltano, and for --url of `mutate` and `sql`:")
            for name, value in config.variables(data_dir, *addresses).items():
                click.echo(f"  export {name}={value}")
        click.echo("Ctrl-C stops both.")
        try:
            servers[0].process.wait()
        except KeyboardInterrupt:
            click.echo("Stopping.")


@main.command()
@data_dir_option
@acumatica_port_option
@snowflake_port_option
def demo(data_dir: Path, acumatica_port: int, snowflake_port: int) -> None:
    """Copy a company's finance data to Snowflake and compare both sides."""
    from sandbox.demo import run  # noqa: PLC0415 - loads both sides

    run(data_dir, acumatica_port, snowflake_port)


@main.command()
@data_dir_option
@seed_option
@click.option("--port", default=config.ACUMATICA_PORT, show_default=True)
@click.option("--small", is_flag=True, help="Make a company of a tenth of the size.")
def acumatica(data_dir: Path, seed: int, port: int, *, small: bool) -> None:
    """Serve the Acumatica side in the foreground."""
    from sandbox.acumatica.app import create_app  # noqa: PLC0415 - loads only its side

    # The server dates its answers itself, by a clock that tests can set.
    app = create_app(data_dir, seed, small=small)
    serve("acumatica", app, port, date_header=False)


@main.command()
@data_dir_option
@click.option("--port", default=config.SNOWFLAKE_PORT, show_default=True)
def snowflake(data_dir: Path, port: int) -> None:
    """Serve the Snowflake side in the foreground."""
    from sandbox.snowflake.app import create_app  # noqa: PLC0415 - loads only its side

    serve("snowflake", create_app(data_dir), port)


@main.command()
@data_dir_option
@seed_option
def seed(data_dir: Path, seed: int) -> None:
    """Make Acumatica's company anew. The server must be down."""
    from sandbox.acumatica.company.kept import found  # noqa: PLC0415 - loads only its side
    from sandbox.acumatica.model.store import Store  # noqa: PLC0415 - as above

    store = Store(data_dir)
    found(store, seed)
    for entity, summary in store.summary().items():
        click.echo(f"{entity}: {summary['rows']} records")
    store.close()


@main.command()
@click.option("--days", default=1, show_default=True, help="How many days to play.")
@click.option(
    "--deletes/--no-deletes",
    default=False,
    show_default=True,
    help="Whether records are deleted too.",
)
@click.option(
    "--url",
    default=config.ACUMATICA_URL,
    show_default=True,
    help="The running Acumatica server.",
)
def mutate(days: int, url: str, *, deletes: bool) -> None:
    """Play the next days: records are added and changed, and deleted if you wish."""
    from sandbox.acumatica.company.mutations import in_words  # noqa: PLC0415 - as above
    from sandbox.acumatica.control.admin_client import AcumaticaAdmin  # noqa: PLC0415 - as above

    for entity, count in AcumaticaAdmin(url).mutate(days, deletes=deletes).items():
        click.echo(f"{entity}: {in_words(count)}")


@main.command()
@click.argument("statement")
@click.option(
    "--url",
    default=config.SNOWFLAKE_URL,
    show_default=True,
    help="The running Snowflake server.",
)
@click.option(
    "--schema", default="ACUMATICA", show_default=True, help="The current schema."
)
@click.option(
    "--json",
    "as_json",
    is_flag=True,
    help="Print JSON, one row a line, nothing cut; a second column of a name gets a "
    "number.",
)
def sql(statement: str, url: str, schema: str, *, as_json: bool) -> None:
    """Run a statement in Snowflake and print its rows.

    As a table where the terminal is wide enough, else as records, one below the other.
    """
    from sandbox.snowflake.control.admin_client import SnowflakeAdmin  # noqa: PLC0415 - as above

    columns, rows = SnowflakeAdmin(url).sql(statement, schema)
    if as_json:
        names = distinct(columns)
        for row in rows:
            click.echo(json.dumps(dict(zip(names, row, strict=True))))
    else:
        click.echo(fitted(columns, rows, shutil.get_terminal_size().columns))


def serve(name: str, app: Starlette, port: int, *, date_header: bool = True) -> None:
    """Serve an application on loopback until the process is told to end.

    Args:
        name: What to call the server in the line that announces it.
        app: The application.
        port: The port; 0 takes a free one.
        date_header: Whether uvicorn adds the Date header.
    """
    settings = uvicorn.Config(
        app,
        host=config.HOST,
        port=port,
        log_level="warning",
        access_log=False,
        date_header=date_header,
    )
    AnnouncingServer(name, settings).run()


class AnnouncingServer(uvicorn.Server):
    """Says on standard output at which address it accepts connections."""

    def __init__(self, name: str, settings: uvicorn.Config) -> None:
        super().__init__(settings)
        self.name = name

    @override
    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            port = self.servers[0].sockets[0].getsockname()[1]
            click.echo(f"{self.name} {processes.READY}http://{config.HOST}:{port}")


if __name__ == "__main__":
    main()
