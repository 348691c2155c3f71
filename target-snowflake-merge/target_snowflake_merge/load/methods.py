"""What each load method does in its own way; the rest is the same for all of them."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from typing_extensions import override

from target_snowflake_merge.load import overwrite
from target_snowflake_merge.warehouse import replacement_table

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from target_snowflake_merge.journal.journal import Journal
    from target_snowflake_merge.load.batch import Batch
    from target_snowflake_merge.load.checkpoints import Place
    from target_snowflake_merge.load.completeness import Completeness
    from target_snowflake_merge.load.loader import Loader
    from target_snowflake_merge.warehouse.connector import Connector


class Upsert:
    """A row per key, the last one observed; streams without a key are appended to."""

    def matched_by(self, keys: Sequence[str]) -> Sequence[str]:
        """Return the properties by which rows are found again; none: all are new."""
        return keys

    def told(self, keys: Sequence[str]) -> str:
        """Return what the journal and the ledger say about a batch."""
        return "upsert" if self.matched_by(keys) else "append-only"

    def names_table(self, run_id: str) -> Callable[[str], str] | None:
        """Return what names the table that a run fills in place of the stream's own."""
        del run_id
        return None

    def places(self, stream: str) -> Collection[Place]:
        """Return under which names the states are held from a stream's first row on."""
        del stream
        return ()

    def begin(self, journal: Journal, connector: Connector) -> None:
        """Do what comes before a run.

        Raises:
            TargetError: It cannot be done.
        """

    def end(
        self,
        batches: Collection[Batch],
        loader: Loader,
        connector: Connector,
        completeness: Completeness,
        check: Callable[[], None],
    ) -> None:
        """Do what comes once all rows are on their way, as long as ``check`` allows it.

        Raises:
            TargetError: It cannot be done.
        """


class AppendOnly(Upsert):
    """A row per record."""

    @override
    def matched_by(self, keys: Sequence[str]) -> Sequence[str]:
        return ()


class Overwrite(Upsert):
    """New rows take the place of the old ones when the whole input is loaded."""

    @override
    def told(self, keys: Sequence[str]) -> str:
        return "overwrite"

    @override
    def names_table(self, run_id: str) -> Callable[[str], str]:
        return partial(replacement_table.name, run_id)

    @override
    def places(self, stream: str) -> Collection[Place]:
        return [overwrite.place(stream)]

    @override
    def begin(self, journal: Journal, connector: Connector) -> None:
        overwrite.drop_remnants(journal, connector)

    @override
    def end(
        self,
        batches: Collection[Batch],
        loader: Loader,
        connector: Connector,
        completeness: Completeness,
        check: Callable[[], None],
    ) -> None:
        completeness.check()
        state = completeness.last_state
        overwrite.take_places(batches, loader, connector, state, check)


METHODS = {"upsert": Upsert(), "append-only": AppendOnly(), "overwrite": Overwrite()}
"""The load methods by what the setting calls them."""
