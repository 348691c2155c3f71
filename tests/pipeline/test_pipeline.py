"""The main job with a real Meltano: copied, copied again, and copied after changes."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest
from sandbox.acumatica.control.admin_client import AcumaticaAdmin
from sandbox.demo import STREAMS
from sandbox.snowflake.control.admin_client import SnowflakeAdmin

from sandbox import config

if TYPE_CHECKING:
    import subprocess

    from tests.pipeline.conftest import Project

RUN = ("run", "tap-acumatica", "target-snowflake-merge")
WEEKLY = ("run", "tap-acumatica-full", "target-snowflake-merge")


@pytest.fixture(scope="module")
def first_run(project: Project) -> subprocess.CompletedProcess[str]:
    return project.meltano(*RUN)


def rows_and_amounts(project: Project) -> dict[str, tuple[int, Decimal]]:
    snowflake = SnowflakeAdmin(project.snowflake.url)
    found = {}
    for stream in STREAMS:
        amount = stream.amount or "0"
        _, [[rows, total]] = snowflake.sql(
            f"SELECT COUNT(DISTINCT ID), SUM({amount}) "  # noqa: S608 - names of ours
            f"FROM {stream.table}{stream.source} WHERE _SDC_DELETED_AT IS NULL",
            "ACUMATICA",
        )
        found[stream.entity] = (rows, Decimal(total))
    return found


def truth(project: Project) -> dict[str, tuple[int, Decimal]]:
    summary = AcumaticaAdmin(project.acumatica.url).summary()
    return {
        entity: (found["rows"], Decimal(found["amount"] or 0))
        for entity, found in summary.items()
    }


def inserted(run: subprocess.CompletedProcess[str]) -> int:
    return sum(map(int, re.findall(r"Loaded .*: (\d+) inserted", run.stdout)))


def test_the_first_run_copies_everything(
    project: Project, first_run: subprocess.CompletedProcess[str]
) -> None:
    assert first_run.returncode == 0, first_run.stdout
    assert rows_and_amounts(project) == truth(project)
    assert inserted(first_run) == sum(rows for rows, _ in truth(project).values())


def test_a_run_installs_nothing(first_run: subprocess.CompletedProcess[str]) -> None:
    assert "Installing" not in first_run.stdout


def test_a_run_without_changes_inserts_nothing(
    project: Project, first_run: subprocess.CompletedProcess[str]
) -> None:
    assert first_run.returncode == 0
    again = project.meltano(*RUN)
    assert again.returncode == 0, again.stdout
    assert inserted(again) == 0
    snowflake = SnowflakeAdmin(project.snowflake.url)
    for stream in STREAMS:
        statement = f"SELECT COUNT(*), COUNT(DISTINCT ID) FROM {stream.table}"  # noqa: S608 - names of ours
        _, [[rows, ids]] = snowflake.sql(statement, "ACUMATICA")
        assert rows == ids == truth(project)[stream.entity][0]


def test_a_run_after_changes_copies_them(
    project: Project, first_run: subprocess.CompletedProcess[str]
) -> None:
    assert first_run.returncode == 0
    counts = AcumaticaAdmin(project.acumatica.url).mutate(days=2)
    run = project.meltano(*RUN)
    assert run.returncode == 0, run.stdout
    assert inserted(run) == sum(count["added"] for count in counts.values())
    assert rows_and_amounts(project) == truth(project)


def test_a_full_refresh_marks_what_was_deleted(
    project: Project, first_run: subprocess.CompletedProcess[str]
) -> None:
    assert first_run.returncode == 0
    acumatica = AcumaticaAdmin(project.acumatica.url)
    counts = acumatica.mutate(days=2, deletes=True)
    nightly = project.meltano(*RUN)
    assert nightly.returncode == 0, nightly.stdout
    state = project.state()
    weekly = project.meltano(*WEEKLY)
    assert weekly.returncode == 0, weekly.stdout
    marked = re.findall(r"Marked (\d+) rows", weekly.stdout)
    assert len(marked) == len(STREAMS)
    # What was added and deleted between two runs was never there.
    deleted = sum(count["deleted"] for count in counts.values())
    assert 0 < sum(map(int, marked)) <= deleted
    assert inserted(weekly) == 0
    assert rows_and_amounts(project) == truth(project)
    assert project.state() == state


def test_the_loads_are_listed_and_replayed(
    project: Project, first_run: subprocess.CompletedProcess[str]
) -> None:
    assert first_run.returncode == 0
    before = rows_and_amounts(project)
    loads = project.meltano("invoke", "target-snowflake-merge:loads", "--limit=3")
    assert loads.returncode == 0, loads.stdout
    assert len(re.findall(r"^loaded ", loads.stdout, re.MULTILINE)) == 3
    replay = ("invoke", "target-snowflake-merge:replay")
    nothing = project.meltano(*replay)
    assert "The journal holds no such batch" in nothing.stdout
    again = project.meltano(*replay, "--status=loaded", "--stream=vendors")
    assert again.returncode == 0, again.stdout
    assert "rows of vendors: 0 inserted" in again.stdout
    assert rows_and_amounts(project) == before


def test_a_wrong_password_ends_the_run_with_its_sentence(
    project: Project, first_run: subprocess.CompletedProcess[str]
) -> None:
    assert first_run.returncode == 0
    before = project.state()
    run = project.meltano(*RUN, TAP_ACUMATICA_PASSWORD="wrong")
    assert run.returncode == 1
    assert re.search(
        r"\[error .*tap-acumatica .*Check username and password", run.stdout
    ), run.stdout
    assert "ResourceWarning" not in run.stdout
    assert project.state() == before


def test_a_wrong_role_ends_the_run_with_its_sentence(
    project: Project, first_run: subprocess.CompletedProcess[str]
) -> None:
    """While the tap has much to write; Meltano kills it then."""
    assert first_run.returncode == 0
    before = project.state()
    run = project.meltano(*WEEKLY, TARGET_SNOWFLAKE_MERGE_ROLE="NONE")
    assert run.returncode == 1
    assert "Traceback" not in run.stdout, run.stdout
    *_, last = re.findall(r"\[error +\] (?!meltano).*", run.stdout)
    assert "target-snowflake-merge" in last
    assert "Role 'NONE' specified" in last
    assert project.state() == before


def test_the_seats_are_free_after_all_runs(project: Project) -> None:
    assert AcumaticaAdmin(project.acumatica.url).sessions() == []


def test_production_takes_everything_from_the_environment(project: Project) -> None:
    run = project.in_production(
        *RUN,
        ACUMATICA_INSTANCE_URL=project.acumatica.url,
        ACUMATICA_ENDPOINT_NAME="Default",
        ACUMATICA_ENDPOINT_VERSION=config.ENDPOINT_VERSION,
        ACUMATICA_CLIENT_ID=config.CLIENT_ID,
        ACUMATICA_CLIENT_SECRET=config.CLIENT_SECRET,
        ACUMATICA_USERNAME=config.USERNAME,
        ACUMATICA_PASSWORD=config.PASSWORD,
        ACUMATICA_START_DATE="2026-09-30T00:00:00Z",
        SNOWFLAKE_HOST=project.snowflake.url,
        SNOWFLAKE_ACCOUNT=config.ACCOUNT,
        SNOWFLAKE_PROGRAMMATIC_ACCESS_TOKEN=config.PROGRAMMATIC_ACCESS_TOKEN,
        SNOWFLAKE_DATABASE=config.DATABASE,
        SNOWFLAKE_SCHEMA="PRODUCTION",
        SNOWFLAKE_WAREHOUSE=config.WAREHOUSE,
        SNOWFLAKE_ROLE=config.ROLE,
        TARGET_SNOWFLAKE_MERGE_STREAM_MAPS='{"bills": {"__alias__": "payables"}}',
    )
    assert run.returncode == 0, run.stdout
    assert inserted(run) > 0
    snowflake = SnowflakeAdmin(project.snowflake.url)
    _, [[oldest]] = snowflake.sql(
        "SELECT MIN(LASTMODIFIEDDATETIME) FROM PAYABLES", "PRODUCTION"
    )
    assert oldest >= "2026-09-30"


def test_the_target_says_whether_a_load_would_work(project: Project) -> None:
    good = project.meltano("invoke", "target-snowflake-merge:ping")
    assert good.returncode == 0, good.stdout
    assert "ok      rights     What comes out is what went in." in good.stdout

    bad = project.meltano(
        "invoke",
        "target-snowflake-merge:ping",
        TARGET_SNOWFLAKE_MERGE_WAREHOUSE="NONE",
    )
    assert bad.returncode == 1
    assert "failed  warehouse  Snowflake refused" in bad.stdout


@pytest.mark.parametrize(
    ("command", "changes", "line"),
    [
        ("tap-acumatica:ping", {}, "ok      bills                  Bill can be read"),
        (
            "acumatica:ping",
            {"TAP_ACUMATICA_PASSWORD": "wrong"},
            "FAILED  sign-in                The instance refuses the sign-in ",
        ),
        (
            "acumatica:endpoints",
            {"TAP_ACUMATICA_ENDPOINT_VERSION": ""},
            "Default/26.200.001",
        ),
    ],
    ids=["all is well", "a wrong password", "no version"],
)
def test_the_taps_commands_answer_whatever_is_wrong(
    project: Project, command: str, changes: dict[str, str], line: str
) -> None:
    done = project.meltano("invoke", command, **changes)
    assert done.returncode == ("FAILED" in line), done.stdout
    assert re.search(f"^{re.escape(line)}", done.stdout, re.MULTILINE), done.stdout
