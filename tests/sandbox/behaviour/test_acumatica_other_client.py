"""A second opinion: a client from PyPI that nobody here wrote reads the sandbox."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from easy_acumatica import AcumaticaClient as EasyAcumatica
from easy_acumatica.exceptions import AcumaticaAuthError, AcumaticaError
from easy_acumatica.odata import F, QueryOptions

from sandbox import config, processes

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sandbox.acumatica.control.admin_client import AcumaticaAdmin

    from tests.sandbox.conftest import AcumaticaClient


def sign_in(url: str, folder: Path, **changes: Any) -> EasyAcumatica:
    """Sign in, and build a class an entity from the server's description."""
    wanted = {
        "base_url": url,
        "username": config.USERNAME,
        "password": config.PASSWORD,
        "tenant": config.TENANT,
        "endpoint_version": config.ENDPOINT_VERSION,
        "cache_dir": folder,
        "auto_load_env": False,
        "rate_limit_calls_per_second": 1000.0,
        **changes,
    }
    return EasyAcumatica(**wanted)


@pytest.fixture(scope="module")
def built(
    acumatica_server: processes.Server, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[EasyAcumatica]:
    """Built once, which takes a while."""
    client = sign_in(acumatica_server.url, tmp_path_factory.mktemp("easy"))
    client.logout()
    yield client
    client.close()


@pytest.fixture
def easy(
    built: EasyAcumatica,
    admin: AcumaticaAdmin,  # noqa: ARG001 - puts the server back afterwards
) -> Iterator[EasyAcumatica]:
    built.login()
    yield built
    built.logout()


def test_it_signs_in_and_out(easy: Any, admin: AcumaticaAdmin) -> None:
    assert len(admin.sessions()) == 1
    assert set(easy.endpoints) == {"Default", "Finance"}
    easy.logout()
    assert admin.sessions() == []


def test_it_is_told_of_a_wrong_password(
    stranger: AcumaticaClient, admin: AcumaticaAdmin, tmp_path: Path
) -> None:
    admin.change_settings(refused_sign_in_status=401)
    with pytest.raises(AcumaticaAuthError):
        sign_in(stranger.url, tmp_path, password="wrong")


def test_it_lists_and_pages(easy: Any, acumatica: AcumaticaClient) -> None:
    wanted = [row["id"] for row in acumatica.rows("Vendor")]
    found: list[str] = []
    while True:
        page = easy.vendor.get_list(options=QueryOptions(top=150, skip=len(found)))
        found += [row["id"] for row in page]
        if len(page) < 150:
            break
    assert found == wanted


def test_it_filters_expands_and_selects(easy: Any, acumatica: AcumaticaClient) -> None:
    condition = (F.Type == "Bill") & (F.ReferenceNbr <= "000050")
    options = QueryOptions(
        filter=condition, expand=["Details"], select=["ReferenceNbr", "Details"]
    )
    rows = easy.bill.get_list(options=options)
    text = "Type eq 'Bill' and ReferenceNbr le '000050'"
    expected = acumatica.rows("Bill", filter=text, expand="Details")
    assert [row["id"] for row in rows] == [row["id"] for row in expected]
    for row, wanted in zip(rows, expected, strict=True):
        assert len(row["Details"]) == len(wanted["Details"])
        assert "Amount" not in row


def test_it_reads_one_record(easy: Any) -> None:
    row = easy.vendor.get_by_keys(VendorID="V000001")
    assert row["VendorID"]["value"].rstrip() == "V000001"
    assert easy.vendor.get_by_id(row["id"])["id"] == row["id"]


def test_it_understands_errors(easy: Any, admin: AcumaticaAdmin) -> None:
    admin.change_settings(denied=["Vendor"])
    with pytest.raises(AcumaticaError, match="insufficient rights"):
        easy.vendor.get_list(options=QueryOptions(top=1))


def test_it_understands_the_description(easy: Any) -> None:
    schema = easy.models.Bill.get_schema()
    assert schema["Amount"]["type"] == "float"
    assert schema["Details"]["type"] == "List[BillDetail]"
    assert schema["Date"]["type"] == "datetime"
    assert easy.ledger.get_list()[0]["LedgerID"] == {"value": "ACTUAL"}
