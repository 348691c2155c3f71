from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from sandbox.processes import SandboxError

if TYPE_CHECKING:
    from sandbox.acumatica.control.admin_client import AcumaticaAdmin

    from tests.sandbox.conftest import AcumaticaClient


def versions(client: AcumaticaClient) -> list[str]:
    body = client.send("GET", "/entity").json()
    found = body if isinstance(body, list) else body["endpoints"]
    return [entry["version"] for entry in found if entry["name"] == "Default"]


def test_the_newest_build_serves_every_version(acumatica: AcumaticaClient) -> None:
    assert versions(acumatica) == [
        "20.200.001",
        "22.200.001",
        "23.200.001",
        "24.200.001",
        "25.200.001",
        "26.200.001",
    ]


@pytest.mark.parametrize(
    ("build", "served"),
    [
        ("20.208", ["20.200.001"]),
        ("21.200.0122", ["20.200.001"]),
        ("23.100.0010", ["20.200.001", "22.200.001"]),
        (
            "24.208.0020",
            ["20.200.001", "22.200.001", "23.200.001", "24.200.001"],
        ),
    ],
)
def test_a_build_serves_the_endpoints_of_its_time_and_older_ones(
    acumatica: AcumaticaClient, admin: AcumaticaAdmin, build: str, served: list[str]
) -> None:
    admin.change_settings(build=build)
    answer = acumatica.send("GET", "/entity").json()
    assert answer["version"]["acumaticaBuildVersion"] == build
    assert versions(acumatica) == served
    for version in ("20.200.001", "26.200.001"):
        acumatica.endpoint = f"Default/{version}"
        status = acumatica.get("Account", top=1).status_code
        assert status == (200 if version in served else 404)


def test_a_build_has_a_form(admin: AcumaticaAdmin) -> None:
    with pytest.raises(SandboxError, match="build"):
        admin.change_settings(build="the latest")


def test_an_old_build_lists_its_endpoints_in_a_bare_array(
    acumatica: AcumaticaClient, admin: AcumaticaAdmin
) -> None:
    admin.change_settings(build="20.208.0038", old_build=True)
    assert acumatica.send("GET", "/entity").json() == [
        {
            "name": "Default",
            "version": "20.200.001",
            "href": "/entity/Default/20.200.001/",
        }
    ]


def test_an_old_build_sends_notes_as_texts(
    acumatica: AcumaticaClient, admin: AcumaticaAdmin
) -> None:
    fields = {"Type": "Bill", "ReferenceNbr": "NOTED", "Details": [{"Account": "1"}]}
    admin.put_record("Bill", fields, note="Ask first")
    admin.change_settings(old_build=True)
    row = acumatica.get("Bill/Bill/NOTED", expand="Details").json()
    assert (row["note"], row["Details"][0]["note"]) == ("Ask first", "")


def references(node: Any) -> set[str]:
    if isinstance(node, dict):
        own = {node["$ref"]} if "$ref" in node else set()
        return own.union(*map(references, node.values()))
    return set().union(*map(references, node)) if isinstance(node, list) else set()


def test_an_old_build_describes_itself_in_swagger_2(
    acumatica: AcumaticaClient, admin: AcumaticaAdmin
) -> None:
    admin.change_settings(old_build=True)
    document = acumatica.get("swagger.json").json()
    assert document["swagger"] == "2.0"
    assert "openapi" not in document
    assert document["info"]["version"] == "4"
    assert "components" not in document
    definitions = document["definitions"]
    bill = definitions["Bill"]["allOf"][1]["properties"]
    assert bill["Amount"] == {"$ref": "#/definitions/DecimalValue"}
    assert bill["Details"]["items"] == {"$ref": "#/definitions/BillDetail"}
    assert references(document) <= {f"#/definitions/{name}" for name in definitions}
    assert definitions["CustomField"]["discriminator"] == "type"
    read = document["paths"]["/Bill"]["get"]
    assert read["responses"]["200"]["schema"]["items"] == {"$ref": "#/definitions/Bill"}
    assert {"name": "$top", "in": "query", "type": "integer"} in read["parameters"]
