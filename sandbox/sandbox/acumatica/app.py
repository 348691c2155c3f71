"""The server: routes of the contract-based REST API."""

from __future__ import annotations

import re
from collections import deque
from dataclasses import dataclass, field
from html import escape
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl
from uuid import UUID

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from sandbox.acumatica.api import errors, middleware, swagger
from sandbox.acumatica.api.auth import (
    Identity,
    OAuthError,
    SeatLimitRedirectError,
    check_branch,
)
from sandbox.acumatica.api.errors import AnswerError
from sandbox.acumatica.api.faults import Faults
from sandbox.acumatica.api.filters import ODATA_3, ODATA_401, compile_filter
from sandbox.acumatica.api.licence import Licence
from sandbox.acumatica.api.pages import PAGE
from sandbox.acumatica.api.query import Shape, check_optimizable, page, request_shape
from sandbox.acumatica.api.render import Renderer, Style, ad_hoc_schema
from sandbox.acumatica.api.selection import ODATA_4
from sandbox.acumatica.api.sign_in import SignIn
from sandbox.acumatica.api.site import Site
from sandbox.acumatica.company.disturbances import Disturbances
from sandbox.acumatica.company.kept import found
from sandbox.acumatica.control import admin
from sandbox.acumatica.model.custom_fields import CustomField, custom_fields
from sandbox.acumatica.model.endpoints import TABLES, Endpoint, load_endpoints
from sandbox.acumatica.model.settings import Settings
from sandbox.acumatica.model.store import Store
from sandbox.acumatica.model.values import ENCODER, Record

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from starlette.requests import Request


def create_app(data_dir: Path, seed: int, *, small: bool = False) -> Starlette:
    """Make the server.

    Args:
        data_dir: Where the company is kept.
        seed: Which company to make when there is none yet.
        small: Whether to make a small one.

    Raises:
        SandboxError: Another process has the company open.
    """
    store = Store(data_dir)
    if store.empty:
        found(store, seed, small=small)
    settings = Settings()
    identity = Identity(settings)
    licence = Licence(settings)
    faults = Faults()
    log: deque[middleware.LoggedRequest] = deque(maxlen=middleware.LOG_LENGTH)
    disturbances = Disturbances(store, settings)
    api = Api(store, settings, disturbances)
    sign_in = SignIn(settings, identity)
    control = admin.Admin(store, settings, identity, licence, faults, disturbances, log)
    return Starlette(
        routes=[*control.routes(), *sign_in.routes(), *api.routes()],
        middleware=[
            Middleware(middleware.Dated),
            Middleware(Site, settings=settings),
            Middleware(
                middleware.Gate,
                identity=identity,
                licence=licence,
                faults=faults,
                log=log,
            ),
        ],
        exception_handlers={
            AnswerError: answer_error,
            OAuthError: answer_oauth_error,
            SeatLimitRedirectError: answer_seat_limit,
            **admin.error_handlers(),
        },
    )


