"""Flattening loses no value of a record: it is loaded, or refused by its name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.target.conftest import Warehouse

FLAT = {"flattening_enabled": True, "flattening_max_depth": 2}
INTEGER = {"type": "integer"}
INNER = {"type": "object", "properties": {"x": INTEGER}}
OUTER = {"type": "object", "properties": {"q": INNER}}
LIST = {"type": "array"}


def schema(**properties: Any) -> dict[str, Any]:
    return {
        "type": "SCHEMA",
        "stream": "bill",
        "schema": {"properties": {"id": INTEGER, **properties}},
        "key_properties": ["id"],
    }


def record(**values: Any) -> dict[str, Any]:
    return {"type": "RECORD", "stream": "bill", "record": {"id": 7, **values}}


@pytest.mark.parametrize(
    ("described", "value", "said"),
    [
        (INNER, "text", "property p is no object as its schema says, but text,"),
        (INNER, [1], "property p is no object as its schema says, but [1],"),
        (OUTER, {"q": 5}, "property p.q is no object as its schema says, but 5,"),
        (LIST, [float("nan")], "property p holds a number that is not finite"),
        (LIST, ["\ud800"], "property p holds half of a surrogate pair"),
        ({}, {"a": [float("inf")]}, "property p holds a number that is not finite"),
    ],
)
def test_what_has_no_column_is_refused(
    warehouse: Warehouse, described: dict[str, Any], value: Any, said: str
) -> None:
    run = warehouse.load(schema(p=described), record(p=value), **FLAT)
    assert run.refusal().startswith(f"Stream bill, record id 7: {said}")


def test_a_value_is_not_replaced_by_one_of_the_same_name(warehouse: Warehouse) -> None:
    refusal = warehouse.load(
        schema(p=INNER), record(p={"x": 1}, p__x=2), **FLAT
    ).refusal()
    assert "property p__x and property p.x are both called p__x" in refusal


def test_null_takes_no_place(warehouse: Warehouse) -> None:
    """An object that is null has no properties, and one called like its has a value."""
    rows = [record(p=None), record(id=8, p={"x": 1}, p__x=None)]
    warehouse.loaded(schema(p=INNER), *rows, **FLAT)
    assert warehouse.rows("ID, P__X") == [["7", None], ["8", "1"]]


def test_texts_of_arrays_keep_their_numbers(warehouse: Warehouse) -> None:
    digits = "[1.50,12345678901234567890.123456789]"
    row = (
        f'{{"type": "RECORD", "stream": "bill", "record": {{"id": 1, "p": {digits}}}}}'
    )
    warehouse.loaded(schema(p=LIST), f"{row}\n", **FLAT)
    assert warehouse.rows("P") == [[digits]]


def test_a_stream_map_may_make_what_is_flattened(warehouse: Warehouse) -> None:
    maps = {"bill": {"r": "record", "q": "p"}}
    row = record(p={"x": 1})
    warehouse.loaded(schema(p=INNER), row, stream_maps=maps, **FLAT)
    assert warehouse.rows("R, Q__X") == [['{"id":7,"p":{"x":1}}', "1"]]
    refusal = warehouse.load(schema(p=INNER), record(p=5), stream_maps=maps, **FLAT)
    assert "property p is no object as its schema says" in refusal.refusal()


def test_flattening_needs_a_depth(warehouse: Warehouse) -> None:
    refusal = warehouse.load(schema(), flattening_enabled=True).refusal()
    assert refusal.startswith("Setting flattening_max_depth is missing")


def test_a_key_may_be_too_long_to_stay_itself(warehouse: Warehouse) -> None:
    message = {**schema(customer_id=INTEGER), "key_properties": ["customer_id"]}
    short = {"flattening_max_key_length": 10}
    refusal = warehouse.load(message, **FLAT, **short).refusal()
    assert "; raise flattening_max_key_length, which shortens its name" in refusal
