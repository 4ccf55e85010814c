"""One cause is one discrepancy, with its evidence in the order of time."""

from __future__ import annotations

from typing import Any

import msgspec

from central.discrepancies.rules import (
    EVIDENCE_LIMIT,
    Discrepancy,
    DiscrepancyClass,
    in_order_of_time,
    merged,
    with_earlier,
)


def fact(seq: int, time: str = "12:00", **more: Any) -> dict[str, Any]:
    return {"event": "sale", "journal": 1, "seq": seq, "event_time": time, **more}


def raised(*evidence: dict[str, Any], site: str = "north", key: str = "k") -> Discrepancy:
    return Discrepancy(
        site=site,
        discrepancy_class=DiscrepancyClass.UNKNOWN_PRODUCT,
        cause_key=key,
        likely_cause="",
        proposal="",
        evidence=evidence,
    )


def test_facts_of_one_cause_become_one_discrepancy() -> None:
    [case] = merged([raised(fact(2, "13:00")), raised(fact(1, "12:00"))])
    assert [one["seq"] for one in case.evidence] == [1, 2]


def test_other_causes_stay_apart_and_in_the_order_of_their_keys() -> None:
    cases = merged([raised(site="south"), raised(key="z"), raised(key="a")])
    assert [case.key[::2] for case in cases] == [("north", "a"), ("north", "z"), ("south", "k")]


def test_the_same_event_told_twice_is_kept_once_in_its_fuller_account() -> None:
    full = fact(1, receipt="R1")
    assert in_order_of_time([fact(1), full, fact(1)]) == [full]


def test_evidence_without_an_event_is_compared_as_a_whole() -> None:
    held = {"event": "held", "cause": "garbage"}
    assert in_order_of_time([held, dict(held), {"event": "held", "cause": "other"}]) == [
        held,
        {"event": "held", "cause": "other"},
    ]


def test_evidence_is_bounded_and_the_first_facts_stay() -> None:
    many = [raised(fact(seq, f"{seq:05}")) for seq in range(EVIDENCE_LIMIT * 2)]
    [case] = merged(many)
    assert [one["seq"] for one in case.evidence] == list(range(EVIDENCE_LIMIT))


def test_new_evidence_joins_what_is_kept() -> None:
    case = with_earlier(raised(fact(2, "13:00")), [fact(1, "12:00")])
    assert case == msgspec.structs.replace(case, evidence=(fact(1, "12:00"), fact(2, "13:00")))
