"""A name that stands twice in one object is found, however the JSON is written."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from target_snowflake_merge.schema.duplicate_names import repeated_name

decoder = msgspec.json.Decoder(float_hook=Decimal)

PIECES = ["a", "b", '"', ":", '":', '": ', "\\", "é", " ", "\\u0022:", "\n"]
texts = st.lists(st.sampled_from(PIECES), max_size=4).map("".join)
spaces = st.sampled_from(["", "", "", " ", "\t", "\r", "  "])
values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), texts),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.lists(st.tuples(texts, inner), max_size=4).map(tuple),
    ),
    max_leaves=10,
)
"""Objects are tuples of pairs, whose names may repeat."""


def written(data: st.DataObject, value: Any) -> str:
    """Write a value as somebody may write JSON."""
    if isinstance(value, tuple):
        pairs = (
            f"{text(data, name)}{data.draw(spaces)}:{data.draw(spaces)}"
            f"{written(data, item)}"
            for name, item in value
        )
        return f"{{{data.draw(spaces)}{','.join(pairs)}}}"
    if isinstance(value, list):
        return f"[{', '.join(written(data, item) for item in value)}]"
    return text(data, value)


def text(data: st.DataObject, value: Any) -> str:
    if isinstance(value, str) and data.draw(st.booleans()):
        escapes = "".join(f"\\u{ord(character):04x}" for character in value)
        return f'"{escapes}"'
    return json.dumps(value, ensure_ascii=data.draw(st.booleans()))


def repeats(value: Any) -> bool:
    if isinstance(value, tuple):
        names = [name for name, _ in value]
        return len(set(names)) < len(names) or any(repeats(item) for _, item in value)
    return isinstance(value, list) and any(map(repeats, value))


# The machine has other work.
@settings(suppress_health_check=[HealthCheck.too_slow])
@given(st.data(), values)
def test_all_repeated_names_are_found_and_no_others(
    data: st.DataObject, value: Any
) -> None:
    line = written(data, value).encode()

    found = repeated_name(line, decoder.decode(line))

    assert (found is not None) == repeats(value)


@pytest.mark.parametrize(
    ("line", "name"),
    [
        ('{"a": 1, "a": 2}', "a"),
        ('{"a": 1, "\\u0061": 2}', "a"),
        ('{"a" : 1, "a": 2}', "a"),
        ('{"x": [{"b": {"c": 1, "c": {}}}]}', "c"),
        ('{"a": {"b": 1}, "a": 2}', "a"),
        ('{"a": {"b": 1}, "c": {"b": 2}}', None),
        ('{"a": "\\"a\\": 1, \\"a\\": 2"}', None),
    ],
)
def test_names(line: str, name: str | None) -> None:
    assert repeated_name(line.encode(), json.loads(line)) == name


def test_numbers_of_any_length_are_passed_over() -> None:
    line = f'{{"a" : {"9" * 5000}, "a": 1}}'

    assert repeated_name(line.encode(), {"a": 1}) == "a"


def test_halves_of_surrogate_pairs_do_not_hide_them() -> None:
    line = r'{"a": "\ud83d", "a": 1}'

    assert repeated_name(line.encode(), {"a": "\ud83d"}) == "a"
