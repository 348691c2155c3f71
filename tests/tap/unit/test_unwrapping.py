"""Unwrapping, by table and by property."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tap_acumatica.unwrapping import FieldError, Unwrapper

ID = "7d2f0f0e-3f1b-4a3e-9a53-0a8d3c5e7f10"


def unwrapped(record: dict[str, Any], *, trim: bool = True) -> dict[str, Any]:
    return Unwrapper(trim=trim).record(record)


@pytest.mark.parametrize(
    ("wrapped", "plain"),
    [
        ({"value": "Open"}, "Open"),
        ({}, None),
        ({"value": 0}, 0),
        ({"value": False}, False),
        ({"value": ""}, ""),
        ({"value": None}, None),
        ({"value": Decimal("0.0000")}, Decimal("0.0000")),
        ({"value": "2025-03-14T00:00:00-04:00"}, "2025-03-14T00:00:00-04:00"),
        ({"value": "V0001     "}, "V0001"),
        ({"value": "  indented"}, "  indented"),
        ({"error": "Vendor is on hold"}, None),
        ([], []),
        ([{}], [{}]),
        (["a ", 1], ["a", 1]),
        ([[{"id": ID, "Qty": {"value": 2}}]], [[{"Qty": 2}]]),
        (
            [
                {
                    "id": ID,
                    "rowNumber": 1,
                    "Qty": {"value": 2},
                    "files": [],
                    "_links": {},
                }
            ],
            [{"rowNumber": 1, "Qty": 2}],
        ),
        ({"id": ID, "rowNumber": 1, "City": {}}, {"City": None}),
        (
            {"id": ID, "Address": {"id": ID, "City": {"value": "Köln"}}},
            {"Address": {"City": "Köln"}},
        ),
    ],
)
def test_a_field_loses_its_wrapper_and_nothing_else(wrapped: Any, plain: Any) -> None:
    assert unwrapped({"Field": wrapped}) == {"Field": plain}


def test_false_stays_false_and_zero_stays_zero() -> None:
    """Mistake 7 of other clients: empty, 0 and false taken for one another."""
    record = unwrapped({"Hold": {"value": False}, "Amount": {"value": 0}})
    assert record["Hold"] is False
    assert record["Amount"] == 0
    assert type(record["Amount"]) is int


def test_members_that_change_without_the_record_are_dropped() -> None:
    record = {
        "id": ID,
        "rowNumber": 17,
        "_links": {"self": "/entity/…"},
        "files": [{"id": ID}],
        "Type": {"value": "Bill"},
    }
    assert unwrapped(record) == {"id": ID, "Type": "Bill"}


@pytest.mark.parametrize("note", [{"value": "call first"}, "call first"])
def test_note_is_text_in_both_shapes(note: Any) -> None:
    assert unwrapped({"note": note}) == {"note": "call first"}


def test_custom_fields_keep_their_views() -> None:
    custom = {"Item": {"UsrRegion": {"type": "CustomStringField", "value": "EMEA "}}}
    assert unwrapped({"custom": custom}) == {"custom": {"Item": {"UsrRegion": "EMEA"}}}


def test_an_empty_custom_field_is_null() -> None:
    custom = {"Item": {"UsrRegion": {"type": "CustomStringField"}, "UsrSize": {}}}
    assert unwrapped({"Details": [{"custom": custom}]}) == {
        "Details": [{"custom": {"Item": {"UsrRegion": None, "UsrSize": None}}}]
    }


@pytest.mark.parametrize("view", [None, []])
def test_a_view_that_is_no_object_is_null(view: Any) -> None:
    assert unwrapped({"custom": {"Item": view, "Line": {}}}) == {
        "custom": {"Item": None, "Line": {}}
    }


def test_an_empty_custom_member_stays_an_object() -> None:
    assert unwrapped({"custom": {}}) == {"custom": {}}


OPEN = {"id": "N", "description": "Open  "}
HELD = {"id": "H", "description": "On Hold"}


@pytest.mark.parametrize(
    ("value", "fields"),
    [
        ({"value": OPEN}, {"Status": "Open", "Status_id": "N"}),
        (
            {"value": {"id": 60, "description": "1 h"}},
            {"Status": "1 h", "Status_id": 60},
        ),
        ({"value": {"id": 0, "description": ""}}, {"Status": "", "Status_id": 0}),
        ({"value": {"id": "N"}}, {"Status": None, "Status_id": "N"}),
        ({"value": {"description": "Open"}}, {"Status": "Open", "Status_id": None}),
        ({"value": {**OPEN, "order": 1}}, {"Status": "Open", "Status_id": "N"}),
        (
            {"value": [{"id": "N"}, HELD]},
            {"Status": [None, "On Hold"], "Status_id": ["N", "H"]},
        ),
        (
            {"value": [OPEN, HELD]},
            {"Status": ["Open", "On Hold"], "Status_id": ["N", "H"]},
        ),
        (
            {"value": [OPEN, None]},
            {"Status": ["Open", None], "Status_id": ["N", None]},
        ),
        (
            {"value": [None, HELD]},
            {"Status": [None, "On Hold"], "Status_id": [None, "H"]},
        ),
        ({"value": []}, {"Status": [], "Status_id": []}),
        ({"value": ["a ", None]}, {"Status": ["a", None]}),
        ({}, {"Status": None}),
    ],
    ids=str,
)
def test_a_drop_down_gives_its_description_and_its_id(
    value: dict[str, Any], fields: dict[str, Any]
) -> None:
    """Mistake 18 of other clients: contract 5's drop-downs; here at every level."""
    assert unwrapped({"Status": value}) == fields
    assert unwrapped({"Details": [{"Status": value}]}) == {"Details": [fields]}
    assert unwrapped({"Contact": {"Name": {}, "Status": value}}) == {
        "Contact": {"Name": None, **fields}
    }
    custom = {"View": {"Status": {"type": "CustomStringField", **value}}}
    assert unwrapped({"custom": custom}) == {"custom": {"View": fields}}


