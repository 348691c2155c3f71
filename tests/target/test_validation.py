import contextlib
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from singer_sdk.exceptions import InvalidJSONSchema, InvalidRecord
from singer_sdk.sinks.core import JSONSchemaValidator
from target_snowflake_merge.validation import RecordValidator

LINE = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["id"],
    "properties": {
        "id": {"type": "string", "maxLength": 3, "description": "ignored"},
        "amount": {"type": ["number", "null"], "minimum": 0},
        "lines": {"type": ["array", "null"], "items": LINE},
        "pair": {"prefixItems": [{"type": "string"}, {"type": "integer"}]},
        "either": {"anyOf": [{"type": "string"}, {"type": "boolean"}]},
        "code": {"$ref": "#/definitions/code"},
        "any": True,
    },
    "definitions": {"code": {"type": "string", "pattern": "^[A-Z]+$"}},
}

values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-2, 2)
    | st.sampled_from(["", "AB", "abcd"]),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("nm"), inner)
    ),
    max_leaves=5,
)
records = st.dictionaries(st.sampled_from([*SCHEMA["properties"], "more"]), values)


@settings(deadline=None)  # it times the first validator, on a machine with other work
@given(records)
def test_the_verdict_is_that_of_jsonschema(record: dict[str, Any]) -> None:
    def accepted(validator: RecordValidator | JSONSchemaValidator) -> bool:
        try:
            validator.validate(record)
        except InvalidRecord:
            return False
        return True

    assert accepted(RecordValidator(SCHEMA)) == accepted(JSONSchemaValidator(SCHEMA))


@pytest.mark.parametrize(
    ("record", "message"),
    [
        ({}, "'id' is a required property"),
        ({"id": 5}, "property id: 5 is not of type 'string'"),
        (
            {"id": "1", "lines": [{"n": 1}, {"n": "x"}]},
            "property lines.1.n: 'x' is not",
        ),
        ({"id": "1", "code": "a"}, "property code: 'a' does not match"),
    ],
)
def test_a_refusal_names_the_property(record: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidRecord) as caught:
        RecordValidator(SCHEMA).validate(record)

    assert message in caught.value.error_message


def test_whole_decimals_are_integers() -> None:
    validator = RecordValidator({"properties": {"n": {"type": "integer"}, "s": LINE}})

    validator.validate({"n": Decimal("5.0")})
    with pytest.raises(InvalidRecord, match="property n"):
        validator.validate({"n": Decimal("5.5")})
    with pytest.raises(InvalidRecord, match="property s"):
        validator.validate({"n": Decimal("5.0"), "s": 1})


def test_multiples_of_38_digits() -> None:
    schema = {"properties": {"n": {"type": "number", "multipleOf": Decimal("1E-9")}}}
    number = Decimal("12345678901234567890123456789.123456789")

    RecordValidator(schema).validate({"n": number})
    with pytest.raises(InvalidRecord, match="is not a multiple of"):
        RecordValidator(schema).validate({"n": Decimal("1.0000000005")})


DRAFT_4 = {"type": ["null", "number"], "maximum": 10_000, "exclusiveMaximum": True}
PAIR = {"type": "array", "items": [{"type": "string"}, {"type": "number"}]}
UNION = {"type": [{"type": "integer", "maximum": 5}, "null"], "required": True}


@pytest.mark.parametrize(
    ("schema", "good", "bad"),
    [
        (DRAFT_4, 9999, 10_000),
        (DRAFT_4 | {"minimum": -1, "exclusiveMinimum": True}, None, -1),
        (PAIR, ["a", 1], ["a", "b"]),
        ({"type": "string", "$id": "#/properties/x"}, "a", 1),
        ({"type": "integer", "required": True}, Decimal("5.0"), Decimal("5.5")),
        (UNION, Decimal("5.0"), 6),
        ({"type": "any", "required": True, "maxLength": 2}, "ab", "abc"),
        ({"prefixItems": [{"type": "string"}]}, ["a"], [1]),
        ({"exclusiveMaximum": 5}, 4, 5),
    ],
)
def test_older_dialects_are_understood(schema: Any, good: Any, bad: Any) -> None:
    validator = RecordValidator({"properties": {"x": schema}})

    validator.validate({"x": good})
    with pytest.raises(InvalidRecord, match="property x"):
        validator.validate({"x": bad})


def test_a_schema_may_name_its_dialect() -> None:
    rules = {
        "properties": {"x": {"items": [True, False]}},
        "dependencies": {"x": ["y"]},
    }
    draft_7 = {**rules, "$schema": "http://json-schema.org/draft-07/schema#"}

    with pytest.raises(InvalidRecord, match="'y' is a dependency of 'x'"):
        RecordValidator(draft_7).validate({"x": [1]})
    RecordValidator({**rules, "$schema": "urn:unknown"}).validate({"x": [1], "y": 1})


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "number?"},
        {"type": "number?", "required": True},
        {"type": {"a": 1}},
        {"required": True, "minLength": "x"},
        5,
    ],
)
def test_what_is_of_no_dialect_is_refused(schema: Any) -> None:
    with pytest.raises(InvalidJSONSchema, match=r"properties\.x"):
        RecordValidator({"properties": {"x": schema}})


LETTERS = r"^\p{L}+$"


@pytest.mark.parametrize(
    ("schema", "rule"),
    [
        ({"pattern": LETTERS}, rf"pattern {LETTERS}"),
        ({"patternProperties": {LETTERS: True}}, "patternProperties {"),
        ({"$ref": "#/definitions/none"}, "$ref #/definitions/none"),
        ({"$ref": "#none"}, "$ref #none"),
        ({"$ref": "#/properties/x"}, "$ref #/properties/x"),
        ({"$ref": "https://example.invalid/x.json"}, "$ref https://example.invalid"),
        (
            {"anyOf": [{"$ref": "other.json#/a"}, {"type": "null"}]},
            "$ref other.json#/a",
        ),
    ],
)
def test_what_cannot_be_understood_is_left_out_with_one_warning(
    schema: Any, rule: str, caplog: pytest.LogCaptureFixture
) -> None:
    number = {"type": "number"}
    validator = RecordValidator({"properties": {"x": schema, "y": number}}, "bill")

    for values in ({"x": {"k": 1}, "y": 1}, {"x": "a", "y": 1}, {"x": [1], "y": 2}):
        validator.validate(values)
    with pytest.raises(InvalidRecord, match="property y"):
        validator.validate({"x": "a", "y": "b"})

    assert len(caplog.messages) == 1
    assert caplog.messages[0].startswith(f"Stream bill: its schema's {rule}")


@pytest.mark.parametrize("value", [*map(Decimal, ("NaN", "Infinity", "1E1500")), 1.5])
@pytest.mark.parametrize(
    "schema",
    [
        {"minimum": -1},
        {"exclusiveMaximum": Decimal("1E2000")},
        {"type": "number", "multipleOf": Decimal("0.01")},
        {"uniqueItems": True, "items": {"type": "number"}},
    ],
)
def test_what_cannot_be_computed_is_left_to_the_columns(
    schema: Any, value: Any
) -> None:
    validator = RecordValidator({"properties": {"x": schema}})

    with contextlib.suppress(InvalidRecord):  # it is named, just as a column would do
        validator.validate({"x": [value, Decimal(1)] if "items" in schema else value})
