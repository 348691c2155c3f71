from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from sandbox.acumatica.api.faults import Fault
from sandbox.acumatica.api.licence import delay

if TYPE_CHECKING:
    from concurrent.futures import Future

    from sandbox.acumatica.control.admin_client import AcumaticaAdmin

    from tests.sandbox.conftest import AcumaticaClient

NOON = datetime(2026, 11, 2, 12, tzinfo=UTC).isoformat()

Outcome = tuple[int, float]
"""A request's status, and after how many seconds the answer was there."""


@pytest.mark.parametrize(
    ("limit", "processed", "age", "expected"),
    [
        (50, 25, 40, 0.8),  # the guide's example
        (50, 24, 40, 0),
        (50, 49, 40, 20),
        (50, 50, 40, 20),
        (50, 60, 59, 1),
        (50, 50, 61, 0),
        (3, 1, 0, 0),
        (3, 2, 0, 60),
        (0, 1000, 0, 0),
        (150, 75, 0, 0.8),
    ],
)
def test_the_delay_is_the_guides(
    limit: int, processed: int, age: float, expected: float
) -> None:
    assert delay(limit, processed, age) == pytest.approx(expected)


def timed(client: AcumaticaClient, start: float | None = None) -> Outcome:
    start = start or time.monotonic()
    status = client.get("Account/10200").status_code
    return status, time.monotonic() - start


def test_from_half_of_the_limit_on_requests_wait(
    acumatica: AcumaticaClient, admin: AcumaticaAdmin
) -> None:
    admin.change_settings(requests_per_minute=50, clock_stopped_at=NOON)
    assert all(timed(acumatica)[1] < 60 / 25 for _ in range(25))
    status, seconds = timed(acumatica)
    assert status == 200
    assert 60 / 25 <= seconds < 60
    admin.change_settings(clock_offset_seconds=60)
    assert timed(acumatica)[1] < 60 / 25


def test_at_the_limit_requests_wait_until_the_minute_is_over(
    acumatica: AcumaticaClient, admin: AcumaticaAdmin
) -> None:
    admin.change_settings(clock_stopped_at=NOON)
    assert all(timed(acumatica)[0] == 200 for _ in range(4))
    admin.change_settings(requests_per_minute=2, clock_offset_seconds=58)
    assert 2 <= timed(acumatica)[1] < 30


def together(client: AcumaticaClient, count: int) -> list[Outcome]:
    """Send requests a little after each other, timed from the first one's start."""
    start = time.monotonic()
    with ThreadPoolExecutor(count) as pool:
        sent: list[Future[Outcome]] = []
        for _ in range(count):
            sent.append(pool.submit(timed, client, start))
            time.sleep(0.1)
        return [request.result() for request in sent]


@pytest.mark.parametrize(("cores", "longest"), [(0, 1), (3, 1), (2, 2), (1, 3)])
def test_requests_wait_for_a_core(
    acumatica: AcumaticaClient, admin: AcumaticaAdmin, cores: int, longest: int
) -> None:
    admin.change_settings(cores=cores)
    admin.add_fault(Fault("slow", count=3, seconds=1.5))
    outcomes = together(acumatica, 3)
    assert [status for status, _ in outcomes] == [200] * 3
    rounds = [seconds // 1.5 for _, seconds in outcomes]
    assert max(rounds) == longest
    assert rounds == sorted(rounds)


def test_a_full_queue_declines_without_counting(
    acumatica: AcumaticaClient, admin: AcumaticaAdmin
) -> None:
    admin.change_settings(
        cores=1, queue_limit=1, requests_per_minute=6, clock_stopped_at=NOON
    )
    admin.add_fault(Fault("slow", count=2, seconds=1.5))
    first, second, third = together(acumatica, 3)
    assert (first[0], second[0], third[0]) == (200, 200, 429)
    assert third[1] < first[1] < second[1]
    # Two were processed; a third one would make the next one wait.
    assert timed(acumatica)[1] < 60 / 3
    admin.change_settings(clock_offset_seconds=54)
    assert 6 / 3 <= timed(acumatica)[1] < 60 / 3


def test_who_waits_too_long_is_declined(
    acumatica: AcumaticaClient, admin: AcumaticaAdmin
) -> None:
    admin.change_settings(cores=1, queue_seconds=0.3)
    admin.add_fault(Fault("slow", seconds=3))
    (first, whole), (second, seconds) = together(acumatica, 2)
    assert (first, second) == (200, 429)
    assert 0.4 <= seconds < whole
    assert timed(acumatica)[0] == 200


def test_signing_out_is_never_queued(
    acumatica: AcumaticaClient, admin: AcumaticaAdmin
) -> None:
    admin.change_settings(cores=1, queue_limit=0)
    admin.add_fault(Fault("slow", seconds=3))
    with ThreadPoolExecutor(1) as pool:
        slow = pool.submit(timed, acumatica)
        time.sleep(0.3)
        assert timed(acumatica)[0] == 429
        assert acumatica.sign_out().status_code == 204
        assert not slow.done()
        assert slow.result()[0] == 200
