"""Answers that are too empty or end too early: nothing is lost, and nothing is silent.

docs/promises.md states the rule. Each fault is played by a server that answers too
little in one way.
"""

from __future__ import annotations

import logging
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from singer_sdk.singerlib.encoding.base import GenericSingerWriter
from tap_acumatica import exact_json, proofs
from tap_acumatica.errors import AcumaticaError
from tap_acumatica.tap import TapAcumatica
from typing_extensions import override

from tests.helpers.odd_server import serving
from tests.helpers.odd_table import BEGIN, KEY, OddTable, lines, row, rows

if TYPE_CHECKING:
    from collections.abc import Iterator

    from singer_sdk.singerlib import Message

STREAM = "bills"
VERSIONS = ("24.200.001", "25.200.001")


@dataclass
class Told(GenericSingerWriter[bytes, Any]):
    """What a run has written."""

    messages: list[dict[str, Any]] = field(default_factory=list)

    @override
    def serialize_message(self, message: Message) -> bytes:
        return exact_json.encode(message.to_dict())

    @override
    def write_message(self, message: Message) -> None:
        self.messages.append(exact_json.decode(self.format_message(message)))

    def records(self) -> list[dict[str, Any]]:
        return [m["record"] for m in self.messages if m["type"] == "RECORD"]

    def ids(self) -> list[str]:
        return sorted(record["id"] for record in self.records())

    @property
    def state(self) -> dict[str, Any]:
        states = [m["value"] for m in self.messages if m["type"] == "STATE"]
        return states[-1] if states else {}

    @property
    def bookmark(self) -> datetime | None:
        kept = self.state["bookmarks"][STREAM].get("replication_key_value")
        return datetime.fromisoformat(kept) if kept else None

    def activates(self) -> bool:
        return any(m["type"] == "ACTIVATE_VERSION" for m in self.messages)


def member(kind: str) -> dict[str, Any]:
    return {"$ref": f"#/components/schemas/{kind}"}


SWAGGER = {
    "paths": {"/Bill": {"get": {}}},
    "components": {
        "schemas": {
            "DateTimeValue": {
                "properties": {"value": {"type": "string", "format": "date-time"}}
            },
            "Line": {"properties": {"Date": member("DateTimeValue")}},
            "Bill": {
                "properties": {
                    KEY: member("DateTimeValue"),
                    "Details": {"type": "array", "items": member("Line")},
                    "TaxDetails": {"type": "array", "items": member("Line")},
                }
            },
        }
    },
}
CUSTOM = {
    f"Usr{name}": {"type": "CustomStringField", "value": name} for name in ("X", "Y")
}
TEMPLATE = {"custom": {"Document": CUSTOM}}


class Runs:
    """Runs the tap against tables that one server serves one after the other."""

    def __init__(self) -> None:
        self.table = OddTable([])
        self.url = ""

    def serve(self, name: str, query: dict[str, str]) -> Any:
        return self.table(name, query)

    def __call__(
        self,
        table: OddTable,
        state: dict[str, Any] | None = None,
        *,
        full: bool = False,
        told: Told | None = None,
        **settings: Any,
    ) -> Told:
        """Run the tap; what the table was asked for is that of this run alone."""
        self.table = table
        config = {
            "instance_url": self.url,
            "endpoint_version": VERSIONS[0],
            "client_id": "id",
            "client_secret": "secret",
            "username": "user",
            "password": "word",
            "custom_fields": [],
            **settings,
        }
        discovered = TapAcumatica(config=config, setup_mapper=False)
        catalog = discovered.catalog_dict
        discovered.instance.client.close()
        if full:
            for entry in catalog["streams"]:
                entry["replication_method"] = "FULL_TABLE"
        table.asked.clear()
        table.read.clear()
        told = told or Told()
        tap = TapAcumatica(
            config=config, catalog=catalog, state=state, message_writer=told
        )
        with closing(tap.instance.client):
            tap.sync_all()
        return told


