"""Values whose JSON type is not the declared one."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tap_acumatica import exact_json
from tap_acumatica.conformance import Misfit, conforming
from tap_acumatica.schema import ANY, CUSTOM_TYPES

from tests.helpers.odd_server import serving, sync


def conformed(value: Any, *kind: str, **more: Any) -> tuple[Any, list[Misfit]]:
    schema = {"type": [*kind, "null"], **more}
    whole = {"type": "object", "properties": {"Field": schema}}
    record, misfits = {"Field": value}, list[Misfit]()
    convert = conforming(whole)
    assert convert
    convert(record, "", misfits)
    return record["Field"], misfits


DATE, MOMENT = {"format": "date"}, {"format": "date-time"}
AMOUNT = exact_json.decode("12345678901234567.8900")


@pytest.mark.parametrize(
    ("value", "kind", "more", "becomes"),
    [
        ("1200.00", "number", {}, Decimal("1200.00")),
        ("-0.5", "number", {}, Decimal("-0.5")),
        ("12345678901234567.8900", "number", {}, AMOUNT),
        ("7", "number", {}, 7),
        (AMOUNT, "number", {}, AMOUNT),
        ("5", "integer", {}, 5),
        ("5.00", "integer", {}, 5),
        (exact_json.decode("5.0"), "integer", {}, 5),
        ("True", "boolean", {}, True),
        ("false", "boolean", {}, False),
        (5, "string", {}, "5"),
        (exact_json.decode("0.50"), "string", {}, "0.50"),
        (exact_json.decode("1E-7"), "string", {}, "0.0000001"),
        (True, "string", {}, "true"),
        ("", "string", {}, ""),
        (7, "string", {"format": "uuid"}, "7"),
        ("2026-02-28T10:00:00.1234567+03:00", "string", MOMENT, None),
        ("2026-02-28T00:00:00", "string", MOMENT, None),
        ("2026-02-28", "string", MOMENT, None),
        ("2026-02-28", "string", DATE, None),
        ("2026-02-28T00:00:00-05:00", "string", DATE, "2026-02-28"),
        (None, "number", {}, None),
        ({"a": 1}, "object", {}, None),
        ([{"a": 1}, None], "array", {}, None),
    ],
)
def test_what_is_exactly_a_value_of_its_type_becomes_one(
    value: Any, kind: str, more: dict[str, Any], becomes: Any
) -> None:
    found, misfits = conformed(value, kind, **more)
    assert not misfits
    expected = value if becomes is None else becomes
    assert exact_json.encode(found) == exact_json.encode(expected)
    assert type(found) is type(expected) or isinstance(found, Decimal)


@pytest.mark.parametrize(
    ("value", "kind", "more", "form", "becomes"),
    [
        ("1,200.00", "number", {}, "text like '9,999.99'", None),
        ("12a", "number", {}, "text like '99a'", None),
        ("+5", "number", {}, "text like '+9'", None),
        ("5.", "number", {}, "text like '9.'", None),
        ("٣", "number", {}, "text like '9'", None),
        ("NaN", "number", {}, "text like 'aaa'", None),
        ("", "number", {}, "text like ''", None),
        (True, "number", {}, "boolean", None),
        (exact_json.decode("5.5"), "integer", {}, "number", None),
        (exact_json.decode("1E+999999999"), "integer", {}, "number", None),
        ("5.5", "integer", {}, "text like '9.9'", None),
        (1, "boolean", {}, "number", None),
        ("yes", "boolean", {}, "text like 'aaa'", None),
        ({"a": 1.0}, "string", {}, "object", '{"a":1.0}'),
        (["x"], "string", {}, "list", '["x"]'),
        (
            "12/14/2023 19:57:21",
            "string",
            MOMENT,
            "text like '99/99/9999 99:99:99'",
            None,
        ),
        (
            "2026-02-30T00:00:00",
            "string",
            MOMENT,
            "text like '9999-99-99a99:99:99'",
            None,
        ),
        (1700000000, "string", MOMENT, "number", None),
        (
            "2026-02-28T10:00:00",
            "string",
            DATE,
            "text like '9999-99-99a99:99:99'",
            None,
        ),
        ("2026-02-30", "string", DATE, "text like '9999-99-99'", None),
        ("x", "object", {"properties": {}}, "text like 'a'", None),
        ({"a": 1}, "array", {}, "object", None),
    ],
)
def test_what_is_none_of_its_type_is_told_by_its_form_and_written_as_allowed(
    value: Any, kind: str, more: dict[str, Any], form: str, becomes: Any
) -> None:
    found, [misfit] = conformed(value, kind, **more)
    assert found == becomes
    assert misfit.form == form
    assert misfit.declared == more.get("format", kind)


@pytest.mark.parametrize("schema", [ANY, {}, {"type": ["string", "number", "null"]}])
def test_a_schema_that_allows_several_types_changes_nothing(
    schema: dict[str, Any],
) -> None:
    assert conforming(schema) is None


def test_values_below_conform_and_are_named_by_their_path() -> None:
    amount = {"type": ["number", "null"]}
    line = {"type": ["object", "null"], "properties": {"Amount": amount}}
    lines = [{"Amount": "1.0"}, {"Amount": "?"}, None, {}]
    found, [misfit] = conformed(lines, "array", items=line)
    assert found == [{"Amount": Decimal("1.0")}, {"Amount": None}, None, {}]
    assert (misfit.path, misfit.field) == ("Field/1/Amount", "Field/Amount")


values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.decimals(allow_nan=False, allow_infinity=False).map(exact_json.WireDecimal)
    | st.text()
    | st.from_regex(r"-?\d+(\.\d+)?([eE]-?\d)?", fullmatch=True)
    | st.datetimes().map(str),
    lambda below: st.lists(below) | st.dictionaries(st.text(), below),
    max_leaves=4,
)


@given(values, st.sampled_from([*CUSTOM_TYPES.values(), {"type": "array"}]))
def test_any_value_becomes_one_of_its_type_and_stays_it(
    value: Any, schema: dict[str, Any]
) -> None:
    kind, more = schema["type"], {k: v for k, v in schema.items() if k != "type"}
    once, _ = conformed(value, kind, **more)
    twice, misfits = conformed(once, kind, **more)
    assert twice == once
    assert not misfits
    types = {"number": int | Decimal, "integer": int, "boolean": bool, "string": str}
    assert once is None or isinstance(once, types.get(kind, list))


def wrappers(**kinds: str) -> dict[str, Any]:
    return {n: {"properties": {"value": {"type": kind}}} for n, kind in kinds.items()}


def test_a_run_writes_amounts_that_came_as_text_and_counts_what_is_none(
    caplog: pytest.LogCaptureFixture, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    fields = {"Amount": "DecimalValue", "Active": "BooleanValue", "Code": "StringValue"}
    members = {name: {"$ref": f"#/definitions/{kind}"} for name, kind in fields.items()}
    kinds = {"DecimalValue": "number", "BooleanValue": "boolean"}
    swagger = {
        "info": {"version": "4"},
        "paths": {"/Account": {"get": {}}},
        "definitions": {
            **wrappers(**kinds, StringValue="string"),
            "Account": {"properties": members},
        },
    }
    rows = [
        {
            "id": f"r{n}",
            "Amount": {"value": amount},
            "Active": {"value": "True"},
            "Code": {"value": n},
        }
        for n, amount in enumerate(["1200.00", "4,711", "8,015"])
    ]
    with serving(Account=rows, **{"swagger.json": swagger}) as server:
        sync(server)
    lines = capsysbinary.readouterr().out.splitlines()
    written = [m["record"] for m in map(json.loads, lines) if m["type"] == "RECORD"]
    assert [row["Amount"] for row in written] == [1200, None, None]
    assert b'"Amount":1200.00,' in b"".join(lines)
    assert {row["Active"] for row in written} == {True}
    assert [row["Code"] for row in written] == ["0", "1", "2"]
    told = "gl_accounts, record r1: Amount is text like '9,999' where the schema has nu"
    assert caplog.text.count(told) == 1
    assert "gl_accounts: 2 values of Amount were none of their type" in caplog.text
    assert "4,711" not in caplog.text
