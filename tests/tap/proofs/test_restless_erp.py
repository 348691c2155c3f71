"""The proof: people work while the tap reads, runs break off, and nothing is lost.

Each case plays a few runs against the real server over HTTP. Before each of the tap's
list requests the server adds, changes, deletes and reorders rows, makes transactions
visible late, and moves its clock; runs are killed after any message and go on from the
last state that came out; full refreshes come in between. At the end the model of a
warehouse must hold the last version of every row that still exists. A run may stop with
its sentence and an unmoved bookmark, but must not be quietly wrong.

``make soak`` plays more cases.
"""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime, timedelta
from random import Random
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from sandbox.acumatica.company.disturbances import Disturbance
from sandbox.acumatica.control.admin_client import AcumaticaAdmin
from singer_sdk.singerlib.encoding.base import GenericSingerWriter
from tap_acumatica import exact_json
from tap_acumatica.errors import AcumaticaError
from tap_acumatica.schema import Swagger
from tap_acumatica.tap import TapAcumatica
from typing_extensions import override

from sandbox import config, processes
from tests.helpers.lanes import cases

if TYPE_CHECKING:
    from collections.abc import Iterator

    from singer_sdk.singerlib import Message

LOOKBACK = 60
"""Seconds; transactions become visible up to 50 seconds late."""


class Killed(BaseException):
    """The tap's process is gone."""


class Pipe(GenericSingerWriter[bytes, Any]):
    """Takes the tap's messages until the tap is killed."""

    def __init__(self, kill_after: int | None) -> None:
        self.left = kill_after
        self.messages: list[dict[str, Any]] = []

    @override
    def serialize_message(self, message: Message) -> bytes:
        return exact_json.encode(message.to_dict())

    @override
    def write_message(self, message: Message) -> None:
        if self.left == 0:
            raise Killed
        if self.left is not None:
            self.left -= 1
        # A message is what it was when it was written: states change afterwards.
        self.messages.append(exact_json.decode(self.format_message(message)))


class Warehouse:
    """A model of what the target does with the messages."""

    def __init__(self) -> None:
        self.rows: dict[str, dict[str, Any]] = {}
        self.versions: dict[str, int | None] = {}
        self.state: dict[str, Any] = {}

    def take(self, messages: list[dict[str, Any]]) -> None:
        for message in messages:
            if message["type"] == "RECORD":
                id_ = message["record"]["id"]
                self.rows[id_] = message["record"]
                self.versions[id_] = message.get("version")
            elif message["type"] == "ACTIVATE_VERSION":
                for id_ in list(self.rows):
                    if self.versions[id_] != message["version"]:
                        del self.rows[id_]
            elif message["type"] == "STATE":
                self.state = message["value"]

    def names(self) -> dict[str, str]:
        return {id_: row["CustomerName"] for id_, row in self.rows.items()}


def customers_only(tap: TapAcumatica) -> Swagger:
    """Return the endpoint's description as if it had one entity.

    A case is several runs, and each would spend its time on describing the others.
    """
    description = tap.instance.client.get(
        f"{tap.instance.endpoint.path}/swagger.json"
    ).body
    paths = description["paths"]
    one = {path: paths[path] for path in paths if path.endswith("/Customer")}
    return Swagger({**description, "paths": one})


class Erp:
    """The server, and runs of the tap that share one session on it."""

    def __init__(self, server: processes.Server) -> None:
        self.admin = AcumaticaAdmin(server.url)
        # Far back, so that the server's clock stays behind ours in each case of a soak.
        self.day = datetime(2001, 3, 1, tzinfo=UTC)
        self.settings = {
            **config.tap_settings(server.url),
            "lookback_seconds": LOOKBACK,
        }
        first = TapAcumatica(config=self.settings, setup_mapper=False)
        first.instance.swagger = customers_only(first)
        shared = {"instance": first.instance}
        self.tap_class = type("SharedTap", (TapAcumatica,), shared)
        discovering = self.tap_class(config=self.settings, setup_mapper=False)
        self.catalog = discovering.catalog_dict
        self.sign_out = first.instance.client.close

    def run(
        self,
        warehouse: Warehouse,
        page_size: int,
        *,
        full: bool = False,
        kill_after: int | None = None,
    ) -> None:
        """Run the tap once and let the warehouse take what came out."""
        for entry in self.catalog["streams"]:
            entry["replication_method"] = "FULL_TABLE" if full else "INCREMENTAL"
        pipe = Pipe(kill_after)
        tap = self.tap_class(
            config={**self.settings, "page_size": page_size},
            catalog=self.catalog,
            state=warehouse.state,
            message_writer=pipe,
        )
        try:
            tap.sync_all()
        finally:
            warehouse.take(pipe.messages)

    def truth(self) -> dict[str, str]:
        records = self.admin.records("Customer")
        return {r["id"]: str(r["fields"]["CustomerName"]) for r in records}


