"""BATCH messages: the records of files go the way of those in messages."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from target_snowflake_merge.errors import TargetError
from target_snowflake_merge.singer.batch_files import paths

if TYPE_CHECKING:
    from tests.target.conftest import Warehouse

SCHEMA = {
    "type": "SCHEMA",
    "stream": "bill",
    "schema": {
        "type": "object",
        "properties": {
            "id": {"type": "string"},
            "amount": {"type": ["number", "null"]},
            "note": {"type": ["string", "null"], "maxLength": 20},
        },
    },
    "key_properties": ["id"],
}
STATE = {"type": "STATE", "value": {"bookmarks": {"bill": 1}}}
GZIP = {"format": "jsonl", "compression": "gzip"}
PLAIN = {"format": "jsonl"}


def written(path: Path, *records: str | dict[str, Any]) -> str:
    """Write a file of a batch; return its address."""
    texts = [r if isinstance(r, str) else json.dumps(r) for r in records]
    content = "".join(f"{text}\n" for text in texts).encode()
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)
    return path.as_uri()


def batch(*manifest: str, **fields: Any) -> dict[str, Any]:
    return {
        "type": "BATCH",
        "stream": "bill",
        "encoding": GZIP,
        "manifest": list(manifest),
        **fields,
    }


def test_files_are_loaded_between_the_messages_around_them(
    warehouse: Warehouse, tmp_path: Path
) -> None:
    """The record before is older than the files, the one after them newer."""
    many = [{"id": f"{number:05}"} for number in range(2000)]
    first = written(
        tmp_path / "one.jsonl.gz",
        {"id": "before", "note": "file"},
        {"id": "after", "note": "file"},
        '{"id": "exact", "amount": 1234567890123456789.123456789}',
        "",
        *many,
    )
    second = written(tmp_path / "a b%20c.jsonl", {"id": "second", "note": "file"})
    record = {"type": "RECORD", "stream": "bill"}
    run = warehouse.loaded(
        SCHEMA,
        {**record, "record": {"id": "before", "note": "message"}},
        batch(first),
        batch(second, encoding=PLAIN),
        {**record, "record": {"id": "after", "note": "message"}},
        STATE,
        batch_size_rows=500,
    )
    assert run.states == [STATE["value"]]
    named = [row for row in warehouse.rows('"ID", "NOTE"') if row[1]]
    assert named == [["after", "message"], ["before", "file"], ["second", "file"]]
    assert warehouse.rows("COUNT(*), COUNT(DISTINCT ID)") == [[2004, 2004]]
    amounts = [r[0] for r in warehouse.rows('"AMOUNT"::VARCHAR') if r[0]]
    assert amounts == ["1234567890123456789.123456789"]
    assert len(warehouse.merges()) == 5


def test_records_are_mapped_validated_and_of_their_version(
    warehouse: Warehouse, tmp_path: Path
) -> None:
    warehouse.loaded(SCHEMA, batch(written(tmp_path / "1.gz", {"id": "gone"})))
    run = warehouse.loaded(
        SCHEMA,
        batch(written(tmp_path / "2.gz", {"id": "a"}, {"id": "b"}), version=2),
        {"type": "ACTIVATE_VERSION", "stream": "bill", "version": 2},
        stream_maps={"bill": {"note": "'mapped ' + id"}},
    )
    assert "Marked 1 rows of bill as deleted" in run.log
    rows = warehouse.rows('"ID", "NOTE", "_SDC_TABLE_VERSION"')
    assert [row for row in rows if row[2]] == [
        ["a", "mapped a", "2"],
        ["b", "mapped b", "2"],
    ]
    bad = written(tmp_path / "3.gz", {"id": "c"}, {"id": "d", "note": "x" * 21})
    refusal = warehouse.load(SCHEMA, batch(bad), STATE).refusal()
    assert "Stream bill, record id d does not fit its schema: property note" in refusal


@pytest.mark.parametrize(
    ("records", "says"),
    [
        (["[1]"], "Line 1 of the file {path} is not a JSON object: [1]"),
        (['{"id": "a"}', '{"id":'], "Line 2 of the file {path} is not valid JSON"),
        (['{"id": "a", "id": "b"}'], "Line 1 of the file {path} has the name id twice"),
        (['{"id": "a", "amount": NaN}'], "Stream bill, record id a"),
    ],
)
def test_a_bad_line_is_named(
    warehouse: Warehouse, tmp_path: Path, records: list[str], says: str
) -> None:
    path = tmp_path / "bad.jsonl.gz"
    url = written(path, *records)
    refusal = warehouse.load(SCHEMA, batch(url), STATE).refusal()
    assert says.format(path=path) in refusal


def test_a_file_that_breaks_off_passes_no_state_on(
    warehouse: Warehouse, tmp_path: Path
) -> None:
    path = tmp_path / "cut.jsonl.gz"
    url = written(path, *({"id": str(number)} for number in range(5000)))
    path.write_bytes(path.read_bytes()[:-4000])
    refusal = warehouse.load(SCHEMA, batch(url), STATE).refusal()
    assert f"Stream bill: the file {path} of a batch cannot be read (" in refusal
    path.unlink()
    refusal = warehouse.load(SCHEMA, batch(url), STATE).refusal()
    assert "No such file" in refusal


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"encoding": {"format": "parquet"}}, "only jsonl with gzip or none is read"),
        (
            {"encoding": {"format": "jsonl", "compression": "zstd"}},
            "the compression zstd",
        ),
        ({"manifest": ["s3://bucket/one.jsonl.gz"]}, "is not on this machine"),
        ({"manifest": ["file://elsewhere/one.gz"]}, "is not on this machine"),
        (
            {"encoding": {"format": "jsonl", "compression": ["gzip"]}},
            "the compression ['gzip']",
        ),
        ({"manifest": [""]}, "is not on this machine"),
        ({"manifest": ["file://[x/y"]}, "the file file://[x/y of a batch is not on"),
        ({"manifest": ["file:///a%00b"]}, "the file file:///a%00b of a batch is not"),
        ({"manifest": [f"file://{'x' * 300}/one.gz"]}, "is not on this machine, nor"),
        ({"manifest": [None]}, "cannot be read"),
        ({"manifest": "one.gz"}, "BATCH message whose manifest is not a list"),
        ({"encoding": None}, "BATCH message whose encoding is not an object"),
        ({"stream": "other"}, "other"),
    ],
)
def test_what_cannot_be_read_is_one_sentence(
    warehouse: Warehouse, tmp_path: Path, fields: dict[str, Any], says: str
) -> None:
    url = written(tmp_path / "one.jsonl.gz", {"id": "a"})
    refusal = warehouse.load(SCHEMA, batch(**{"manifest": [url], **fields})).refusal()
    assert says in refusal


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("file:///tmp/a%20b.gz", "/tmp/a b.gz"),  # noqa: S108 - nothing is written
        ("file://localhost/data/a.gz", "/data/a.gz"),
        ("/data/a%20b.gz", "/data/a%20b.gz"),
        ("data/a.gz", "data/a.gz"),
        ("file:///data/a#1?.gz", "/data/a#1?.gz"),
    ],
)
def test_addresses(url: str, path: str) -> None:
    assert [str(found) for found in paths(batch(url))] == [path]


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("file://tests/x.jsonl", "tests/x.jsonl"),
        ("file://./tests/x.jsonl", "tests/x.jsonl"),
        ("file://x.jsonl", "x.jsonl"),
        ("file:tests/x.jsonl", "tests/x.jsonl"),
        ("file://tests/a%20b.jsonl", "tests/a b.jsonl"),
        ("file://tests/a b.jsonl", "tests/a b.jsonl"),
        ("file://tests/100%25.jsonl", "tests/100%25.jsonl"),
        ("file://tests/no%231?.jsonl", "tests/no#1?.jsonl"),
        ("FILE://localhost{here}/x.jsonl", "{here}/x.jsonl"),
    ],
)
def test_addresses_below_the_working_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, url: str, path: str
) -> None:
    """As MeltanoLabs' taps and the SDK's own tests write them."""
    monkeypatch.chdir(tmp_path)
    file = Path(path.format(here=tmp_path))
    file.parent.mkdir(exist_ok=True)
    file.touch()
    assert paths(batch(url.format(here=tmp_path))) == [file]


def test_another_machine_is_no_path() -> None:
    with pytest.raises(TargetError, match="not on this machine"):
        paths(batch("gs://bucket/a.gz"))
