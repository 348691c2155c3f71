"""Entities whose ids are new with each session are told apart by natural keys."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from sandbox.acumatica.api.faults import Fault
from tap_acumatica.errors import AcumaticaError, StreamError
from tap_acumatica.keys import Identity, KeyField

from tests.helpers.odd_server import serving, sync

if TYPE_CHECKING:
    from sandbox.acumatica.control.admin_client import AcumaticaAdmin

    from tests.tap.conftest import RunTap

WITHOUT_NOTE_ID = ["Contact", "Ledger", "Subaccount"]
LEDGERS = {"entity": "Ledger", "key": ["LedgerID"], "expand": ["Branches"]}


@pytest.fixture
def ledgers(acumatica: AcumaticaAdmin) -> set[str]:
    """Ledgers whose ids are of the session; returns their keys."""
    acumatica.change_settings(without_note_id=WITHOUT_NOTE_ID)
    return {str(row["fields"]["LedgerID"]) for row in acumatica.records("Ledger")}


def keys_of(rows: list[dict[str, Any]]) -> list[str]:
    return [row["LedgerID"] for row in rows]


@pytest.mark.parametrize("full_table", [False, True])
def test_two_runs_give_the_same_keys_and_no_ids(
    run_tap: RunTap, ledgers: set[str], *, full_table: bool
) -> None:
    first = run_tap("ledger", entities=[LEDGERS], full_table=full_table)
    assert first.exit_code == 0, first.log
    assert sorted(keys_of(first.records("ledger"))) == sorted(ledgers)
    [schema] = first.of_type("SCHEMA")
    assert schema["key_properties"] == ["LedgerID"]
    assert "id" not in schema["schema"]["properties"]
    second = run_tap(
        "ledger",
        entities=[LEDGERS],
        state=first.state,
        full_table=full_table,
        lookback_seconds=31_536_000,
    )
    assert second.exit_code == 0, second.log
    assert second.records("ledger")
    assert all(row in first.records("ledger") for row in second.records("ledger"))


def test_pages_of_keyed_rows_overlap_though_the_session_changes(
    run_tap: RunTap, ledgers: set[str], acumatica: AcumaticaAdmin
) -> None:
    acumatica.add_fault(Fault(kind="expire", path="$skip=1"))
    entities = [{**LEDGERS, "key": ["LedgerID", "Type"]}]
    run = run_tap("ledger", entities=entities, full_table=True, page_size=2)
    assert run.exit_code == 0, run.log
    assert sorted(keys_of(run.records("ledger"))) == sorted(ledgers)


@pytest.mark.parametrize("odd", ["Z/B", "Z|B", "Z&D", "Z%", "Ü (old)", "Z'Hara"])
def test_a_single_row_is_read_by_its_key_or_where_that_cannot_be_by_its_id(
    run_tap: RunTap, ledgers: set[str], acumatica: AcumaticaAdmin, odd: str
) -> None:
    """Only with `$expand` of one record does this server tell the lines."""
    acumatica.change_settings(unoptimizable={"Ledger": ["Branches"]})
    kept = acumatica.records("Ledger")
    branches = [{"BranchID": "MAIN"}]
    acumatica.put_record("Ledger", {"LedgerID": odd, "Branches": branches})
    acumatica.clear_requests()
    # The session ends between the list and the reading of its rows.
    acumatica.add_fault(Fault(kind="expire", path="/Ledger/ACTUAL"))
    run = run_tap("ledger", entities=[LEDGERS], full_table=True)
    acumatica.replace_table("Ledger", kept)
    assert run.exit_code == 0, run.log
    rows = {row["LedgerID"]: row for row in run.records("ledger")}
    assert rows.keys() == ledgers | {odd}
    assert rows[odd]["Branches"][0]["BranchID"] == "MAIN"
    assert "counts as deleted" not in run.log


def test_a_row_that_its_key_does_not_find_is_not_deleted_while_a_filter_finds_it(
    run_tap: RunTap, acumatica: AcumaticaAdmin
) -> None:
    acumatica.change_settings(unoptimizable={"Ledger": ["Branches"]})
    acumatica.add_fault(
        Fault(kind="status", path="/Ledger/ACTUAL", status=404, count=2)
    )
    run = run_tap("ledger", entities=[LEDGERS], full_table=True)
    assert run.exit_code == 1
    assert "not found by their keys" in run.errors[0]
    assert not run.of_type("ACTIVATE_VERSION")


def test_a_key_is_read_whatever_a_catalog_deselects(
    run_tap: RunTap, ledgers: set[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A catalog from before `key` was set has the id for its key."""
    run_tap("ledger", entities=[{"entity": "Ledger"}])
    monkeypatch.setattr("tests.tap.conftest.discoverable", lambda _: OLD_SETTINGS)
    run = run_tap("ledger", entities=[LEDGERS])
    assert run.exit_code == 0, run.log
    [schema] = run.of_type("SCHEMA")
    assert schema["key_properties"] == ["LedgerID"]
    assert sorted(keys_of(run.records("ledger"))) == sorted(ledgers)


