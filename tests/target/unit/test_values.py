from __future__ import annotations

import json
import math
from decimal import Context, Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from target_snowflake_merge.errors import ValueRefusedError
from target_snowflake_merge.schema import values
from target_snowflake_merge.schema.kinds import ColumnType, Kind, converter

NUMBER = converter(ColumnType(Kind.NUMBER, scale=9))
INTEGER = converter(ColumnType(Kind.NUMBER))


@pytest.mark.parametrize(
    ("value", "sent"),
    [
        (0, 0),
        (-7, -7),
        (2**53, "9007199254740992"),
        (Decimal("1.10"), "1.10"),
        (Decimal("1E-7"), "0.0000001"),
        (Decimal("1E+3"), "1000"),
        (Decimal("0E-30"), "0"),
        (Decimal("1.0000000000000"), "1.0000000000000"),
        (Decimal("0.123456789"), "0.123456789"),
        (0.1, "0.1"),
        (1e-7, "0.0000001"),
        (
            Decimal("12345678901234567890123456789.123456789"),
            "12345678901234567890123456789.123456789",
        ),
        ("12.50", "12.50"),
        (" +1.5e3 ", "1500"),
    ],
)
def test_numbers_keep_their_digits(value: object, sent: object) -> None:
    assert NUMBER(value) == sent


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (Decimal("0.1234567891"), "more than 9 digits after the point"),
        (Decimal("1E-999999999"), "more than 9 digits after the point"),
        (Decimal("1E+999999"), "more than 29 digits before the point"),
        (10**29, "more than 29 digits before the point"),
        (Decimal("NaN"), "not a finite number"),
        (Decimal("-Infinity"), "not a finite number"),
        (math.nan, "not a finite number"),
        (True, "not a number"),
        ("twelve", "not a number"),
        ("1_000", "not a number"),
        ("\uff11\uff12", "not a number"),
        ("NaN", "not a number"),
        ("1e99999999999999999999", "not a number"),
        ({}, "not a number"),
    ],
)
def test_numbers_that_would_change_are_refused(value: object, reason: str) -> None:
    with pytest.raises(ValueRefusedError, match=reason):
        NUMBER(value)


def test_integers() -> None:
    assert INTEGER(Decimal("5.0")) == "5.0"
    assert INTEGER(10**38 - 1) == "9" * 38
    with pytest.raises(ValueRefusedError, match="more than 0 digits after the point"):
        INTEGER(Decimal("5.5"))
    with pytest.raises(ValueRefusedError, match="more than 38 digits before"):
        INTEGER(10**38)


@given(st.decimals(allow_nan=False, allow_infinity=False))
def test_a_number_is_sent_exactly_or_refused(value: Decimal) -> None:
    try:
        sent = NUMBER(value)
    except ValueRefusedError:
        exponent = int(Context(prec=1_000).normalize(value).as_tuple().exponent)
        assert exponent < -9 or value.adjusted() >= 29
    else:
        assert Decimal(sent) == value
        assert "E" not in sent


def test_texts_and_booleans() -> None:
    text = converter(ColumnType(Kind.VARCHAR, length=5))
    boolean = converter(ColumnType(Kind.BOOLEAN))

    assert text("äöü€😀") == "äöü€😀"
    assert text(12) == "12"
    assert text([1]) == "[1]"
    assert [boolean(value) for value in (True, False)] == [True, False]
    with pytest.raises(ValueRefusedError, match="6 characters, and the column holds 5"):
        text("123456")
    with pytest.raises(ValueRefusedError, match="half of a surrogate pair"):
        text("\ud800")
    with pytest.raises(ValueRefusedError, match="neither true nor false"):
        boolean("yes")


@pytest.mark.parametrize(
    ("value", "json_text"),
    [
        ([{"a": Decimal("1.10")}], '[{"a":1.10}]'),
        ({"a": Decimal("1E-7")}, '{"a":0.0000001}'),
        ({"a": [Decimal("1E+3"), None, True]}, '{"a":[1000,null,true]}'),
        ({"a": 10**37}, '{"a":' + "1" + "0" * 37 + "}"),
        (Decimal("1E-50"), "1e-50"),
        ("1E5 NaN", '"1E5 NaN"'),
        ({"a\nb": 'x"y'}, '{"a\\nb":"x\\"y"}'),
    ],
)
def test_variants_keep_their_digits(value: object, json_text: str) -> None:
    assert bytes(values.variant(value)).decode() == json_text


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ({"a": Decimal("NaN")}, "not finite"),
        ([Decimal("Infinity")], "not finite"),
        ([10**40 + 1], "more than 38 digits"),
        ([Decimal("1E+400")], "more than 38 digits"),
        ([Decimal("1." + "1" * 40)], "more than 38 digits"),
        ([Decimal("1" * 20 + "." + "1" * 19)], "more than 38 digits"),
        ({"a": "\udfff"}, "half of a surrogate pair"),
        ([{"a": {"b\0": 1}}], "a NUL character in a name"),
    ],
)
def test_variants_that_would_change_are_refused(value: object, reason: str) -> None:
    with pytest.raises(ValueRefusedError, match=reason):
        values.variant(value)


NESTED = converter(ColumnType(Kind.VARIANT), Kind.VARIANT)
OTHER = ("", "x", "null", "1", '"[]"', "[x]", "{draft}", "[NaN]", "[1]2", "[" * 9999)


@pytest.mark.parametrize(
    ("value", "sent"),
    [
        ("[]", "[]"),
        (
            ' {"a": [1.10, 12345678901234567890.5]}',
            '{"a":[1.10,12345678901234567890.5]}',
        ),
        ({"a": "[]"}, '{"a":"[]"}'),
        *((text, json.dumps(text)) for text in OTHER),
        ('["\\ud800"]', json.dumps('["\\ud800"]')),
    ],
)
def test_objects_and_arrays_may_be_json_in_texts(value: object, sent: str) -> None:
    assert bytes(NESTED(value)).decode() == sent


def test_json_that_would_change_is_refused() -> None:
    with pytest.raises(ValueRefusedError, match="a name that stands twice"):
        NESTED('{"a": 1, "a": 2}')
    with pytest.raises(ValueRefusedError, match="half of a surrogate pair"):
        NESTED('["\ud800"]')


names = st.text().filter(lambda text: "\0" not in text)
json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(min_value=-(10**38) + 1, max_value=10**38 - 1)
    | st.decimals(min_value=-(10**9), max_value=10**9, places=9)
    | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(names, inner),
    max_leaves=10,
)


@given(json_values)
def test_any_json_survives(value: object) -> None:
    text = bytes(values.variant(value)).decode()

    assert json.loads(text, parse_float=Decimal) == value
