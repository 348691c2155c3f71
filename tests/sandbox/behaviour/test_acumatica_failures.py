from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from typing import Any

    from sandbox.acumatica.control.admin_client import AcumaticaAdmin

    from tests.sandbox.conftest import AcumaticaClient

CANNOT_OPTIMIZE = "PX.Api.ContractBased.OptimizedExport.CannotOptimizeException"


def failure(client: AcumaticaClient, path: str, **parameters: Any) -> tuple[str, str]:
    """The exception's type and message behind a 500."""
    answer = client.get(path, **parameters)
    assert answer.status_code == 500, answer.text
    body = answer.json()
    assert body["message"] == "An error has occurred."
    return body["exceptionType"], body["exceptionMessage"]


@pytest.fixture
def delegates(admin: AcumaticaAdmin) -> None:
    """Two expansions of a vendor cannot be listed."""
    admin.change_settings(unoptimizable={"Vendor": ["Contacts", "MainContact"]})


@pytest.mark.usefixtures("delegates")
def test_a_list_names_the_expansions_that_cannot_be_optimised(
    acumatica: AcumaticaClient,
) -> None:
    expand = "MainContact,MainContact/Address,Attributes,Contacts"
    kind, message = failure(acumatica, "Vendor", top=1, expand=expand)
    assert kind == CANNOT_OPTIMIZE
    assert message.splitlines() == [
        "Optimization cannot be performed.The following fields cause the error:",
        "MainContact.Active: View MainContact has BQL delegate",
        "Contacts.ContactID: View Contacts has BQL delegate",
    ]
    _, message = failure(acumatica, "Vendor", top=1, expand="Contacts,Attributes")
    assert "MainContact" not in message


@pytest.mark.usefixtures("delegates")
def test_other_expansions_and_other_reads_work(acumatica: AcumaticaClient) -> None:
    expand = "Contacts,MainContact,Attributes"
    assert acumatica.rows("Customer", top=1, expand=expand)
    rows = acumatica.rows("Vendor", top=20, expand="Attributes,PrimaryContact")
    row = next(row for row in rows if "/" not in row["VendorID"]["value"])
    # What $select leaves out is not expanded.
    assert acumatica.rows("Vendor", top=1, expand=expand, select="VendorID,Attributes")
    for path in (row["id"], row["VendorID"]["value"].rstrip()):
        vendor = acumatica.get(f"Vendor/{path}", expand=expand).json()
        assert vendor["MainContact"]["Active"] != {}
        assert isinstance(vendor["Contacts"], list)


def test_an_entity_can_fail_on_select(
    acumatica: AcumaticaClient, admin: AcumaticaAdmin
) -> None:
    admin.change_settings(unselectable=["Check"])
    select = "ReferenceNbr,Vendor"
    kind, message = failure(acumatica, "Check", top=1, select=select)
    assert kind == "System.Collections.Generic.KeyNotFoundException"
    assert "ReferenceNbr" in message
    assert acumatica.rows("Check", top=1)
    assert acumatica.rows("Bill", top=1, select=select)


@pytest.mark.parametrize(
    ("entity", "form"),
    [
        ("Bill", "Accounts Payable Preferences (AP101000)"),
        ("PurchaseOrder", "Purchase Orders Preferences (PO101000)"),
    ],
)
def test_a_module_that_is_not_configured_says_so(
    acumatica: AcumaticaClient, admin: AcumaticaAdmin, entity: str, form: str
) -> None:
    admin.change_settings(not_configured=[entity])
    for path in (entity, f"{entity}/Bill/1"):
        kind, message = failure(acumatica, path)
        assert kind == "PX.Data.PXSetupNotEnteredException"
        assert form in message
    assert acumatica.rows("Account", top=1)
