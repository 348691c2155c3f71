"""The command ``sandbox``: serve, seed, mutate and read both sides."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click
import uvicorn
from typing_extensions import override

from sandbox import config, processes

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


@click.group()
def main() -> None:
    """Acumatica and Snowflake on loopback, for the demo and the tests."""


@main.command()
@data_dir_option
@seed_option
@click.option("--port", default=config.ACUMATICA_PORT, show_default=True)
def acumatica(data_dir: Path, seed: int, port: int) -> None:
    """Serve the Acumatica side in the foreground."""
    from sandbox.acumatica.app import create_app  # noqa: PLC0415 - loads only its side

    serve("acumatica", create_app(data_dir, seed), port)


@main.command()
@data_dir_option
@click.option("--port", default=config.SNOWFLAKE_PORT, show_default=True)
def snowflake(data_dir: Path, port: int) -> None:
    """Serve the Snowflake side in the foreground."""
    from sandbox.snowflake.app import create_app  # noqa: PLC0415 - loads only its side

    serve("snowflake", create_app(data_dir), port)


def serve(name: str, app: Starlette, port: int) -> None:
    """Serve an application on loopback until the process is told to end.

    Args:
        name: What to call the server in the line that announces it.
        app: The application.
        port: The port; 0 takes a free one.
    """
    settings = uvicorn.Config(
        app, host=config.HOST, port=port, log_level="warning", access_log=False
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
