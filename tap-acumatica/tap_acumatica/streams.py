"""The table of streams, and the one class that reads any of them."""

from __future__ import annotations

import logging
import sys
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import TYPE_CHECKING, Any, NamedTuple

from singer_sdk import Stream
from singer_sdk.helpers.conform import TypeConformanceLevel
from typing_extensions import override

from tap_acumatica import query
from tap_acumatica.errors import AcumaticaError
from tap_acumatica.records import Unwrapper

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Iterator

    from singer_sdk.helpers.types import Context, Record
    from singer_sdk.singerlib import RecordMessage

    from tap_acumatica.client import Answer
    from tap_acumatica.tap import TapAcumatica

REPLICATION_KEY = "LastModifiedDateTime"


class StreamSpec(NamedTuple):
    """A row of the table of streams.

    Attributes:
        name: The stream's name.
        entity: The top-level entity of the endpoint.
        expand: The detail arrays and linked objects to ask for; those that the
            tenant's endpoint lacks are left out.
    """

    name: str
    entity: str
    expand: tuple[str, ...] = ()


STREAMS = (
    StreamSpec(
        "vendors",
        "Vendor",
        (
            "Attributes",
            "Contacts",
            "PaymentInstructions",
            "MainContact",
            "MainContact/Address",
            "PrimaryContact",
            "PrimaryContact/Address",
            "RemittanceContact",
            "RemittanceContact/Address",
            "ShippingContact",
            "ShippingContact/Address",
        ),
    ),
    StreamSpec("bills", "Bill", ("Details", "Applications", "TaxDetails")),
    StreamSpec(
        "purchase_orders",
        "PurchaseOrder",
        (
            "Details",
            "TaxDetails",
            "ShippingInstructions",
            "ShippingInstructions/ShipToAddress",
            "ShippingInstructions/ShipToContact",
        ),
    ),
    StreamSpec("ap_payments", "Check", ("Details", "History")),
    StreamSpec("gl_accounts", "Account"),
    StreamSpec("journal_transactions", "JournalTransaction", ("Details",)),
    StreamSpec(
        "sales_invoices",
        "SalesInvoice",
        (
            "Details",
            "TaxDetails",
            "DiscountDetails",
            "FreightDetails",
            "ApplicationsInvoice",
            "ApplicationsCreditMemo",
            "BillingSettings",
            "BillingSettings/BillToAddress",
            "BillingSettings/BillToContact",
            "Commissions",
            "Commissions/SalesPersons",
            "FinancialDetails",
            "BillToAddress",
            "BillToContact",
            "ShipToAddress",
            "ShipToContact",
        ),
    ),
    StreamSpec(
        "ar_invoices",
        "Invoice",
        (
            "Details",
            "TaxDetails",
            "DiscountDetails",
            "ApplicationsDefault",
            "ApplicationsCreditMemo",
            "BillToContact",
            "ShipToContact",
        ),
    ),
    StreamSpec(
        "customers",
        "Customer",
        (
            "Attributes",
            "Contacts",
            "PaymentInstructions",
            "Salespersons",
            "MainContact",
            "MainContact/Address",
            "PrimaryContact",
            "PrimaryContact/Address",
            "BillingContact",
            "BillingContact/Address",
            "ShippingContact",
            "ShippingContact/Address",
            "CreditVerificationRules",
        ),
    ),
)


