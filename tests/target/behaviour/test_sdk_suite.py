"""The SDK's own suite for targets, complete, and what is in the warehouse after it.

Each template's input is played to a model as well; the tables must hold what it says.
The same inputs are loaded a second time from the files of BATCH messages.
"""

from __future__ import annotations

import importlib.resources
from typing import TYPE_CHECKING, Any

import pytest
from sandbox.snowflake.control.admin_client import SnowflakeAdmin
from singer_sdk.testing import (
    SuiteConfig,
    get_target_test_class,
    target_test_streams,
    templates,
)
from singer_sdk.testing.runners import TargetTestRunner
from singer_sdk.testing.suites import SingerTestSuite, target_tests
from singer_sdk.testing.target_tests import (
    TargetMultipleStateMessages,
    TargetRecordMissingRequiredProperty,
)
from singer_sdk.testing.templates import TargetFileTestTemplate
from target_snowflake_merge.errors import RecordRefusedError, TargetError
from target_snowflake_merge.target import TargetSnowflakeMerge
from typing_extensions import override

from sandbox import config, processes
from tests.helpers.singer_model import contents, in_files, same, stored

if TYPE_CHECKING:
    from pathlib import Path

    from tests.target.conftest import Warehouse

SETTINGS = {
    "account": config.ACCOUNT,
    "database": config.DATABASE,
    "default_target_schema": "SDK",
    "programmatic_access_token": config.PROGRAMMATIC_ACCESS_TOKEN,
}

REFUSED = {
    "invalid_schema",
    "record_before_schema",
    "record_missing_key_property",
    "record_missing_required_property",
}
"""Templates whose input ends the run before anything is loaded."""

INPUTS = sorted(
    path.name.removesuffix(".singer")
    for path in importlib.resources.files(target_test_streams).iterdir()
    if path.name.endswith(".singer")
)


def lines_of(name: str) -> list[str]:
    """Read an input of the SDK."""
    path = importlib.resources.files(target_test_streams) / f"{name}.singer"
    return path.read_text("utf-8").split("\n")[:-1]


def compare(admin: SnowflakeAdmin, schema: str, name: str) -> None:
    """Hold what the tables hold against the model."""
    for stream, (properties, rows) in contents(lines_of(name)).items():
        if name not in REFUSED:
            found = stored(admin, schema, stream, properties)
            assert same(found, rows), (stream, found, rows)
        elif properties:
            try:
                assert stored(admin, schema, stream, properties) == []
            except processes.SandboxError as error:
                assert "002003" in str(error)  # noqa: PT017 - no such table


class Validated(TargetFileTestTemplate):
    """A template whose result is looked at."""

    @override
    def validate(self) -> None:
        url = self.runner.new_target().config["host"]
        compare(SnowflakeAdmin(url), SETTINGS["default_target_schema"], self.name or "")


class MultipleStates(TargetMultipleStateMessages):
    """The SDK compares parsed states with texts, and expects three batches."""

    @override
    def test(self) -> None:
        self.runner.sync_all()
        assert self.runner.state_messages[-1] == {
            "test_multiple_state_messages_a": 5,
            "test_multiple_state_messages_b": 6,
        }


class MissingRequiredProperty(TargetRecordMissingRequiredProperty):
    """The SDK's own version expects nothing at all."""

    @override
    def test(self) -> None:
        with pytest.raises(TargetError, match='"id" is a required property') as caught:
            super().test()
        assert isinstance(caught.value.__cause__, RecordRefusedError)


suite: SingerTestSuite[templates.TestTemplate[Any]] = SingerTestSuite(
    kind="target",
    tests=[
        type(test.__name__, (Validated, test), {})
        if issubclass(test, TargetFileTestTemplate)
        else test
        for test in [*target_tests.tests, MultipleStates, MissingRequiredProperty]
    ],
)
Suite = get_target_test_class(
    TargetSnowflakeMerge,
    config=SETTINGS,
    custom_suites=[suite],
    include_target_tests=False,
)


class TestSdkSuite(Suite):  # type: ignore[misc,valid-type] # made at run time
    @pytest.fixture
    def runner(self, server: tuple[str, object], tmp_path: Path) -> TargetTestRunner:
        url, _ = server
        settings = {**SETTINGS, "host": url, "journal_path": str(tmp_path)}
        return TargetTestRunner(TargetSnowflakeMerge, settings, SuiteConfig())


def test_the_suite_is_complete() -> None:
    """Each default test of the SDK, and the two that it leaves out."""
    assert len(suite.tests) == len(target_tests.tests) + 2
    assert {test.name for test in target_tests.tests} < {t.name for t in suite.tests}


@pytest.mark.parametrize("name", sorted({*INPUTS} - REFUSED))
def test_the_same_records_in_files(
    warehouse: Warehouse, tmp_path: Path, name: str
) -> None:
    lines = lines_of(name)
    run = warehouse.loaded(*(f"{line}\n" for line in in_files(lines, tmp_path)))
    compare(warehouse.admin, warehouse.schema, name)
    has_state = any('"STATE"' in line and "{}" not in line for line in lines)
    assert bool(run.states) is has_state
