"""Each setting has an effect, and a test that notices when it has none."""

from __future__ import annotations

import importlib
import json
from typing import TYPE_CHECKING

from tap_acumatica.tap import TapAcumatica

if TYPE_CHECKING:
    from sandbox.acumatica.control.admin_client import AcumaticaAdmin

    from tests.tap.conftest import RunTap

WRONG = "test_tap.test_bad_settings_end_with_one_sentence"
REFRESHED = "test_sign_in.test_a_rotated_refresh_token_is_kept_for_the_next_run"
OWN_ENDPOINT = "test_tenants.test_a_custom_endpoint_with_names_of_its_own"
MAPPED = "test_settings.test_streams_are_mapped"
FLATTENED = "test_settings.test_objects_are_flattened"
TESTS = {
    "instance_url": WRONG,
    "endpoint_name": OWN_ENDPOINT,
    "endpoint_version": "test_tenants.test_a_drop_down_has_its_description_and_its_id",
    "client_id": WRONG,
    "client_secret": WRONG,
    "username": WRONG,
    "password": WRONG,
    "refresh_token": REFRESHED,
    "refresh_token_path": REFRESHED,
    "tenant": "test_sign_in.test_a_tenant_that_the_instance_lacks_is_named",
    "branch": "test_choices.test_the_branch_is_the_settings",
    "locale": "test_odd_servers."
    "test_tenant_branch_and_locale_are_sent_at_a_sign_in_with_cookies",
    "include_archived": "test_choices."
    "test_archived_records_are_read_when_they_are_wanted",
    "entities": OWN_ENDPOINT,
    "custom_fields": "test_custom_fields.test_only_custom_fields_that_match_are_taken",
    "contract_version": "test_tenants.test_the_contract_version_can_be_set",
    "start_date": "test_tap.test_the_first_run_begins_at_the_start_date",
    "lookback_seconds": "test_tap.test_the_lookback_is_subtracted_once",
    "page_size": "test_reading.test_rows_of_one_instant_are_read_however_many_they_are",
    "requests_per_minute": "test_manners.test_the_setting_paces_the_whole_tap",
    "emit_activate_version_messages": "test_reading."
    "test_activation_can_be_switched_off",
    "trim_trailing_spaces": "test_settings.test_spaces_at_the_end_are_cut_or_stay",
    "stream_maps": MAPPED,
    "stream_map_config": MAPPED,
    "flattening_enabled": FLATTENED,
    "flattening_max_depth": FLATTENED,
    "flattening_max_key_length": FLATTENED,
    "flattening_separator": FLATTENED,
}
"""Per setting the test beside this one that fails when the code ignores it."""


def test_every_setting_has_a_test() -> None:
    about = TapAcumatica._get_about_info()  # noqa: SLF001 - what --about prints
    assert set(about.settings["properties"]) == set(TESTS)
    for path in TESTS.values():
        module, _, name = path.partition(".")
        beside = importlib.import_module(f"tests.tap.behaviour.{module}")
        assert callable(getattr(beside, name, None)), path


def test_spaces_at_the_end_are_cut_or_stay(
    run_tap: RunTap, acumatica: AcumaticaAdmin
) -> None:
    padded = acumatica.put_record("Account", {"AccountCD": "98765 "})
    for trim, wanted in ((True, "98765"), (False, "98765 ")):
        run = run_tap("gl_accounts", trim_trailing_spaces=trim)
        numbers = {r["id"]: r["AccountCD"] for r in run.records("gl_accounts")}
        assert numbers[padded] == wanted
    acumatica.delete_record("Account", padded)


def test_streams_are_mapped(run_tap: RunTap) -> None:
    mapping = {"__alias__": "payables", "From": "config['from']", "Description": None}
    run = run_tap(
        "bills",
        stream_maps={"bills": mapping},
        stream_map_config={"from": "north"},
    )
    assert run.exit_code == 0, run.log
    wanted = [{**r, "From": "north"} for r in run_tap("bills").records("bills")]
    descriptions = {record.pop("Description") for record in wanted}
    assert len(descriptions) > 1
    # Amounts are compared as they were written, with every digit.
    assert run.records("payables") == wanted
    assert not run.records("bills")


def test_objects_are_flattened(run_tap: RunTap) -> None:
    run = run_tap(
        "vendors",
        flattening_enabled=True,
        flattening_max_depth=1,
        flattening_separator=".",
        flattening_max_key_length=30,
    )
    record = run.records("vendors")[0]
    assert "MainContact" not in record
    assert record["MainContact.Active"] is True
    assert isinstance(json.loads(record["MainContact.Address"]), dict)
    assert "MainContact.OverrideAccountAddress" not in record, "longer than 30"
