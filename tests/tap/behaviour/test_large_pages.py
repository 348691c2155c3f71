"""Pages that the server does not manage become smaller, and larger again later."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sandbox.acumatica.api.faults import Fault
from tap_acumatica import client
from tap_acumatica.errors import AcumaticaError
from tap_acumatica.page_size import FEW_PAGES, MANY_PAGES, PageSize
from tap_acumatica.tap import TapAcumatica

if TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox.acumatica.control.admin_client import AcumaticaAdmin

    from tests.tap.conftest import Asked

    Read = Callable[..., list[dict[str, Any]]]


@pytest.fixture
def read(
    settings: dict[str, Any],
    acumatica: AcumaticaAdmin,
    monkeypatch: pytest.MonkeyPatch,
) -> Read:
    """Read the accounts in this process, without pauses between attempts."""
    monkeypatch.setattr("time.sleep", lambda _: None)
    acumatica.change_settings(seats=50)

    def read(page_size: int, *, full: bool = False) -> list[dict[str, Any]]:
        config = {**settings, "page_size": page_size, "custom_fields": []}
        config["emit_activate_version_messages"] = False
        tap = TapAcumatica(config=config, setup_mapper=False)
        stream = tap.streams["gl_accounts"]
        if full:
            stream.forced_replication_method = "FULL_TABLE"
        with closing(tap.instance.client):
            return [r for r in stream.get_records(None) if isinstance(r, dict)]

    return read


def tops(asked: Asked) -> list[int]:
    return [int(page["$top"]) for page in asked("Account")]


@pytest.mark.parametrize(
    ("status", "full"),
    [(500, False), (502, False), (503, False), (504, False), (504, True)],
)
def test_a_page_that_fails_twice_becomes_smaller(
    read: Read, acumatica: AcumaticaAdmin, asked: Asked, status: int, *, full: bool
) -> None:
    for size in (150, 75):
        too_large = Fault(kind="status", status=status, path=f"$top={size}&", count=999)
        acumatica.add_fault(too_large)
    ids = {record["id"] for record in read(150, full=full)}
    assert len(ids) == acumatica.summary()["Account"]["rows"]
    assert tops(asked)[:4] == [150, 150, 75, 37]


def test_one_failure_is_no_reason_for_a_smaller_page(
    read: Read, acumatica: AcumaticaAdmin, asked: Asked
) -> None:
    for skip in (0, 49):
        path = f"/Account?$top=50&$skip={skip}&"
        acumatica.add_fault(Fault(kind="status", status=504, path=path))
    read(50, full=True)
    assert set(tops(asked)) == {50}


@pytest.mark.parametrize("full", [False, True])
def test_pages_grow_again(
    read: Read, acumatica: AcumaticaAdmin, asked: Asked, *, full: bool
) -> None:
    fault = Fault(kind="status", status=503, path="/Account?$top=16&", count=3)
    acumatica.add_fault(fault)
    ids = {record["id"] for record in read(16, full=full)}
    assert len(ids) == acumatica.summary()["Account"]["rows"]
    few = 2 * FEW_PAGES
    sizes = tops(asked)
    assert sizes[: 2 + few] == [16, 16, *[8] * few]
    assert 16 in sizes[2 + few :]


def test_an_answer_that_does_not_come_is_asked_for_in_smaller_pages(
    read: Read,
    acumatica: AcumaticaAdmin,
    asked: Asked,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(client, "TIMEOUT", (15, 1))
    slow = Fault(kind="slow", seconds=4, path="/Account?$top=300&", count=2)
    acumatica.add_fault(slow)
    assert len(read(300)) == acumatica.summary()["Account"]["rows"]
    assert tops(asked)[:3] == [300, 300, 150]


def test_a_page_at_which_the_connection_is_lost_twice_becomes_smaller(
    read: Read, acumatica: AcumaticaAdmin, asked: Asked
) -> None:
    lost = Fault(kind="drop", path="$top=300&", count=2)
    acumatica.add_fault(lost)
    assert len(read(300)) == acumatica.summary()["Account"]["rows"]
    assert tops(asked)[:3] == [300, 300, 150]


def test_a_server_that_manages_no_page_is_told_with_the_setting(
    read: Read, acumatica: AcumaticaAdmin, asked: Asked
) -> None:
    fault = Fault(kind="status", status=504, path="/Account?", count=999)
    acumatica.add_fault(fault)
    says = r"^Account: GET .*/Account answered 504: .* asked for 3 rows .* page_size"
    with pytest.raises(AcumaticaError, match=says):
        read(200)
    assert tops(asked) == [200, 200, 100, 50, 25, 12, 6, 3]


# The size itself.


def test_a_larger_page_that_fails_again_is_tried_more_seldom() -> None:
    size = PageSize(100)
    waited: list[int] = []
    for _ in range(12):
        while not size.is_reduced:
            size.fail()
        pages = 0
        while size.is_reduced:
            size.come()
            size.grow()
            pages += 1
        waited.append(pages)
    assert waited == sorted(waited)
    assert (waited[0], waited[-1]) == (2 * FEW_PAGES, MANY_PAGES)


@given(st.integers(2, 5_000), st.lists(st.sampled_from(["fail", "come", "grow"])))
def test_a_page_has_two_rows_at_least_and_as_many_as_are_wanted_at_most(
    most: int, events: list[str]
) -> None:
    size = PageSize(most)
    for event in events * 20:
        before = size.rows
        getattr(size, event)()
        assert 2 <= size.rows <= most
        assert event != "come" or size.rows == before
