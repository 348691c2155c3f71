from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

import pytest
from sandbox.acumatica.company.disturbances import Disturbance
from sandbox.processes import SandboxError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sandbox.acumatica.control.admin_client import AcumaticaAdmin, StoredRecord

    from tests.sandbox.conftest import AcumaticaClient

NOON = datetime(2026, 11, 2, 12, tzinfo=UTC)
MORNING = "2026-11-02T06:00:00.000-05:00"
KEYS = [f"{number:06d}" for number in range(20)]
NOTHING = dict.fromkeys(("inserts", "updates", "deletes", "reorders"), False)


@pytest.fixture
def table(admin: AcumaticaAdmin) -> Iterator[list[str]]:
    """Twenty bills in the place of the company's, and a clock that stands at noon."""
    company = admin.records("Bill")
    admin.change_settings(clock_stopped_at=NOON.isoformat())
    yield fill(admin)
    admin.calm()
    admin.replace_table("Bill", company)


def fill(admin: AcumaticaAdmin) -> list[str]:
    bills = [
        {"fields": {"Type": "Bill", "ReferenceNbr": key}, "modified": MORNING}
        for key in KEYS
    ]
    return admin.replace_table("Bill", bills)


def only(operation: str, **changes: Any) -> Disturbance:
    """A disturbance that does one operation, before each request."""
    wanted = {"entity": "Bill", "probability": 1, "most": 1}
    return Disturbance(**{**wanted, **NOTHING, operation: True, **changes})


def listed(client: AcumaticaClient, **parameters: Any) -> list[str]:
    rows = client.rows("Bill", select="ReferenceNbr", **parameters)
    return [row["ReferenceNbr"]["value"] for row in rows]


def stamp(row: StoredRecord) -> datetime:
    return datetime.fromisoformat(row["modified"] or "")


def test_a_table_is_replaced_at_once(
    acumatica: AcumaticaClient, admin: AcumaticaAdmin, table: list[str]
) -> None:
    assert listed(acumatica) == KEYS
    assert [row["id"] for row in admin.records("Bill")] == table
    assert fill(admin) == table
    assert admin.replace_table("Bill", []) == []
    assert listed(acumatica) == []


def test_a_table_is_put_back(admin: AcumaticaAdmin, table: list[str]) -> None:
    before = admin.records("Bill")
    assert len(before) == len(table)
    admin.replace_table("Bill", before[:3])
    admin.replace_table("Bill", before)
    assert admin.records("Bill") == before


@pytest.mark.usefixtures("table")
def test_records_are_inserted_anywhere(
    acumatica: AcumaticaClient, admin: AcumaticaAdmin
) -> None:
    admin.disturb(only("inserts", seed=3))
    for count in range(1, 31):
        keys = listed(acumatica)
        assert len(keys) == 20 + count
    new = [row for row in admin.records("Bill") if row["fields"].get("Description")]
    assert {stamp(row) for row in new} == {NOON}
    places = [keys.index(row["fields"]["ReferenceNbr"]) for row in new]
    assert places[0] < 10 < places[-1]
    assert keys == sorted(set(keys))


@pytest.mark.usefixtures("table")
def test_an_update_changes_text_and_time(
    acumatica: AcumaticaClient, admin: AcumaticaAdmin
) -> None:
    before = {row["id"]: row for row in admin.records("Bill")}
    admin.disturb(only("updates"))
    listed(acumatica)
    after = {row["id"]: row for row in admin.records("Bill")}
    assert after.keys() == before.keys()
    [changed] = [row for key, row in after.items() if row != before[key]]
    assert stamp(changed) == NOON
    assert changed["fields"]["Description"].startswith("Version ")


def test_records_go(acumatica: AcumaticaClient, admin: AcumaticaAdmin) -> None:
    company = admin.records("Bill")
    fill(admin)
    admin.disturb(only("deletes"))
    for count in range(1, 22):
        assert len(listed(acumatica)) == max(0, 20 - count)
    admin.replace_table("Bill", company)


@pytest.mark.usefixtures("table")
def test_another_order_stays_until_the_next(
    acumatica: AcumaticaClient, admin: AcumaticaAdmin
) -> None:
    admin.disturb(only("reorders"))
    orders = [listed(acumatica) for _ in range(3)]
    assert all(sorted(order) == KEYS for order in orders)
    assert len({tuple(order) for order in [*orders, KEYS]}) == 4
    admin.disturb(only("updates", probability=0))
    pages = [listed(acumatica, top=7, skip=skip) for skip in (0, 7, 14)]
    assert [key for page in pages for key in page] == orders[-1]
    admin.calm()
    assert listed(acumatica) == KEYS


