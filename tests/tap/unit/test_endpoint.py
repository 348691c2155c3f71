"""Choosing an endpoint that the instance serves."""

from __future__ import annotations

import pytest
from tap_acumatica.endpoint import Endpoint, choose, served_endpoints
from tap_acumatica.errors import SettingError

ENTRIES = [
    {"name": "Default", "version": "23.200.001", "href": "/entity/Default/23.200.001/"},
    {"name": "Default", "version": "24.200.001", "href": "/entity/Default/24.200.001/"},
]


@pytest.mark.parametrize("body", [{"version": {}, "endpoints": ENTRIES}, ENTRIES])
def test_both_shapes_of_the_list_are_read(body: object) -> None:
    assert served_endpoints(body) == [
        Endpoint("Default", "23.200.001"),
        Endpoint("Default", "24.200.001"),
    ]


def test_the_version_is_part_of_the_path() -> None:
    endpoint = choose("Default", "24.200.001", served_endpoints(ENTRIES))
    assert endpoint.path == "entity/Default/24.200.001"


@pytest.mark.parametrize(
    ("version", "says"),
    [
        (None, "Setting 'endpoint_version' is missing"),
        ("22.200.001", "Endpoint Default/22.200.001 is not served"),
    ],
)
def test_a_version_that_is_not_served_lists_those_that_are(
    version: str | None, says: str
) -> None:
    with pytest.raises(SettingError) as caught:
        choose("Default", version, served_endpoints(ENTRIES))
    assert str(caught.value).startswith(says)
    assert "Default/23.200.001, Default/24.200.001" in str(caught.value)
