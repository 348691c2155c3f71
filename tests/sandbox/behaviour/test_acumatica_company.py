from __future__ import annotations

import re
import sqlite3
from collections import defaultdict
from contextlib import closing
from datetime import UTC, date, datetime
from decimal import Decimal
from shutil import copytree
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import pytest
from sandbox.acumatica.company import kept
from sandbox.acumatica.company.company import SEED, SMALL, Company
from sandbox.acumatica.company.mutations import mutate
from sandbox.acumatica.company.randomness import FIRST_DAY, LAST_DAY, Maker
from sandbox.acumatica.model import clock
from sandbox.acumatica.model.endpoints import READABLE, load_endpoints
from sandbox.acumatica.model.store import FILE, Store
from sandbox.acumatica.model.values import ENCODER, MODIFIED, Fields
from sandbox.processes import SandboxError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ENTITIES = load_endpoints()["Default", "24.200.001"].entities

Books = dict[str, list[Fields]]


@pytest.fixture(scope="module")
def companies(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Where companies are kept; one of other code is there."""
    folder = tmp_path_factory.mktemp("companies")
    (folder / "other-7.db").touch()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(kept, "FOLDER", folder)
        yield folder


@pytest.fixture(scope="module")
def founded(companies: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a company that was just founded."""
    del companies  # none of this code is kept there
    folder = tmp_path_factory.mktemp("founded")
    store = Store(folder)
    kept.found(store, 7)
    store.close()
    return folder


@pytest.fixture(scope="module")
def store(founded: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """The company; each state of ``books`` follows from the one before."""
    store = Store(copytree(founded, tmp_path_factory.mktemp("later") / "company"))
    yield store
    store.close()


@pytest.fixture(scope="module")
def small(companies: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    del companies  # it is kept there
    store = Store(tmp_path_factory.mktemp("small"))
    kept.found(store, 7, small=True)
    yield store
    store.close()


STATES = ["founded", "20 days later", "with deletes", "small"]


@pytest.fixture(scope="module", params=STATES)
def books(request: pytest.FixtureRequest, store: Store, small: Store) -> Books:
    if request.param in {"20 days later", "with deletes"}:
        deletes = request.param == "with deletes"
        mutate(store, 10 if deletes else 20, deletes=deletes)
    shown = small if request.param == "small" else store
    return {entity: [row.fields for row in shown.rows(entity)] for entity in READABLE}


def part_of(books: Books) -> int:
    """Return how much smaller than usual a company is."""
    return SMALL if len(books["Bill"]) < 1_000 else 1


def test_the_company_is_mid_sized_or_a_tenth_of_it(books: Books) -> None:
    wanted = {
        "Vendor": 400,
        "Customer": 250,
        "Account": 300,
        "Bill": 4_000,
        "PurchaseOrder": 2_000,
        "Check": 2_500,
        "SalesInvoice": 3_000,
        "Invoice": 3_000,
        "JournalTransaction": 5_000,
    }
    for entity, usual in wanted.items():
        count = usual if entity == "Account" else usual // part_of(books)
        assert count <= len(books[entity]) <= count * 1.2


@pytest.mark.parametrize("entity", READABLE)
def test_natural_keys_are_unique(books: Books, entity: str) -> None:
    keys = READABLE[entity].keys
    found_keys = [tuple(row[key] for key in keys) for row in books[entity]]
    assert len(set(found_keys)) == len(found_keys)


def test_every_batch_balances(books: Books) -> None:
    for batch in books["JournalTransaction"]:
        debit = sum(line["DebitAmount"] for line in batch["Details"])
        credit = sum(line["CreditAmount"] for line in batch["Details"])
        assert debit == credit, batch["BatchNbr"]


def test_lines_name_accounts_of_the_chart(books: Books) -> None:
    chart = {row["AccountCD"].rstrip() for row in books["Account"]}
    for entity in ("Bill", "PurchaseOrder", "Invoice", "JournalTransaction"):
        for row in books[entity]:
            assert {line["Account"] for line in row["Details"]} <= chart


def test_bills_add_up(books: Books) -> None:
    for bill in books["Bill"]:
        lines = sum(line["Amount"] for line in bill["Details"])
        assert bill["Amount"] == lines + bill["TaxTotal"]
        assert bill["TaxTotal"] == sum(x["TaxAmount"] for x in bill["TaxDetails"])


def test_orders_and_invoices_add_up(books: Books) -> None:
    for order in books["PurchaseOrder"]:
        lines = sum(line["ExtendedCost"] for line in order["Details"])
        assert order["OrderTotal"] == lines + order["TaxTotal"]
    for sale in books["SalesInvoice"]:
        lines = sum(line["Amount"] for line in sale["Details"])
        assert sale["Amount"] == lines + sale["FreightPrice"] + sale["TaxTotal"]
    for invoice in books["Invoice"]:
        lines = sum(line["Amount"] for line in invoice["Details"])
        assert invoice["Amount"] == lines + invoice["TaxTotal"]


def test_payments_settle_bills(books: Books) -> None:
    paid: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
    for check in books["Check"]:
        applied = sum(line["AmountPaid"] for line in check["History"])
        planned = sum(line["AmountPaid"] for line in check["Details"])
        whole = applied + planned + check["UnappliedBalance"]
        assert check["PaymentAmount"] == whole
        assert bool(planned) == (check["Status"] == "Balanced")
        for line in check["History"]:
            paid[line["DocType"], line["ReferenceNbr"]] += line["AmountPaid"]
    bills = {(row["Type"], row["ReferenceNbr"]): row for row in books["Bill"]}
    assert paid.keys() <= bills.keys()
    for key, bill in bills.items():
        assert bill["Balance"] == bill["Amount"] - paid[key]
        assert paid[key] == sum(x["AmountPaid"] for x in bill["Applications"])
        assert bill["Status"] == ("Open" if bill["Balance"] else "Closed")


def test_a_payment_pays_its_own_vendor(books: Books) -> None:
    bills = {(row["Type"], row["ReferenceNbr"]): row for row in books["Bill"]}
    for check in books["Check"]:
        for line in check["History"]:
            bill = bills[line["DocType"], line["ReferenceNbr"]]
            assert bill["Vendor"] == check["Vendor"]


def test_bills_for_orders_repeat_their_lines(books: Books) -> None:
    orders = {(row["Type"], row["OrderNbr"]): row for row in books["PurchaseOrder"]}
    count = 0
    for bill in books["Bill"]:
        for line in bill["Details"]:
            if line.get("POOrderNbr"):
                count += 1
                order = orders[line["POOrderType"], line["POOrderNbr"]]
                ordered = order["Details"][line["POLine"] - 1]
                assert line["Amount"] == ordered["ExtendedCost"]
                assert order["VendorID"].rstrip() == bill["Vendor"]
    assert count > 1_000 // part_of(books)


def test_receivables_agree_with_sales(books: Books) -> None:
    sales = {(r["Type"], r["ReferenceNbr"]): r for r in books["SalesInvoice"]}
    shared = 0
    for invoice in books["Invoice"]:
        if sale := sales.get((invoice["Type"], invoice["ReferenceNbr"])):
            shared += 1
            assert invoice["Amount"] == sale["Amount"]
            assert invoice["Balance"] == sale["Balance"]
    assert shared > 2_000 // part_of(books)


def test_documents_name_parties_and_bills_that_exist(books: Books) -> None:
    vendors = {row["VendorID"].rstrip() for row in books["Vendor"]}
    customers = {row["CustomerID"].rstrip() for row in books["Customer"]}
    bills = {(row["Type"], row["ReferenceNbr"]) for row in books["Bill"]}
    assert {row["Vendor"] for row in books["Bill"] + books["Check"]} <= vendors
    assert {row["VendorID"].rstrip() for row in books["PurchaseOrder"]} <= vendors
    assert {row["CustomerID"] for row in books["SalesInvoice"]} <= customers
    assert {row["Customer"] for row in books["Invoice"]} <= customers
    for check in books["Check"]:
        for line in check["Details"]:
            assert (line["DocType"], line["ReferenceNbr"]) in bills


def test_batches_post_bills_that_exist(books: Books) -> None:
    bills = {row["ReferenceNbr"] for row in books["Bill"]}
    for batch in books["JournalTransaction"]:
        for line in batch["Details"]:
            if batch["Module"] == "AP" and line["ReferenceNbr"]:
                assert line["ReferenceNbr"] in bills


def numbers(node: object) -> Iterator[Decimal]:
    if isinstance(node, Decimal):
        yield node
    elif isinstance(node, dict):
        for value in node.values():
            yield from numbers(value)
    elif isinstance(node, list):
        for value in node:
            yield from numbers(value)


def test_amounts_are_small_large_negative_and_exact(books: Books) -> None:
    found_numbers = list(numbers(books))
    assert {-int(n.as_tuple().exponent) for n in found_numbers} >= {2, 3, 4}
    assert max(len(n.as_tuple().digits) for n in found_numbers) == 19
    assert any(n == 0 for n in found_numbers)
    assert not [n for n in found_numbers if n == 0 and n.is_signed()]
    assert any(bill["Amount"] < 0 for bill in books["Bill"])
    assert any(sale["Amount"] < 0 for sale in books["SalesInvoice"])


def test_names_come_in_several_scripts(books: Books) -> None:
    names = "".join(row["VendorName"] for row in books["Vendor"])
    scripts = ["[一-龥]", "[א-ת]", "[ก-ฮ]", "🍳", "'", '"', "[а-я]", "[α-ω]"]  # noqa: RUF001 - scripts are the point
    missing = {script for script in scripts if not re.search(script, names)}
    # Of forty vendors not every script has one.
    assert len(missing) <= (part_of(books) > 1) * 4, missing


def test_records_have_no_fields_that_the_endpoint_lacks(books: Books) -> None:
    def check(entity: str, fields: Fields) -> None:
        kind = ENTITIES[entity]
        assert set(fields) <= set(kind.fields), entity
        for name, below in kind.nested.items():
            value = fields.get(name)
            for line in value if isinstance(value, list) else [value or {}]:
                check(below, line)

    for entity, rows in books.items():
        for row in rows:
            check(entity, row)


def test_a_seed_makes_the_same_company_and_another_seed_another(founded: Path) -> None:
    again = Company(Maker("company 7")).records
    first = {(entity, id_): body for entity, id_, body in stored(founded)[2:]}
    for entity, rows in again.items():
        for row in rows:
            assert ENCODER.encode(row) == first[entity, row.id]
        assert len(rows) == sum(name == entity for name, _ in first)
    assert Maker("x").guid() != Maker("y").guid()


def test_the_company_lives_between_its_two_dates(founded: Path) -> None:
    store = Store(founded)
    companies = [store.rows(entity) for entity in READABLE]
    store.close()
    for rows in companies:
        for row in rows:
            changed = datetime.fromisoformat(row.fields[MODIFIED])
            assert FIRST_DAY <= changed.date() <= LAST_DAY


def test_the_same_days_happen_to_the_same_company(
    founded: Path, tmp_path: Path
) -> None:
    histories = []
    for name in ("one", "other"):
        store = Store(copytree(founded, tmp_path / name))
        counts = mutate(store, 2, deletes=True)
        keys = {e: [store.key(e, row) for row in store.rows(e)] for e in READABLE}
        histories.append((counts, keys, store.summary()))
        store.close()
    assert histories[0] == histories[1]


def test_some_records_are_deleted_when_asked(founded: Path, tmp_path: Path) -> None:
    store = Store(copytree(founded, tmp_path / "company"))
    before = {e: {row.id for row in store.rows(e)} for e in READABLE}
    assert not any(count["deleted"] for count in mutate(store, 2).values())
    counts = mutate(store, 3, deletes=True)
    after = {e: {row.id for row in store.rows(e)} for e in READABLE}
    store.close()
    gone = {e: len(before[e] - after[e]) for e in READABLE}
    deleted = {e: count["deleted"] for e, count in counts.items()}
    # Vendors and customers without documents are those of the last few days.
    assert deleted["Vendor"] > 0
    assert deleted["Customer"] > 0
    for entity in ("Bill", "PurchaseOrder", "Check", "SalesInvoice"):
        assert deleted[entity] == gone[entity] == 3
    assert deleted["JournalTransaction"] >= gone["JournalTransaction"] >= 3
    assert deleted["Account"] == deleted["Invoice"] == 0


def test_a_store_keeps_its_company(founded: Path, tmp_path: Path) -> None:
    copy = copytree(founded, tmp_path / "copy")
    store = Store(copy)
    mutate(store, 1, deletes=True)
    before = {e: ENCODER.encode(store.rows(e)) for e in READABLE}
    store.close()
    again = Store(copy)
    assert {e: ENCODER.encode(again.rows(e)) for e in READABLE} == before
    assert again.fact(SEED) == 7
    again.close()


def test_a_company_is_kept_as_it_was_made(
    founded: Path, companies: Path, tmp_path: Path
) -> None:
    names = {file.name for file in companies.iterdir()}
    assert f"{kept.fingerprint()}-7.db" in names
    assert "other-7.db" not in names
    store = Store(tmp_path)
    kept.found(store, 7)
    assert {e: len(rows) for e, rows in store.records.items()}["Bill"] == 4000
    with pytest.raises(SandboxError, match="is in use"):
        Store(tmp_path)
    store.close()
    assert stored(tmp_path) == stored(founded)


def stored(folder: Path) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(folder / FILE)) as database:
        facts = database.execute("SELECT * FROM facts").fetchall()
        rows = database.execute("SELECT * FROM records").fetchall()
    return [*sorted(facts), *sorted(rows)]


def test_a_store_in_use_says_so(tmp_path: Path) -> None:
    store = Store(tmp_path)
    with pytest.raises(SandboxError, match="is in use"):
        Store(tmp_path)
    store.close()


@pytest.mark.parametrize("year", range(2023, 2031))
def test_the_tenants_zone_is_new_york(year: int) -> None:
    zone = ZoneInfo("America/New_York")
    for month in range(1, 13):
        for day in range(1, 29):
            at_night = datetime(year, month, day, tzinfo=zone)
            text = clock.business_date(date(year, month, day))
            assert text == at_night.isoformat()
        for hour in (5, 6, 7, 8):
            for day in (1, 7, 8, 14):
                instant = datetime(year, month, day, hour, tzinfo=UTC)
                expected = instant.astimezone(zone).isoformat(timespec="milliseconds")
                assert clock.stamp(instant) == expected