OLD_SETTINGS = {"entities": [{"entity": "Ledger", "expand": ["Branches"]}]}


def name(row: dict[str, Any], *key: KeyField) -> tuple[str, str, str | None]:
    identity = Identity("Thing", key)
    identity.name(row)
    named = row["id"]
    return named, identity.address(named), identity.condition(named)


A, B, N = KeyField("A", "string"), KeyField("B", "string"), KeyField("N", "integer")
KIND = KeyField("Kind", None)


@pytest.mark.parametrize(
    ("members", "key", "named", "address", "condition"),
    [
        ({"A": "x"}, [A], "x", "x", "A eq 'x'"),
        ({"A": "x  ", "B": ""}, [A, B], "x/", "9", "A eq 'x' and B eq ''"),
        ({"A": "ä b", "N": 7}, [A, N], "%C3%A4%20b/7", None, "A eq 'ä b' and N eq 7"),
        ({"A": "O'H"}, [A], "O%27H", None, "A eq 'O''H'"),
        ({"A": "x/y"}, [A], "x%2Fy", "9", "A eq 'x/y'"),
        ({"A": "x|y"}, [A], "x%7Cy", "9", "A eq 'x|y'"),
        ({"A": ".."}, [A], "..", "9", "A eq '..'"),
        (
            {"A": "x", "Kind": {"id": "I", "description": "In"}},
            [A, KIND],
            "x/In",
            *2 * [None],
        ),
    ],
)
def test_a_row_is_named_addressed_and_found_by_its_key(
    members: dict[str, Any],
    key: list[KeyField],
    named: str,
    address: str | None,
    condition: str | None,
) -> None:
    row = {"id": "9", **{field: {"value": v} for field, v in members.items()}}
    assert name(row, *key) == (named, address or named, condition)


@pytest.mark.parametrize(
    ("row", "key", "says"),
    [
        ({"id": ""}, [], r"^Thing: the server answered a record with the id ''"),
        ({"id": "00000000-0000-0000-0000-000000000000"}, [], "with the id '00000000-"),
        (
            {"id": "{00000000000000000000000000000000}"},
            [],
            "name of its|Name the fields",
        ),
        ({"id": "9", "A": {}}, [A], "^Thing: a record has no value in A, which"),
        ({"id": "9"}, [A], "no value in A"),
        ({"id": "9", "A": {"value": "x"}, "B": {}}, [A, B], "no value in B"),
        ({"id": "9", "A": {"value": " "}, "B": {"value": ""}}, [A, B], "in A"),
    ],
)
def test_a_row_that_cannot_be_told_from_others_is_refused(
    row: dict[str, Any], key: list[KeyField], says: str
) -> None:
    with pytest.raises(StreamError, match=says):
        name(row, *key)


# Ids that do not stay, where no key is named.

LONG = 31_536_000
MOMENT = "2026-02-0{}T10:00:00Z"


def rows_of(session: str, *names: str, modified: str = MOMENT) -> list[dict[str, Any]]:
    return [
        {
            "id": f"{session}-{n}",
            "rowNumber": n,
            "AccountCD": {"value": name},
            "LastModifiedDateTime": {"value": modified.format(n)} if modified else {},
        }
        for n, name in enumerate(names, 1)
    ]


