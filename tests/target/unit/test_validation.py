import re
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from singer_sdk.exceptions import InvalidRecord
from singer_sdk.sinks.core import JSONSchemaValidator
from target_snowflake_merge.errors import RecordRefusedError, TargetError
from target_snowflake_merge.schema.upgrade import refuse_draft_3
from target_snowflake_merge.schema.validation import RecordValidator

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


@given(records)
def test_the_verdict_is_that_of_the_jsonschema_library(record: dict[str, Any]) -> None:
    def accepted(validator: RecordValidator | JSONSchemaValidator) -> bool:
        try:
            validator.validate(record)
        except (InvalidRecord, RecordRefusedError):
            return False
        return True

    assert accepted(RecordValidator(SCHEMA)) == accepted(JSONSchemaValidator(SCHEMA))


@pytest.mark.parametrize(
    ("record", "message"),
    [
        ({}, '"id" is a required property'),
        ({"id": 5}, 'property id: 5 is not of type "string"'),
        (
            {"id": "1", "lines": [{"n": 1}, {"n": "x"}]},
            'property lines.1.n: "x" is not',
        ),
        ({"id": "1", "code": "a"}, 'property code: "a" does not match'),
    ],
)
def test_a_refusal_names_the_property(record: dict[str, Any], message: str) -> None:
    with pytest.raises(RecordRefusedError) as caught:
        RecordValidator(SCHEMA).validate(record)

    assert message in str(caught.value)


def test_whole_decimals_are_integers() -> None:
    validator = RecordValidator({"properties": {"n": {"type": "integer"}, "s": LINE}})

    validator.validate({"n": Decimal("5.0")})
    with pytest.raises(RecordRefusedError, match="property n"):
        validator.validate({"n": Decimal("5.5")})
    with pytest.raises(RecordRefusedError, match="property s"):
        validator.validate({"n": Decimal("5.0"), "s": 1})


def test_multiples_of_38_digits() -> None:
    schema = {"properties": {"n": {"type": "number", "multipleOf": Decimal("1E-9")}}}
    number = Decimal("12345678901234567890123456789.123456789")

    RecordValidator(schema).validate({"n": number})
    with pytest.raises(RecordRefusedError, match="is not a multiple of"):
        RecordValidator(schema).validate({"n": Decimal("1.0000000005")})


DRAFT_4 = {"type": ["null", "number"], "maximum": 10_000, "exclusiveMaximum": True}
PAIR = {"type": "array", "items": [{"type": "string"}, {"type": "number"}]}


@pytest.mark.parametrize(
    ("schema", "good", "bad"),
    [
        (DRAFT_4, 9999, 10_000),
        (DRAFT_4 | {"minimum": -1, "exclusiveMinimum": True}, None, -1),
        (PAIR, ["a", 1], ["a", "b"]),
        ({"type": "string", "$id": "#/properties/x"}, "a", 1),
        ({"type": "any", "maxLength": 2}, "ab", "abc"),
        ({"prefixItems": [{"type": "string"}]}, ["a"], [1]),
        ({"exclusiveMaximum": 5}, 4, 5),
        (DRAFT_4 | {"required": []}, 9999, 10_000),
        ({"type": "number", "exclusiveMaximum": False, "maximum": 5}, 5, 6),
        (PAIR | {"additionalItems": False}, ["a", 1], ["a", 1, 2]),
        ({"items": [], "additionalItems": {"type": "string"}}, ["a"], [1]),
        ({"type": "string", "title": 5}, "a", 1),
        ({"type": "string", "maxLength": Decimal("2.0")}, "ab", "abc"),
        ({"type": "array", "maxItems": Decimal("1E+0"), "minItems": 1.0}, ["a"], []),
        ({"$id": "#x", "type": "string"}, "a", 1),
        ({"dependencies": {"a": ["b"], "c": True}}, {"a": 1, "b": 1}, {"a": 1}),
        ({"dependencies": {"e": {"minProperties": 2}}}, {"e": 1, "f": 1}, {"e": 1}),
        ({"anyOf": [{"type": "number"}, {"type": "any", "maxLength": 2}]}, "a", "abc"),
        ({"enum": [{"required": True}]}, {"required": True}, {}),
    ],
)
def test_older_dialects_are_understood(schema: Any, good: Any, bad: Any) -> None:
    validator = RecordValidator({"properties": {"x": schema}})

    validator.validate({"x": good})
    with pytest.raises(RecordRefusedError, match="property x"):
        validator.validate({"x": bad})