class AcumaticaStream(Stream):
    """An entity of the endpoint as a stream.

    Overridden private methods of the SDK: `_increment_stream_state`, because the SDK
    compares date-times as text and writes bookmarks record by record, and
    `_generate_record_messages`, because the SDK stamps ``time_extracted`` when a
    record is written, not when the server read it.
    """

    # Records are unwrapped to the types of the swagger, exact decimals included.
    TYPE_CONFORMANCE_LEVEL = TypeConformanceLevel.NONE

    def __init__(self, tap: TapAcumatica, spec: StreamSpec) -> None:
        self._acumatica = tap
        self._spec = spec
        self._expand = tap.swagger.expandable(spec.entity, spec.expand)
        schema = tap.swagger.stream_schema(spec.entity, self._expand)
        super().__init__(tap, schema=schema, name=spec.name)
        self.primary_keys = ("id",)
        if REPLICATION_KEY in schema["properties"]:
            self.replication_key = REPLICATION_KEY
        else:
            self.logger.info(
                "%s has no %s in this endpoint: %s is read in full each time.",
                spec.entity,
                REPLICATION_KEY,
                spec.name,
            )
        self._asked_at: datetime | None = None
        self._unknown_fields: set[str] = set()
        self._field_errors = 0

    @override
    def log(
        self, message: str, *args: object, level: int = logging.INFO, **kwargs: Any
    ) -> None:
        # The SDK announces every failure as unhandled; ours get their sentence later.
        if not isinstance(sys.exception(), AcumaticaError):
            super().log(message, *args, level=level, **kwargs)

    @override
    def get_replication_key_signpost(self, context: Context | None = None) -> None:
        """Return nothing: bookmarks are held against the server's clock, not ours."""

    @override
    def get_records(self, context: Context | None) -> Iterable[Record]:
        """Read the stream and, once it is read to its end, move its bookmark."""
        largest: datetime | None = None
        server_time: datetime | None = None
        for page in self._pages(self._parameters(context)):
            server_time = server_time or page.server_time
            self._asked_at = page.asked_at
            for wrapped in page.body:
                record = self._unwrap(wrapped)
                largest = _later(largest, moment(record.get(REPLICATION_KEY)))
                yield record
        if self._field_errors:
            self.logger.warning(
                "%s: the server reported %d errors on records or fields, see above.",
                self.name,
                self._field_errors,
            )
        if self.replication_key and largest:
            self._move_bookmark(context, min(largest, server_time or largest))

    def _parameters(self, context: Context | None) -> dict[str, str | int]:
        parameters: dict[str, str | int] = {"$top": self.config["page_size"]}
        if self._expand:
            parameters["$expand"] = query.expand(self._expand)
        if since := self._since(context):
            parameters["$filter"] = query.modified_since(REPLICATION_KEY, since)
        return parameters

    def _since(self, context: Context | None) -> datetime | None:
        """Return the moment from which changes are read; None means all rows."""
        if not self.replication_key:
            return None
        start = moment(self.config.get("start_date"))
        bookmark = self._bookmark(context)
        if bookmark is None:
            return start
        lookback = timedelta(seconds=self.config["lookback_seconds"])
        return _later(start, bookmark - lookback)

    def _bookmark(self, context: Context | None) -> datetime | None:
        state = self.get_context_state(context)
        if state.get("replication_key") != self.replication_key:
            return None
        return moment(state.get("replication_key_value"))

    def _move_bookmark(self, context: Context | None, seen: datetime) -> None:
        reached = max(self._bookmark(context) or seen, seen).astimezone(UTC)
        state = self.get_context_state(context)
        state["replication_key"] = self.replication_key
        state["replication_key_value"] = reached.isoformat()

    def _pages(self, parameters: dict[str, str | int]) -> Iterator[Answer]:
        """Yield pages until one is short."""
        size = self.config["page_size"]
        path = f"{self._acumatica.endpoint.path}/{self._spec.entity}"
        for skip in count(0, size):
            page = self._acumatica.client.get(path, {**parameters, "$skip": skip})
            rows = len(page.body)
            if rows > size:
                raise AcumaticaError(
                    f"{self.name}: the server answered {rows} rows to $top={size}; "
                    "reading on could lose or repeat rows."
                )
            yield page
            if rows < size:
                return

    def _unwrap(self, wrapped: dict[str, Any]) -> Record:
        unwrapper = Unwrapper(trim=self.config["trim_trailing_spaces"])
        record = unwrapper.record(wrapped)
        for error in unwrapper.errors:
            self._field_errors += 1
            self.logger.warning(
                "%s, record %s: the server reports an error on %s: %s",
                self.name,
                record.get("id"),
                error.path or "the record",
                error.message,
            )
        self._drop_unknown(record)
        return record

    def _drop_unknown(self, record: Record) -> None:
        for name in record.keys() - self.schema["properties"].keys():
            del record[name]
            if name not in self._unknown_fields:
                self._unknown_fields.add(name)
                self.logger.warning(
                    "%s: field %s is not in the endpoint's swagger and is left out.",
                    self.name,
                    name,
                )

    @override
    def _increment_stream_state(
        self, latest_record: Record, *, context: Context | None = None
    ) -> None:
        """Do nothing: `get_records` moves the bookmark when the stream is complete."""

    @override
    def _generate_record_messages(
        self, record: Record
    ) -> Generator[RecordMessage, None, None]:
        for message in super()._generate_record_messages(record):
            message.time_extracted = self._asked_at
            yield message


def moment(value: str | None) -> datetime | None:
    """Read a date-time; one without an offset is meant as UTC."""
    if not value:
        return None
    read = datetime.fromisoformat(value)
    return read if read.tzinfo else read.replace(tzinfo=UTC)


def _later(first: datetime | None, second: datetime | None) -> datetime | None:
    return max((given for given in (first, second) if given), default=None)
