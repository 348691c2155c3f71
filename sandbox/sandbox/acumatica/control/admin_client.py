"""The control endpoints from Python, for the demo, the command line and the tests."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any, TypedDict, cast

import requests

from sandbox.acumatica.model.values import ENCODER, Fields
from sandbox.processes import SandboxError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from sandbox.acumatica.api.faults import Fault
    from sandbox.acumatica.api.middleware import LoggedRequest
    from sandbox.acumatica.company.disturbances import Disturbance
    from sandbox.acumatica.company.mutations import Counts
    from sandbox.acumatica.model.store import Summary

TIMEOUT = 600
"""Seconds; playing many days takes a while."""


class StoredRecord(TypedDict):
    """A record as the server keeps it: the truth behind every answer.

    Attributes:
        id: The record's NoteID.
        modified: LastModifiedDateTime as it is sent, None where it is empty.
        fields: All unwrapped fields that are not empty; amounts are Decimals.
        note: The record's note.
        pinned: Whether a test has put the record.
        archived: Whether only requests that ask for archived records see it.
    """

    id: str
    modified: str | None
    fields: Fields
    note: str
    pinned: bool
    archived: bool


class AcumaticaAdmin:
    """Controls a running Acumatica server of the sandbox.

    Args:
        url: The server's address, such as ``http://127.0.0.1:8801``.
    """

    def __init__(self, url: str) -> None:
        self.url = url.rstrip("/")

    def mutate(self, days: int = 1, *, deletes: bool = False) -> Counts:
        """Play the next days.

        Args:
            days: How many.
            deletes: Whether people also delete a few records each day.

        Returns:
            How many records were added, changed and deleted, per entity.
        """
        wanted = {"days": days, "deletes": deletes}
        return cast("Counts", self.call("POST", "mutate", wanted))

    def summary(self) -> dict[str, Summary]:
        """Rows and exact sums per entity."""
        return cast("dict[str, Summary]", self.call("GET", "summary"))

    def sessions(self) -> list[dict[str, Any]]:
        """The open sessions: when each was opened, how many requests it served."""
        return cast("list[dict[str, Any]]", self.call("GET", "sessions"))

    def close_sessions(self) -> None:
        """Free all seats."""
        self.call("DELETE", "sessions")

    def requests(self) -> list[LoggedRequest]:
        """The entity and token requests so far, oldest first."""
        return cast("list[LoggedRequest]", self.call("GET", "requests"))

    def clear_requests(self) -> None:
        """Forget the requests so far."""
        self.call("DELETE", "requests")

    def add_fault(self, fault: Fault) -> None:
        """Let the next matching requests go wrong."""
        self.call("POST", "faults", fault)

    def clear_faults(self) -> None:
        """Let nothing go wrong any more."""
        self.call("DELETE", "faults")

    def disturb(self, disturbance: Disturbance) -> None:
        """Let something happen before the list requests for an entity."""
        self.call("PUT", "disturbance", disturbance)

    def calm(self) -> None:
        """End all disturbances; lists come in the order of their keys again."""
        self.call("DELETE", "disturbance")

    def change_settings(self, **changes: object) -> None:
        """Change some of the settings that ``settings.Settings`` names."""
        self.call("PATCH", "settings", changes)

    def reset_settings(self) -> None:
        """Back to the settings of a fresh server."""
        self.call("DELETE", "settings")

    def put_record(
        self,
        entity: str,
        fields: Fields,
        *,
        record_id: str | None = None,
        modified: str | None = None,
        note: str = "",
    ) -> str:
        """Add or replace one record.

        Args:
            entity: The entity's name.
            fields: Unwrapped fields; amounts are Decimals.
            record_id: Which record to replace; without it, the one with the same
                natural key, if there is one.
            modified: LastModifiedDateTime as it is to be sent; without it, now.
            note: The record's note.

        Returns:
            The record's id.
        """
        record = {"fields": fields, "id": record_id, "modified": modified, "note": note}
        answer = self.call("PUT", f"records/{entity}", record)
        return str(answer["id"])

    def replace_table(
        self, entity: str, records: Iterable[Mapping[str, object]]
    ) -> list[str]:
        """Put other records in the place of all that an entity has, at once.

        Args:
            entity: The entity's name.
            records: ``fields`` and, as for ``put_record``, ``id``, ``modified`` and
                ``note``; what ``records`` returns puts a table back. Records without an
                id get ids that depend on their place only.

        Returns:
            The records' ids.
        """
        return cast("list[str]", self.call("PUT", f"table/{entity}", list(records)))

    def records(self, entity: str) -> list[StoredRecord]:
        """All records of an entity, in the order in which the next list has them."""
        return cast("list[StoredRecord]", self.call("GET", f"records/{entity}"))

    def delete_record(self, entity: str, record_id: str) -> None:
        """Delete one record, whatever refers to it.

        Raises:
            SandboxError: The entity has no such record.
        """
        self.call("DELETE", f"records/{entity}/{record_id}")

    def archive_record(self, entity: str, record_id: str) -> None:
        """Archive one record: only requests that ask for archived records see it.

        Raises:
            SandboxError: The entity has no such record.
        """
        self.call("POST", f"records/{entity}/{record_id}/archive")

    def call(self, method: str, path: str, content: object = None) -> Any:  # noqa: ANN401 - JSON
        """Send one control request.

        Raises:
            SandboxError: The server is not up, or refuses.
        """
        body = None if content is None else ENCODER.encode(content)
        url = f"{self.url}/sandbox/{path}"
        try:
            answer = requests.request(method, url, data=body, timeout=TIMEOUT)
        except requests.ConnectionError as error:
            raise SandboxError(
                f"No Acumatica server of the sandbox answers at {self.url}; "
                "start it with: sandbox acumatica"
            ) from error
        if not answer.ok:
            raise SandboxError(f"The sandbox refuses: {answer.text}")
        return answer.json(parse_float=Decimal) if answer.content else None