@pytest.mark.parametrize("name", [{"$id": "#text"}, {"$anchor": "text"}])
def test_a_part_may_have_a_name(
    name: dict[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    part = {**name, "type": "string"}
    schema = {"$defs": {"a": part}, "properties": {"x": {"$ref": "#text"}}}

    RecordValidator(schema).validate({"x": "a"})
    with pytest.raises(
        RecordRefusedError, match='property x: 1 is not of type "string"'
    ):
        RecordValidator(schema).validate({"x": 1})
    assert not caplog.messages


@pytest.mark.parametrize(
    ("schema", "told"),
    [
        ({"extends": {"type": "integer"}}, "extends at x"),
        ({"disallow": "string"}, "disallow at x"),
        ({"divisibleBy": 2}, "divisibleBy at x"),
        ({"type": "integer", "required": True}, "required at x"),
        ({"properties": {"y": {"required": False}}}, "required at x.y"),
        ({"type": ["null", {"type": "string"}]}, "type at x"),
        ({"anyOf": [{"items": {"divisibleBy": 2}}]}, "divisibleBy at x"),
    ],
)
def test_a_word_of_draft_3_is_refused_by_its_name(schema: Any, told: str) -> None:
    message = f"Stream bill: its schema has the word {told} as in draft 3"
    with pytest.raises(TargetError, match=re.escape(message)):
        refuse_draft_3("bill", {"properties": {"x": schema}})


@pytest.mark.parametrize(
    "schema",
    [
        {"enum": [{"required": True}]},
        {"default": {"extends": 1}, "required": []},
        {"properties": {"extends": True, "required": {"type": "boolean"}}},
        {"type": {"a": 1}, "x-tap": {"required": True}},
    ],
)
def test_what_only_looks_like_a_word_of_draft_3_is_left_alone(schema: Any) -> None:
    refuse_draft_3("bill", {"properties": {"x": schema}, "required": ["x"]})


LARGE = Decimal("9999999999999999999999999.9999999999998")
"""To a double it is 10**25."""
CENT = Decimal("0.01")


@pytest.mark.parametrize(
    ("schema", "value", "says"),
    [
        ({"exclusiveMaximum": 10**25}, LARGE, ""),
        ({"exclusiveMaximum": Decimal("1E25")}, LARGE, ""),
        ({"maximum": 10**25, "exclusiveMaximum": True}, LARGE, ""),
        ({"exclusiveMinimum": -(10**25)}, LARGE.copy_negate(), ""),
        ({"allOf": [{"exclusiveMaximum": 10**25}]}, LARGE, ""),
        ({"anyOf": [{"type": "null"}, {"exclusiveMaximum": 10**25}]}, LARGE, ""),
        ({"oneOf": [{"type": "null"}, {"exclusiveMaximum": 10**25}]}, LARGE, ""),
        ({"items": {"exclusiveMaximum": 10**25}}, [1, LARGE], ""),
        ({"exclusiveMaximum": 10**25}, 10**25, "property x: 1000000000000000000000"),
        ({"exclusiveMinimum": 10**25}, LARGE, "property x: 99999999999999999999999"),
        ({"maximum": 10**25}, 10**26, "property x: 100000000000000000000000000 is gr"),
        ({"minimum": 10**25}, 0, "property x: 0 is less than the minimum"),
        ({"exclusiveMaximum": 10**25, "multipleOf": CENT}, LARGE, "is not a mult"),
        ({"anyOf": [{"type": "null"}, {"minimum": 10**26}]}, LARGE, "not valid under"),
        ({"oneOf": [{"type": "number"}, {"type": "number"}]}, LARGE, "more than one"),
        (
            {"oneOf": [{"exclusiveMaximum": 10**25}, {"exclusiveMaximum": 10**25}]},
            LARGE,
            "not valid under",
        ),
    ],
)
def test_bounds_hold_to_the_digit(schema: Any, value: Any, says: str) -> None:
    """The library compares bounds of more than 64 bits as doubles."""
    validator = RecordValidator({"properties": {"x": schema}})
    if says:
        with pytest.raises(RecordRefusedError) as refused:
            validator.validate({"x": value})
        assert says in str(refused.value)
    else:
        validator.validate({"x": value})


@pytest.mark.parametrize(
    "named", ["http://json-schema.org/draft-07/schema#", "urn:unknown", 5, None]
)
def test_what_a_schema_calls_its_dialect_changes_nothing(named: object) -> None:
    inner = {"$schema": named, "items": [True, {"type": "string"}]}
    schema = {"$schema": named, "properties": {"x": inner}}

    RecordValidator(schema).validate({"x": [1]})
    with pytest.raises(RecordRefusedError, match=r"property x\.1"):
        RecordValidator(schema).validate({"x": [1, 2]})


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "number?"},
        {"type": {"a": 1}},
        {"minLength": "x"},
        {"maxLength": Decimal("2.5")},
        {"anyOf": [{"type": "nmber"}, {"type": "null"}]},
        {"dependencies": {"a": 5}},
        {"dependencies": {"a": "b"}},
        5,
    ],
)
def test_what_is_of_no_dialect_is_refused(schema: Any) -> None:
    with pytest.raises(TargetError, match=r"properties\.x"):
        RecordValidator({"properties": {"x": schema}})


