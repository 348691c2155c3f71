"""A file of JSON with a checksum: no flipped bit changes what is read from it."""

from __future__ import annotations

import pytest
from target_snowflake_merge.integrity import DamagedError, verified, with_checksum
from target_snowflake_merge.journal.entry import Entry, decoder, encoder

ENTRY = Entry(
    request_id="01234567-89ab-4cde-8f01-23456789abcd",
    batch_id="01234567-89ab-4cde-8f01-23456789abcd",
    run_id="run",
    destination="ORG-ACCOUNT/FINANCE/ERP",
    stream="bill",
    table='"FINANCE"."ERP"."BILL"',
    kind="merge",
    load_method="upsert",
    sql='MERGE INTO "BILL" … "Łódź"',
    first_sequence=1_767_225_600_000_000,
    created_at="2026-01-01T00:00:00+00:00",
)


def test_a_checksum_leaves_what_it_stands_in() -> None:
    content = encoder.encode(ENTRY)
    assert verified(with_checksum(content)) == content
    assert verified(content) == content
    # Versions that know no checksum read past it.
    assert decoder.decode(with_checksum(content)) == ENTRY


def test_no_flipped_bit_changes_what_is_read() -> None:
    content = with_checksum(encoder.encode(ENTRY))
    for place in range(len(content) * 8):
        damaged = bytearray(content)
        damaged[place // 8] ^= 1 << place % 8
        try:
            read = decoder.decode(verified(bytes(damaged)))
        except ValueError:  # what is no JSON any more, too
            continue
        assert read == ENTRY, bytes(damaged)


@pytest.mark.parametrize("lost", [1, 2, 80, 200])
def test_a_file_that_is_cut_is_no_other_one(lost: int) -> None:
    content = with_checksum(encoder.encode(ENTRY))
    with pytest.raises(ValueError, match=r"truncated|checksum"):
        decoder.decode(verified(content[:-lost]))


def test_an_exchanged_checksum_is_noticed() -> None:
    content = with_checksum(b'{"a":1}')
    with pytest.raises(DamagedError):
        verified(content.replace(b'"a":1', b'"a":2'))
