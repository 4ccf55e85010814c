"""What is said when two journals part ways, and how signs of life are gathered."""

from __future__ import annotations

from datetime import timedelta

import pytest

from central.discrepancies.rules import DiscrepancyClass
from central.intake.letters import CAUSES
from central.journals.presence import PresenceBoard, Sign
from central.journals.rules import AgentHere, Epoch, of_clone, of_grant
from protocol.messages import EpochAsked
from tests.central.facts import NOON

AGENT = AgentHere(agent="a", site="north", time_zone="UTC", price_list="default", revoked=False)


def epoch(first_child_seq: int | None) -> Epoch:
    return Epoch(
        agent="a",
        epoch="e",
        journal=1,
        opening_hash=b"",
        next_seq=11,
        head_hash=b"",
        first_child_seq=first_child_seq,
    )


@pytest.mark.parametrize("cause", CAUSES)
def test_every_cause_of_a_new_epoch_is_told_with_what_to_do(cause: str) -> None:
    asked = EpochAsked(request_id="r", parent_epoch="e", parent_seq=3, parent_hash=b"", cause=cause)
    told = of_grant(AGENT, asked, "f", NOON)
    assert (told.discrepancy_class, told.site, told.cause_key) == (DiscrepancyClass(cause), "north", "a/r")
    assert told.likely_cause
    assert told.proposal


def test_an_epoch_that_grows_past_the_point_of_its_successor_is_a_clone() -> None:
    told = of_clone(AGENT, epoch(5), 12, NOON)
    assert told is not None
    assert told.discrepancy_class is DiscrepancyClass.CLONE


@pytest.mark.parametrize(("first_child_seq", "next_seq"), [(None, 12), (11, 12), (30, 12)])
def test_an_epoch_that_is_told_again_up_to_that_point_is_none(
    first_child_seq: int | None, next_seq: int
) -> None:
    assert of_clone(AGENT, epoch(first_child_seq), next_seq, NOON) is None


def test_the_last_sign_of_life_counts_and_what_it_does_not_say_stays_said() -> None:
    board = PresenceBoard()
    board.note("a", Sign(seen_at=NOON, online=True, unsent=5, oldest_unsent_us=9, software="1"))
    board.note("a", Sign(seen_at=NOON + timedelta(1), unsent=0))
    board.note("a", Sign(online=False))
    assert board.take() == {
        "a": Sign(seen_at=NOON + timedelta(1), online=False, unsent=0, oldest_unsent_us=None, software="1")
    }
    assert board.take() == {}
