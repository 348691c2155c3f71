"""The command `sandbox` as a person uses it: ports of his choice, rows he can read."""

from __future__ import annotations

import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from sandbox.acumatica.control.admin_client import AcumaticaAdmin
from sandbox.snowflake.control.admin_client import SnowflakeAdmin
from sandbox.table import fitted

if TYPE_CHECKING:
    from pathlib import Path

ROWS: list[list[object]] = [
    ["000123", '{"Account": "60600"}', None],
    ["000124", "two\n lines", "12.50"],
]


def test_both_servers_listen_where_they_are_told(tmp_path: Path) -> None:
    ports = ("--acumatica-port", "0", "--snowflake-port", "0")
    with subprocess.Popen(  # noqa: S603 - our own module
        [
            sys.executable,
            "-m",
            "sandbox.cli",
            "up",
            "--data-dir",
            str(tmp_path),
            *ports,
        ],
        stdout=subprocess.PIPE,
        text=True,
    ) as up:
        assert up.stdout
        told = [next(up.stdout).strip() for _ in range(6)]
        variables = dict(line.removeprefix("export ").split("=") for line in told[3:])
        acumatica = variables["TAP_ACUMATICA_INSTANCE_URL"]
        snowflake = variables["TARGET_SNOWFLAKE_MERGE_HOST"]
        key = variables["TARGET_SNOWFLAKE_MERGE_PRIVATE_KEY_PATH"]
        assert told[0] == f"acumatica ready on {acumatica}"
        assert told[1] == f"snowflake ready on {snowflake}"
        assert AcumaticaAdmin(acumatica).summary()["Bill"]["rows"] > 0
        assert SnowflakeAdmin(snowflake).sql("SELECT 1")[1] == [[1]]
        assert (tmp_path / "loader_key.p8").samefile(key)
        up.send_signal(signal.SIGTERM)
    assert up.returncode == 0


@pytest.mark.parametrize(
    ("width", "lines"),
    [
        (
            43,
            [
                "BILL    DETAILS               AMOUNT",
                "------  --------------------  ------",
                '000123  {"Account": "60600"}  -',
                "000124  two",
                " lines             12.50",
            ],
        ),
        (
            20,
            [
                "-- record 1 --",
                "BILL     000123",
                'DETAILS  {"Account"…',
                "AMOUNT   -",
                "-- record 2 --",
                "BILL     000124",
                "DETAILS  two lines",
                "AMOUNT   12.50",
            ],
        ),
    ],
    ids=["a table where it fits", "else records"],
)
def test_rows_fit_the_terminal(width: int, lines: list[str]) -> None:
    assert fitted(["BILL", "DETAILS", "AMOUNT"], ROWS, width).splitlines() == lines


def test_no_row_of_wide_columns_is_said_so() -> None:
    assert fitted(["BILL"] * 30, [], 80) == "no rows"
