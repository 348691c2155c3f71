"""Moments that go through a real Meltano arrive as they were meant, or not at all."""

from __future__ import annotations

import json
import os
import subprocess
from typing import Any

import pytest
import yaml
from tap_acumatica import clocks

from tests.pipeline.conftest import BIN, ROOT

MEANT = "2025-07-01T02:29:00+00:00"
MIDNIGHT = "2025-07-01T00:00:00+00:00"
WRITTEN = {
    "quoted": ("'2025-07-01T04:29:00+02:00'", MEANT),
    "quoted_utc": ("'2025-07-01T02:29:00Z'", MEANT),
    "quoted_space": ("'2025-07-01 04:29:00+02:00'", MEANT),
    "quoted_date": ("'2025-07-01'", MIDNIGHT),
    "quoted_basic_date": ("'20250701'", MIDNIGHT),
    "basic": ("20250701T022900Z", MEANT),
    "date": ("2025-07-01", MIDNIGHT),
    "unquoted": ("2025-07-01T04:29:00+02:00", None),
    "unquoted_utc": ("2025-07-01T02:29:00Z", None),
    "unquoted_space": ("2025-07-01 04:29:00 +02:00", None),
    "unquoted_without_offset": ("2025-07-01T04:29:00", None),
    "relative": ("last week", None),
}
"""How somebody may write a moment in meltano.yml; what is meant where it is taken."""
IN_THE_ENVIRONMENT = {
    "env": ("2025-07-01T04:29:00+02:00", MEANT),
    "env_basic": ("20250701T022900Z", MEANT),
    "env_midnight": ("20250701T000000Z", MIDNIGHT),
    "env_date": ("2025-07-01", MIDNIGHT),
    "env_without_offset": ("2025-07-01T04:29:00", None),
}
"""The same in an environment variable or a file .env."""
LOADER = "target-snowflake-merge"
FORMS = WRITTEN | IN_THE_ENVIRONMENT


def settings(plugin: str) -> list[dict[str, Any]]:
    """Return how meltano.yml declares a plugin's settings."""
    project = yaml.safe_load((ROOT / "meltano.yml").read_text())
    kinds = project["plugins"].values()
    [found] = [p for plugins in kinds for p in plugins if p["name"] == plugin]
    return list(found["settings"])


def declared(plugin: str, setting: str) -> dict[str, Any]:
    [one] = [s for s in settings(plugin) if s["name"] == setting]
    return one


@pytest.fixture(scope="module")
def received(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What the plugin gets of each form: a setting of its own each, all at once."""
    folder = tmp_path_factory.mktemp("moments")
    like = declared("tap-acumatica", "start_date")
    forms = [{**like, "name": name} for name in FORMS]
    plugin = {
        "name": "tap-moments",
        "namespace": "tap_moments",
        "executable": "true",
        "settings": [*forms, {**declared(LOADER, "stream_map_config"), "name": "maps"}],
        "config": {**dict.fromkeys(WRITTEN), "maps": {"since": "QUOTED"}},
    }
    project = yaml.safe_dump({"plugins": {"extractors": [plugin]}}, sort_keys=False)
    for name, (text, _) in WRITTEN.items():
        project = project.replace(f" {name}: null\n", f" {name}: {text}\n")
    project = project.replace("QUOTED", WRITTEN["quoted"][0])
    (folder / "meltano.yml").write_text(project)
    variables = {
        f"TAP_MOMENTS_{name.upper()}": text
        for name, (text, _) in IN_THE_ENVIRONMENT.items()
    }
    done = subprocess.run(  # noqa: S603 - our own command
        [
            BIN / "meltano",
            "--log-level=error",
            "invoke",
            "--dump=config",
            "tap-moments",
        ],
        cwd=folder,
        env={
            **os.environ,
            **variables,
            "MELTANO_DATABASE_URI": f"sqlite:///{folder / 'meltano.db'}",
            "MELTANO_SEND_ANONYMOUS_USAGE_STATS": "false",
        },
        capture_output=True,
        check=True,
    )
    got: dict[str, Any] = json.loads(done.stdout)
    return got


@pytest.mark.parametrize("form", FORMS)
def test_a_start_arrives_as_it_was_meant_or_is_refused(
    received: dict[str, Any], form: str
) -> None:
    _, meant = FORMS[form]
    if meant is None:
        with pytest.raises(ValueError, match=r"without its offset|neither a date"):
            clocks.start(received[form])
    else:
        assert clocks.start(received[form]).isoformat() == meant


def test_a_moment_in_the_settings_of_stream_maps_arrives_as_it_was_quoted(
    received: dict[str, Any],
) -> None:
    assert received["maps"] == {"since": WRITTEN["quoted"][0].strip("'")}


@pytest.mark.parametrize("plugin", ["tap-acumatica", LOADER])
def test_no_setting_is_of_the_kind_whose_values_meltano_rewrites(plugin: str) -> None:
    assert all(one.get("kind") != "date_iso8601" for one in settings(plugin))
