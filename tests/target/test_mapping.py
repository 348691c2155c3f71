"""Expressions of stream_maps compute as exactly as columns hold."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

import pytest
from target_snowflake_merge.mapping import quotient

if TYPE_CHECKING:
    from tests.target.conftest import Warehouse

LARGE = "12345678901234567890123456789.123456789"
TRIPLE = "37037036703703703670370370367.370370367"
CENTS = 12345678901234567891
THIRD = f"0.{'3' * 28}"


def test_expressions_round_nothing(warehouse: Warehouse) -> None:
    """Python's own decimals have 28 digits, and even -x is rounded to them."""
    maps = {
        "negative": "-amount",
        "total": "amount + 0",
        "triple": "amount * 3",
        "tenth": "amount * 10 / 10",
        "third": "str(amount / amount / 3)",
        "money": "cents / 100",
    }
    numbers = {n: {"type": "number"} for n in ("id", "amount", "cents", *maps)}
    schema = {
        "type": "SCHEMA",
        "stream": "bill",
        "schema": {"properties": {**numbers, "third": {"type": "string"}}},
        "key_properties": ["id"],
    }
    record = f'{{"id": 1, "amount": {LARGE}, "cents": {CENTS}}}'
    bill = f'{{"type": "RECORD", "stream": "bill", "record": {record}}}\n'

    warehouse.loaded(schema, bill, stream_maps={"bill": maps})

    assert warehouse.rows("NEGATIVE, TOTAL, TRIPLE, TENTH, THIRD, MONEY") == [
        [f"-{LARGE}", LARGE, TRIPLE, LARGE, THIRD, "123456789012345678.910000000"]
    ]


@pytest.mark.parametrize(
    ("dividend", "divisor", "expected"),
    [
        (Decimal(LARGE), 1000, "12345678901234567890123456.789123456789"),
        (Decimal("7.50"), Decimal(2), "3.75"),
        (Decimal(1), 3, THIRD),
        (1, 4, "0.25"),
        (1, 3, THIRD),
        (CENTS, 100, "123456789012345678.91"),
    ],
)
def test_a_quotient_is_exact_or_as_usual(
    dividend: Decimal | int, divisor: Decimal | int, expected: str
) -> None:
    result = quotient(dividend, divisor)

    assert type(result) is Decimal
    assert str(result) == expected
