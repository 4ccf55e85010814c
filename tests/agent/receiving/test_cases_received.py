"""Cases and pallets at receiving: one scan for all that is in them, and nothing counted twice."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from agent.packing.contents import Contents
from agent.receiving import rules
from agent.receiving.rules import NotCounted, Receiving
from agent.receiving.service import CompleteReceivingAsked
from agent.till.asked import CompleteAsked
from agent.till.frames import Mode, Outcome, Question, ScanFrame
from protocol.events import EVENT_LIMIT_BYTES, Event, GoodsLine, GoodsReceived, Unopened, encode_event
from protocol.feeds import ContainerHere, DespatchLine, DespatchView, ItemHere
from protocol.verdicts import Verdict
from tests.agent.shop_kit import SITE, TEA, WATCH, Counter, OpenCounter, done

PALLET = "106141412345678908"
CASE_1 = "106141412345678915"
CASE_2 = "106141412345678922"
STRANGE = "106141412345678939"
IN_1 = tuple(f"01{WATCH}21A{number}" for number in range(3))
IN_2 = tuple(f"01{WATCH}21B{number}" for number in range(2))
LOOSE = f"01{WATCH}21LOOSE"
SENT_US = 1_759_900_000_000_000
ADVICE = DespatchView(
    despatch_id="d-1",
    from_site="north",
    order_id="o-1",
    despatched_at_us=SENT_US,
    lines=(
        DespatchLine(gtin=WATCH, quantity=Decimal(6), items=(LOOSE,)),
        DespatchLine(gtin=TEA, quantity=Decimal(24)),
    ),
)
CONTAINERS = (
    ContainerHere(
        sscc=PALLET,
        containers=(CASE_1, CASE_2),
        lines=(DespatchLine(gtin=TEA, quantity=Decimal(24)),),
        despatch_id="d-1",
    ),
    ContainerHere(sscc=CASE_1, items=IN_1, parent=PALLET),
    ContainerHere(sscc=CASE_2, items=IN_2, parent=PALLET),
)


def begin(counter: Counter) -> None:
    counter.feed(ADVICE, *CONTAINERS)
    counter.feed(
        *(ItemHere(item=item, gtin=WATCH, state="in_transit", site=SITE) for item in (*IN_1, *IN_2, LOOSE))
    )
    assert counter.parts.counter.set_mode(Mode.RECEIVE) is None


def scan_case(counter: Counter, sscc: str) -> ScanFrame:
    return counter.scan(f"(00){sscc}")


def complete(counter: Counter, *, all_of_it: bool = True) -> GoodsReceived:
    done(counter.parts.goods.complete(CompleteReceivingAsked(complete=all_of_it)))
    body = counter.bodies()[-1]
    assert isinstance(body, GoodsReceived)
    return body


def progress(counter: Counter) -> dict[str, tuple[float, float | None]]:
    """By product: counted and announced."""
    return {
        entry.gtin: (float(entry.received), None if entry.announced is None else float(entry.announced))
        for entry in counter.parts.goods.frame().progress
    }


def test_one_scan_of_a_pallet_counts_everything_in_it(counter: Counter) -> None:
    begin(counter)
    frame = scan_case(counter, PALLET)
    assert (frame.outcome, frame.key) == (Outcome.RECEIVED, "received_case")
    assert progress(counter) == {WATCH: (5, 6), TEA: (24, 24)}


def test_the_screen_is_told_what_a_pallet_holds(counter: Counter) -> None:
    begin(counter)
    case = scan_case(counter, PALLET).case
    assert case is not None
    assert (case.known, case.items, case.cases, [(line.name, int(line.quantity)) for line in case.pieces]) == (
        True, 5, 2, [("Green tea", 24), ("Watch", 5)],
    )  # fmt: skip


def test_the_first_pallet_chooses_the_advice_it_came_with(counter: Counter) -> None:
    begin(counter)
    scan_case(counter, PALLET)
    assert (counter.parts.goods.receiving.despatch_id, counter.parts.goods.receiving.order_id) == (
        "d-1",
        "o-1",
    )


def test_a_pallet_in_the_journal_is_its_number_and_how_many_items_it_holds(counter: Counter) -> None:
    begin(counter)
    scan_case(counter, PALLET)
    received = complete(counter)
    assert (received.lines, received.containers, received.despatch_id) == (
        (),
        (Unopened(sscc=PALLET, items=5),),
        "d-1",
    )


def test_an_item_of_a_counted_pallet_is_counted_already(counter: Counter) -> None:
    begin(counter)
    scan_case(counter, PALLET)
    frame = counter.scan(IN_2[0])
    assert (frame.outcome, frame.key, frame.message) == (
        Outcome.IGNORED,
        "counted_already",
        f"this item was counted with case {PALLET}",
    )


def test_a_case_on_a_counted_pallet_is_counted_already(counter: Counter) -> None:
    begin(counter)
    scan_case(counter, PALLET)
    frame = scan_case(counter, CASE_1)
    assert (frame.outcome, frame.key) == (Outcome.IGNORED, "counted_already")


def test_a_pallet_counts_once(counter: Counter) -> None:
    begin(counter)
    scan_case(counter, PALLET)
    assert scan_case(counter, PALLET).key == "counted_already"
    assert progress(counter)[WATCH] == (5, 6)


def test_a_case_of_which_items_were_counted_counts_the_rest(counter: Counter) -> None:
    begin(counter)
    counter.scan(IN_1[0])
    counter.scan(LOOSE)
    frame = scan_case(counter, CASE_1)
    assert frame.case is not None
    assert (frame.case.counted_before, progress(counter)[WATCH]) == (1, (4, 6))
    received = complete(counter)
    assert received.lines == (GoodsLine(gtin=WATCH, quantity=Decimal(1), items=(LOOSE,)),)
    assert received.containers == (Unopened(sscc=CASE_1, items=3),)


def test_a_pallet_takes_up_the_cases_that_were_counted_before(counter: Counter) -> None:
    begin(counter)
    scan_case(counter, CASE_2)
    scan_case(counter, PALLET)
    assert complete(counter).containers == (Unopened(sscc=PALLET, items=5),)


def test_an_item_is_announced_if_its_case_is(counter: Counter) -> None:
    begin(counter)
    assert counter.parts.counter.set_mode(Mode.RECEIVE, "d-1") is None
    outcomes = [counter.scan(item).outcome for item in (IN_1[0], LOOSE, f"01{WATCH}21NOBODYS")]
    assert outcomes == [Outcome.RECEIVED, Outcome.RECEIVED, Outcome.ASK]


def test_a_case_of_another_despatch_is_counted_and_told(counter: Counter) -> None:
    begin(counter)
    counter.feed(ContainerHere(sscc=STRANGE, items=(f"01{WATCH}21X",), despatch_id="d-9"))
    assert counter.parts.counter.set_mode(Mode.RECEIVE, "d-1") is None
    frame = scan_case(counter, STRANGE)
    assert (frame.outcome, frame.key, len(counter.parts.goods.receiving.cases)) == (
        Outcome.ASK,
        "case_not_announced",
        1,
    )


def test_a_case_that_is_not_known_here_is_asked_about(counter: Counter) -> None:
    begin(counter)
    frame = scan_case(counter, STRANGE)
    assert (frame.outcome, frame.key, frame.question) == (Outcome.ASK, "case_unknown", Question.SEALED)
    assert counter.parts.goods.receiving.is_empty


def test_a_case_that_is_not_known_here_can_be_taken_in_unopened(counter: Counter) -> None:
    begin(counter)
    assert not isinstance(counter.parts.goods.count_case(STRANGE, sealed=True), NotCounted)
    assert complete(counter).containers == (Unopened(sscc=STRANGE),)


def test_a_case_taken_in_unopened_is_looked_into_once_the_feed_tells_of_it(counter: Counter) -> None:
    begin(counter)
    counter.parts.goods.count_case(STRANGE, sealed=True)
    item = f"01{WATCH}21X"
    counter.scan(item)
    counter.feed(ContainerHere(sscc=STRANGE, items=(item,), despatch_id="d-1"))
    received = complete(counter)
    assert (received.lines, received.containers) == ((), (Unopened(sscc=STRANGE, items=1),))


def test_a_pallet_with_a_case_that_nobody_knows_tells_no_number_of_items(counter: Counter) -> None:
    begin(counter)
    counter.feed(ContainerHere(sscc=STRANGE, containers=(CASE_1, "106141412345678946")))
    frame = scan_case(counter, STRANGE)
    assert (frame.case is not None and frame.case.items, complete(counter).containers) == (
        None,
        (Unopened(sscc=STRANGE),),
    )


def test_every_item_of_a_received_pallet_can_be_sold_before_central_has_heard(counter: Counter) -> None:
    begin(counter)
    scan_case(counter, PALLET)
    complete(counter)
    counter.parts.counter.set_mode(Mode.SALE)
    verdicts = {frame.finding.verdict for item in (*IN_1, *IN_2) if (frame := counter.scan(item)).finding}
    assert (verdicts, counter.asked) == ({Verdict.GENUINE}, [])


def test_an_item_sold_before_its_pallet_was_received_stays_sold(counter: Counter) -> None:
    begin(counter)
    sale = CompleteAsked()
    counter.parts.counter.set_mode(Mode.SALE)
    code = counter.scan(IN_1[0]).code
    assert code is not None
    counter.parts.selling.sell(code, counter.parts.verification.judge(code, 0), confirmed=True)
    done(counter.parts.sales.complete(sale))
    counter.parts.counter.set_mode(Mode.RECEIVE)
    scan_case(counter, PALLET)
    complete(counter)
    counter.parts.counter.set_mode(Mode.SALE)
    finding = counter.scan(IN_1[0]).finding
    assert finding is not None
    assert finding.verdict is Verdict.ALREADY_SOLD


def test_a_pallet_received_before_is_not_received_again(counter: Counter, open_counter: OpenCounter) -> None:
    begin(counter)
    scan_case(counter, PALLET)
    complete(counter)
    again = open_counter()
    for sscc in (PALLET, CASE_1):
        frame = scan_case(again, sscc)
        assert (frame.outcome, frame.key, frame.message) == (
            Outcome.IGNORED,
            "received_already",
            "this case was received on 1-G00001",
        )


def test_a_pallet_that_was_sent_here_anew_is_received_anew(counter: Counter) -> None:
    begin(counter)
    scan_case(counter, PALLET)
    complete(counter)
    counter.feed(ContainerHere(sscc=PALLET, items=IN_1, despatch_id="d-2"))
    assert scan_case(counter, PALLET).key == "received_case"


def test_counted_pallets_outlive_a_restart_with_all_that_is_in_them(
    counter: Counter, open_counter: OpenCounter
) -> None:
    begin(counter)
    scan_case(counter, PALLET)
    again = open_counter()
    assert (again.scan(IN_1[0]).key, progress(again)[WATCH]) == ("counted_already", (5, 6))


def test_a_case_taken_out_again_counts_no_more(counter: Counter) -> None:
    begin(counter)
    scan_case(counter, CASE_1)
    assert counter.parts.goods.take_out_case(CASE_1) is None
    assert counter.scan(IN_1[0]).key == "received"
    refused = counter.parts.goods.take_out_case(CASE_1)
    assert refused is not None
    assert refused.reason == f"case {CASE_1} has not been counted"


def test_a_quantity_by_hand_counts_what_stands_in_cases_too(counter: Counter) -> None:
    begin(counter)
    scan_case(counter, PALLET)
    refused = counter.parts.goods.set_quantity(TEA, Decimal(23))
    assert refused is not None
    assert refused.key == "below_cases"
    assert counter.parts.goods.set_quantity(TEA, Decimal(30)) is None
    assert complete(counter).lines == (GoodsLine(gtin=TEA, quantity=Decimal(6)),)


def test_a_pallet_of_10000_items_fits_one_event(counter: Counter) -> None:
    cases = [f"2061414123{number:07d}0" for number in range(100)]
    held = {sscc: tuple(f"01{WATCH}21{sscc[-6:]}{number:03d}" for number in range(100)) for sscc in cases}
    counter.feed(
        ContainerHere(sscc=PALLET, containers=tuple(cases), despatch_id="d-1"),
        *(ContainerHere(sscc=sscc, items=items, parent=PALLET) for sscc, items in held.items()),
    )
    counter.parts.counter.set_mode(Mode.RECEIVE)
    scan_case(counter, PALLET)
    complete(counter)
    (event,) = counter.events()
    assert isinstance(event.body, GoodsReceived)
    assert event.body.containers == (Unopened(sscc=PALLET, items=10_000),)
    assert len(encode_event(event)) < 500
    known = counter.store.read(lambda at: at.execute("SELECT count(*) FROM local_items").fetchone()[0])
    assert known == 10_000


def test_a_receipt_of_cases_and_items_is_full_before_its_event_is_too_large(counter: Counter) -> None:
    kept = Receiving(receipt_advice_id="r")
    receiving: Receiving | NotCounted = kept
    number = 0
    while isinstance(receiving, Receiving):
        kept = receiving
        item = f"01{WATCH}21{number:020d}"
        receiving = (
            rules.count(kept, WATCH, item=item)
            if number % 2
            else rules.count_case(kept, f"{number:018d}", None, {})
        )
        number += 1
    body = GoodsReceived(
        receipt_advice_id="r" * 64, lines=rules.goods_lines(kept), containers=rules.unopened(kept)
    )
    size = len(encode_event(Event(at=counter.clock.moment(), body=body)))
    assert (receiving.key, number > 1500, size <= EVENT_LIMIT_BYTES) == ("full", True, True)


@given(st.lists(st.sampled_from([*IN_1, *IN_2, CASE_1, CASE_2, PALLET]), max_size=12))
def test_whatever_is_scanned_in_whatever_order_each_item_counts_once(scans: list[str]) -> None:
    inside = {
        CASE_1: Contents(sscc=CASE_1, items=IN_1, pieces={WATCH: Decimal(3)}),
        CASE_2: Contents(sscc=CASE_2, items=IN_2, pieces={WATCH: Decimal(2)}),
        PALLET: Contents(
            sscc=PALLET, items=(*IN_1, *IN_2), containers=(CASE_1, CASE_2), pieces={WATCH: Decimal(5)}
        ),
    }
    receiving = Receiving(receipt_advice_id="r")
    counted_in: dict[str, str] = {}
    expected: set[str] = set()
    for scan in scans:
        if scan in inside:
            after = rules.count_case(receiving, scan, inside[scan], counted_in)
            expected |= set(inside[scan].items)
            if isinstance(after, Receiving):
                counted_in |= dict.fromkeys((*inside[scan].items, *inside[scan].containers), scan)
        else:
            after = rules.count(receiving, WATCH, item=scan, counted_in=counted_in)
            expected.add(scan)
        receiving = after if isinstance(after, Receiving) else receiving
    assert sum(entry.received for entry in rules.progress(receiving, None)) == len(expected)
