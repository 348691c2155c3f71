from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sandbox.processes import SandboxError

if TYPE_CHECKING:
    from sandbox.acumatica.control.admin_client import AcumaticaAdmin

    from tests.sandbox.conftest import AcumaticaClient

BILLS = "/entity/Default/24.200.001/Bill"
SHOW = {"PX-ApiArchive": "SHOW"}


def ids(client: AcumaticaClient, headers: dict[str, str] | None = None) -> list[str]:
    rows = client.send("GET", BILLS, headers).json()
    return [row["id"] for row in rows]


def test_archived_records_show_when_they_are_asked_for(
    acumatica: AcumaticaClient, admin: AcumaticaAdmin
) -> None:
    before = ids(acumatica)
    assert ids(acumatica, SHOW) == before
    stored = admin.records("Bill")
    archived = before[5]
    admin.archive_record("Bill", archived)
    assert ids(acumatica) == [*before[:5], *before[6:]]
    assert ids(acumatica, SHOW) == before
    assert ids(acumatica, {"PX-ApiArchive": "HIDE"}) == [*before[:5], *before[6:]]
    path = f"{BILLS}/{archived}"
    assert acumatica.send("GET", path).status_code == 404
    assert acumatica.send("GET", path, SHOW).status_code == 200
    now = admin.records("Bill")
    assert [row["archived"] for row in now].index(True) == 5
    admin.replace_table("Bill", now)
    assert ids(acumatica) == [*before[:5], *before[6:]]
    admin.replace_table("Bill", stored)
    assert ids(acumatica) == before


def test_a_page_counts_what_is_shown(
    acumatica: AcumaticaClient, admin: AcumaticaAdmin
) -> None:
    before = ids(acumatica)
    stored = admin.records("Bill")
    admin.archive_record("Bill", before[0])
    page = acumatica.send("GET", f"{BILLS}?$top=2&$skip=1").json()
    admin.replace_table("Bill", stored)
    assert [row["id"] for row in page] == before[2:4]


def test_only_a_record_can_be_archived(admin: AcumaticaAdmin) -> None:
    with pytest.raises(SandboxError, match="Bill has no record 1"):
        admin.archive_record("Bill", "1")
