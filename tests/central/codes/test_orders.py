"""Which orders may be placed."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from central.codes.orders import Asked, Format, fault_of
from tests.central.codes.orders_kit import GTIN, TODAY


def asked(**changes: Any) -> Asked:
    fields: dict[str, Any] = {"gtin": GTIN, "count": 5, "format": Format.SGTIN}
    return Asked(**{**fields, **changes})


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"count": 10_000_000},
        {"expiry": TODAY},
        {"batch": "A/b-1.2(3)"},
        {"format": Format.SHORT},
        {"format": Format.SHORT, "domain": "HTTPS://B.EXAMPLE"},
        {"format": Format.DIGITAL_LINK, "domain": "https://id.example.com:8443/a/b"},
    ],
)
def test_a_sound_order_has_no_fault(changes: dict[str, Any]) -> None:
    assert fault_of(asked(**changes), TODAY) is None


@pytest.mark.parametrize(
    ("changes", "column", "expected"),
    [
        ({"count": 0}, "count", "1 to 10,000,000"),
        ({"count": 10_000_001}, "count", "1 to 10,000,000"),
        ({"batch": ""}, "batch", "1 to 20 characters"),
        ({"batch": "A" * 21}, "batch", "1 to 20 characters"),
        ({"batch": "LOT 7"}, "batch", "1 to 20 characters"),
        ({"batch": "批"}, "batch", "1 to 20 characters"),
        ({"batch": "A\x1d17"}, "batch", "1 to 20 characters"),
        ({"expiry": date(2026, 11, 20)}, "expiry", "a day that is not past; today is 2026-11-21"),
        ({"expiry": date(2077, 1, 1)}, "expiry", "at most 50 years ahead"),
        ({"format": Format.DIGITAL_LINK}, "domain", "such as https://id.example.com"),
        ({"domain": "https://id.example.com"}, "domain", "none"),
        ({"format": Format.SHORT, "domain": "id.example.com"}, "domain", "http:// or https://"),
        ({"format": Format.DIGITAL_LINK, "domain": "https://a.example/?x=1"}, "domain", "http:// or https://"),
        ({"format": Format.DIGITAL_LINK, "domain": "https://a.example/~me"}, "domain", "http:// or https://"),
        ({"format": Format.DIGITAL_LINK, "domain": f"https://{'a' * 100}.example"}, "domain", "100 characters"),
    ],
)  # fmt: skip
def test_an_order_that_cannot_be_meant_is_refused_with_what_was_expected(
    changes: dict[str, Any], column: str, expected: str
) -> None:
    fault = fault_of(asked(**changes), TODAY)
    assert fault is not None
    assert (fault.column, expected in fault.expected) == (column, True)
