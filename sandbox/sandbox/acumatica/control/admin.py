"""Control endpoints for the demo and the tests, below ``/sandbox``; no token needed."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec.structs import replace
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sandbox.acumatica.api.faults import Fault, Faults
from sandbox.acumatica.company.disturbances import Disturbance, Disturbances
from sandbox.acumatica.company.mutations import mutate
from sandbox.acumatica.model import clock
from sandbox.acumatica.model.endpoints import TABLES
from sandbox.acumatica.model.settings import Settings, change
from sandbox.acumatica.model.values import ENCODER, MODIFIED, Fields, Record

if TYPE_CHECKING:
    from collections import deque

    from starlette.requests import Request

    from sandbox.acumatica.api.auth import Identity
    from sandbox.acumatica.api.licence import Licence
    from sandbox.acumatica.api.middleware import LoggedRequest
    from sandbox.acumatica.model.store import Store

MAX_DAYS = 366


class Days(msgspec.Struct, forbid_unknown_fields=True):
    """How many days to play, and whether records are deleted too."""

    days: int = 1
    deletes: bool = False


class NewRecord(msgspec.Struct, forbid_unknown_fields=True):
    """A record to add or replace.

    Attributes:
        fields: Unwrapped fields; numbers with a decimal point stay exact.
        id: The record's id; without one the record with the same natural key is
            replaced, or a new one added.
        modified: LastModifiedDateTime as it is to be sent; without one, now.
        note: The record's note.
        pinned: Whether the company's own days leave the record alone.
        archived: Whether only requests that ask for archived records see it.
    """

    fields: Fields
    id: str | None = None
    modified: str | None = None
    note: str = ""
    pinned: bool = True
    archived: bool = False

    def record(self, record_id: str) -> Record:
        """The record to store under an id."""
        return Record(
            record_id, stamped(self), self.note, self.pinned, archived=self.archived
        )


NEW_RECORD = msgspec.json.Decoder(NewRecord, float_hook=Decimal)
NEW_RECORDS = msgspec.json.Decoder(list[NewRecord], float_hook=Decimal)


@dataclass
class Admin:
    """The control endpoints and what they control."""

    store: Store
    settings: Settings
    identity: Identity
    licence: Licence
    faults: Faults
    disturbances: Disturbances
    log: deque[LoggedRequest]

    def routes(self) -> list[Route]:
        """The endpoints."""
        return [
            Route("/sandbox/mutate", self.mutate, methods=["POST"]),
            Route("/sandbox/summary", self.summary),
            Route("/sandbox/sessions", self.sessions),
            Route("/sandbox/sessions", self.close_sessions, methods=["DELETE"]),
            Route("/sandbox/requests", self.requests),
            Route("/sandbox/requests", self.clear_requests, methods=["DELETE"]),
            Route("/sandbox/faults", self.add_fault, methods=["POST"]),
            Route("/sandbox/faults", self.clear_faults, methods=["DELETE"]),
            Route("/sandbox/disturbance", self.disturb, methods=["PUT"]),
            Route("/sandbox/disturbance", self.calm, methods=["DELETE"]),
            Route("/sandbox/settings", self.change_settings, methods=["PATCH"]),
            Route("/sandbox/settings", self.reset_settings, methods=["DELETE"]),
            Route("/sandbox/table/{entity}", self.replace_table, methods=["PUT"]),
            Route("/sandbox/records/{entity}", self.records),
            Route("/sandbox/records/{entity}", self.put_record, methods=["PUT"]),
            Route(
                "/sandbox/records/{entity}/{id}", self.delete_record, methods=["DELETE"]
            ),
            Route(
                "/sandbox/records/{entity}/{id}/archive",
                self.archive_record,
                methods=["POST"],
            ),
        ]

    async def mutate(self, request: Request) -> Response:
        """Play the next days."""
        wanted = msgspec.json.decode(await request.body(), type=Days)
        if not 1 <= wanted.days <= MAX_DAYS:
            raise msgspec.ValidationError(f"days must be 1 to {MAX_DAYS}")
        return JSONResponse(mutate(self.store, wanted.days, deletes=wanted.deletes))

    async def summary(self, _request: Request) -> Response:
        """Rows and sums per entity: what a warehouse must agree with."""
        return JSONResponse(self.store.summary())

    async def sessions(self, _request: Request) -> Response:
        """The open sessions, that is the seats that are taken."""
        sessions = self.identity.open_sessions().values()
        return JSONResponse(
            [{"opened": s.opened.isoformat(), "requests": s.requests} for s in sessions]
        )

    async def close_sessions(self, _request: Request) -> Response:
        """Free all seats."""
        self.identity.close_all()
        return Response(status_code=204)

    async def requests(self, _request: Request) -> Response:
        """The entity and token requests so far, oldest first."""
        return JSONResponse(list(self.log))

    async def clear_requests(self, _request: Request) -> Response:
        """Forget the requests so far."""
        self.log.clear()
        return Response(status_code=204)

    async def add_fault(self, request: Request) -> Response:
        """Let the next matching requests go wrong."""
        fault = msgspec.json.decode(await request.body(), type=Fault)
        self.faults.queue.append(fault)
        return Response(status_code=204)

    async def clear_faults(self, _request: Request) -> Response:
        """Let nothing go wrong any more."""
        self.faults.queue.clear()
        return Response(status_code=204)

    async def disturb(self, request: Request) -> Response:
        """Let something happen before the list requests for an entity."""
        wanted = msgspec.json.decode(await request.body(), type=Disturbance)
        check(wanted.entity)
        self.disturbances.begin(wanted)
        return Response(status_code=204)

    async def calm(self, _request: Request) -> Response:
        """Let nothing happen between requests any more."""
        self.disturbances.end()
        return Response(status_code=204)

    async def change_settings(self, request: Request) -> Response:
        """Change some settings, leave the others."""
        changes = msgspec.json.decode(await request.body(), type=dict[str, object])
        change(self.settings, changes)
        return JSONResponse(msgspec.to_builtins(self.settings))

    async def reset_settings(self, _request: Request) -> Response:
        """Back to a fresh server's settings: nothing counted, nobody locked out."""
        self.licence.forget()
        self.identity.unlock()
        change(self.settings, msgspec.to_builtins(Settings()))
        return Response(status_code=204)

    async def replace_table(self, request: Request) -> Response:
        """Put other records in the place of all that an entity has."""
        entity = entity_of(request)
        table = [
            new.record(new.id or nth_id(entity, n))
            for n, new in enumerate(NEW_RECORDS.decode(await request.body()))
        ]
        self.store.replace(entity, table)
        return JSONResponse([record.id for record in table])

    async def records(self, request: Request) -> Response:
        """All records of an entity, unwrapped, in the order of the next list."""
        rows = self.store.rows(entity_of(request))
        return Response(
            ENCODER.encode([shown(row) for row in rows]), media_type="application/json"
        )

    async def delete_record(self, request: Request) -> Response:
        """Delete one record, whatever refers to it."""
        self.store.put([], [self.stored(request)])
        return Response(status_code=204)

    async def archive_record(self, request: Request) -> Response:
        """Archive one record."""
        entity, record = self.stored(request)
        self.store.put([(entity, replace(record, archived=True))])
        return Response(status_code=204)

    def stored(self, request: Request) -> tuple[str, Record]:
        """The entity and the record that a control request names."""
        entity, record_id = entity_of(request), request.path_params["id"]
        record = self.store.by_id(entity, record_id)
        if record is None:
            raise msgspec.ValidationError(f"{entity} has no record {record_id}")
        return entity, record

    async def put_record(self, request: Request) -> Response:
        """Add or replace one record."""
        entity = entity_of(request)
        new = NEW_RECORD.decode(await request.body())
        record = self.record(entity, new)
        self.store.put([(entity, record)])
        return JSONResponse({"id": record.id})

    def record(self, entity: str, new: NewRecord) -> Record:
        """The record to store for what was sent."""
        record_id = new.id or str(uuid.uuid4())
        record = new.record(record_id)
        same = self.store.by_key(entity, self.store.key(entity, record))
        if new.id is None and same:
            record.id = same.id
        return record


