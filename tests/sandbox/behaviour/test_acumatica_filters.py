from __future__ import annotations

import contextlib
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sandbox.acumatica.api import errors
from sandbox.acumatica.api.errors import AnswerError
from sandbox.acumatica.api.filters import ODATA_3, OPERATORS, compile_filter
from sandbox.acumatica.model.endpoints import READABLE, load_endpoints

ENTITIES = load_endpoints()["Default", "24.200.001"].entities
ROW = {
    "Type": "Bill",
    "ReferenceNbr": "O'Brien 7 ",
    "LastModifiedDateTime": "2025-03-14T10:31:28.402-04:00",
    "Amount": 5,
}


def matches(text: str, fields: dict[str, Any] = ROW, entity: str = "Bill") -> bool:
    return compile_filter(text, ODATA_3, ENTITIES[entity], READABLE[entity])(fields)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Type eq 'Bill'", True),
        ("Type ne 'Bill'", False),
        ("Type eq 'bill'", False),
        ("ReferenceNbr eq 'O''Brien 7'", True),
        ("ReferenceNbr eq 'O''Brien 7   '", True),
        ("ReferenceNbr gt 'A' and ReferenceNbr lt 'Z'", True),
        ("Type eq 'x' or Type eq 'Bill' and ReferenceNbr eq 'y'", False),
        ("(Type eq 'Bill' or Type eq 'x') and ReferenceNbr ge 'O'", True),
        ("substringof('Brien', ReferenceNbr)", True),
        ("substringof('brienne',ReferenceNbr)", False),
        ("LastModifiedDateTime gt datetimeoffset'2025-03-14T14:31:28.401Z'", True),
        ("LastModifiedDateTime gt datetimeoffset'2025-03-14T14:31:28.402Z'", False),
        ("LastModifiedDateTime ge datetimeoffset'2025-03-14T16:31:28.402+02:00'", True),
        ("LastModifiedDateTime eq datetimeoffset'2025-03-14T14:31:28.4020000Z'", True),
        ("LastModifiedDateTime ge date'2025-03-14'", True),
        ("LastModifiedDateTime lt date'2025-03-14'", False),
    ],
)
def test_a_filter_selects_what_it_says(text: str, *, expected: bool) -> None:
    assert matches(text) is expected


def test_a_date_begins_at_midnight_in_the_tenants_zone() -> None:
    evening = {"LastModifiedDateTime": "2025-03-13T23:30:00.000-04:00"}
    assert not matches("LastModifiedDateTime ge date'2025-03-14'", evening)


@pytest.mark.parametrize("operation", sorted(OPERATORS))
def test_an_empty_time_matches_no_filter(operation: str) -> None:
    text = f"LastModifiedDateTime {operation} date'2025-03-14'"
    assert not matches(text, {"LastModifiedDateTime": None})


@pytest.mark.parametrize(
    "text",
    [
        "Type eq",
        "Type = 'Bill'",
        "eq 'Bill'",
        "'Bill' eq Type",
        "Type eq 'Bill",
        "Type eq 'it's'",
        "Type eq Bill",
        "Type eq 'Bill' and",
        "Type eq 'Bill' ReferenceNbr eq '1'",
        "(Type eq 'Bill'",
        "Type eq 'Bill')",
        "not Type eq 'Bill'",
        "Type in ('Bill')",
        "contains(Type, 'Bill')",
        "substringof('Bill', Type) eq true",
        "LastModifiedDateTime gt datetime'2025-03-14T00:00:00'",
        "LastModifiedDateTime gt datetimeoffset'2025-03-14T00:00:00 03:00'",
        "LastModifiedDateTime gt datetimeoffset'2025-03-14T00:00:00'",
        "LastModifiedDateTime gt datetimeoffset'2025-02-30T00:00:00Z'",
        "LastModifiedDateTime gt date'2025-03-14T00:00:00Z'",
        "LastModifiedDateTime gt 2025-03-14T00:00:00Z",
        "LastModifiedDateTime gt '2025-03-14'",
        "Type eq 5",
        "Type eq true",
        "Type eq guid'de0b2516-9168-47fe-9076-ded0a87d42c2'",
        "Type eq guid'de0b'",
        "(" * 200 + "Type eq 'Bill'" + ")" * 200,
    ],
)
def test_what_is_not_documented_is_refused(text: str) -> None:
    with pytest.raises(AnswerError) as caught:
        matches(text)
    assert caught.value.status == 500
    assert caught.value.exception is not None
    assert caught.value.exception[0] == errors.ODATA


