"""When a certificate is renewed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from protocol.renewal import is_renewal_due, renew_at

START = datetime(2026, 3, 1, tzinfo=UTC)
END = START + timedelta(days=7)


def test_a_certificate_is_renewed_at_half_of_its_life() -> None:
    assert renew_at(START, END) == datetime(2026, 3, 4, 12, tzinfo=UTC)


@pytest.mark.parametrize(("hours", "due"), [(0, False), (83, False), (84, True), (168, True), (10_000, True)])
def test_renewal_is_due_from_then_on_and_after_the_end_too(hours: int, due: bool) -> None:
    assert is_renewal_due(START, END, START + timedelta(hours=hours)) == due
