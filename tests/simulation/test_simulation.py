"""A slice of the simulation in every run, and proofs that it would notice a broken promise."""

from __future__ import annotations

import msgspec
import pytest

from protocol.delivery import receiver, sender
from protocol.delivery.vocabulary import State
from tests.simulation import centre
from tests.simulation.episode import MODES, Plan, failure_of, live, plan_of, shrink
from tests.simulation.world import Op

FIRST_SEED = 1
STEPS = 1_500


def test_a_hundred_thousand_sales_with_ten_thousand_faults_are_neither_lost_nor_doubled() -> None:
    sales = faults = 0
    seed = FIRST_SEED
    while sales < 100_000 or faults < 10_000:
        try:
            lived = live(plan_of(seed, STEPS))
        except AssertionError as error:
            raise AssertionError(
                f"episode {seed}: {error}; python -m tests.simulation --seed {seed} --episodes 1"
            ) from error
        sales, faults, seed = sales + lived.sales, faults + lived.faults, seed + 1


@pytest.mark.parametrize("mode", range(len(MODES)))
def test_the_same_seed_is_the_same_episode(mode: int) -> None:
    assert live(plan_of(mode, STEPS)) == live(plan_of(mode, STEPS))


def _a_failing_episode() -> int | None:
    return next((seed for seed in range(60) if failure_of(plan_of(seed, 600))), None)


def test_a_receiver_that_applies_an_overlap_again_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    honest = receiver.receive

    def careless(batch, cursor, hash_at):  # type: ignore[no-untyped-def]
        outcome = honest(batch, cursor, hash_at)
        if outcome.arrival is not receiver.Arrival.REPEATED:
            return outcome
        rows = tuple(receiver.Row(batch.first_seq + i, b"", body) for i, body in enumerate(batch.bodies))
        return msgspec.structs.replace(outcome, rows=rows)

    monkeypatch.setattr(centre, "receive", careless)
    assert _a_failing_episode() is not None


def _acknowledge_what_is_not_applied(monkeypatch: pytest.MonkeyPatch) -> None:
    honest = receiver.receive

    def hasty(batch, cursor, hash_at):  # type: ignore[no-untyped-def]
        outcome = honest(batch, cursor, hash_at)
        if outcome.arrival is receiver.Arrival.NEXT and len(outcome.rows) > 5:
            return msgspec.structs.replace(outcome, rows=outcome.rows[:-1])
        return outcome

    monkeypatch.setattr(centre, "receive", hasty)


def test_a_receiver_that_acknowledges_what_it_has_not_applied_is_caught(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    _acknowledge_what_is_not_applied(monkeypatch)
    assert _a_failing_episode() is not None


def test_a_sender_that_never_repeats_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    def silent(state: State, *_: object) -> sender.Step:
        return state, ()

    table = {key: silent if rule is sender._repeat else rule for key, rule in sender._TRANSITIONS.items()}
    monkeypatch.setattr(sender, "_TRANSITIONS", table)
    assert _a_failing_episode() is not None


def test_a_sender_that_believes_any_cursor_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    def trusting(state, cursor, journal, now_us):  # type: ignore[no-untyped-def]
        state = msgspec.structs.replace(state, epoch=cursor.epoch, next_seq=cursor.next_seq)
        return sender._go_on(state, journal, now_us)

    monkeypatch.setattr(sender, "_take_cursor", trusting)
    assert _a_failing_episode() is not None


def test_a_grant_where_nothing_differs_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """The fault that the simulation found first: a copy of the machine brings the same rows under the old epoch."""
    honest = receiver.grant

    def generous(asked, parent, new_epoch, hash_at):  # type: ignore[no-untyped-def]
        return honest(msgspec.structs.replace(asked, cause="pruned"), parent, new_epoch, hash_at)

    monkeypatch.setattr(centre, "grant", generous)
    ops = [
        Op("sell", 0, 3), Op("clone"), Op("sell", 1, 3), Op("connect", 1), Op("carry"), Op("connect", 0),
        Op("carry"), Op("restore_central"), Op("carry"), Op("carry"),
    ]  # fmt: skip
    assert failure_of(Plan(1, knows_facts=False, ops=ops)) is not None


def test_a_failing_episode_shrinks_to_a_short_trace(monkeypatch: pytest.MonkeyPatch) -> None:
    _acknowledge_what_is_not_applied(monkeypatch)
    seed = _a_failing_episode()
    assert seed is not None
    assert len(shrink(plan_of(seed, 200)).ops) <= 3