@pytest.mark.parametrize(
    ("text", "exception"),
    [
        ("Amount gt 5", errors.OPTIMIZATION),
        ("Status eq 'Open'", errors.OPTIMIZATION),
        ("Details/Account eq '1'", errors.OPTIMIZATION),
        ("VendorID eq '1'", errors.KEY_NOT_FOUND),
    ],
)
def test_only_keys_and_the_time_of_change_can_be_filtered_on(
    text: str, exception: str
) -> None:
    with pytest.raises(AnswerError) as caught:
        matches(text)
    assert caught.value.body()["exceptionType"] == exception


def test_text_filters_on_purchase_orders_find_nothing() -> None:
    assert not matches("VendorID eq 'V1'", {"VendorID": "V1"}, "PurchaseOrder")
    assert matches("OrderNbr eq 'PO1'", {"OrderNbr": "PO1"}, "PurchaseOrder")


LETTERS = st.text("ab' é", max_size=4)
OFFSETS = st.integers(-14 * 60, 14 * 60).map(lambda m: timezone(timedelta(minutes=m)))
INSTANTS = st.datetimes(
    min_value=datetime(2000, 1, 2),  # noqa: DTZ001 - Hypothesis adds the zone itself
    max_value=datetime(2040, 1, 1),  # noqa: DTZ001 - as above
    timezones=OFFSETS,
)


@given(LETTERS, LETTERS, st.sampled_from(sorted(OPERATORS)))
def test_texts_compare_without_their_trailing_spaces(
    held: str, asked: str, operation: str
) -> None:
    quoted = asked.replace("'", "''")
    expected = OPERATORS[operation](held.rstrip(), asked.rstrip())
    assert matches(f"Type {operation} '{quoted}'", {"Type": held}) == expected


@given(INSTANTS, INSTANTS, st.sampled_from(sorted(OPERATORS)))
def test_instants_compare_whatever_their_offsets(
    held: datetime, asked: datetime, operation: str
) -> None:
    text = f"LastModifiedDateTime {operation} datetimeoffset'{asked.isoformat()}'"
    row = {"LastModifiedDateTime": held.isoformat()}
    expected = OPERATORS[operation](held.astimezone(UTC), asked.astimezone(UTC))
    assert matches(text, row) == expected


CONDITIONS = st.recursive(
    st.sampled_from([("Type eq 'Bill'", True), ("Type eq 'x'", False)]),
    lambda inner: st.tuples(inner, st.sampled_from(["and", "or"]), inner).map(
        lambda parts: (
            f"({parts[0][0]} {parts[1]} {parts[2][0]})",
            (parts[0][1] and parts[2][1])
            if parts[1] == "and"
            else (parts[0][1] or parts[2][1]),
        )
    ),
    max_leaves=8,
)


@given(CONDITIONS)
def test_conditions_combine_as_logic_has_it(condition: tuple[str, bool]) -> None:
    text, expected = condition
    assert matches(text) is expected


@given(st.text("TypeBill '()andor eq0,/.-é", max_size=40))
def test_any_other_text_is_an_answer_and_never_a_crash(text: str) -> None:
    with contextlib.suppress(AnswerError):
        compile_filter(text, ODATA_3, ENTITIES["Bill"], READABLE["Bill"])
