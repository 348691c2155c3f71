"""Settings: what files and environment variables give, and what is wrong with it.

This file is the same in both plugins, byte by byte; a test holds it so.

Overridden of what is private in singer-sdk, since no public hook does it:
``PluginBase._env_var_config`` and ``_validate_config``; used: ``_env_var_prefix``,
``classproperty``, ``_ConfigInput``.
"""

from __future__ import annotations

import json
import logging
import os
import re
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any

from singer_sdk.helpers._classproperty import classproperty
from singer_sdk.plugin_base import JSONSchemaValidator, PluginBase, _ConfigInput
from typing_extensions import override

from .errors import SettingError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    import click

ENVIRONMENT = "ENV"
"""What stands for environment variables where files of settings are named."""

NOT_GIVEN = (None, "")
"""Values that are no value: Meltano and shells write them for what is not set."""

BOOLEANS = dict.fromkeys(("true", "t", "yes", "y", "on", "1"), True)
BOOLEANS |= dict.fromkeys(("false", "f", "no", "n", "off", "0"), False)
"""How environment variables say what is so; anything else is an error."""

KINDS = {
    "array": "a list",
    "boolean": "true or false",
    "integer": "a whole number",
    "number": "a number",
    "object": "an object",
    "string": "a text",
}

PRIVATE_KEY = re.compile(r"-----BEGIN|^\s*MI[IG][\w+/\s]{200,}={0,2}\s*$")
"""PEM, or DER in base64."""

TOKEN = re.compile(r"^\s*(eyJ[\w-]{20,}\.|ver:\d+-hint:)")
"""A JSON Web Token, as Snowflake's access tokens are, or one of its OAuth tokens."""

TOKEN_AS_PATH = re.compile(r"(?=.*\d)(?=.*[A-Za-z])[\w+=~-]{32,}")
"""What may be any token where a path is expected; `./` before it makes it a path."""

USER_IN_ADDRESS = re.compile(r"://[^/?#\s]*@")

SHOWN = 50
"""Characters of an unknown name that a warning shows."""


class Configured(PluginBase):
    """Reads and checks the settings of a plugin; to stand before the SDK's class."""

    def __init__(self, **kwargs: Any) -> None:  # noqa: ANN401 - the SDK's own
        """Read the settings; the arguments are those of the SDK's class.

        Raises:
            SettingError: A setting is missing or wrong.
        """
        self.check_log_level()
        super().__init__(**kwargs)

    @classmethod
    def check_log_level(cls) -> None:
        """Refuse a level that the SDK could not set.

        Raises:
            SettingError: A variable of the environment names none.
        """
        for variable in (f"{cls._env_var_prefix}LOGLEVEL", "LOGLEVEL"):
            level = os.environ.get(variable)
            if level and level.upper() not in logging.getLevelNamesMapping():
                raise SettingError(
                    f"Environment variable {variable} is no level of the log; set it "
                    "to DEBUG, INFO, WARNING or ERROR."
                )

    @classmethod
    @override
    def append_builtin_config(cls, config_jsonschema: dict[str, Any]) -> None:
        """Take the SDK's settings but for that of Faker, which is not installed."""
        super().append_builtin_config(config_jsonschema)
        config_jsonschema["properties"].pop("faker_config", None)

    @classmethod
    @override
    def cb_config(
        cls, ctx: click.Context, param: click.Option, value: tuple[str, ...]
    ) -> _ConfigInput:
        return read(*value)

    @classproperty
    @override
    def _env_var_config(cls) -> dict[str, Any]:  # noqa: N805 - a property of the class
        cls.append_builtin_config(cls.config_jsonschema)
        settings, prefix = cls.config_jsonschema["properties"], cls._env_var_prefix
        for warning in unknown_variables(settings, prefix):
            cls.logger.warning(warning)
        return from_environment(settings, prefix)

    @override
    def _validate_config(self, *, raise_errors: bool = True) -> list[str]:
        self.append_builtin_config(self.config_jsonschema)
        for name in self._config:
            if warning := unknown(name, self.config_jsonschema["properties"]):
                self.logger.warning("Setting %s", warning)
        self._config = given(self._config, self.config_jsonschema, is_closed=True)
        errors = list(faults(self._config, self.config_jsonschema))
        if errors and raise_errors:
            raise SettingError(" ".join(errors))
        return errors


def read(*files: str) -> _ConfigInput:
    """Return the settings of some files, of which later ones win.

    Args:
        files: Paths of JSON files; ``ENV`` stands for environment variables.

    Raises:
        SettingError: A file cannot be read, or holds no settings.
    """
    config: dict[str, Any] = {}
    for file in files:
        if file != ENVIRONMENT:
            content = _content(file)
            config |= {k: v for k, v in content.items() if v not in NOT_GIVEN}
    return _ConfigInput(config, parse_env=ENVIRONMENT in files)


