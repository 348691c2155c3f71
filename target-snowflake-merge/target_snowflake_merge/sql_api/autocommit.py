"""Whether what a statement does stays (pure).

With AUTOCOMMIT off a statement opens a transaction, and the end of its session, which
the SQL API makes for it alone, undoes it, although the answer says that it was
executed. A request cannot set it:
https://docs.snowflake.com/en/developer-guide/sql-api/intro
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from target_snowflake_merge.errors import TargetError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

NAME = "AUTOCOMMIT"

SHOW = f"SHOW PARAMETERS LIKE '{NAME}'"
"""Asks for it as it is for the user of the session; it needs no warehouse."""


def check(rows: Iterable[Mapping[str, str | None]]) -> None:
    """Refuse a user for whom it is off, or may be.

    Raises:
        TargetError: Nothing that is loaded would stay.
    """
    found = [row for row in rows if row.get("key") == NAME]
    if not found:
        raise TargetError(
            f"Snowflake does not say whether {NAME} is on, without which nothing that "
            f"is loaded would stay: {SHOW} lists nothing; ask an administrator why, or "
            "load with another user."
        )
    value, level = str(found[0].get("value")), found[0].get("level") or "unknown"
    if value.lower() != "true":
        raise TargetError(
            f"{NAME} is {value} for this user (set at level {level}): Snowflake would "
            "say of each statement that it is executed, and undo it. Have an "
            f"administrator run ALTER USER … SET {NAME} = TRUE."
        )
