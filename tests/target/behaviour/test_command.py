"""The command itself: what it says about itself, and how it ends."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner
from target_snowflake_merge.operate.cli import cli
from target_snowflake_merge.target import TargetSnowflakeMerge

if TYPE_CHECKING:
    from tests.target.conftest import Warehouse

OWN = [
    "account",
    "host",
    "user",
    "private_key",
    "private_key_path",
    "private_key_passphrase",
    "programmatic_access_token",
    "oauth_token",
    "database",
    "default_target_schema",
    "warehouse",
    "role",
    "load_method",
    "batch_size_rows",
    "batch_size_bytes",
    "max_parallelism",
    "max_batch_age_seconds",
    "hard_delete",
    "journal_path",
    "journal_retention_days",
    "journal_max_bytes",
    "statement_timeout_seconds",
    "number_type",
    "invalid_dates",
    "add_record_metadata",
]
OF_THE_SDK = [
    "process_activate_version_messages",
    "validate_records",
    "stream_maps",
    "stream_map_config",
    "flattening_enabled",
    "flattening_max_depth",
    "flattening_max_key_length",
    "flattening_separator",
]
SECRETS = {
    "private_key",
    "private_key_passphrase",
    "programmatic_access_token",
    "oauth_token",
}


def about(warehouse: Warehouse) -> dict[str, Any]:
    settings = warehouse.folder / "config.json"
    settings.write_text(json.dumps(warehouse.settings(private_key="hush")))
    options = ["--about", "--format", "json", "--config", str(settings)]
    done = subprocess.run(  # noqa: S603 - our own command
        [warehouse.command, *options], capture_output=True, check=True
    )
    assert b"hush" not in done.stdout + done.stderr
    description: dict[str, Any] = json.loads(done.stdout)
    return description


def test_about(warehouse: Warehouse) -> None:
    description = about(warehouse)

    settings = description["settings"]["properties"]
    assert list(settings) == [*OWN, *OF_THE_SDK]
    assert {name for name, one in settings.items() if one.get("secret")} == SECRETS
    assert not SECRETS & set(description["settings"]["required"])
    assert description["capabilities"] == [
        "about",
        "stream-maps",
        "schema-flattening",
        "structured-logging",
        "validate-records",
        "activate-version",
    ]


def test_a_file_of_messages_is_utf_8_in_any_locale(warehouse: Warehouse) -> None:
    settings = warehouse.folder / "config.json"
    settings.write_text(json.dumps(warehouse.settings()))
    messages = warehouse.folder / "messages"
    properties = {"properties": {"id": {"type": "string"}}}
    messages.write_text(
        json.dumps({"type": "SCHEMA", "stream": "bill", "schema": properties})
        + '\n{"type":"RECORD","stream":"bill","record":{"id":"Łódź 5 €"}}\n',
        encoding="utf-8",
    )

    run = warehouse.run_installed(
        "",
        *("--config", str(settings), "--input", str(messages)),
        LC_ALL="C",
        PYTHONCOERCECLOCALE="0",
        PYTHONUTF8="0",
    )

    assert run.code == 0, run.log
    assert warehouse.rows("ID") == [["Łódź 5 €"]]


def test_the_target_is_made_from_a_dictionary_too() -> None:
    target = TargetSnowflakeMerge(
        config={
            "account": "myorg-acct",
            "database": "finance",
            "default_target_schema": "erp",
            "programmatic_access_token": "hush",
            "host": "",
        }
    )

    assert target.config["batch_size_rows"] == 10_000
    assert "host" not in target.config


@pytest.mark.parametrize("command", sorted(cli.commands))
def test_help_needs_no_settings(command: str) -> None:
    shown = CliRunner().invoke(cli, [command, "--help"])
    assert shown.exit_code == 0
    assert shown.output.startswith(f"Usage: snowflake-merge {command} [OPTIONS]")