def _content(file: str) -> dict[str, Any]:
    if file.lstrip().startswith("{"):
        raise SettingError(
            "--config is given settings themselves, which other users of this machine "
            "can see; put them into a file and give its path."
        )
    try:
        content: object = json.loads(Path(file).read_text("utf-8-sig"))
    except (OSError, ValueError, RecursionError) as error:
        reason = getattr(error, "strerror", None) or error
        raise SettingError(
            f"The file of settings {file} cannot be read: {reason}."
        ) from error
    if not isinstance(content, dict):
        raise SettingError(f"The file of settings {file} is no JSON object.")
    return content


def from_environment(settings: Mapping[str, Any], prefix: str) -> dict[str, Any]:
    """Return the settings that environment variables give.

    The SDK's own reading would take for false what says neither yes nor no, and put
    what a file ``.env`` above its own code says over what the environment says.

    Args:
        settings: The JSON Schema of each setting by its name.
        prefix: How the variables begin.

    Raises:
        SettingError: A variable does not hold what its setting takes.
    """
    config = {}
    for name, schema in settings.items():
        variable = f"{prefix}{name.upper()}"
        if text := os.environ.get(variable):
            try:
                text.encode()
                config[name] = _value(text, schema)
            except (KeyError, ValueError, RecursionError):
                # Without its cause, which may hold the value.
                raise SettingError(_unfit(variable, name, text, schema)) from None
    return config


def _value(text: str, schema: Mapping[str, Any]) -> Any:  # noqa: ANN401 - as the schema says
    types = schema["type"]
    if "boolean" in types:
        return BOOLEANS[text.lower()]
    if "integer" in types:
        return int(text)
    if "array" in types and "string" in schema["items"]["type"]:
        return json.loads(text) if text.lstrip().startswith("[") else text.split(",")
    return json.loads(text) if {"array", "object"} & set(types) else text


def _unfit(variable: str, name: str, text: str, schema: Mapping[str, Any]) -> str:
    what = f"does not hold {_kinds(schema['type'])}, which setting {name} takes"
    if not _is_text(text):
        what = "holds bytes that are not UTF-8"
    return f"Environment variable {variable} {what}; correct it."


def given(value: Any, schema: Mapping[str, Any], *, is_closed: bool = False) -> Any:  # noqa: ANN401 - any JSON
    """Leave out of settings what is null or empty, which means that it is not given.

    Where any name may stand, as in ``stream_maps``, a null means something.

    Args:
        value: Settings, or the value of one.
        schema: Its JSON Schema.
        is_closed: Whether only the names of the schema are settings; without it, the
            schema says so.
    """
    if isinstance(value, list):
        return [given(one, schema.get("items", {})) for one in value]
    if not isinstance(value, dict) or schema.get("additionalProperties", not is_closed):
        return value
    inner = schema["properties"]
    return {
        name: given(one, inner.get(name, {}))
        for name, one in value.items()
        if one not in NOT_GIVEN
    }


# What is wrong.


def faults(config: dict[str, Any], schema: Mapping[str, Any]) -> Iterator[str]:
    """Say in sentences what is wrong with settings, without showing a text of theirs.

    Any text may be a secret that went astray.

    Args:
        config: The settings; what has a default and is not given is added to them.
        schema: Their JSON Schema.
    """
    settings = schema["properties"]
    astray = [told for name in config for told in _astray(name, config, settings)]
    if astray:
        yield from astray
        return
    missing: list[str] = []
    wrong: list[str] = []
    for error in JSONSchemaValidator(_sound(schema)).iter_errors(config):
        if error.validator == "required":
            missing.append(_missing(error))
        else:
            wrong.append(_wrong(error, settings))
    if missing:
        yield f"Settings are missing: {', '.join(missing)}; set them."
    if wrong:
        yield f"Settings are wrong: {'; '.join(wrong)}; correct them."