def read(
    capsysbinary: pytest.CaptureFixture[bytes],
    rows: list[dict[str, Any]],
    state: dict[str, Any] | None = None,
) -> tuple[list[Any], dict[str, Any]]:
    """Read once; rows are found by their ids, too. Returns records and state."""
    found = {row["id"]: row for row in rows}
    entities = [{"entity": "Account", "stream": "gl_accounts"}]
    with serving(Account=rows, **found) as server:
        try:
            sync(server, state, entities=entities, lookback_seconds=LONG)
        finally:
            out = capsysbinary.readouterr().out
    messages = [json.loads(line) for line in out.splitlines()]
    states = [m["value"] for m in messages if m["type"] == "STATE"]
    records = [m["record"] for m in messages if m["type"] == "RECORD"]
    for bookmark in states[-1]["bookmarks"].values() if states else ():
        del bookmark["instance"]  # the next server has another port
    return records, states[-1] if states else {}


@pytest.mark.parametrize("modified", [MOMENT, ""])
def test_a_row_that_comes_again_under_another_id_is_an_error_before_it_is_doubled(
    capsysbinary: pytest.CaptureFixture[bytes], modified: str
) -> None:
    names = "ABCDE"
    first, state = read(capsysbinary, rows_of("one", *names, modified=modified))
    assert len(first) == 5
    says = r"^Account: the record that had the id one-\d in the last run has come again"
    with pytest.raises(StreamError, match=says):
        read(capsysbinary, rows_of("two", *names, modified=modified), state)
    assert not capsysbinary.readouterr().out
    again, later = read(capsysbinary, rows_of("one", *names, modified=modified), state)
    assert again
    assert later == state


def test_rows_that_have_changed_or_gone_are_no_error_while_one_id_stays(
    capsysbinary: pytest.CaptureFixture[bytes], caplog: pytest.LogCaptureFixture
) -> None:
    _, state = read(capsysbinary, rows_of("one", "A", "B", "C"))
    later = rows_of("one", "A", "B changed", modified="2026-03-0{}T10:00:00Z")
    records, state = read(capsysbinary, later, state)
    assert len(records) == 2
    assert "is found any more" not in caplog.text
    read(capsysbinary, rows_of("two", "D"), state)
    assert (
        "Account: no record of the last run that was looked for is found" in caplog.text
    )


def test_an_id_that_cannot_be_asked_for_is_one_that_is_not_found(
    capsysbinary: pytest.CaptureFixture[bytes],
) -> None:
    """A server need not answer 404 to an id of another session."""
    _, state = read(capsysbinary, rows_of("one", "A"))
    with (
        serving(Account=rows_of("two", "A"), **{"one-1": (500, {})}) as server,
        pytest.raises(StreamError, match="new with each session"),
    ):
        sync(server, state, entities=[{"entity": "Account", "stream": "gl_accounts"}])
    assert len(server.bodies["one-1"]) == 1


@pytest.mark.parametrize(
    "kept", [1, [], {}, {"entity": "Account"}, {"entity": "Account", "rows": [{}]}]
)
def test_samples_that_somebody_has_edited_are_named(kept: Any) -> None:
    state = {"bookmarks": {"gl_accounts": {"samples": kept}}}
    entities = [{"entity": "Account", "stream": "gl_accounts"}]
    with (
        serving(Account=[]) as server,
        pytest.raises(AcumaticaError, match="Account: the samples in the state"),
    ):
        sync(server, state, entities=entities)


def test_the_sandboxes_rows_without_a_note_id_are_found_out(
    run_tap: RunTap, ledgers: set[str]
) -> None:
    assert ledgers
    entities = [{"entity": "Ledger"}, {"entity": "Subaccount"}]
    first = run_tap("ledger", "subaccount", entities=entities)
    assert first.exit_code == 0, first.log
    second = run_tap("ledger", "subaccount", entities=entities, state=first.state)
    assert second.exit_code == 1
    assert not second.of_type("RECORD")
    assert {line.partition(":")[0] for line in second.errors} >= {
        "ledger is left out",
        "subaccount is left out",
    }