@pytest.fixture(scope="module")
def run() -> Iterator[Runs]:
    runs = Runs()
    served = [{"name": "Default", "version": version} for version in VERSIONS]
    answers = {"swagger.json": SWAGGER, "$adHocSchema": TEMPLATE, "*": runs.serve}
    with serving(entity=served, **answers) as server:
        runs.url = server.url
        yield runs


def test_a_filter_that_finds_nothing_loses_nothing(
    run: Runs,
    caplog: pytest.LogCaptureFixture,
) -> None:
    table = OddTable(rows(3), hollow=("$filter",))
    months_past = {
        "replication_key": KEY,
        "replication_key_value": "2026-05-01T00:00:00+00:00",
    }
    for state in ({}, {"bookmarks": {STREAM: months_past}}):
        first = run(table, state, page_size=2)
        assert first.ids() == ["a0000", "a0001", "a0002"]
        assert "does not come back through one on LastModifiedDateTime" in caplog.text
        caplog.clear()
        second = run(table, first.state, page_size=2)
        assert second.ids() == ["a0000", "a0001", "a0002"]
        assert "does not come back through one on LastModifiedDateTime" in caplog.text
        kept = second.state["bookmarks"][STREAM]
        bookmark = state.get("bookmarks", {}).get(STREAM, {})
        assert kept.get("replication_key_value") == bookmark.get(
            "replication_key_value"
        )
    start = (BEGIN + timedelta(minutes=2)).isoformat()
    late = run(table, second.state, page_size=2, start_date=start)
    assert late.ids() == ["a0000", "a0001"]
    table.hollow = ()
    third = run(table, second.state, page_size=2)
    assert third.ids() == []
    assert third.state["bookmarks"][STREAM]["proofs"]["filter"]
    assert all("$filter" in asked for asked in table.asked[2:])


def test_a_server_that_does_not_filter_is_read_in_full(
    run: Runs,
    caplog: pytest.LogCaptureFixture,
) -> None:
    told = run(OddTable(rows(3), ignored=("$filter",)))
    assert told.ids() == ["a0000", "a0001", "a0002"]
    assert told.bookmark is None
    assert "does not come back through one" in caplog.text


def test_a_row_that_changes_while_it_is_the_canary_proves_nothing(
    run: Runs,
    caplog: pytest.LogCaptureFixture,
) -> None:
    class Changing(OddTable):
        @override
        def listed(self, query: dict[str, str]) -> list[dict[str, Any]]:
            if "$filter" in query and changes:
                self.rows[1] = row("b", changes.pop())
            return super().listed(query)

    changes = [7.0]
    table = Changing([row("a", 2), row("b", 1)])
    told = run(table)
    assert told.state["bookmarks"][STREAM]["proofs"]["filter"]
    assert "does not come back" not in caplog.text


def test_an_idle_run_asks_no_more_once_all_is_proved(run: Runs) -> None:
    table = OddTable([row(f"a{n}", 30 * n, Details=lines("x")) for n in range(9)])
    state = run(table).state
    assert run(table, state).ids() == ["a8"]
    assert len(table.asked) == 1
    assert table.read == []


@pytest.mark.parametrize(
    "changed", [{"endpoint_version": VERSIONS[1]}, {"custom_fields": ["*"]}]
)
def test_a_proof_holds_for_what_was_asked_for_alone(
    run: Runs, changed: dict[str, Any]
) -> None:
    table = OddTable(rows(3))
    state = run(table).state
    run(table, state, **changed)
    assert "$filter" not in table.asked[0]


@pytest.mark.parametrize("full", [False, True])
@pytest.mark.parametrize("limit", [2, 100])
def test_a_limit_of_the_server_ends_no_list(
    run: Runs, caplog: pytest.LogCaptureFixture, limit: int, *, full: bool
) -> None:
    count = limit * 20
    told = run(OddTable(rows(count), limit=limit), full=full)
    assert set(told.ids()) == {row["id"] for row in rows(count)}
    assert told.activates() is full
    if not full:
        assert told.bookmark
        assert told.bookmark >= BEGIN + timedelta(minutes=count)
    assert f"lists are read in pages of {limit} rows" in caplog.text


