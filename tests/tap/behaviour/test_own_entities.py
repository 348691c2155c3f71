"""Entities that the setting names: what they lack is told, and what to set."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tap_acumatica.errors import StreamError
from tap_acumatica.stream_specs import proposal, specs

from tests.helpers.odd_server import Turns, serving, sync


def described(*fields: str, entity: str = "SalesOrder") -> dict[str, Any]:
    moment = {"type": "string", "format": "date-time"}
    member = {"$ref": "#/definitions/DateTimeValue"}
    return {
        "info": {"version": "4"},
        "paths": {f"/{name}": {"get": {}} for name in (entity, "Account")},
        "definitions": {
            "DateTimeValue": {"properties": {"value": moment}},
            "Account": {"properties": {"LastModifiedDateTime": member}},
            entity: {"properties": dict.fromkeys(fields, member)},
        },
    }


@pytest.mark.parametrize(
    ("setting", "fields", "entry"),
    [
        ({}, ["Date", "LastModified"], '"replication_key": "LastModified"}'),
        (
            {"stream": "orders", "expand": ["X"], "key": ["A"]},
            ["ChangedOn", "ModifiedOn"],
            '"stream": "orders", "expand": ["X"], "key": ["A"], "replication_key": "M',
        ),
        ({}, ["CreatedDateTime", "UpdatedAt"], '"replication_key": "UpdatedAt"}'),
        ({}, ["Date"], None),
    ],
)
def test_a_likely_replication_key_is_proposed_as_an_entry_of_entities(
    setting: dict[str, Any], fields: list[str], entry: str | None
) -> None:
    [*_, spec] = specs([{"entity": "SalesOrder", **setting}])
    moments = {name: {"format": "date-time"} for name in fields}
    found = proposal(spec, {**moments, "LastModifiedBy": {}})
    expected = entry and f'{{"entity": "SalesOrder", {entry}'
    assert expected in found if expected else not found


def test_a_proposal_is_logged_when_a_stream_is_discovered_without_a_key(
    caplog: pytest.LogCaptureFixture,
) -> None:
    swagger = {"swagger.json": described("LastModified")}
    with serving(Account=[], SalesOrder=[], **swagger) as server:
        sync(server, entities=[{"entity": "SalesOrder"}])
    told = "sales_order: SalesOrder has no LastModifiedDateTime, so it is read in full"
    assert caplog.text.count(told) == 1
    entry = json.loads(caplog.text.partition("was modified: ")[2].partition("\n")[0])
    assert entry == {"entity": "SalesOrder", "replication_key": "LastModified"}
    assert specs([entry])[-1].replication_key == "LastModified"
    assert caplog.text.count("This entry of setting") == 1


NOTHING: dict[str, Any] = {"id": "i", "rowNumber": 1, "note": {"value": "n"}}
SAYING = {**NOTHING, "From": {"value": "012026"}}
BLANK = {
    **NOTHING,
    "From": {},
    "Unposted": {"value": False},
    "Results": [],
    "Link": {"id": "x", "City": {}},
    "custom": {},
}


@pytest.mark.parametrize(
    ("rows", "is_inquiry"),
    [
        ([BLANK], True),
        ([BLANK, {**BLANK, "id": "j"}], False),
        ([BLANK | SAYING], False),
        ([{**BLANK, "Link": {"City": {"value": "Rome"}}}], False),
        ([{**BLANK, "Results": [{"Qty": {"value": 1}}]}], False),
        # What is blank because so little was asked for is asked for as a whole.
        (Turns([[{**NOTHING, "From": {}}], [SAYING], []]), False),
        ([], False),
    ],
)
def test_an_inquiry_is_told_and_the_other_streams_go_on(
    rows: Any, *, is_inquiry: bool, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    answers = {"swagger.json": described("From", entity="Inquiry"), "Inquiry": rows}
    is_read = not is_inquiry and rows != []
    with serving(Account=[{"id": "a"}], **answers) as server:
        if is_inquiry:
            with pytest.raises(
                StreamError, match=r"^Inquiry: the server answers one re"
            ):
                sync(server, entities=[{"entity": "Inquiry", "stream": "an_inquiry"}])
        else:
            sync(server, entities=[{"entity": "Inquiry", "stream": "an_inquiry"}])
    written = capsysbinary.readouterr().out
    assert b'"id":"a"' in written
    assert (b'"id":"i"' in written) is is_read


@pytest.mark.parametrize("id_", ["", "00000000-0000-0000-0000-000000000000"])
def test_an_id_that_others_may_have_stops_its_stream_and_no_other(
    id_: str, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    answers = {"swagger.json": described(entity="Thing"), "Thing": [{"id": id_}]}
    with (
        serving(Account=[{"id": "a"}], **answers) as server,
        pytest.raises(StreamError, match=r"^Thing: the server answered a record with"),
    ):
        sync(server, entities=[{"entity": "Thing", "stream": "a_thing"}])
    [line] = [x for x in capsysbinary.readouterr().out.splitlines() if b"RECORD" in x]
    assert b'"id":"a"' in line
