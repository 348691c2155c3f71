"""What ping answers."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

from tests.helpers import forks

if TYPE_CHECKING:
    from tests.target.conftest import Warehouse

COMMAND = "target_snowflake_merge.operate.cli:cli"


def ping(
    loaded: Warehouse,
    /,
    variables: dict[str, str] | None = None,
    source: str | None = None,
    **changes: Any,
) -> tuple[int, str]:
    """Run the command; give its exit code and its lines."""
    settings = loaded.folder / "config.json"
    settings.write_text(json.dumps(loaded.settings(**changes)))
    done = forks.run(
        COMMAND,
        ("--config", source or str(settings), "ping"),
        loaded.folder,
        variables={**os.environ, **(variables or {})},
    )
    output, log = done.output.decode(), done.log.decode()
    assert "Traceback" not in log, log
    assert "Parsing" not in log, log
    return done.code, output or log