def test_a_limit_that_shows_in_a_later_run_ends_no_list(run: Runs) -> None:
    """The list was as long as the limit, so that its end was confirmed."""
    table = OddTable(rows(4), limit=4)
    first = run(table)
    assert first.ids() == [row["id"] for row in table.rows]
    table.rows.append(row("z", 5))
    assert "z" in run(table, first.state).ids()


def test_a_limit_of_filtered_lists_is_not_disproved_by_others(
    run: Runs, caplog: pytest.LogCaptureFixture
) -> None:
    table = OddTable(rows(300), found=7)
    told = run(table, page_size=50)
    assert set(told.ids()) == {row["id"] for row in table.rows}
    assert "lists are read in pages of 7 rows" in caplog.text


def test_a_state_of_an_earlier_version_proves_nothing_of_filtered_lists(
    run: Runs,
) -> None:
    table = OddTable(rows(50))
    state = run(table).state
    state["bookmarks"][STREAM]["proofs"].pop("filtered", None)
    table.rows, table.found = [row(f"b{n}", 90 - n) for n in range(30)], 7
    told = run(table, state, page_size=50)
    assert set(told.ids()) == {row["id"] for row in table.rows}


def test_a_limit_of_one_row_is_an_error(run: Runs) -> None:
    table, told = OddTable(rows(3), limit=1), Told()
    with pytest.raises(AcumaticaError, match=r"asked for 500 rows, .* answers one"):
        run(table, told=told, full=True)
    assert not told.activates()


@pytest.mark.parametrize("count", [1, 4])
def test_a_short_list_is_read_where_skip_has_no_effect(run: Runs, count: int) -> None:
    told = run(OddTable(rows(count), ignored=("$skip",)), full=True)
    assert len(told.ids()) == count
    assert told.activates()


@pytest.mark.parametrize("page_size", [2, 500])
def test_rows_without_the_key_that_were_seen_are_passed_on(
    run: Runs, caplog: pytest.LogCaptureFixture, page_size: int
) -> None:
    dated = [row("A1", 1), row("A2", 2)]
    table = OddTable([row("A0", None), *dated])
    assert run(table, page_size=page_size).ids() == ["A0", "A1", "A2"]
    assert "1 records have no LastModifiedDateTime" in caplog.text
    bookmark = {"replication_key": KEY, "replication_key_value": BEGIN.isoformat()}
    state = {"bookmarks": {STREAM: bookmark}}
    assert run(table, state, page_size=page_size).ids() == ["A0", "A1", "A2"]


def test_a_first_page_without_any_key_proves_by_a_later_row(run: Runs) -> None:
    undated = [row(f"A{n}", None) for n in range(5)]
    table = OddTable([*undated, row("B", 3), row("B1", 3.01), row("C", 90)])
    told = run(table, page_size=2)
    assert len({*told.ids()}) == 8
    assert told.bookmark == BEGIN + timedelta(minutes=90)
    run(table, told.state, page_size=2)
    assert len(table.asked) == 1


@pytest.mark.parametrize("full", [False, True])
@pytest.mark.parametrize("hollow", ["$expand", "$custom"])
def test_a_list_that_is_empty_only_with_what_is_asked_for_is_an_error(
    run: Runs, hollow: str, *, full: bool
) -> None:
    table, told = OddTable([row("a", 1)], hollow=(hollow,)), Told()
    settings: dict[str, Any] = {"custom_fields": ["*"]}
    with pytest.raises(AcumaticaError, match=r"Bill: asked for .* an empty list"):
        run(table, told=told, full=full, **settings)
    assert told.records() == []
    assert not told.activates()


def test_an_empty_table_is_activated_after_a_bare_request(run: Runs) -> None:
    table = OddTable([])
    assert run(table, full=True).activates()
    assert table.asked[1:] == [{"$top": "1"}]


def test_a_table_that_stays_empty_costs_one_request(run: Runs) -> None:
    table = OddTable([])
    state = run(table).state
    state = run(table, state).state
    assert table.asked == [{"$top": "1"}]
    table.rows.append(row("a", 1))
    told = run(table, state)
    assert told.ids() == ["a"]
    assert told.state["bookmarks"][STREAM]["proofs"]["filter"]