@pytest.mark.usefixtures("table")
def test_late_commits_are_old_when_they_show(
    acumatica: AcumaticaClient, admin: AcumaticaAdmin
) -> None:
    before = {row["id"] for row in admin.records("Bill")}
    admin.disturb(only("late", late_seconds=90, most=5))
    for _ in range(30):
        listed(acumatica)
    rows = admin.records("Bill")
    late = [row for row in rows if row["fields"].get("Description")]
    ages = [NOON - stamp(row) for row in late]
    assert timedelta(0) <= min(ages) < timedelta(seconds=30)
    assert timedelta(seconds=60) < max(ages) <= timedelta(seconds=90)
    assert {row["id"] in before for row in late} == {True, False}


@pytest.mark.usefixtures("table")
def test_only_lists_of_the_entity_are_disturbed(
    acumatica: AcumaticaClient, admin: AcumaticaAdmin
) -> None:
    before = admin.records("Bill")
    admin.disturb(only("updates"))
    acumatica.rows("Vendor", top=1)
    acumatica.get("Bill/Bill/000003")
    acumatica.get(f"Bill/{before[0]['id']}")
    acumatica.get("Bill/$adHocSchema")
    assert admin.records("Bill") == before


@pytest.mark.usefixtures("table")
def test_a_seed_plays_the_same_case_again(
    acumatica: AcumaticaClient, admin: AcumaticaAdmin
) -> None:
    def play(seed: int) -> list[list[str]]:
        fill(admin)
        admin.change_settings(clock_offset_seconds=0)
        everything = Disturbance(
            "Bill", seed=seed, late=True, late_seconds=60, advance=30
        )
        admin.disturb(everything)
        pages = [listed(acumatica, top=5, skip=5 * (n % 4)) for n in range(20)]
        return [*pages, [str(row) for row in admin.records("Bill")]]

    assert play(7) == play(7)
    assert play(7) != play(8)


@pytest.mark.usefixtures("table")
def test_the_clock_can_be_set(
    acumatica: AcumaticaClient, admin: AcumaticaAdmin
) -> None:
    admin.change_settings(clock_offset_seconds=3600)
    answer = acumatica.get("Bill", top=1)
    hour = timedelta(hours=1)
    assert parsedate_to_datetime(answer.headers["date"]) == NOON + hour
    admin.put_record("Bill", {"Type": "Bill", "ReferenceNbr": KEYS[0]})
    first, *_ = admin.records("Bill")
    assert stamp(first) == NOON + hour
    admin.change_settings(header_offset_seconds=-7200)
    answer = acumatica.get("Bill", top=1)
    assert parsedate_to_datetime(answer.headers["date"]) == NOON - hour
    admin.put_record("Bill", {"Type": "Bill", "ReferenceNbr": KEYS[0]})
    first, *_ = admin.records("Bill")
    assert stamp(first) == NOON + hour
    admin.reset_settings()
    now = parsedate_to_datetime(acumatica.get("Bill", top=1).headers["date"])
    assert abs(datetime.now(UTC) - now) < timedelta(seconds=10)


@pytest.mark.usefixtures("table")
def test_the_clock_goes_forward_with_each_list(
    acumatica: AcumaticaClient, admin: AcumaticaAdmin
) -> None:
    admin.disturb(only("updates", probability=0, advance=30))
    dates = []
    for _ in range(3):
        answer = acumatica.get("Bill", top=1)
        dates.append(parsedate_to_datetime(answer.headers["date"]))
    assert [(date - NOON).total_seconds() for date in dates] == [30, 60, 90]
    acumatica.get("Bill/Bill/000003")
    admin.disturb(only("inserts", advance=30))
    listed(acumatica)
    newest = max(stamp(row) for row in admin.records("Bill"))
    assert newest == NOON + timedelta(seconds=120)


def test_tokens_live_by_the_real_clock(
    acumatica: AcumaticaClient, admin: AcumaticaAdmin
) -> None:
    admin.change_settings(clock_offset_seconds=10_000)
    assert acumatica.get("Account", top=1).status_code == 200


def test_a_wrong_disturbance_is_refused(admin: AcumaticaAdmin) -> None:
    with pytest.raises(SandboxError, match="Nonsense is no entity"):
        admin.disturb(Disturbance("Nonsense"))
    with pytest.raises(SandboxError, match="most"):
        admin.disturb(Disturbance("Bill", most=0))
