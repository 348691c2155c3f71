"""How the server behaves, as far as tests may choose."""

from __future__ import annotations

from typing import Literal

import msgspec

TOKEN_SECONDS = 3600
SEATS = 3


class Settings(msgspec.Struct, forbid_unknown_fields=True):
    """The licence, the token lifetime and the user's rights.

    Attributes:
        token_seconds: How long access tokens live from now on.
        seats: How many sessions may be open at a time.
        seat_limit_answer: What a further session is answered: ``error`` is 429 with a
            body that names the limit, ``redirect`` is a 302 to the error page.
        denied: Entities whose forms the user has no rights for.
    """

    token_seconds: int = TOKEN_SECONDS
    seats: int = SEATS
    seat_limit_answer: Literal["error", "redirect"] = "error"
    denied: list[str] = []


def change(settings: Settings, changes: dict[str, object]) -> None:
    """Change settings in place.

    Raises:
        msgspec.ValidationError: A name or a value is none of a setting's.
    """
    wanted = msgspec.convert(msgspec.to_builtins(settings) | changes, Settings)
    for name in Settings.__struct_fields__:
        setattr(settings, name, getattr(wanted, name))