@pytest.fixture(scope="module")
def erp(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Erp]:
    folder = tmp_path_factory.mktemp("restless")
    with processes.start("acumatica", folder, "--port", "0", "--small") as server:
        erp = Erp(server)
        yield erp
        erp.sign_out()


def prepare(erp: Erp, modified: list[timedelta]) -> None:
    """Make a small table whose rows were modified so long ago.

    Each case begins a day after the one before: a server's clock never goes back.
    """
    erp.day += timedelta(days=1)
    stopped = erp.day.isoformat()
    erp.admin.change_settings(clock_stopped_at=stopped, clock_offset_seconds=0)
    fill(erp, erp.day, modified)


def fill(erp: Erp, now: datetime, modified: list[timedelta]) -> None:
    erp.admin.calm()
    erp.admin.replace_table(
        "Customer",
        [
            {
                "fields": {"CustomerID": f"C{n:03}", "CustomerName": f"First {n}"},
                "modified": (now - ago).isoformat(),
            }
            for n, ago in enumerate(modified)
        ],
    )


def disturb(erp: Erp, chance: Random, advance: int | None = None) -> None:
    seconds = chance.choice([0, 3, 40])
    disturbance = Disturbance(
        "Customer",
        seed=chance.randrange(10**9),
        probability=chance.choice([0.1, 0.3, 0.6]),
        most=2,
        late=True,
        late_seconds=50,
        advance=seconds if advance is None else advance,
    )
    erp.admin.disturb(disturbance)


def work_and_run(
    erp: Erp, chance: Random, warehouse: Warehouse, page_size: int
) -> None:
    """Play some runs that may be killed, may be full refreshes, or may give up."""
    for _ in range(chance.randint(1, 4)):
        disturb(erp, chance)
        kill_after = chance.choice([None, chance.randint(0, 20)])
        full = chance.random() < 0.25
        try:
            erp.run(warehouse, page_size, full=full, kill_after=kill_after)
        except Killed:
            continue
        except AcumaticaError as error:
            assert "moved so often" in str(error)  # noqa: PT017 - allowed, not expected


@settings(
    max_examples=cases(8, 24),
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@example(48520431, 3, 4)  # a first page of one row, to which one is added each time
@example(589401, 1, 3)  # as above, and one of them is removed at last
@given(st.integers(0, 10**9), st.integers(0, 12), st.integers(2, 5))
def test_nothing_is_lost_while_people_work(
    erp: Erp, seed: int, rows: int, page_size: int
) -> None:
    chance = Random(seed)  # noqa: S311 - no secret
    warehouse = Warehouse()
    # Few distinct moments, so that several rows share one.
    prepare(erp, [timedelta(minutes=n % 5) for n in range(rows)])
    work_and_run(erp, chance, warehouse, page_size)

    settle(erp, warehouse, page_size)

    erp.run(warehouse, page_size, full=True)
    assert warehouse.names() == erp.truth()


@settings(
    max_examples=cases(2, 6),
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(st.integers(0, 10**9))
def test_a_transaction_that_becomes_visible_late_is_read(erp: Erp, seed: int) -> None:
    """A closed window ends so long before the server's clock that it still falls in."""
    warehouse = Warehouse()
    prepare(erp, [timedelta(seconds=3 * n) for n in range(16)])
    erp.admin.disturb(
        Disturbance(
            "Customer",
            seed=seed,
            probability=0.6,
            most=1,
            inserts=False,
            updates=False,
            deletes=False,
            reorders=False,
            late=True,
            late_seconds=50,
            advance=2,
        )
    )
    with suppress(AcumaticaError):
        erp.run(warehouse, page_size=3)
    settle(erp, warehouse, page_size=3)


@settings(
    max_examples=cases(2, 6),
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(st.integers(0, 10**9), st.sampled_from([-86_400, -7_200, 7_200, 86_400]))
def test_a_date_header_of_another_clock_hides_no_change(
    erp: Erp, seed: int, ahead: int
) -> None:
    """A proxy's clock, say: the rows follow the server's, which goes as ours does."""
    chance = Random(seed)  # noqa: S311 - no secret
    warehouse = Warehouse()
    erp.admin.change_settings(
        clock_stopped_at=None, clock_offset_seconds=0, header_offset_seconds=ahead
    )
    fill(erp, datetime.now(UTC), [timedelta(minutes=n % 5) for n in range(9)])
    for _ in range(3):
        disturb(erp, chance, advance=0)
        with suppress(AcumaticaError):
            erp.run(warehouse, page_size=3)
    settle(erp, warehouse, page_size=3)
    erp.admin.change_settings(header_offset_seconds=0)


def settle(erp: Erp, warehouse: Warehouse, page_size: int) -> None:
    """Run once more in peace: the warehouse must hold every row's last version."""
    erp.admin.calm()
    # Later than any disturbance has put it, and still before the next case's day.
    erp.admin.change_settings(clock_offset_seconds=80_000)
    erp.run(warehouse, page_size)
    truth = erp.truth()
    names = warehouse.names()
    assert {id_: names.get(id_) for id_ in truth} == truth