def entity_of(request: Request) -> str:
    """The entity that a control request names."""
    entity = str(request.path_params["entity"])
    check(entity)
    return entity


def check(entity: str) -> None:
    """Refuse what is no entity."""
    if entity not in TABLES:
        raise msgspec.ValidationError(f"{entity} is no entity of the sandbox")


def stamped(new: NewRecord) -> Fields:
    """The fields of a new record with the time of its last change."""
    return new.fields | {MODIFIED: new.modified or clock.stamp(clock.now())}


def nth_id(entity: str, number: int) -> str:
    """The id of a table's record that was given none: the same in each table."""
    return str(uuid.uuid5(uuid.NAMESPACE_OID, f"{entity} {number}"))


def shown(record: Record) -> dict[str, object]:
    """A record as control requests show it, which is also how they take it."""
    return {
        "id": record.id,
        "modified": record.fields.get(MODIFIED),
        "fields": record.fields,
        "note": record.note,
        "pinned": record.pinned,
        "archived": record.archived,
    }


async def bad_request(_request: Request, error: Exception) -> Response:
    """What a control request with wrong content is told."""
    return JSONResponse({"message": str(error)}, 400)


def error_handlers() -> dict[Any, Any]:
    """How errors of control requests are answered."""
    return {msgspec.ValidationError: bad_request, msgspec.DecodeError: bad_request}