@dataclass
class Api:
    """The endpoints that Acumatica has."""

    store: Store
    settings: Settings
    disturbances: Disturbances
    endpoints: dict[tuple[str, str], Endpoint] = field(default_factory=load_endpoints)

    def routes(self) -> list[Route]:
        """The endpoints; what none of them serves is 404."""
        endpoint = "/entity/{endpoint}/{version}"
        return [
            Route("/Frames/Error.aspx", error_page),
            Route("/entity", self.list_endpoints),
            Route(f"{endpoint}/swagger.json", self.swagger),
            Route(f"{endpoint}/{{entity}}", self.list_records),
            Route(f"{endpoint}/{{entity}}/$adHocSchema", self.ad_hoc_schema),
            Route(f"{endpoint}/{{entity}}/{{keys:path}}", self.one_record),
            Route("/{rest:path}", self.nothing),
        ]

    async def list_endpoints(self, _request: Request) -> Response:
        """Which endpoints are served."""
        build, site = self.settings.build, self.settings.site_path
        served = [
            {"name": e.name, "version": e.version, "href": f"{site}{e.path}/"}
            for e in self.endpoints.values()
            if e.is_served_by(build)
        ]
        if self.settings.old_build:
            return JSONResponse(served)
        version = {"acumaticaBuildVersion": build, "databaseVersion": build}
        return JSONResponse({"version": version, "endpoints": served})

    async def swagger(self, request: Request) -> Response:
        """What the endpoint looks like."""
        endpoint = self.endpoint(request)
        describe = swagger.old_document if self.settings.old_build else swagger.document
        return answer(describe(endpoint, self.settings.site_path))

    async def list_records(self, request: Request) -> Response:
        """The records that match, from ``$skip`` on."""
        endpoint, name = self.entity(request)
        asked = parameters(request)
        shape = self.shape(endpoint, name, asked)
        delegates = self.settings.unoptimizable.get(name, ())
        check_optimizable(endpoint, name, shape, delegates)
        self.disturbances.strike(endpoint.table(name))
        shown = shown_to(request)
        rows = [row for row in self.store.rows(endpoint.table(name)) if shown(row)]
        rows = self.filtered(rows, endpoint, name, asked.get("$filter"))
        wanted = page(asked)
        renderer = self.renderer(request, endpoint, name)
        return answer(list(renderer.rows(rows[wanted], shape, wanted.start + 1)))

    def filtered(
        self, rows: list[Record], endpoint: Endpoint, name: str, text: str | None
    ) -> list[Record]:
        """The records that ``$filter`` finds; without one, all."""
        if not text:
            return rows
        syntax = ODATA_401 if endpoint.contract >= ODATA_4 else ODATA_3
        behaviour = TABLES[endpoint.table(name)]
        matches = compile_filter(text, syntax, endpoint.entities[name], behaviour)
        return [row for row in rows if matches(row.fields)]

    def renderer(self, request: Request, endpoint: Endpoint, name: str) -> Renderer:
        """What writes an entity's records for the request's session."""
        return Renderer(endpoint, name, request.state.session.id, self.style())

    def style(self) -> Style:
        """How the server writes now."""
        return Style(
            self.settings.site_path,
            self.settings.old_build,
            self.settings.without_note_id,
        )

    async def one_record(self, request: Request) -> Response:
        """The record with a natural key or an id."""
        endpoint, name = self.entity(request)
        shape = self.shape(endpoint, name, parameters(request))
        renderer = self.renderer(request, endpoint, name)
        record = self.find(endpoint.table(name), request, renderer)
        return answer(renderer.record(record, shape))

    async def ad_hoc_schema(self, request: Request) -> Response:
        """A template of an entity's record."""
        endpoint, name = self.entity(request)
        table = endpoint.table(name)

        def customs(path: str) -> tuple[CustomField, ...]:
            return custom_fields(table, path) if self.settings.custom_fields else ()

        return answer(ad_hoc_schema(endpoint, name, customs, self.style()))

    async def nothing(self, request: Request) -> Response:
        """What no other route serves."""
        raise not_found(request)

    def endpoint(self, request: Request) -> Endpoint:
        """The endpoint that a request names."""
        named = (request.path_params["endpoint"], request.path_params["version"])
        endpoint = self.endpoints.get(named)
        if endpoint is None or not endpoint.is_served_by(self.settings.build):
            raise not_found(request)
        return endpoint

    def entity(self, request: Request) -> tuple[Endpoint, str]:
        """The endpoint and entity that a request names, if the user may read it."""
        endpoint = self.endpoint(request)
        name = request.path_params["entity"]
        check_branch(request.headers.get("px-cbapibranch"))
        if name not in endpoint.readable:
            raise not_found(request)
        if name in self.settings.denied:
            form = endpoint.entities[name].form
            raise AnswerError(
                403,
                f"You have insufficient rights to access the {name} ({form}) form.",
            )
        if name in self.settings.not_configured:
            raise errors.not_configured(endpoint.entities[name].form)
        return endpoint, name

    def shape(self, endpoint: Endpoint, name: str, asked: dict[str, str]) -> Shape:
        """Which members of an entity a request asks for."""
        if name in self.settings.unselectable and asked.get("$select"):
            raise errors.unknown_field(asked["$select"].partition(",")[0])
        customs = self.settings.custom_fields
        return request_shape(endpoint, name, asked, customs=customs)

    def find(self, entity: str, request: Request, renderer: Renderer) -> Record:
        """The record with an id, or with keys that have slashes or bars between them.

        A key that holds a slash therefore finds nothing: such a record needs its id.
        """
        keys = request.path_params["keys"]
        if not is_guid(keys):
            record = self.store.by_key(entity, tuple(re.split("[/|]", keys)))
        elif renderer.has_note_ids:
            record = self.store.by_id(entity, keys)
        else:
            rows, wanted = self.store.rows(entity), keys.lower()
            record = next((row for row in rows if renderer.id(row) == wanted), None)
        if record is None or not shown_to(request)(record):
            raise errors.failure(
                errors.NO_ENTITY, "No entity satisfies the condition.", status=404
            )
        return record


def parameters(request: Request) -> dict[str, str]:
    """The decoded query; a ``+`` that was sent unencoded is a space."""
    return dict(parse_qsl(request.url.query, keep_blank_values=True))


def shown_to(request: Request) -> Callable[[Record], bool]:
    """Whether a request is to see a record: archived ones must be asked for."""
    everything = request.headers.get("px-apiarchive", "").upper() == "SHOW"
    return lambda record: everything or not record.archived


def is_guid(text: str) -> bool:
    """Whether a text is a GUID with hyphens."""
    try:
        return str(UUID(text)) == text.lower()
    except ValueError:
        return False


def answer(content: object) -> Response:
    """A JSON answer with exact decimals."""
    return Response(ENCODER.encode(content), media_type="application/json")


def not_found(request: Request) -> AnswerError:
    """What an address that nothing serves is answered."""
    return AnswerError(
        404,
        f"No HTTP resource was found that matches the request URI '{request.url}'.",
    )


async def error_page(request: Request) -> Response:
    """The page that shows a message to people."""
    message = request.query_params.get("message", "An error has occurred.")
    return HTMLResponse(PAGE.format(escape(message)))


async def answer_error(_request: Request, error: Any) -> Response:  # noqa: ANN401 - Starlette types handlers for all exceptions
    """An error of the entity endpoints."""
    return JSONResponse(error.body(), error.status)


async def answer_oauth_error(_request: Request, error: Any) -> Response:  # noqa: ANN401 - as above
    """An error of the token endpoint."""
    return JSONResponse(error.body, 400)


async def answer_seat_limit(request: Request, _error: Any) -> Response:  # noqa: ANN401 - as above
    """No seat for a session by cookies."""
    return middleware.seat_limit_page(request.scope)
