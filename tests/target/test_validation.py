from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from singer_sdk.exceptions import InvalidRecord
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
