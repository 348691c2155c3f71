"""The one class of streams: how an entity is read, and what its state promises."""

from __future__ import annotations

import logging
import sys
from datetime import timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any

from singer_sdk import Stream
from singer_sdk.exceptions import SyncLifecycleSignal
from singer_sdk.helpers.conform import TypeConformanceLevel
from singer_sdk.singerlib import Metadata, Schema
from singer_sdk.singerlib.catalog import (
    REPLICATION_FULL_TABLE,
    REPLICATION_INCREMENTAL,
)
from typing_extensions import override

from tap_acumatica.asking import Asker, Lists
from tap_acumatica.catalog import gone, hollow, renewed
from tap_acumatica.conformance import Conformer
from tap_acumatica.entity import Entity
from tap_acumatica.errors import AcumaticaError, SettingError, StreamError
from tap_acumatica.keys import Identity, KeyField
from tap_acumatica.proofs import Proofs
from tap_acumatica.recording import Recorder
from tap_acumatica.samples import Samples
from tap_acumatica.windows import EARLIEST, Extent, Window, following, moment, narrowed
from tap_acumatica.witness import Witness

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Iterator
    from datetime import datetime

    from singer_sdk import Tap
    from singer_sdk.helpers.types import Context, Record
    from singer_sdk.singerlib import Catalog, CatalogEntry, RecordMessage

    from tap_acumatica.instance import Instance
    from tap_acumatica.paging import Row
    from tap_acumatica.schema import Structure
    from tap_acumatica.stream_specs import StreamSpec

METHODS = (REPLICATION_INCREMENTAL, REPLICATION_FULL_TABLE)
LAPS = 3
"""How often the end of the closed windows is set anew while a stream is read: each lap
reads what came during the one before, and a run must end while people go on working."""


