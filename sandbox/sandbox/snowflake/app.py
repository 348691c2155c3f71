"""The server of the SQL API, with its control endpoints."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.routing import Route

from sandbox.snowflake.api.service import API, Api
from sandbox.snowflake.control import admin

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path


def create_app(data_dir: Path) -> Starlette:
    """Return the application.

    Args:
        data_dir: Where the database file and the loader's private key are, or will be.
    """
    api = Api(data_dir)

    @contextlib.asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        yield
        api.statements.workers.shutdown(cancel_futures=True)
        api.engine.close()

    routes = [
        Route(API, api.submit, methods=["POST"]),
        Route(f"{API}/{{handle}}", api.poll, methods=["GET"]),
        Route(f"{API}/{{handle}}/cancel", api.cancel, methods=["POST"]),
        *admin.routes(api),
    ]
    return Starlette(
        routes=routes,
        lifespan=lifespan,
        exception_handlers={ValueError: admin.refused},
    )
