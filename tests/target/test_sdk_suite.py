"""The SDK's own suite for targets, complete, against the sandbox."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from singer_sdk.exceptions import InvalidRecord
from singer_sdk.testing import SuiteConfig, get_target_test_class
from singer_sdk.testing.runners import TargetTestRunner
from singer_sdk.testing.suites import SingerTestSuite
from singer_sdk.testing.target_tests import (
    TargetMultipleStateMessages,
    TargetRecordMissingRequiredProperty,
)
from target_snowflake_merge.errors import TargetError
from target_snowflake_merge.target import TargetSnowflakeMerge
from typing_extensions import override

from sandbox import config

if TYPE_CHECKING:
    from pathlib import Path

SETTINGS = {
    "account": config.ACCOUNT,
    "database": config.DATABASE,
    "default_target_schema": "SDK",
    "programmatic_access_token": config.PROGRAMMATIC_ACCESS_TOKEN,
}


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
        with pytest.raises(TargetError, match="'id' is a required property") as caught:
            super().test()
        assert isinstance(caught.value.__cause__, InvalidRecord)


more = SingerTestSuite(kind="target", tests=[MultipleStates, MissingRequiredProperty])
Suite = get_target_test_class(
    TargetSnowflakeMerge, config=SETTINGS, custom_suites=[more]
)


class TestSdkSuite(Suite):  # type: ignore[misc,valid-type] # made at run time
    @pytest.fixture
    def runner(self, server: tuple[str, object], tmp_path: Path) -> TargetTestRunner:
        url, _ = server
        settings = {**SETTINGS, "host": url, "journal_path": str(tmp_path)}
        return TargetTestRunner(TargetSnowflakeMerge, settings, SuiteConfig())