def _sound(schema: Any) -> Any:  # noqa: ANN401 - any JSON
    """Mend the SDK's schema of ``__else__``, which names a type among the schemas."""
    if isinstance(schema, list):
        return [_sound(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    sound = {name: _sound(one) for name, one in schema.items()}
    if "anyOf" in sound:
        sound["anyOf"] = [one for one in sound["anyOf"] if isinstance(one, dict)]
    return sound


def _missing(error: Any) -> str:  # noqa: ANN401 - an error of jsonschema
    """Name what is missing, which is one setting for each error."""
    found = re.match(r"^'(\w+)' is a required property", error.message)
    return _where([*error.absolute_path, found[1] if found else "a part"])


def _wrong(error: Any, settings: Mapping[str, Any]) -> str:  # noqa: ANN401 - as above
    where = _where(error.absolute_path)
    if error.validator == "type":
        return f"{where} must be {_kinds(error.validator_value)}"
    if error.validator == "enum":
        return f"{where} must be one of {', '.join(map(str, error.validator_value))}"
    if error.validator in {"minimum", "maximum"}:
        is_secret = settings.get(str(error.absolute_path[0]), {}).get("secret")
        shown = "" if is_secret else f"is {error.instance} and "
        bound = "at least" if error.validator == "minimum" else "at most"
        return f"{where} {shown}must be {bound} {error.validator_value}"
    if error.validator == "additionalProperties" and isinstance(error.instance, dict):
        known = error.schema["properties"]
        strangers = [name for name in error.instance if name not in known]
        return "; ".join(f"{where}.{unknown(name, known)}" for name in strangers)
    return f"{where} does not hold what the setting takes"


def _where(path: Collection[str | int]) -> str:
    """Write a path into the settings as people do: ``entities[0].expand``."""
    parts = [f"[{one}]" if isinstance(one, int) else f".{one}" for one in path]
    return "".join(parts).removeprefix(".")


def _kinds(types: str | Collection[str]) -> str:
    names = [types] if isinstance(types, str) else types
    return " or ".join(KINDS[name] for name in names if name in KINDS)


def _astray(
    name: str, config: Mapping[str, Any], settings: Mapping[str, Any]
) -> Iterator[str]:
    """Say of the texts of a setting that they are none, or belong into a secret."""
    schema = settings.get(name, {"type": ()})
    # The expressions of stream_maps may be anything.
    may_be_any = schema.get("secret") or "object" in schema["type"]
    for where, text in _texts(config[name], name):
        if not _is_text(text):
            yield (
                f"Setting {name} holds bytes that are not UTF-8, or half of a "
                "surrogate pair; correct it."
            )
        elif not may_be_any and (kind := _secret(name, text)):
            yield f"Setting {where}: {_belongs(name, kind, settings)}"


def _texts(value: Any, where: str) -> Iterator[tuple[str, str]]:  # noqa: ANN401 - any JSON
    """Go through all texts of a value, and where they stand."""
    if isinstance(value, str):
        yield where, value
    elif isinstance(value, dict):
        for name, one in value.items():
            yield where, name
            yield from _texts(one, f"{where}.{name}")
    elif isinstance(value, list):
        for number, one in enumerate(value):
            yield from _texts(one, f"{where}[{number}]")


def _is_text(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _secret(name: str, text: str) -> str:
    """Say which kind of secret a text is, if it looks like one."""
    if PRIVATE_KEY.search(text):
        return "key"
    if TOKEN.search(text) or (
        name.endswith("_path") and TOKEN_AS_PATH.fullmatch(text.strip())
    ):
        return "token"
    return "address" if USER_IN_ADDRESS.search(text) else ""


def _belongs(name: str, kind: str, settings: Mapping[str, Any]) -> str:
    """Say where a secret belongs that stands in another setting."""
    if kind == "address":
        return (
            "this is an address that holds a user or a password; take out what stands "
            "before its @."
        )
    secrets = [one for one, schema in settings.items() if schema.get("secret")]
    owner = name.removesuffix("_path")
    if owner != name and owner in secrets:
        return (
            f"this is a {kind}, not a path: use {owner}, or begin the path with a dot "
            "or a slash."
        )
    return f"this is a {kind}, which belongs into one of {', '.join(secrets)}."


# What nothing reads.


def unknown(name: str, known: Collection[str]) -> str:
    """Say of a setting that nothing reads it, and which one may be meant.

    Args:
        name: Its name.
        known: The settings that there are.

    Returns:
        The name and what is wrong with it; an empty text where it is known.
    """
    if name in known:
        return ""
    nearest = get_close_matches(name.lower(), known, n=1)
    meant = f"; did you mean {nearest[0]}?" if nearest else ""
    return f"{name[:SHOWN]} is not known and has no effect{meant}"


def unknown_variables(settings: Collection[str], prefix: str) -> Iterator[str]:
    """Say of environment variables that nothing reads them.

    Meltano's own have two underscores, and those of a plugin that inherits from this
    one a word between the prefix and a setting.

    Args:
        settings: The settings that there are.
        prefix: How their variables begin.
    """
    for variable, text in os.environ.items():
        name = variable.removeprefix(prefix).lower()
        is_other = name.endswith(tuple(f"_{one}" for one in settings))
        if variable.startswith(prefix) and text and not is_other:
            told = unknown(name, [*settings, "loglevel"])
            if told and not name.startswith("_"):
                _, _, rest = told.partition(" ")
                yield f"Environment variable {variable[: 2 * SHOWN]} {rest}"
