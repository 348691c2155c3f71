"""No digit is lost between the server and the target."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tap_acumatica import exact_json


@pytest.mark.parametrize(
    ("sent", "written"),
    [
        (b"1234.5000", b"1234.5000"),
        (b"0.0000001", b"0.0000001"),
        (b"1E-7", b"0.0000001"),
        (b"1.5e3", b"1500"),
        (b"123456789012345.6789", b"123456789012345.6789"),
        (b"-0.00", b"-0.00"),
        (b"17", b"17"),
        (b"9223372036854775808", b"9223372036854775808"),
    ],
)
def test_a_number_keeps_its_digits_in_plain_notation(
    sent: bytes, written: bytes
) -> None:
    assert exact_json.encode(exact_json.decode(sent)) == written


@pytest.mark.parametrize(
    ("computed", "written"),
    [
        (Decimal("1E-10"), b"0.0000000001"),
        (Decimal("1E+3"), b"1000"),
        ({"a": [Decimal("-2.5E-8")], "b": "1E-5"}, b'{"a":[-0.000000025],"b":"1E-5"}'),
    ],
)
def test_a_number_that_was_computed_is_written_plainly(
    computed: Any, written: bytes
) -> None:
    """Arithmetic of a stream map gives no numbers of the wire."""
    assert exact_json.encode(computed) == written


@given(st.decimals(allow_nan=False, allow_infinity=False, places=9))
def test_every_decimal_arrives_exactly(number: Decimal) -> None:
    text = format(number, "f").encode()
    assert exact_json.encode(exact_json.decode(text)) == text
