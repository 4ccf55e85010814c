"""Shifts on a real store: opened, worked in, counted and closed, whatever happens to the machine meanwhile."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from agent.shifts.asked import CloseAsked, MoveAsked, OpenAsked
from agent.shifts.rules import Report
from agent.store.faults import WriteRefused
from agent.till.asked import CompleteAsked, LineAsked, ReturnAsked, SaleAsked, VoidAsked
from agent.till.frames import CompletedFrame, ShiftFrame
from protocol.codes import render_control
from protocol.events import CashMoved, Payment, Sale, ShiftClosed, ShiftOpened, decode_event
from protocol.messages import EpochGranted
from tests.agent.shop_kit import EPOCH, TEA, Counter, OpenCounter, answer, done, not_done

DAY_US = 86_400_000_000
CASH_450 = (Payment(method="cash", amount_minor=450, tendered_minor=500),)
KEY = b"0123456789abcdef"


def open_shift(counter: Counter, float_minor: int = 10_000, **asked: Any) -> str:
    return done(counter.parts.shifts.open(OpenAsked(float_minor=float_minor, **asked))).document_id


def close(counter: Counter, cash_minor: int, *others: Payment, **asked: Any) -> Any:
    found = (Payment(method="cash", amount_minor=cash_minor), *others)
    return answer(done(counter.parts.shifts.close(CloseAsked(counted=found, **asked))))


def sell(counter: Counter, sale_id: str, payments: tuple[Payment, ...] = CASH_450, **asked: Any) -> None:
    line = LineAsked(gtin=TEA, amount_minor=sum(payment.amount_minor for payment in payments))
    done(counter.parts.sales.post(SaleAsked(lines=(line,), sale_id=sale_id, payments=payments, **asked)))


def move(counter: Counter, amount_minor: int, reason: str = "safe drop") -> None:
    done(counter.parts.shifts.move(MoveAsked(amount_minor=amount_minor, reason=reason)))


def methods(told: Any) -> dict[str, tuple[int, int]]:
    return {
        line["method"]: (line["expected_minor"], line["counted_minor"]) for line in told["report"]["methods"]
    }


def test_a_shift_is_opened_with_its_float_and_a_number_of_its_own(counter: Counter) -> None:
    shift_id = open_shift(counter, clerk="Ann")
    (opened,) = counter.bodies()
    assert opened == ShiftOpened(
        shift_id=shift_id, number="1-Z00001", currency="EUR", float_minor=10_000, clerk="Ann"
    )


def test_a_close_says_what_was_counted_what_should_have_been_there_and_what_was_taken(
    counter: Counter,
) -> None:
    shift_id = open_shift(counter)
    sell(counter, "s-1")
    sell(counter, "s-2", (Payment(method="card", amount_minor=900),))
    move(counter, -5_000)
    told = close(counter, 5_400, Payment(method="card", amount_minor=900))
    assert counter.bodies()[-1] == ShiftClosed(
        shift_id=shift_id,
        number="1-Z00001",
        currency="EUR",
        first_seq=1,
        sales=2,
        voids=0,
        returns=0,
        counted=(Payment(method="cash", amount_minor=5_400), Payment(method="card", amount_minor=900)),
        expected=(Payment(method="cash", amount_minor=5_450), Payment(method="card", amount_minor=900)),
        taken=(Payment(method="cash", amount_minor=450), Payment(method="card", amount_minor=900)),
    )
    assert told["difference_minor"] == {"cash": -50, "card": 0}


def test_voids_and_returns_are_taken_from_the_drawer(counter: Counter) -> None:
    open_shift(counter)
    for number in range(4):
        sell(counter, f"s-{number}")
    done(counter.parts.voids.post("s-0", VoidAsked(reason="wrong")))
    done(counter.parts.returns.post(ReturnAsked(sale_id="s-1", lines=(LineAsked(gtin=TEA),))))
    by_card = (Payment(method="card", amount_minor=450),)
    done(
        counter.parts.returns.post(ReturnAsked(sale_id="s-2", lines=(LineAsked(gtin=TEA),), refunds=by_card))
    )
    told = close(counter, 10_900)
    report = told["report"]
    assert (report["sales"], report["voids"], report["returns"]) == (4, 1, 2)
    assert methods(told) == {"cash": (10_900, 10_900), "card": (-450, None)}


def test_sales_before_the_first_shift_belong_to_none(counter: Counter) -> None:
    sell(counter, "s-1")
    open_shift(counter)
    sell(counter, "s-2")
    told = close(counter, 10_450)
    assert (told["report"]["sales"], methods(told)["cash"]) == (1, (10_450, 10_450))


def test_a_void_in_the_next_shift_gives_back_what_the_sale_was_paid_with(counter: Counter) -> None:
    open_shift(counter)
    sell(counter, "s-1")
    close(counter, 10_450)
    open_shift(counter)
    done(counter.parts.voids.post("s-1", VoidAsked(reason="wrong")))
    assert methods(close(counter, 9_550)) == {"cash": (9_550, 9_550)}


def test_one_shift_at_a_time_is_open(counter: Counter) -> None:
    open_shift(counter)
    refused = not_done(counter.parts.shifts.open(OpenAsked(float_minor=0)))
    assert (refused.key, refused.conflict, refused.reason) == (
        "shift_open",
        True,
        "shift 1-Z00001 is open: close it first",
    )


def test_without_a_shift_there_is_nothing_to_close(counter: Counter) -> None:
    refused = not_done(
        counter.parts.shifts.close(CloseAsked(counted=(Payment(method="cash", amount_minor=0),)))
    )
    assert (refused.key, counter.events()) == ("no_shift", [])


def test_opening_and_closing_again_under_the_same_id_change_nothing(counter: Counter) -> None:
    asked = OpenAsked(float_minor=100, shift_id="z-1")
    first = done(counter.parts.shifts.open(asked))
    again = done(counter.parts.shifts.open(asked))
    told = close(counter, 100, shift_id="z-1")
    assert close(counter, 100, shift_id="z-1") == told
    assert (again.answer, again.repeated, len(counter.events())) == (first.answer, True, 2)


def test_another_count_of_a_closed_shift_is_a_conflict(counter: Counter) -> None:
    open_shift(counter, shift_id="z-1")
    close(counter, 10_000, shift_id="z-1")
    other = CloseAsked(counted=(Payment(method="cash", amount_minor=1),), shift_id="z-1")
    refused = not_done(counter.parts.shifts.close(other))
    assert (refused.key, len(counter.events())) == ("conflict", 2)


def test_a_refused_close_leaves_the_shift_open_and_takes_no_number(counter: Counter) -> None:
    shift_id = open_shift(counter)
    assert not_done(counter.parts.shifts.close(CloseAsked())).key == "no_count"
    assert (
        not_done(counter.parts.shifts.close(CloseAsked(denominations={"50": 1}, shift_id="z"))).key
        == "no_shift"
    )
    current = counter.parts.shifts.current()
    assert current is not None
    assert current.shift_id == shift_id


def test_a_shift_that_the_disk_does_not_take_is_not_open(counter: Counter) -> None:
    counter.store._writer.close()  # type: ignore[union-attr]
    with pytest.raises(WriteRefused):
        counter.parts.shifts.open(OpenAsked(float_minor=0)).result(10)  # type: ignore[union-attr]
    assert not any(isinstance(frame, CompletedFrame | ShiftFrame) for frame in counter.frames)


@pytest.mark.parametrize("amount_minor", [0, 10**13])
def test_no_cash_is_no_move(counter: Counter, amount_minor: int) -> None:
    not_done(counter.parts.shifts.move(MoveAsked(amount_minor=amount_minor, reason="x")))
    assert counter.events() == []


@pytest.mark.parametrize("reason", ["", "  ", "a\nb", "x" * 201])
def test_a_move_needs_a_reason(counter: Counter, reason: str) -> None:
    assert not_done(counter.parts.shifts.move(MoveAsked(amount_minor=1, reason=reason))).key == "invalid"


def test_cash_moves_outside_a_shift_too(counter: Counter) -> None:
    move(counter, 500, "change")
    (body,) = counter.bodies()
    assert (body.amount_minor, body.shift_id, body.reason) == (500, None, "change")


def test_a_shift_goes_on_after_a_restart_over_midnight_and_with_a_clock_set_back(
    open_counter: OpenCounter, counter: Counter
) -> None:
    shift_id = open_shift(counter, clerk="Ann")
    sell(counter, "s-1")
    again = open_counter()
    again.clock.advance(DAY_US)
    sell(again, "s-2")
    again.clock.step_wall(-10 * 365 * DAY_US)
    sell(again, "s-3")
    told = close(again, 11_350)
    assert (told["shift_id"], told["report"]["sales"], methods(told)["cash"]) == (
        shift_id,
        3,
        (11_350, 11_350),
    )
    assert counter.shop is not again.shop


def test_a_sale_that_is_told_late_belongs_to_the_shift_it_was_written_in(counter: Counter) -> None:
    open_shift(counter)
    sell(counter, "s-1", sold_at="2025-10-01T10:00:00+02:00")
    assert close(counter, 10_450)["report"]["sales"] == 1


def test_a_pruned_journal_takes_nothing_from_the_shift(counter: Counter) -> None:
    open_shift(counter)
    for number in range(20):
        sell(counter, f"s-{number}")
    last = counter.journal.lineage()[-1].next_seq
    counter.journal.note_acked(EPOCH, last).result(10)
    for day in range(60):
        counter.journal.note_contact(counter.clock.wall_us() + day * DAY_US).result(10)
    while counter.journal.prune(1).result(10):
        pass
    assert counter.journal.first_kept(EPOCH) > 2
    told = close(counter, 10_000 + 20 * 450)
    assert (told["report"]["sales"], told["difference_minor"]) == (20, {"cash": 0})


def test_a_close_after_the_journal_took_up_a_new_epoch_names_the_row_it_has_there(counter: Counter) -> None:
    sell(counter, "s-0")
    open_shift(counter)
    sell(counter, "s-1")
    granted = EpochGranted(
        request_id="r-1",
        epoch="6e1c0d5e-0000-4000-8000-000000000002",
        parent_epoch=EPOCH,
        parent_seq=1,
        parent_hash=counter.journal.hash_at(EPOCH, 1) or b"",
    )
    counter.journal.adopt(granted).result(10)
    told = close(counter, 10_450)
    live = counter.journal.lineage()[-1]
    ((_, body),) = counter.journal.rows(live.epoch, 3, 3, limit_rows=1, limit_bytes=10**6)
    seal = decode_event(body).body
    assert isinstance(seal, ShiftClosed)
    assert (seal.first_seq, told["difference_minor"]) == (1, {"cash": 0})


def test_until_the_count_is_given_the_report_keeps_the_sums_to_itself(counter: Counter) -> None:
    shift_id = open_shift(counter)
    sell(counter, "s-1")
    veiled, full = counter.parts.shifts.report(), counter.parts.shifts.report(shift_id, in_full=True)
    assert isinstance(veiled, Report)
    assert isinstance(full, Report)
    assert (veiled.sales, veiled.sold_minor, full.sold_minor) == (1, None, 450)
    close(counter, 10_450)
    closed = counter.parts.shifts.report(shift_id)
    assert isinstance(closed, Report)
    assert (closed.is_closed, closed.sold_minor, counter.parts.shifts.latest()) == (True, 450, closed)


def test_a_till_that_does_not_count_blind_tells_the_sums_at_any_time(open_counter: OpenCounter) -> None:
    counter = open_counter(blind_count=False)
    open_shift(counter)
    sell(counter, "s-1")
    report = counter.parts.shifts.report()
    assert isinstance(report, Report)
    assert (report.sold_minor, report.methods[0].expected_minor) == (450, 10_450)


def test_the_frame_of_a_shift_tells_no_sum(counter: Counter) -> None:
    open_shift(counter)
    sell(counter, "s-1")
    frame = counter.parts.shifts.frame()
    assert not {10_000, 10_450, 450} & set(msgspec.structs.astuple(frame))


def test_where_a_shift_is_required_nothing_is_sold_voided_or_taken_back_without_one(
    open_counter: OpenCounter, counter: Counter
) -> None:
    sell(counter, "s-1")
    strict = open_counter(require_shift=True)
    line = (LineAsked(gtin=TEA),)
    strict.scan("4006381333931")
    refused = [
        not_done(strict.parts.sales.post(SaleAsked(lines=line))).key,
        not_done(strict.parts.sales.complete(CompleteAsked())).key,
        not_done(strict.parts.returns.post(ReturnAsked(lines=line))).key,
        not_done(strict.parts.voids.post("s-1", VoidAsked(reason="r"))).key,
    ]
    assert (refused, len(strict.parts.desk.basket.lines)) == (["no_shift"] * 4, 1)
    open_shift(strict)
    assert done(strict.parts.sales.complete(CompleteAsked())).number == "1-000002"


def test_where_a_shift_is_required_what_happened_before_is_recorded_all_the_same(
    open_counter: OpenCounter, counter: Counter
) -> None:
    assert counter.bodies() == []
    strict = open_counter(require_shift=True)
    sell(strict, "s-1", sold_at="2025-10-09T08:00:00Z")
    assert len(strict.events()) == 1


def test_the_clerk_of_a_shift_is_named_on_what_is_done_in_it(counter: Counter) -> None:
    open_shift(counter, clerk="Ann")
    sell(counter, "s-1")
    sell(counter, "s-2", clerk="Bob")
    sell(counter, "s-3", sold_at="2025-10-01T10:00:00+02:00")
    move(counter, 100, "change")
    told = [body.clerk for body in counter.bodies()[1:]]
    assert told == ["Ann", "Bob", None, "Ann"]
    close(counter, 11_450)
    sell(counter, "s-4")
    assert [body.clerk for body in counter.bodies()[-2:]] == ["Ann", None]


def test_who_stands_at_the_counter_is_remembered_over_a_restart(
    open_counter: OpenCounter, counter: Counter
) -> None:
    counter.parts.shifts.set_clerk("ANN")
    again = open_counter()
    sell(again, "s-1")
    assert (again.bodies()[-1].clerk, again.parts.shifts.frame().clerk) == ("ANN", "ANN")
    again.parts.shifts.set_clerk(None)
    sell(again, "s-2")
    assert again.bodies()[-1].clerk is None


def test_what_a_card_says_is_believed_by_its_signature_and_not_shown(open_counter: OpenCounter) -> None:
    counter = open_counter(control_key=KEY)
    frame = counter.scan(render_control("CLERK", "ANN", KEY))
    assert (frame.key, frame.scan.code, counter.shop.clerk.name()) == ("clerk_noted", None, "ANN")
    forged = counter.scan(render_control("CLERK", "BOB", b"another key of 16+"))
    assert (forged.outcome, counter.shop.clerk.name()) == ("unreadable", "ANN")
    assert counter.scan(render_control("CLERK", "", KEY)).key == "no_clerk"
    assert counter.shop.clerk.name() is None


def test_every_document_of_a_shift_is_told_to_every_screen(counter: Counter) -> None:
    open_shift(counter)
    move(counter, 100, "change")
    close(counter, 10_100)
    bodies = counter.bodies()
    kinds = [frame.kind for frame in counter.frames if isinstance(frame, CompletedFrame)]
    shown = [frame.number for frame in counter.frames if isinstance(frame, ShiftFrame)]
    assert (kinds, shown) == (["shift_open", "cash_move", "shift_close"], ["1-Z00001", "1-Z00001", None])
    assert [type(body) for body in bodies] == [ShiftOpened, CashMoved, ShiftClosed]


def test_a_thousand_sales_are_added_up_to_the_last_minor_unit(counter: Counter) -> None:
    open_shift(counter, 0)
    line = (LineAsked(gtin=TEA, amount_minor=1),)
    paid = (Payment(method="cash", amount_minor=1),)
    posted = [counter.parts.sales.post(SaleAsked(lines=line, payments=paid)) for _ in range(1000)]
    assert all(isinstance(done(one).number, str) for one in posted)
    told = close(counter, 1000)
    assert (told["report"]["sales"], told["difference_minor"]) == (1000, {"cash": 0})
    assert sum(isinstance(body, Sale) for body in counter.bodies()) == 1000
