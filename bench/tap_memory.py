"""Is the tap's memory flat? Peak RSS for 100,000 bills with lines against 10,000.

Each size is read once in windows (incremental) and once as a full table. Ends with 1 if
a run needs 200 MB or more. ``make bench`` runs it.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from sandbox.acumatica.control.admin_client import AcumaticaAdmin

from sandbox import config, processes

SIZES = (10_000, 100_000)
LINES = 3
LIMIT_MB = 200
TAP = Path(sys.executable).parent / "tap-acumatica"


def bill(number: int) -> dict[str, Any]:
    """Return a bill with lines; the bills are spread over two years."""
    modified = datetime(2024, 10, 1, tzinfo=UTC) + timedelta(seconds=600 * number)
    line = {
        "Account": "60000",
        "Amount": Decimal("1234.5600"),
        "Qty": Decimal("12.0000"),
        "TransactionDescription": f"Line of bill {number}",
        "UnitCost": Decimal("102.8800"),
    }
    return {
        "fields": {
            "Type": "Bill",
            "ReferenceNbr": f"{number:06}",
            "Vendor": f"V{number % 400:06}",
            "Amount": Decimal("3703.6800"),
            "Description": "Ein Beleg für die Messung",
            "Details": [line] * LINES,
        },
        "modified": modified.isoformat(),
    }


def peak_mb(folder: Path, url: str, *, full: bool) -> tuple[float, int]:
    """Run the tap for bills alone; return its peak RSS in MB and its rows."""
    settings = config.tap_settings(url)
    (folder / "config.json").write_text(json.dumps(settings))
    command = [str(TAP), "--config", str(folder / "config.json")]
    discover = [*command, "--discover"]
    discovered = subprocess.run(discover, check=True, capture_output=True)  # noqa: S603 - our own command
    catalog = json.loads(discovered.stdout)
    for entry in catalog["streams"]:
        entry["metadata"][-1]["metadata"]["selected"] = entry["stream"] == "bills"
        entry["replication_method"] = "FULL_TABLE" if full else "INCREMENTAL"
    (folder / "catalog.json").write_text(json.dumps(catalog))
    with (folder / "out.jsonl").open("wb") as out, (folder / "log").open("wb") as log:
        process = subprocess.Popen(  # noqa: S603 - our own command
            [*command, "--catalog", str(folder / "catalog.json")],
            stdout=out,
            stderr=log,
        )
        _, status, usage = os.wait4(process.pid, 0)
    if status:
        sys.exit((folder / "log").read_text()[-2_000:])
    with (folder / "out.jsonl").open() as lines:
        rows = sum(line.startswith('{"type":"RECORD"') for line in lines)
    return usage.ru_maxrss / 1024, rows


def prepare(url: str, size: str) -> None:
    """Put the bills into the server.

    A process of its own does it: what this one has needed would count as the peak of
    every process that it starts.
    """
    AcumaticaAdmin(url).replace_table("Bill", map(bill, range(int(size))))


def main() -> None:
    """Print a line per run, and what the large table needs against the small one."""
    peaks: dict[tuple[bool, int], float] = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with processes.start("acumatica", folder, "--port", "0") as server:
            for size in SIZES:
                fill = [sys.executable, __file__, server.url, str(size)]
                subprocess.run(fill, check=True)  # noqa: S603 - this script
                for full in (False, True):
                    peaks[full, size], rows = peak_mb(folder, server.url, full=full)
                    mode = "full table" if full else "incremental"
                    print(f"{rows:>7} bills, {mode}: {peaks[full, size]:.0f} MB")  # noqa: T201 - a script's output
    small, large = SIZES
    for full in (False, True):
        ratio = peaks[full, large] / peaks[full, small]
        print(f"{large:,} against {small:,}: {ratio:.2f} times the memory")  # noqa: T201 - as above
    sys.exit(max(peaks.values()) >= LIMIT_MB)


if __name__ == "__main__":
    if sys.argv[1:]:
        prepare(*sys.argv[1:])
    else:
        main()