def test_trailing_spaces_stay_when_they_are_wanted() -> None:
    assert unwrapped({"Key": {"value": "V1  "}}, trim=False) == {"Key": "V1  "}


def test_errors_of_records_lines_and_fields_are_named() -> None:
    unwrapper = Unwrapper(trim=True)
    record = unwrapper.record(
        {
            "error": "The record raised at least one error.",
            "Vendor": {"value": "V1", "error": "Vendor is on hold"},
            "Details": [{"Account": {}}, {"Account": {"error": "no such account"}}],
        }
    )
    assert unwrapper.errors == [
        FieldError("", "The record raised at least one error."),
        FieldError("Vendor", "Vendor is on hold"),
        FieldError("Details/1/Account", "no such account"),
    ]
    assert record == {"Vendor": "V1", "Details": [{"Account": None}, {"Account": None}]}


scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.text().map(lambda text: text.rstrip(" "))
    | st.decimals(allow_nan=False, allow_infinity=False)
)
names = st.text(alphabet="ABCDEFGHIJ", min_size=1, max_size=3)
plain_records = st.recursive(
    st.dictionaries(names, scalars, min_size=1),
    lambda children: st.dictionaries(
        names, scalars | children | st.lists(children, max_size=3), min_size=1
    ),
    max_leaves=20,
)


def wrap(value: Any) -> Any:
    """Write a plain value as the server does."""
    if isinstance(value, dict):
        members = {name: wrap(member) for name, member in value.items()}
        return {"id": ID, **members}
    if isinstance(value, list):
        return [wrap(line) for line in value]
    return {} if value is None else {"value": value}


@given(plain_records)
def test_unwrapping_undoes_the_wrapping(plain: dict[str, Any]) -> None:
    assert unwrapped(wrap(plain)) == {"id": ID, **plain}
