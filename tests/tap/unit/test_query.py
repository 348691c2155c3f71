"""The query syntax of contract versions 4 and 5."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from urllib.parse import parse_qs

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tap_acumatica import query
from tap_acumatica.contract import CONTRACTS, Contract
from tap_acumatica.projection import Shape
from tap_acumatica.windows import Window

MOMENT = datetime(2024, 7, 15, 10, 31, 28, 402_999, timezone(timedelta(hours=3)))


CONTACT = Shape(("Email",), ("Contact.UsrX",), {"Address": Shape(("City",))})
WHOLE = Shape(
    ("Type", "Date"),
    ("Document.UsrCode", "Document.AttributeA"),
    {"Details": Shape(("Amount",), ("Lines.UsrRate",)), "MainContact": CONTACT},
)
PART = replace(WHOLE, complete=False)
BELOW = Shape(
    ("Type",),
    (),
    {"Details": Shape(("A",)), "Main": replace(CONTACT, custom=(), complete=False)},
)

OWN = replace(CONTACT, fields=(), complete=False)
"""A linked object of whose members no field with one value is selected."""


@pytest.mark.parametrize(
    ("contract", "literal"),
    [
        (CONTRACTS[4], "datetimeoffset'2024-07-15T10:31:28.402+03:00'"),
        (CONTRACTS[5], "2024-07-15T10:31:28.402+03:00"),
    ],
)
def test_a_literal_keeps_offset_and_milliseconds(
    contract: Contract, literal: str
) -> None:
    assert contract.date_time_literal(MOMENT) == literal


@pytest.mark.parametrize("contract", CONTRACTS.values())
def test_a_filter_asks_for_equal_timestamps_too(contract: Contract) -> None:
    """Mistake 5 of other clients: ``gt`` loses rows of the same instant."""
    condition = query.within("LastModifiedDateTime", Window(MOMENT), contract)
    assert condition is not None
    assert condition.startswith("LastModifiedDateTime ge ")


@pytest.mark.parametrize("contract", CONTRACTS.values())
def test_windows_that_follow_one_another_leave_no_gap(contract: Contract) -> None:
    first = query.within("Changed", Window(None, MOMENT), contract)
    second = query.within("Changed", Window(MOMENT, MOMENT), contract)
    literal = contract.date_time_literal(MOMENT)
    assert first == f"Changed lt {literal}"
    assert second == f"Changed ge {literal} and Changed lt {literal}"


def test_an_open_window_needs_no_filter() -> None:
    assert query.within("Changed", Window(), CONTRACTS[4]) is None


def test_plus_and_colon_of_a_literal_are_encoded() -> None:
    """Mistake 6 of other clients: an unencoded plus sign becomes a space."""
    condition = query.within("Changed", Window(MOMENT), CONTRACTS[4]) or ""
    assert query.encode({"$filter": condition}) == (
        "$filter=Changed%20ge%20datetimeoffset%272024-07-15T10%3A31%3A28.402%2B03%3A00%27"
    )


EXPAND_4 = "Details,MainContact,MainContact/Address"
EXPAND_5 = "Details,MainContact($expand=Address)"
CUSTOM = (
    "Document.UsrCode,Document.AttributeA,Details/Lines.UsrRate,"
    "MainContact/Contact.UsrX"
)
SELECT = "Type,Date,Details,MainContact"


@pytest.mark.parametrize(
    ("shape", "contract", "asked"),
    [
        (Shape(("Type",)), 4, {}),
        (Shape(("Type",)), 5, {}),
        (WHOLE, 4, {"$expand": EXPAND_4, "$custom": CUSTOM}),
        (WHOLE, 5, {"$expand": EXPAND_5, "$select": f"{SELECT},{CUSTOM}"}),
        (PART, 4, {"$expand": EXPAND_4, "$custom": CUSTOM, "$select": SELECT}),
        (PART, 5, {"$expand": EXPAND_5, "$select": f"{SELECT},{CUSTOM}"}),
        (
            BELOW,
            4,
            {
                "$expand": "Details,Main,Main/Address",
                "$select": "Type,Details,Main/Email,Main/Address",
            },
        ),
        (
            replace(BELOW, nested={"Main": OWN}),
            4,
            {
                "$expand": "Main,Main/Address",
                "$custom": "Main/Contact.UsrX",
                "$select": "Type,Main",
            },
        ),
        (
            replace(BELOW, nested={"Main": replace(OWN, nested={})}),
            5,
            {"$expand": "Main", "$select": "Type,Main,Main/Contact.UsrX"},
        ),
    ],
)
def test_what_is_asked_for_is_written_as_the_contract_wants_it(
    shape: Shape, contract: int, asked: dict[str, str]
) -> None:
    """Mistake 11 of other clients: ``$select`` without the names that are expanded."""
    assert query.members(shape, CONTRACTS[contract], select=True) == asked


def test_a_query_is_no_longer_than_it_must_be() -> None:
    parameters = query.members(WHOLE, CONTRACTS[5], select=True)
    encoded = query.encode(parameters)
    assert "%2C" not in encoded
    assert parse_qs(encoded) == {name: [text] for name, text in parameters.items()}


def test_without_select_only_custom_fields_of_contract_5_are_named() -> None:
    assert "$select" not in query.members(PART, CONTRACTS[4], select=False)
    bare = replace(PART, custom=(), nested={})
    assert query.members(bare, CONTRACTS[5], select=False) == {}
    assert "$select" in query.members(PART, CONTRACTS[5], select=False)


def test_a_long_selection_takes_nested_entities_as_a_whole() -> None:
    below = Shape(tuple(f"Field{n:04}" for n in range(150)), complete=False)
    shape = Shape(("Type",), (), {"Main": below}, complete=False)
    assert query.members(shape, CONTRACTS[4], select=True)["$select"] == "Type,Main"
    assert "$select" not in query.members(
        replace(shape, complete=True), CONTRACTS[4], select=True
    )


def test_a_selection_too_long_for_a_web_server_is_left_out() -> None:
    many = Shape(tuple(f"Field{n:04}" for n in range(200)), complete=False)
    assert query.members(many, CONTRACTS[4], select=True) == {}


@pytest.mark.parametrize("value", ["Köln & Co", "a+b", "50%", "O'Neill", "#1"])
def test_parameters_arrive_as_they_were(value: str) -> None:
    assert parse_qs(query.encode({"$filter": value})) == {"$filter": [value]}


@given(
    st.datetimes(
        min_value=datetime(1900, 1, 2),  # noqa: DTZ001 - Hypothesis adds the zone
        max_value=datetime(9998, 12, 30),  # noqa: DTZ001 - as above
        timezones=st.timezones(),
    )
)
def test_a_literal_never_lies_after_its_moment(moment: datetime) -> None:
    """Cutting must go down: a literal after the moment would skip rows."""
    text = CONTRACTS[5].date_time_literal(moment.astimezone(UTC))
    cut = moment - datetime.fromisoformat(text)
    assert timedelta(0) <= cut < timedelta(milliseconds=1)
