"""Settings of both plugins: what is given, what is refused, and what is never shown."""

from __future__ import annotations

import base64
import json
import logging
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import tap_acumatica
import target_snowflake_merge
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from tap_acumatica.cli import acumatica
from tap_acumatica.config import given, read
from tap_acumatica.errors import AcumaticaError, SettingError
from tap_acumatica.tap import TapAcumatica
from target_snowflake_merge.errors import TargetError
from target_snowflake_merge.operate.cli import cli
from target_snowflake_merge.target import TargetSnowflakeMerge
from typing_extensions import override

SHELL = ("command.py", "config.py", "integrity.py")
"""What both plugins have in common; neither may import the other."""


class Plugin(NamedTuple):
    """A plugin, and settings that it takes."""

    kind: Any
    working: dict[str, Any]

    @override
    def __str__(self) -> str:
        return str(self.kind.name)

    @property
    def schema(self) -> dict[str, Any]:
        self.kind.append_builtin_config(self.kind.config_jsonschema)
        schema: dict[str, Any] = self.kind.config_jsonschema
        return schema

    @property
    def prefix(self) -> str:
        return f"{self.kind.name.upper().replace('-', '_')}_"

    def made(self, config: dict[str, Any], *, env: bool = False) -> Any:
        """Make the plugin, as far as it comes without a server."""
        made = self.kind(config=dict(config), parse_env_config=env, setup_mapper=False)
        if self.kind is TapAcumatica:
            _ = made.instance.client
        return made

    def outcome(self, config: dict[str, Any], *, env: bool = False) -> Any:
        """Return the settings as the plugin has them, or what it says of them."""
        try:
            return dict(self.made(config, env=env).config)
        except (AcumaticaError, TargetError) as error:
            return str(error)


TAP = Plugin(
    TapAcumatica,
    {"instance_url": "https://erp.example.com", "username": "u", "password": "p"},
)
TARGET = Plugin(
    TargetSnowflakeMerge,
    {
        "account": "ORG-ACCOUNT",
        "database": "FINANCE",
        "default_target_schema": "ERP",
        "oauth_token": "token",
    },
)
PLUGINS = (TAP, TARGET)
SETTINGS = [(one, name) for one in PLUGINS for name in one.schema["properties"]]
TEXTS = [
    (one, name)
    for one, name in SETTINGS
    if one.schema["properties"][name]["type"][0] == "string"
    and not one.schema["properties"][name].get("secret")
]

each_plugin = pytest.mark.parametrize("plugin", PLUGINS, ids=str)
each_setting = pytest.mark.parametrize(("plugin", "name"), SETTINGS, ids=str)


@pytest.mark.parametrize("name", SHELL)
def test_the_shell_is_the_same_in_both_plugins(name: str) -> None:
    one, other = (
        (Path(str(package.__file__)).with_name(name)).read_bytes()
        for package in (tap_acumatica, target_snowflake_merge)
    )
    assert one == other


# What is given.


@each_setting
@pytest.mark.parametrize("nothing", [None, ""])
def test_null_is_not_given(plugin: Plugin, name: str, nothing: object) -> None:
    without = {key: plugin.working[key] for key in plugin.working.keys() - {name}}
    assert plugin.outcome({**without, name: nothing}) == plugin.outcome(without)


@pytest.mark.parametrize("name", ["stream", "expand", "replication_key"])
def test_null_in_an_entity_is_not_given(name: str) -> None:
    entities = [{"entity": "Ledger", name: None}]
    config = TAP.outcome({**TAP.working, "entities": entities})
    assert config["entities"] == [{"entity": "Ledger"}]
    entities = [{"entity": None, name: "x"}]
    told = TAP.outcome({**TAP.working, "entities": entities})
    assert "Settings are missing: entities[0].entity; set them." in told


@each_plugin
def test_null_in_stream_maps_stays(plugin: Plugin) -> None:
    maps = {"bills": {"note": None, "__else__": None}, "vendors": None}
    others = {"stream_map_config": {"nothing": None, "empty": ""}}
    config = plugin.outcome({**plugin.working, "stream_maps": maps, **others})
    assert config["stream_maps"] == maps
    assert config["stream_map_config"] == others["stream_map_config"]


