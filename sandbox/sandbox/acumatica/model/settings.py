"""How the server behaves, as far as tests may choose."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated, Literal

import msgspec

from sandbox import config
from sandbox.acumatica.model import clock

TOKEN_SECONDS = 3600
SEATS = 3
BUILD = "26.200.0173"
"""Serves every version that is known here."""

Count = Annotated[int, msgspec.Meta(ge=0)]


class Settings(msgspec.Struct, forbid_unknown_fields=True):
    """The release, the licence, the token lifetime, the user's rights and the clock.

    Attributes:
        build: The release of the instance, such as ``24.208.0020``: 2024 R2 with eight
            updates. It serves the endpoints of its own time and older ones.
        old_build: Whether the instance answers as old releases did: a bare array lists
            the endpoints, they are described in Swagger 2.0, notes are texts, cookie
            sign-in knows ``company`` but not ``tenant``. It does not follow from
            ``build``, because nobody has published which release changed what.
        site_path: The path below which the instance is served, such as ``/Finance``;
            nothing else is, but the control endpoints.
        custom_fields: Whether the tenant has the custom fields of ``customs``.
        token_seconds: How long access tokens live from now on.
        session_seconds: How long a session by cookies lives without being used.
        refresh_chain_seconds: How long after its first token a chain of refresh tokens
            ends, however often it is used; no application has Sliding Expiration.
        code_seconds: How long authorization codes live.
        redirect_uris: Where the client's people may be sent back to.
        refused_sign_in_status: What a wrong password at cookie sign-in is answered.
        seats: How many sessions may be open at a time.
        seat_limit_answer: What a further session is answered: ``error`` is 429 with a
            body that names the limit, ``redirect`` is a 302 to the error page.
        ended_session_answer: What cookies that are not good any more are answered:
            ``error`` is 401, ``redirect`` is a 302 to the sign-in page.
        user_sessions: How many sessions the user may have (User Types, EP202500); a
            further one is refused in the answer to the sign-in. None is no limit.
        denied: Entities whose forms the user has no rights for.
        unoptimizable: Expansions, fields and custom fields, by entity, that make a list
            fail with a CannotOptimizeException; reads by key or id have them.
        unselectable: Entities that answer ``$select`` with a KeyNotFoundException
            (reported for Payment).
        without_note_id: Tables whose records have no NoteID, as those of custom
            entities and generic inquiries can be: their ids are new in each session.
        not_configured: Entities whose module is not set up.
        requests_per_minute: The licensed requests per minute, for all users together;
            0 is no limit. Beyond half of it requests wait, see ``licence``.
        cores: How many requests are processed at a time; 0 is no limit.
        queue_limit: How many requests may wait; a further one is declined.
        queue_seconds: How long a request may wait before it is declined.
        clock_offset_seconds: How far the server's clock is ahead; negative is behind.
        clock_stopped_at: The moment at which the clock stands still (the offset is
            added to it), with an offset from UTC; None lets it go.
        header_offset_seconds: How far the Date header is ahead of the server's clock:
            a proxy or another machine may have written it.
    """

    build: Annotated[str, msgspec.Meta(pattern=r"^\d\d\.\d{3}(\.\d{4})?$")] = BUILD
    old_build: bool = False
    site_path: Annotated[str, msgspec.Meta(pattern=r"^(/[\w.-]+)*$")] = ""
    custom_fields: bool = False
    token_seconds: int = TOKEN_SECONDS
    session_seconds: Annotated[float, msgspec.Meta(gt=0)] = 600
    refresh_chain_seconds: Count = 30 * 86_400
    code_seconds: Count = 300
    redirect_uris: tuple[str, ...] = (config.REDIRECT_URI,)
    refused_sign_in_status: Literal[400, 401, 500] = 500
    seats: int = SEATS
    seat_limit_answer: Literal["error", "redirect"] = "error"
    ended_session_answer: Literal["error", "redirect"] = "error"
    user_sessions: Count | None = None
    denied: list[str] = []
    unoptimizable: dict[str, list[str]] = {}
    unselectable: list[str] = []
    without_note_id: list[str] = []
    not_configured: list[str] = []
    requests_per_minute: Count = 0
    cores: Count = 0
    queue_limit: Count = 20
    queue_seconds: Annotated[float, msgspec.Meta(ge=0)] = 600
    clock_offset_seconds: float = 0
    clock_stopped_at: Annotated[datetime, msgspec.Meta(tz=True)] | None = None
    header_offset_seconds: float = 0


def change(settings: Settings, changes: dict[str, object]) -> None:
    """Change settings in place, and set the clock.

    Raises:
        msgspec.ValidationError: A name or a value is none of a setting's.
    """
    wanted = msgspec.convert(msgspec.to_builtins(settings) | changes, Settings)
    for name in Settings.__struct_fields__:
        setattr(settings, name, getattr(wanted, name))
    stopped = settings.clock_stopped_at
    clock.HANDS.stopped = stopped and stopped.astimezone(UTC)
    clock.HANDS.ahead = timedelta(seconds=settings.clock_offset_seconds)
    clock.HANDS.header_ahead = timedelta(seconds=settings.header_offset_seconds)