AHEAD = "^(?=a)"
"""Python knows it, and it may take for ever; no linear-time engine does."""


@pytest.mark.parametrize(
    ("schema", "rule"),
    [
        ({"pattern": AHEAD}, f"pattern {AHEAD}"),
        ({"pattern": r"(a)\1"}, r"pattern (a)\1"),
        ({"patternProperties": {AHEAD: True}}, "patternProperties {"),
        (
            {"patternProperties": {"[": False}, "additionalProperties": False},
            "patternProperties {",
        ),
        ({"$ref": "#/definitions/none"}, "$ref #/definitions/none"),
        ({"$ref": "#none"}, "$ref #none"),
        ({"$ref": "%%"}, "$ref %%"),
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
    with pytest.raises(RecordRefusedError, match="property y"):
        validator.validate({"x": "a", "y": "b"})

    assert len(caplog.messages) == 1
    assert caplog.messages[0].startswith(f"Stream bill: its schema's {rule}")


UNKNOWN: list[dict[str, Any]] = [
    {"pattern": AHEAD},
    {"$ref": "#/none"},
    {"$ref": "#/$defs/unknown"},
]


@pytest.mark.parametrize("unknown", UNKNOWN)
@pytest.mark.parametrize("value", ["a", ["a"]])
def test_what_cannot_be_understood_refuses_nothing(unknown: Any, value: Any) -> None:
    some = {"items": unknown, **unknown}
    properties = {
        "a": {"not": some},
        "b": {"oneOf": [some, {"type": ["string", "array"]}]},
        "c": {"if": some, "then": False},
        "d": {"contains": some, "maxContains": 0},
        "e": {"not": {"not": {"not": some}}},
        "f": {"not": {"type": "integer"}},
    }
    defs = {"unknown": {"items": {"$ref": "other"}, "pattern": AHEAD}}
    validator = RecordValidator({"properties": properties, "$defs": defs})

    validator.validate(dict.fromkeys("abcdef", value))
    with pytest.raises(RecordRefusedError, match="property f"):
        validator.validate({"f": 1})


@pytest.mark.parametrize("keyword", ["anyOf", "allOf"])
@pytest.mark.parametrize("more", [{}, {"unevaluatedProperties": False}])
def test_a_schema_may_refer_to_itself(keyword: str, more: dict[str, Any]) -> None:
    number = {"type": "number"}
    schema = {"properties": {"y": number}, keyword: [True, {"$ref": "#"}], **more}
    validator = RecordValidator(schema)

    validator.validate({"y": 1})
    with pytest.raises(RecordRefusedError, match="property y"):
        validator.validate({"y": "b"})


@pytest.mark.parametrize("depth", [3, 200])
def test_a_value_may_be_nested_as_deep_as_it_is(depth: int) -> None:
    node = {"properties": {"n": {"items": {"$ref": "#/$defs/node"}}, "y": LINE}}
    root = {"properties": {"x": {"$ref": "#/$defs/node"}}, "$defs": {"node": node}}
    tree: dict[str, Any] = {}
    for _ in range(depth):
        tree = {"n": [tree]}
    validator = RecordValidator(root)

    validator.validate({"x": tree})
    with pytest.raises(RecordRefusedError, match=r"property x\.n\.0\.y"):
        validator.validate({"x": {"n": [{"y": 1}, tree]}})


def test_a_schema_that_is_nested_too_deep_for_the_library_is_refused() -> None:
    schema: dict[str, Any] = {"type": "string"}
    for _ in range(300):
        schema = {"type": "object", "properties": {"a": schema}}
    with pytest.raises(TargetError, match="nested too deep"):
        RecordValidator(schema)


def test_what_is_not_evaluated_may_be_refused() -> None:
    part = {"properties": {"x": True}}
    schema = {"allOf": [{"$ref": "#/$defs/part"}], "$defs": {"part": part}}
    validator = RecordValidator({**schema, "unevaluatedProperties": False})

    validator.validate({"x": 1})
    with pytest.raises(RecordRefusedError, match="Unevaluated properties"):
        validator.validate({"y": 1})


NUMBERS = [*map(Decimal, ("NaN", "Infinity", "1E1500")), 1.5]


@pytest.mark.parametrize(
    "schema",
    [
        {"minimum": -1},
        {"exclusiveMaximum": Decimal("1E2000")},
        {"type": "number", "multipleOf": Decimal("0.01")},
        {"not": {"multipleOf": Decimal("0.0123")}},
        {"uniqueItems": True, "items": {"type": "number"}},
    ],
)
def test_numbers_that_no_column_takes_are_left_to_the_columns(schema: Any) -> None:
    validator = RecordValidator({"properties": {"x": schema, "y": LINE}})

    for value in NUMBERS:
        x = [value, Decimal(1)] if "items" in schema else value
        validator.validate({"x": x})
        with pytest.raises(RecordRefusedError, match="property y"):
            validator.validate({"x": x, "y": 1})


def test_half_of_a_surrogate_pair_is_left_to_the_columns() -> None:
    properties = {"x": {"maxLength": 2, "pattern": "^.[^a]$"}, "y": LINE}
    validator = RecordValidator({"properties": properties})

    validator.validate({"x": "a\ud800", "z": {"\udfff": ["\ud800"]}})
    for record in ({"x": "a\ud800b"}, {"x": "\ud800", "y": 1}):
        with pytest.raises(RecordRefusedError, match="property x"):
            validator.validate(record)


def test_what_json_does_not_have_is_refused() -> None:
    with pytest.raises(RecordRefusedError, match="Unsupported type: 'bytes'"):
        RecordValidator({"properties": {"x": {"type": "string"}}}).validate({"x": b"a"})


@pytest.mark.parametrize("pattern", ["^(a+)+$", "^(a|a)*$", "^(a*)*$", "^(.*a){9}$"])
def test_no_pattern_takes_for_ever(pattern: str) -> None:
    """With an engine that backtracks, minutes or more."""
    validator = RecordValidator({"properties": {"x": {"pattern": pattern}}})

    validator.validate({"x": "a" * 5_000})
    with pytest.raises(RecordRefusedError, match="does not match"):
        validator.validate({"x": "a" * 5_000 + "!"})


@pytest.mark.parametrize(
    "pattern",
    [
        r"^\p{L}+$",
        r"(?i)^É",
        r"(?P<name>é)",
        r"^\S$",
        r"\u00e9",
        r"^[^\W\d]?é$",
        r"^\/?",
    ],
)
def test_patterns_of_several_dialects_are_known(pattern: str) -> None:
    RecordValidator({"properties": {"x": {"pattern": pattern}}}).validate({"x": "é"})


ADDRESS = {"$id": "address.json", "$ref": "#/$defs/city", "$defs": {"city": LINE}}


@pytest.mark.parametrize(
    "reference",
    [
        "#/$defs/My Line",
        "#/$defs/My%20Line",
        "#/$defs/Zeile%20Größe",
        "#/$defs/Zeile Größe",
        "address.json",
        "https://example.invalid/bill.json#/$defs/My Line",
    ],
)
def test_references_are_followed_as_people_write_them(
    reference: str, caplog: pytest.LogCaptureFixture
) -> None:
    defs = {"My Line": LINE, "Zeile Größe": LINE, "address": ADDRESS}
    schema = {"$id": "https://example.invalid/bill.json", "$defs": defs}
    properties = {"x": {"$ref": reference}, "y": {"$id": "no address: %%"}}
    validator = RecordValidator({**schema, "properties": properties})

    validator.validate({"x": {"n": 1}, "y": 1})
    with pytest.raises(RecordRefusedError, match=r"property x\.n"):
        validator.validate({"x": {"n": "a"}})
    assert not caplog.messages
