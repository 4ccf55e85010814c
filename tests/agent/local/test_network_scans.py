"""Scans that come over the network: from a phone, another till, or a page."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from tests.agent.local.served import Served, served
from tests.agent.shop_kit import WATCH, Counter

TEA_CODE = "4006381333931"
TOKEN = "0123456789abcdef0123456789abcdef"


@pytest.fixture
def api(counter: Counter) -> Iterator[Served]:
    with served(counter) as running:
        yield running


def keys(api: Served, *devices: str | None) -> list[str]:
    """Scan the same product from each, one after the other; what came of it."""
    asked = ({"code": TEA_CODE, "device": device} for device in devices)
    return [api.post("/v1/scans", json=body).json()["key"] for body in asked]


def test_a_phone_is_a_device_by_the_name_it_gives(api: Served) -> None:
    body = {"code": TEA_CODE, "symbology": "]E0", "device": "李雷的手机"}
    scan = api.post("/v1/scans", json=body).json()["scan"]
    assert (scan["device"], scan["symbology"]) == ("李雷的手机", "]E0")


def test_without_a_name_the_callers_address_stands_for_it(api: Served) -> None:
    assert api.post("/v1/scans", json={"code": TEA_CODE}).json()["scan"]["device"] == "network 127.0.0.1"


def test_a_phone_that_scans_twice_at_once_counts_once(api: Served) -> None:
    assert keys(api, "phone 1", "phone 1") == ["added", "repeated"]


def test_two_phones_that_scan_the_same_product_count_twice(api: Served) -> None:
    assert keys(api, "phone 1", "phone 2", "phone 1") == ["added", "added", "repeated"]


def test_without_names_every_scan_counts(api: Served) -> None:
    assert keys(api, None, None) == ["added", "added"]


def test_the_group_separator_may_be_spelt_out(api: Served) -> None:
    for spelt in ("\x1d", "<GS>", "{GS}", "\\x1d", "\u241d"):
        code = f"01{WATCH}10LOT{spelt}21NEW"
        scanned = api.post("/v1/scans", json={"code": code, "symbology": "]d2"}).json()
        assert scanned["scan"]["code"] == f"01{WATCH}10LOT\x1d21NEW"


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ({"code": TEA_CODE, "device": ""}, "$.device"),
        ({"code": TEA_CODE, "device": "x" * 65}, "$.device"),
        ({"code": TEA_CODE, "device": "phone\n"}, "$.device"),
        ({"code": TEA_CODE, "symbology": "EAN-13"}, "$.symbology"),
        ({"code": "4" * 100_000, "device": "phone"}, "code: 100000 characters"),
        ({"device": "phone"}, "code"),
    ],
)
def test_what_is_no_scan_is_refused_with_the_field(api: Served, body: dict[str, str], says: str) -> None:
    answer = api.post("/v1/scans", json=body)
    assert (answer.status_code // 100, says in answer.json()["detail"]) == (4, True)


def test_beyond_this_machine_a_scan_needs_the_token(counter: Counter) -> None:
    body = {"code": TEA_CODE, "device": "phone"}
    with served(counter, token=TOKEN) as api:
        answers = [
            httpx.post(f"{api.url}/v1/scans", json=body, headers=headers).status_code
            for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": f"Bearer {TOKEN}"})
        ]
    assert answers == [401, 401, 200]


def test_without_a_token_only_this_machine_is_served(api: Served) -> None:
    answer = api.post("/v1/scans", json={"code": TEA_CODE}, headers={"Host": "192.168.1.10:8321"})
    assert (answer.status_code, answer.json()["type"]) == (403, "urn:countermark:problem:host")
