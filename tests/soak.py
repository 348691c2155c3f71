"""Play the proofs again and again, each time with other cases, for as long as asked.

python tests/soak.py SECONDS
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]
FACTOR = 4
"""How many times as many cases a round plays as a proof has in full."""


def main() -> None:
    """Play rounds until the time is over, or a proof fails.

    A round that has begun is played to its end, which takes some minutes.
    """
    end = time.monotonic() + float(sys.argv[1])
    folders = sorted(map(str, (ROOT / "tests").glob("*/proofs")))
    command = [sys.executable, "-m", "pytest", "--timeout=0", *folders]
    rounds = 0
    variables = {**os.environ, "SOAK_FACTOR": str(FACTOR)}
    while time.monotonic() < end:
        rounds += 1
        done = subprocess.run(command, check=False, cwd=ROOT, env=variables)  # noqa: S603 - our own command
        if done.returncode:
            sys.exit(f"Round {rounds} has failed; see above.")
    print(f"{rounds} rounds, {FACTOR} times the full cases each.")  # noqa: T201 - a script's output


if __name__ == "__main__":
    main()
