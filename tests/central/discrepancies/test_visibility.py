"""What a dealer sees of a discrepancy that concerns others too."""

from __future__ import annotations

from central.discrepancies.visibility import shown_cause, shown_evidence

MINE = {"event": "sale", "site": "D1", "agent": "D1-1", "seq": 4}
THEIRS = {"event": "sale", "site": "D2", "agent": "D2-1", "seq": 9, "document": "x"}
NOBODYS = {"event": "sale", "event_time": "2026-01-01"}


def test_of_a_fact_at_another_site_only_its_kind_is_shown() -> None:
    expected = [MINE, {"elsewhere": True, "event": "sale"}, NOBODYS]
    assert shown_evidence([MINE, THEIRS, NOBODYS], ["D1"]) == expected


def test_a_cause_that_names_another_site_is_told_without_it() -> None:
    causes = [shown_cause(name, "it was sent to D2") for name in ("item_outside_territory", "short_receipt")]
    assert causes == ["it was sent to another site", "it was sent to D2"]
