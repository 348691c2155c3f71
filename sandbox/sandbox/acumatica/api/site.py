"""The path below which the instance is served: several may share a web server."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.responses import HTMLResponse

from sandbox.acumatica.api.pages import PAGE

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

    from sandbox.acumatica.model.settings import Settings

CONTROL = "/sandbox/"


class Site:
    """Takes the site path off each request; what lies elsewhere does not exist.

    Args:
        app: The instance.
        settings: Names the path.
    """

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self.app = app
        self.settings = settings

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        site = self.settings.site_path
        if scope["type"] == "http" and not scope["path"].startswith(CONTROL):
            if not scope["path"].startswith(f"{site}/"):
                missing = HTMLResponse(PAGE.format("404 - File or directory"), 404)
                await missing(scope, receive, send)
                return
            scope = {**scope, "path": scope["path"].removeprefix(site), "site": site}
        await self.app(scope, receive, send)


def site_of(scope: Scope) -> str:
    """The site path that was taken off a request."""
    return str(scope["site"])
