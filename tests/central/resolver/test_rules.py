"""What the public is told."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from central.resolver.rules import (
    Answer,
    Books,
    Printed,
    Proof,
    Reason,
    Signature,
    Verdict,
    answer,
    product_answer,
)
from protocol.items import State

TODAY = date(2026, 3, 2)
NOTHING = Printed()
NOT_CONFIRMED = Answer(Verdict.NOT_CONFIRMED)
RECALLED = Answer(Verdict.NOT_FOR_SALE, Reason.RECALLED)
ISSUED = Books(issued=True)


def registered(state: State = State.SELLABLE, **more: object) -> Books:
    return Books(state=state, registered=True, **more)  # type: ignore[arg-type]


def test_a_sound_signature_on_an_issued_number_is_ours_and_signed() -> None:
    assert answer(NOTHING, ISSUED, Signature.SOUND, TODAY) == Answer(Verdict.OURS, proof=Proof.SIGNED)


def test_an_issued_number_without_its_signature_is_ours_by_its_number() -> None:
    assert answer(NOTHING, ISSUED, Signature.NONE, TODAY) == Answer(Verdict.OURS, proof=Proof.NUMBER)


def test_an_issued_number_that_never_left_is_ours_all_the_same() -> None:
    said = answer(NOTHING, registered(State.ISSUED, issued=True), Signature.SOUND, TODAY)
    assert said == Answer(Verdict.OURS, proof=Proof.SIGNED)


def test_a_wrong_signature_is_not_confirmed_whatever_the_books_say() -> None:
    assert answer(NOTHING, registered(issued=True), Signature.BAD, TODAY) == NOT_CONFIRMED


def test_a_signed_code_whose_order_was_taken_back_is_not_confirmed() -> None:
    assert answer(NOTHING, Books(), Signature.SOUND, TODAY) == NOT_CONFIRMED


@pytest.mark.parametrize("state", sorted(set(State) - {State.RECALLED}))
def test_a_number_from_elsewhere_gets_the_answer_of_one_that_never_was(state: State) -> None:
    never = answer(NOTHING, Books(), Signature.NONE, TODAY)
    assert answer(NOTHING, registered(state), Signature.NONE, TODAY) == never == NOT_CONFIRMED


def test_a_brand_may_vouch_for_the_numbers_it_has_registered() -> None:
    said = answer(NOTHING, registered(), Signature.NONE, TODAY, trust_registered=True)
    assert said == Answer(Verdict.OURS, proof=Proof.NUMBER)


def test_an_item_that_is_known_only_because_somebody_sold_it_is_not_confirmed() -> None:
    sold = Books(state=State.SOLD, registered=False)
    assert answer(NOTHING, sold, Signature.NONE, TODAY, trust_registered=True) == NOT_CONFIRMED


@pytest.mark.parametrize("signature", list(Signature))
def test_a_recall_is_said_whatever_the_label_proves(signature: Signature) -> None:
    assert answer(NOTHING, registered(State.SOLD, recalled=True), signature, TODAY) == RECALLED


def test_a_recalled_batch_is_said_of_an_address_without_a_serial() -> None:
    said = [product_answer(Books(recalled=flag)) for flag in (True, False)]
    assert said == [RECALLED, Answer(Verdict.PRODUCT)]


@pytest.mark.parametrize("state", [State.HELD, State.STOLEN, State.QUARANTINED, State.DESTROYED])
def test_why_an_item_is_stopped_is_not_said(state: State) -> None:
    said = answer(NOTHING, registered(state, issued=True), Signature.SOUND, TODAY)
    assert said == Answer(Verdict.NOT_FOR_SALE)


def test_whether_an_item_was_sold_is_not_said() -> None:
    states = (State.COMMISSIONED, State.IN_TRANSIT, State.SELLABLE, State.SOLD, State.SOLD_PROVISIONALLY)
    said = {answer(NOTHING, registered(state, issued=True), Signature.SOUND, TODAY) for state in states}
    assert said == {Answer(Verdict.OURS, proof=Proof.SIGNED)}


@pytest.mark.parametrize(
    ("printed", "books"),
    [
        (Printed(expiry="2026-03-01"), Books(issued=True)),
        (NOTHING, Books(issued=True, expiry="2026-03-01")),
        (NOTHING, Books(issued=True, state=State.EXPIRED)),
    ],
)
def test_an_item_past_its_date_is_said_to_be(printed: Printed, books: Books) -> None:
    assert answer(printed, books, Signature.SOUND, TODAY) == Answer(
        Verdict.NOT_FOR_SALE, Reason.PAST_ITS_DATE
    )


def test_the_last_day_itself_is_not_past() -> None:
    said = answer(Printed(expiry="2026-03-02"), ISSUED, Signature.SOUND, TODAY)
    assert said == Answer(Verdict.OURS, proof=Proof.SIGNED)


@pytest.mark.parametrize(
    "printed",
    [Printed(batch="LOT8"), Printed(batch="LOT7", expiry="2028-01-31"), Printed(expiry="2028-01-31")],
)
def test_a_label_that_contradicts_the_books_is_not_confirmed(printed: Printed) -> None:
    books = Books(issued=True, batch="LOT7", expiry="2027-01-31")
    assert answer(printed, books, Signature.NONE, TODAY) == NOT_CONFIRMED


@given(
    state=st.none() | st.sampled_from(State),
    is_registered=st.booleans(),
    batch=st.none() | st.sampled_from(["A", "B"]),
    expiry=st.none() | st.sampled_from(["2020-01-01", "2030-01-01"]),
    printed=st.builds(Printed, st.none() | st.sampled_from(["A", "B"]), st.none() | st.just("2030-01-01")),
)
def test_without_any_proof_nothing_in_the_books_changes_the_answer_but_a_recall(
    state: State | None, is_registered: bool, batch: str | None, expiry: str | None, printed: Printed
) -> None:
    books = Books(state=state, registered=is_registered, batch=batch, expiry=expiry)
    assert answer(printed, books, Signature.NONE, TODAY) == NOT_CONFIRMED