def test_what_counts_is_no_null() -> None:
    kept = {"a": 0, "b": False, "c": [], "d": {}, "e": " "}
    closed: dict[str, Any] = {"properties": {}}
    assert given({**kept, "f": None, "g": ""}, closed, is_closed=True) == kept


def test_null_in_a_later_file_takes_nothing_away(tmp_path: Path) -> None:
    one, other = tmp_path / "one.json", tmp_path / "other.json"
    one.write_text('\ufeff{"a": 1, "b": 2}', encoding="utf-8")
    other.write_text('{"a": null, "b": 3}')
    found = read(str(one), "ENV", str(other))
    assert (found.config, found.parse_env) == ({"a": 1, "b": 3}, True)


# Environment variables.


BOOLEANS = [
    (one, name)
    for one, name in SETTINGS
    if "boolean" in one.schema["properties"][name]["type"]
]


@pytest.mark.parametrize(("plugin", "name"), BOOLEANS, ids=str)
def test_an_environment_variable_says_yes_or_no(
    plugin: Plugin, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    variable = f"{plugin.prefix}{name.upper()}"
    config = {**plugin.working, "flattening_max_depth": 1}
    for text, value in {
        "t": True,
        "y": True,
        "ON": True,
        "n": False,
        "0": False,
    }.items():
        monkeypatch.setenv(variable, text)
        assert plugin.outcome(config, env=True)[name] is value
    monkeypatch.setenv(variable, "ja")
    assert plugin.outcome(config, env=True) == (
        f"Environment variable {variable} does not hold true or false, which setting "
        f"{name} takes; correct it."
    )


@pytest.mark.parametrize(
    ("plugin", "name", "text", "value"),
    [
        (TAP, "page_size", "50", 50),
        (TAP, "custom_fields", "a.b,c.d", ["a.b", "c.d"]),
        (TAP, "custom_fields", '["a,b"]', ["a,b"]),
        (TAP, "entities", '[{"entity": "Ledger"}]', [{"entity": "Ledger"}]),
        (TAP, "stream_maps", '{"bills": null}', {"bills": None}),
        (TARGET, "role", "7", "7"),
        (TARGET, "role", "[]", "[]"),
    ],
    ids=str,
)
def test_an_environment_variable_holds_what_its_setting_takes(
    plugin: Plugin,
    name: str,
    text: str,
    value: object,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv(f"{plugin.prefix}{name.upper()}", text)
    assert plugin.outcome(plugin.working, env=True)[name] == value


@each_setting
def test_bytes_that_are_no_text_are_named_and_not_shown(
    plugin: Plugin, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As Latin-1 comes in from a shell, and half of a surrogate pair from JSON."""
    variable = f"{plugin.prefix}{name.upper()}"
    monkeypatch.setenv(variable, "h\udce4ush")
    assert plugin.outcome(plugin.working, env=True) == (
        f"Environment variable {variable} holds bytes that are not UTF-8; correct it."
    )
    config = {**plugin.working, "flattening_max_depth": 1}
    for value in ("h\ud83dush", {"a": ["h\ud83dush"]}, {"h\ud83dush": 1}):
        told = plugin.outcome({**config, name: value})
        assert told.startswith(f"Setting {name} holds bytes that are not UTF-8, or")
        assert "ush" not in told


@pytest.mark.parametrize(
    ("command", "variable"),
    [
        (acumatica, "TAP_ACUMATICA_PASSWORD"),
        (cli, "TARGET_SNOWFLAKE_MERGE_PRIVATE_KEY_PASSPHRASE"),
    ],
    ids=str,
)
def test_ping_says_which_variable_is_no_text(
    command: Any,
    variable: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv(variable, "p\udce4ss")
    with pytest.raises(SystemExit) as ended:
        command.main(["ping"])
    assert ended.value.code == 1
    assert capsys.readouterr().err == (
        f"Error: Environment variable {variable} holds bytes that are not UTF-8; "
        "correct it.\n"
    )


# What nothing reads.


@pytest.mark.parametrize(
    ("plugin", "name", "meant"),
    [
        (TAP, "passwort", "password"),
        (TAP, "Password", "password"),
        (TAP, "lookback_second", "lookback_seconds"),
        (TAP, "x", None),
        (TARGET, "hard_deletes", "hard_delete"),
        (TARGET, "faker_config", None),
        (TARGET, "flattening_enable", "flattening_enabled"),
    ],
    ids=str,
)
def test_a_setting_that_nothing_reads_is_named_with_the_one_that_is_meant(
    plugin: Plugin,
    name: str,
    meant: str | None,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.WARNING)
    told = f"{name} is not known and has no effect" + (
        f"; did you mean {meant}?" if meant else ""
    )
    plugin.made({**plugin.working, name: "hush"})
    assert caplog.messages == [f"Setting {told}"]
    caplog.clear()
    variable = f"{plugin.prefix}{name.upper()}"
    monkeypatch.setenv(variable, "hush")
    if name != "Password":
        plugin.made(plugin.working, env=True)
        expected = f"Environment variable {told}".replace(name, variable, 1)
        assert caplog.messages == [expected]


def test_a_misspelt_part_of_an_entity_is_refused_with_the_one_that_is_meant() -> None:
    entities = [{"entity": "Ledger", "replication_keys": "LastModified"}]
    assert TAP.outcome({**TAP.working, "entities": entities}) == (
        "Settings are wrong: entities[0].replication_keys is not known and has no "
        "effect; did you mean replication_key?; correct them."
    )


@pytest.mark.parametrize(
    "variable",
    [
        "TAP_ACUMATICA__SELECT",
        "TAP_ACUMATICA_LOGLEVEL",
        "TAP_ACUMATICA_FULL_PASSWORD",
        "TAP_ACUMATICA_PASSWORD",
        "TAP_ACUMATICAS_PASSWORT",
    ],
)
def test_variables_that_others_read_are_not_named(
    variable: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv(variable, "DEBUG")
    caplog.set_level(logging.WARNING)
    TAP.made(TAP.working, env=True)
    assert caplog.messages == []


# What is wrong.


@pytest.mark.parametrize(
    ("plugin", "changes", "told"),
    [
        (TAP, {"page_size": "six"}, "page_size must be a whole number"),
        (TAP, {"page_size": 0}, "page_size is 0 and must be at least 2"),
        (TAP, {"password": 98765432}, "password must be a text"),
        (TAP, {"include_archived": "true"}, "include_archived must be true or false"),
        (TAP, {"entities": {}}, "entities must be a list"),
        (TAP, {"entities": ["Ledger"]}, "entities[0] must be an object"),
        (TAP, {"custom_fields": [None]}, "custom_fields[0] must be a text"),
        (TAP, {"stream_maps": {"a": 5}}, "stream_maps.a does not hold what the"),
        (TAP, {"stream_maps": {"__else__": 5}}, "stream_maps.__else__ does not hold"),
        (TAP, {"stream_maps": {"a": {"__else__": "x"}}}, "stream_maps.a does not hold"),
        (TAP, {"contract_version": 3}, "contract_version must be one of 4, 5"),
        (TARGET, {"load_method": "up"}, "load_method must be one of upsert, append"),
        (TARGET, {"max_batch_age_seconds": 10**9}, "is 1000000000 and must be at most"),
    ],
    ids=str,
)
def test_a_wrong_setting_is_one_sentence(
    plugin: Plugin, changes: dict[str, Any], told: str
) -> None:
    said = plugin.outcome({**plugin.working, **changes})
    assert said.startswith("Settings are wrong: ")
    assert told in said
    assert said.endswith("; correct them.")
    assert "98765432" not in said


def test_what_is_missing_comes_first() -> None:
    assert TAP.outcome({"page_size": "six"}) == (
        "Settings are missing: instance_url; set them. Settings are wrong: page_size "
        "must be a whole number; correct them."
    )


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b'{"password": "hush"', "cannot be read: Expecting"),
        (b'{"password": "h\xe4sh"}', "cannot be read: 'utf-8' codec"),
        (b'["hush"]', "is no JSON object"),
        (None, "cannot be read: No such file"),
    ],
)
def test_a_file_that_holds_no_settings_is_named(
    tmp_path: Path, content: bytes | None, told: str
) -> None:
    file = tmp_path / "config.json"
    if content:
        file.write_bytes(content)
    with pytest.raises(SettingError) as raised:
        read(str(file))
    assert f"The file of settings {file} {told}" in str(raised.value)
    assert "sh" not in str(raised.value).replace(str(file), "")


# What is never shown.


def key(encoding: serialization.Encoding) -> bytes:
    made = rsa.generate_private_key(65537, 2048)
    kind, plain = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    return made.private_bytes(encoding, kind, plain)


PEM = key(serialization.Encoding.PEM).decode()
SECRETS = {
    "PEM": (PEM, "key"),
    "PEM on one line": (PEM.replace("\n", "\\n"), "key"),
    "DER": (base64.b64encode(key(serialization.Encoding.DER)).decode(), "key"),
    "JWT": (f"eyJ{'hbGciOiJSUzI1NiJ9' * 2}.eyJzdWIiOiIxIn0.c2ln", "token"),
    "Snowflake's": ("ver:1-hint:1028-ETMsDgAAAXI0IS9NABRBRVMvQ0JDL1BLQ1M1", "token"),
    "address": ("https://u:hush@org-account.snowflakecomputing.com", "address"),
    "half an address": ("https://hush@erp.example.com/Site", "address"),
}
OPAQUE = "8A7C4C3A9B1E4F0F9D5B0E7F6A5D4C3B2A19080706050403020100FFEEDDCCBB-1"
"""A refresh token of Acumatica's: nothing but a place tells it from another text."""


@pytest.mark.parametrize(("plugin", "name"), TEXTS, ids=str)
@pytest.mark.parametrize("secret", SECRETS)
def test_a_secret_in_the_place_of_another_text_is_told_and_not_shown(
    plugin: Plugin, name: str, secret: str
) -> None:
    text, kind = SECRETS[secret]
    told = plugin.outcome({**plugin.working, name: text})
    assert told.startswith(f"Setting {name}: this is a")
    assert f" {kind}" in told
    assert text not in told
    assert "hush" not in told


@pytest.mark.parametrize(
    ("plugin", "name", "text", "told"),
    [
        (
            TARGET,
            "private_key_path",
            "PEM",
            "this is a key, not a path: use private_key",
        ),
        (
            TAP,
            "refresh_token_path",
            OPAQUE,
            "this is a token, not a path: use refresh_",
        ),
        (
            TARGET,
            "journal_path",
            "PEM",
            "this is a key, which belongs into one of priv",
        ),
        (TARGET, "host", "u:hush@host", "Setting host is no host name"),
        (TARGET, "host", "https://u:hu/sh@host", "Setting host is no host name"),
        (TARGET, "account", "u:hush@org-account", "Setting account is no account"),
        (TARGET, "account", "hush" * 16, "Setting account is no account identifier"),
        (TAP, "instance_url", "u:hush@erp", "Setting 'instance_url' is no address"),
        (TAP, "branch", "hush€", "Setting 'branch' cannot be sent"),
    ],
    ids=str,
)
def test_a_secret_that_went_astray_is_not_shown(
    plugin: Plugin, name: str, text: str, told: str
) -> None:
    text = SECRETS.get(text, (text, ""))[0]
    said = plugin.outcome({**plugin.working, name: text})
    assert told in said
    assert text not in said
    assert "hush" not in said


@each_setting
def test_no_value_of_a_wrong_type_is_shown(plugin: Plugin, name: str) -> None:
    for value in ("hush", ["hush"], {"hush": 1}, [{"hush": "hush"}], {"a": "hush"}):
        said = plugin.outcome({**plugin.working, name: value})
        if isinstance(said, str):
            assert "hush" not in said.replace(f"{name}.hush", "").replace("].hush", "")


def test_what_looks_like_a_token_may_be_a_path() -> None:
    config = {**TAP.working, "client_id": OPAQUE, "client_secret": "s"}
    path = f"./{OPAQUE}"
    assert TAP.outcome({**config, "refresh_token_path": path})["client_id"] == OPAQUE


@each_plugin
def test_settings_on_the_command_line_are_not_shown(
    plugin: Plugin, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        plugin.kind.get_singer_command().main(
            ["--config", json.dumps({"password": "hush"})]
        )
    assert ended.value.code == 1
    with pytest.raises((AcumaticaError, TargetError)) as raised:
        plugin.kind.cb_config(None, None, (json.dumps({"password": "hush"}),))
    assert "--config is given settings themselves" in str(raised.value)
    output = capsys.readouterr()
    assert "hush" not in f"{raised.value}{output.out}{output.err}"
