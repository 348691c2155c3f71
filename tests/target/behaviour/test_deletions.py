"""ACTIVATE_VERSION marks what a complete reading of the source has not shown."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.target.conftest import Warehouse

SCHEMA = {
    "type": "SCHEMA",
    "stream": "bill",
    "schema": {"type": "object", "properties": {"id": {"type": "string"}}},
    "key_properties": ["id"],
}
STATE = {"type": "STATE", "value": {"bookmarks": {}}}
EARLY, MIDDLE, LATE = (f"2026-01-0{day}T00:00:00Z" for day in (1, 2, 3))


def bill(id_: str, extracted: str, version: int | None = None) -> dict[str, Any]:
    message = {
        "type": "RECORD",
        "stream": "bill",
        "record": {"id": id_},
        "time_extracted": extracted,
    }
    return message if version is None else {**message, "version": version}


def activate(version: int) -> dict[str, Any]:
    return {"type": "ACTIVATE_VERSION", "stream": "bill", "version": version}


def alive(warehouse: Warehouse) -> list[str]:
    rows = warehouse.rows('"ID", "_SDC_DELETED_AT" IS NULL')
    return [id_ for id_, is_alive in rows if is_alive]


def test_rows_that_a_version_has_not_shown_are_marked(warehouse: Warehouse) -> None:
    warehouse.loaded(SCHEMA, *(bill(id_, EARLY, 1) for id_ in "abc"), activate(1))
    assert alive(warehouse) == ["a", "b", "c"]

    shown = [bill(id_, MIDDLE, 2) for id_ in "ab"]
    run = warehouse.loaded(SCHEMA, *shown, activate(2))

    assert "Marked 1 rows of bill as deleted" in run.log
    assert alive(warehouse) == ["a", "b"]
    assert len(warehouse.rows('"ID"')) == 3


def test_rows_without_a_version_are_marked_too(warehouse: Warehouse) -> None:
    warehouse.loaded(SCHEMA, bill("a", EARLY), bill("b", EARLY))
    warehouse.loaded(SCHEMA, bill("a", MIDDLE, 2), activate(2))
    assert alive(warehouse) == ["a"]


def test_an_increment_of_the_same_version_marks_nothing(warehouse: Warehouse) -> None:
    warehouse.loaded(SCHEMA, bill("a", EARLY, 1), bill("b", EARLY, 1), activate(1))
    run = warehouse.loaded(SCHEMA, bill("a", MIDDLE, 1), activate(1))
    assert "Marked 0 rows" in run.log
    assert alive(warehouse) == ["a", "b"]


def test_a_row_that_comes_back_is_alive_again(warehouse: Warehouse) -> None:
    warehouse.loaded(SCHEMA, bill("a", EARLY, 1), bill("b", EARLY, 1), activate(1))
    warehouse.loaded(SCHEMA, bill("a", MIDDLE, 2), activate(2))
    warehouse.loaded(SCHEMA, bill("b", LATE))
    assert alive(warehouse) == ["a", "b"]


def test_what_was_observed_after_the_first_record_stays(warehouse: Warehouse) -> None:
    """MeltanoLabs#229, sdk#2103: ACTIVATE_VERSION wiped current rows.

    A nightly run may overlap a full refresh without harm.
    """
    warehouse.loaded(SCHEMA, bill("old", EARLY))
    warehouse.loaded(
        SCHEMA,
        bill("a", MIDDLE, 2),
        bill("beside", LATE),
        bill("b", LATE, 2),
        activate(2),
    )
    assert alive(warehouse) == ["a", "b", "beside"]


def test_activating_twice_changes_nothing(warehouse: Warehouse) -> None:
    warehouse.loaded(SCHEMA, bill("old", EARLY))
    messages = [SCHEMA, bill("a", MIDDLE, 2), activate(2), activate(2)]
    run = warehouse.loaded(*messages)
    assert "Marked 1 rows" in run.log
    assert "Marked 0 rows" in run.log
    assert alive(warehouse) == ["a"]


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({}, "no record of it has come"),
        ({"add_record_metadata": False}, "metadata is off"),
    ],
)
def test_a_version_that_cannot_be_activated_marks_nothing(
    warehouse: Warehouse, settings: dict[str, Any], says: str
) -> None:
    warehouse.loaded(SCHEMA, bill("a", EARLY), **settings)
    early = [] if not settings else [bill("b", MIDDLE, 7)]
    run = warehouse.loaded(SCHEMA, *early, activate(7), **settings)
    assert says in run.log
    assert "Marked" not in run.log


def test_the_setting_switches_it_off(warehouse: Warehouse) -> None:
    warehouse.loaded(SCHEMA, bill("old", EARLY))
    warehouse.loaded(
        SCHEMA,
        bill("a", MIDDLE, 2),
        activate(2),
        process_activate_version_messages=False,
    )
    assert alive(warehouse) == ["a", "old"]


def test_a_mark_that_fails_passes_no_state_on(warehouse: Warehouse) -> None:
    warehouse.loaded(SCHEMA, bill("old", EARLY))
    warehouse.admin.fault("error", contains="UPDATE", code="000603", sql_state="XX000")
    run = warehouse.load(SCHEMA, bill("a", MIDDLE, 2), activate(2), STATE)
    assert run.code == 1
    assert not run.states
    warehouse.loaded(SCHEMA, bill("a", LATE, 3), activate(3))
    assert alive(warehouse) == ["a"]


def test_a_row_that_comes_again_without_metadata_is_back(warehouse: Warehouse) -> None:
    warehouse.loaded(SCHEMA, *(bill(id_, EARLY, 1) for id_ in "ab"), activate(1))
    warehouse.loaded(SCHEMA, bill("a", MIDDLE, 2), activate(2))
    assert alive(warehouse) == ["a"]

    warehouse.loaded(SCHEMA, bill("b", LATE), add_record_metadata=False)

    assert alive(warehouse) == ["a", "b"]


def test_when_a_record_was_deleted_need_not_be_in_the_schema(
    warehouse: Warehouse,
) -> None:
    gone = bill("a", EARLY)
    gone["record"]["_sdc_deleted_at"] = EARLY
    run = warehouse.loaded(SCHEMA, gone, bill("b", EARLY))
    assert alive(warehouse) == ["b"]
    assert "is not loaded" not in run.log


def test_one_property_says_when_a_record_was_deleted(warehouse: Warehouse) -> None:
    names = ("_sdc_deleted_at", "_SDC_DELETED_AT")
    properties = {name: {"type": "string"} for name in ("id", *names)}
    refusal = warehouse.load({**SCHEMA, "schema": {"properties": properties}}).refusal()
    assert f"properties {names[0]} and {names[1]} both belong into" in refusal