FULL_ROW = {
    "Details": lines("x"),
    "TaxDetails": lines("y"),
    "custom": {"Document": CUSTOM},
}


@pytest.mark.parametrize("most", [1, 2, 3])
@pytest.mark.parametrize("full", [False, True])
def test_what_is_too_much_at_once_is_read_in_parts(
    run: Runs, most: int, *, full: bool
) -> None:
    table = OddTable([row(f"a{n}", n, **FULL_ROW) for n in range(7)], most=most)
    settings: dict[str, Any] = {"custom_fields": ["*"], "page_size": 3}
    told = run(table, full=full, **settings)
    assert len({*told.ids()}) == 7
    for record in told.records():
        assert record["Details"] == [{"rowNumber": 1}]
        assert record["TaxDetails"] == [{"rowNumber": 1}]
        assert record["custom"] == {"Document": {"UsrX": "X", "UsrY": "Y"}}


@pytest.mark.parametrize("member", ["Details", "custom"])
def test_what_lists_never_bring_is_read_by_id(
    run: Runs, caplog: pytest.LogCaptureFixture, member: str
) -> None:
    table = OddTable(
        [row(f"a{n}", n, **FULL_ROW) for n in range(3)], only_by_id=(member,)
    )
    settings: dict[str, Any] = {"custom_fields": ["*"]}
    state: dict[str, Any] = {}
    for _ in range(2):
        told = run(table, state, **settings)
        state = told.state
        assert len(told.records()) == 3
        assert all(record[member] for record in told.records())
        assert f"asked for {member}, lists do not bring it" in caplog.text


def test_what_no_record_has_is_asked_for_once(
    run: Runs,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    table = OddTable([row("a", 1, Details=lines("x")), row("b", 2)])
    first = run(table)
    assert table.read == ["a"]
    assert "asked for TaxDetails, no record has brought any" in caplog.text
    run(table, first.state)
    assert table.read == []


@pytest.mark.parametrize("kept", ["yes", {"of": 1}, {"of": "x", "rows": -5}, None])
def test_proofs_of_another_make_are_none(run: Runs, kept: Any) -> None:
    table = OddTable(rows(2))
    told = run(table, {"bookmarks": {STREAM: {"proofs": kept}}})
    assert told.ids() == ["a0000", "a0001"]
    assert "$filter" not in table.asked[0]


@pytest.mark.parametrize(
    ("member", "brings"),
    [
        ({"Details": []}, False),
        ({"Details": None}, False),
        ({}, False),
        ({"Details": lines("x")}, True),
        ({"Details": {"id": "x", "City": {}, "IsOn": {"value": False}}}, False),
        ({"Details": {"City": {"value": "Rome"}}}, True),
        ({"Details": {"Address": {"City": {"value": "Rome"}}}}, True),
    ],
)
def test_an_expansion_is_brought_by_lines_or_by_values(
    member: dict[str, Any], *, brings: bool
) -> None:
    assert proofs.brings({"id": "a", **member}, "Details") is brings


@pytest.mark.parametrize(
    ("custom", "brings"),
    [
        ({}, False),
        ({"View": {}}, False),
        ({"View": {"UsrX": {"type": "CustomStringField"}}}, False),
        ({"View": {"UsrX": {"type": "CustomStringField", "value": "x"}}}, True),
    ],
)
def test_custom_fields_are_brought_by_values(
    custom: dict[str, Any], *, brings: bool
) -> None:
    assert proofs.brings({"custom": custom}, "custom") is brings


def test_an_address_is_brought_by_the_contact_that_has_it() -> None:
    contacts = [{"Address": {}}, {"Address": {"City": {"value": "Rome"}}}]
    assert proofs.brings({"Contacts": contacts}, "Contacts/Address")
    assert not proofs.brings({"Contacts": contacts[:1]}, "Contacts/Address")
    assert not proofs.brings({"Contacts": "odd"}, "Contacts/Address")
