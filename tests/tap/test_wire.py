"""No digit is lost between the server and the target."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tap_acumatica import wire

if TYPE_CHECKING:
    from decimal import Decimal


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
    assert wire.encode(wire.decode(sent)) == written


@given(st.decimals(allow_nan=False, allow_infinity=False, places=9))
def test_every_decimal_arrives_exactly(number: Decimal) -> None:
    text = format(number, "f").encode()
    assert wire.encode(wire.decode(text)) == text