class AcumaticaStream(Stream):
    """An entity of the endpoint as a stream.

    Overridden private methods of the SDK: `_increment_stream_state`, because the SDK
    compares date-times as text and writes bookmarks record by record, and
    `_generate_record_messages`, because the SDK stamps ``time_extracted`` when a
    record is written, not when the server read it.
    """

    # Records are unwrapped to the types of the swagger, exact decimals included.
    TYPE_CONFORMANCE_LEVEL = TypeConformanceLevel.NONE

    def __init__(
        self,
        tap: Tap,
        instance: Instance,
        spec: StreamSpec,
        structure: Structure,
        refusal: StreamError | None = None,
    ) -> None:
        """Describe the stream; nothing is read yet.

        Args:
            tap: The tap.
            instance: What is read.
            spec: The stream.
            structure: How its records are made up in the tenant's endpoint.
            refusal: Why it must not be read, if so.
        """
        self._instance = instance
        self._spec = spec
        self._structure = structure
        schema = structure.schema(with_id=not spec.key)
        super().__init__(tap, schema=schema, name=spec.name)
        self.primary_keys = spec.key or ("id",)
        if spec.replication_key in structure.fields:
            self.replication_key = spec.replication_key
        self._chosen_schema = schema
        self._refusal = refusal
        self._undated = 0

    @cached_property
    def _entity(self) -> Entity:
        """The entity with those of its members that the catalog selects."""
        entity = self._spec.entity
        key = [KeyField(n, self._structure.filtered_as(n)) for n in self._spec.key]
        asker = Asker(
            self._instance.client,
            f"{self._instance.endpoint.path}/{entity}",
            self._structure.shape(self.mask),
            Lists(
                self._spec.replication_key,
                self._instance.contract,
                Identity(entity, key),
            ),
            self.logger,
        )
        return Entity(asker, self.config["page_size"], self.logger)

    @cached_property
    def _recorder(self) -> Recorder:
        """What makes records that conform to the schema that the target is sent."""
        return Recorder(
            self.name,
            self._structure,
            Conformer(self.name, self._chosen_schema, self.logger),
            self.schema["properties"].keys(),
            self.logger,
            trim=self.config["trim_trailing_spaces"],
            has_ids=not self._spec.key,
        )

    @cached_property
    def _witness(self) -> Witness:
        """What reads the entity's lists, with what earlier runs have proved of them."""
        kept = self.get_context_state(None).get("proofs")
        proofs = Proofs.read(kept, self._entity.question)
        return Witness(self._entity, proofs, self.logger)

    def probe(self) -> str:
        """Say that the stream can be read.

        Raises:
            AcumaticaError: It cannot.
        """
        if self._refusal:
            raise self._refusal
        self._entity.probe()
        return f"{self._spec.entity} can be read"

    # What the SDK asks for.

    @override
    def log(
        self, message: str, *args: object, level: int = logging.INFO, **kwargs: Any
    ) -> None:
        # The SDK announces every failure as unhandled, the intended end of `--test`
        # among them; ours get their sentence later.
        if not isinstance(sys.exception(), (AcumaticaError, SyncLifecycleSignal)):
            super().log(message, *args, level=level, **kwargs)

    @override
    def apply_catalog(self, catalog: Catalog) -> None:
        """Take a catalog's choices; fields newer than it are read all the same.

        Fields that are not there any more, or not expanded, leave the schema: a target
        would else put nothing in the place of their values.

        Raises:
            SettingError: The catalog names a way of replication, or a key, that cannot
                be one.
        """
        if entry := catalog.get_stream(self.name):
            self._renew(entry)
            self._leave_out_hollow(entry)
            for name in self._spec.key:
                key = entry.metadata.setdefault(("properties", name), Metadata())
                key.inclusion = Metadata.InclusionType.AUTOMATIC
        super().apply_catalog(catalog)
        if entry:
            # The SCHEMA message takes them from the entry.
            keys = list(self._spec.key) or self.primary_keys or ["id"]
            entry.key_properties = self.primary_keys = keys
        if self.forced_replication_method not in {None, *METHODS}:
            raise SettingError(
                f"{self.name}: the catalog's replication method "
                f"{self.forced_replication_method} is none of {', '.join(METHODS)}."
            )
        if self._spec.replication_key not in self._structure.fields:
            # The catalog may have been made for an endpoint that has the field.
            self.replication_key = None
            self.forced_replication_method = REPLICATION_FULL_TABLE
        if self.replication_key not in {None, self._spec.replication_key}:
            raise SettingError(
                f"{self.name}: the catalog's replication key {self.replication_key} "
                f"is not {self._spec.replication_key}, which the stream is filtered "
                "by; setting 'entities' can name another one."
            )

    def _renew(self, entry: CatalogEntry) -> None:
        """Put what the endpoint has now into a catalog's schema."""
        known = entry.schema.to_dict()
        mask = entry.metadata.resolve_selection()
        lost = [path for path in gone(known, self.schema) if mask[path]]
        if lost and not self._refusal:
            self.logger.warning(
                "%s: the catalog has %s, which the endpoint or the settings no longer "
                "have: it is left out. Discover again.",
                self.name,
                ", ".join(".".join(path[1::2]) for path in lost),
            )
        self._chosen_schema = renewed(known, self.schema)
        entry.schema = Schema.from_dict(self._chosen_schema)

    def _leave_out_hollow(self, entry: CatalogEntry) -> None:
        """Deselect objects without a selected member, whose values would be empty."""
        mask = entry.metadata.resolve_selection()
        for path in list(hollow(entry.schema.to_dict(), mask)):
            entry.metadata[path].selected = False
            name = ".".join((self.name, *path[1::2]))
            self.logger.warning(
                "The catalog selects %s, but none of its members, so it is left out. "
                "Select %s.* to read it.",
                name,
                name,
            )

    @override
    def get_replication_key_signpost(self, context: Context | None = None) -> None:
        """Return nothing: bookmarks are held against the server's clock, not ours."""

    @property
    @override
    def emit_activate_version_messages(self) -> bool:
        """Always false: the SDK would activate a version before it has been read."""
        return False

    @override
    def get_records(self, context: Context | None) -> Iterable[Record]:
        """Read the stream, and note at its end, or at each window's, what is safe.

        A form that the user may not open is reported here and fails the run at its end
        (see `log_sync_costs`), so that the other streams are read all the same.
        """
        try:
            if self._samples and not self._refusal:
                self._samples.check(self._entity, self.logger)
            yield from self._read(context)
            self.get_context_state(context)["proofs"] = self._witness.proofs.kept()
        except StreamError as error:
            if self.ABORT_AT_RECORD_COUNT is not None:
                raise  # `--test` has no end of all streams to fail at
            self.logger.error("%s is left out: %s", self.name, error)  # noqa: TRY400 - a sentence
            self._refusal = error
        if self._undated:
            self.logger.warning(
                "%s: %d records have no %s. No filter finds them again when they "
                "change: only a full refresh does.",
                self.name,
                self._undated,
                self._spec.replication_key,
            )
        self._recorder.conclude(asks_for_custom=self._entity.asks_for_custom)

    @override
    def log_sync_costs(self) -> None:
        """Fail for a form that was refused: this is called after all streams.

        Raises:
            StreamError: Such as that the user may not open it, or it is not set up.
        """
        super().log_sync_costs()
        if self._refusal:
            raise self._refusal

    @override
    def _increment_stream_state(
        self, latest_record: Record, *, context: Context | None = None
    ) -> None:
        """Do nothing: bookmarks move when a window is complete."""

    @override
    def _generate_record_messages(
        self, record: Record
    ) -> Generator[RecordMessage, None, None]:
        for message in super()._generate_record_messages(record):
            message.time_extracted = self._entity.asked_at
            yield message

    @cached_property
    def _samples(self) -> Samples | None:
        """Rows to look for in the next run, None where ids are known to stay."""
        if self._spec.key or not self._spec.is_setting:
            return None
        kept = self.get_context_state(None).get("samples")
        return Samples(self._spec.entity, kept)

    # The two ways of reading.

    def _read(self, context: Context | None) -> Iterator[Record]:
        if self._refusal:
            raise self._refusal
        self._instance.source.sign(self.get_context_state(context))
        if self.replication_method == REPLICATION_FULL_TABLE:
            return self._full_table()
        return self._incremental(context)

    def _full_table(self) -> Iterator[Record]:
        if self._spec.replication_key not in self._structure.fields:
            self.logger.info(
                "%s has no %s in this endpoint: %s is read in full each time.",
                self._spec.entity,
                self._spec.replication_key,
                self.name,
            )
        elif not self.replication_key:
            self.logger.warning(
                "The catalog names no replication key for %s, so it is read in full "
                "each time. Discover again to read only what changes.",
                self.name,
            )
        if self.config["emit_activate_version_messages"]:
            self._stream_version = self._tap.initialized_at
        yield from self._everything(self._witness.first_page(Window()))
        if self._stream_version is not None:
            self._write_activate_version_message(self._stream_version)

    def _everything(
        self, first_page: list[Row], start: datetime | None = None
    ) -> Iterator[Record]:
        """Read without a filter; what is known to be older than a start is left out."""
        rows = self._entity.rows(Window(), first_page)
        if start:
            rows = (r for r in rows if (self._entity.modified(r) or start) >= start)
        return self._records(rows)

    def _incremental(self, context: Context | None) -> Iterator[Record]:
        """Read by filter, once that is proved; else read everything.

        Records that no filter finds are passed on where they are seen.
        """
        since = self._since(context)
        if self._witness.proofs.filter:
            yield from self._by_filter(context, Window(since), None)
            return
        if self._witness.is_empty_still():
            return
        began = self._instance.clocks.earlier
        page = self._witness.first_page(Window())
        if not self._witness.proves_filter(page):
            yield from self._everything(page, self._instance.start)
        elif since is None:
            yield from self._by_filter(context, Window(), (began, page))
        else:
            yield from self._records(self._dateless(page))
            yield from self._by_filter(context, Window(since), None)

    def _dateless(self, page: list[Row]) -> Iterator[Row]:
        return (row for row in page if not self._entity.modified(row))

    def _by_filter(
        self,
        context: Context | None,
        first: Window,
        known: tuple[datetime, list[Row]] | None,
    ) -> Iterator[Record]:
        """Read window by window.

        Args:
            context: The SDK's.
            first: The first window.
            known: The server's clock and then the window's first page, if it is known.
        """
        window: Window | None = first
        horizon, laps = self._horizon(), 0
        while window is not None:
            began = self._instance.clocks.earlier
            began, page = known or (began, self._witness.first_page(window))
            known = None
            if len(page) >= self._entity.page_size:
                if window.upper is None and laps < LAPS:
                    horizon, laps = self._horizon(), laps + 1
                seen = [v for row in page if (v := self._entity.modified(row))]
                if part := narrowed(window, seen, horizon):
                    yield from self._records(self._dateless(page))
                    window = part
                    continue
            extent = Extent()
            rows = self._entity.rows(window, page)
            yield from self._records(extent.counting(rows, self._entity.modified))
            self.logger.debug("%d rows %s", extent.rows, window)
            newest = extent.newest and min(extent.newest, began)
            self._move_bookmark(context, window.upper or newest)
            size = self._entity.page_size
            window = following(window, extent.rows, size, horizon, extent.oldest)
            self._entity.grow()

    def _since(self, context: Context | None) -> datetime | None:
        """Return the moment from which changes are read; None means all rows."""
        clocks = self._instance.clocks
        start, bookmark = self._instance.start, self._bookmark(context)
        start = start and max(start, EARLIEST)
        clocks.check_past(self.name, start, bookmark)
        if bookmark is None:
            return start
        lookback = timedelta(seconds=self.config["lookback_seconds"])
        reached = min(bookmark, clocks.earlier)
        since = max(reached, EARLIEST + lookback) - lookback
        return max(start or since, since)

    def _bookmark(self, context: Context | None) -> datetime | None:
        state = self.get_context_state(context)
        if state.get("replication_key") != self.replication_key:
            return None
        if (entity := state.get("entity", self._spec.entity)) != self._spec.entity:
            self.logger.warning(
                "%s: the bookmark is of entity %s; %s is read from its beginning.",
                self.name,
                entity,
                self._spec.entity,
            )
            return None
        value = state.get("replication_key_value")
        try:
            return moment(value)
        except (TypeError, ValueError) as error:
            raise AcumaticaError(
                f"{self.name}: the bookmark {value!r} in the state is no date-time. "
                "Mend it, or remove it to read the stream from its beginning."
            ) from error

    def _move_bookmark(self, context: Context | None, reached: datetime | None) -> None:
        """Move the bookmark forwards and pass the state on.

        Args:
            context: The SDK's.
            reached: Every row before it has been written; None if that is not known.
        """
        if reached is None:
            return
        state = self.get_context_state(context)
        furthest = max(self._bookmark(context) or reached, reached)
        state["entity"] = self._spec.entity
        state["replication_key"] = self.replication_key
        state["replication_key_value"] = furthest.isoformat()
        state["proofs"] = self._witness.proofs.kept()
        self._write_state_message()

    def _horizon(self) -> datetime:
        """Return where closed windows end at the latest.

        What a transaction commits late must still fall into an open window.
        """
        lookback = timedelta(seconds=self.config["lookback_seconds"])
        return self._instance.clocks.earlier - lookback

    # Records.

    def _records(self, rows: Iterable[Row]) -> Iterator[Record]:
        for row in rows:
            if whole := self._entity.whole(row):
                self._note(whole)
                yield self._recorder.record(whole)

    def _note(self, row: Row) -> None:
        modified = self._entity.modified(row)
        if self.replication_method == REPLICATION_INCREMENTAL and not modified:
            self._undated += 1
        if self._samples and self._samples.note(row, modified):
            self.get_context_state(None)["samples"] = self._samples.content()
