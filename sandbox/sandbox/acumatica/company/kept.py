"""Companies that were made before: making one takes seconds.

They lie in the project's own ``.sandbox`` folder, each under a name that follows from
the code that makes it. A company of other code is removed when one is kept.
"""

from __future__ import annotations

import sys
from functools import cache
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING

from sandbox import config
from sandbox.acumatica.company import company

if TYPE_CHECKING:
    from sandbox.acumatica.model.store import Store

FOLDER = Path(__file__).parents[4] / config.DATA_DIR / "companies"


def found(store: Store, seed: int, *, small: bool = False) -> None:
    """Replace what a store holds by a company, see `company.found`."""
    file = FOLDER / f"{fingerprint()}-{seed}{'-small' if small else ''}.db"
    if file.exists():
        store.take(file)
        return
    company.found(store, seed, small=small)
    FOLDER.mkdir(parents=True, exist_ok=True)
    for old in FOLDER.glob("*.db"):
        if not old.name.startswith(fingerprint()):
            old.unlink(missing_ok=True)
    store.give(file)


@cache
def fingerprint() -> str:
    """What a company follows from beside its seed: Python and the server's code."""
    code = blake2b(repr(sys.version_info).encode(), digest_size=8)
    for module in sorted(Path(__file__).parents[1].rglob("*.py")):
        code.update(module.read_bytes())
    return code.hexdigest()
