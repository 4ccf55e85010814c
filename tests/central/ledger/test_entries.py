"""What enters the books, whatever comes in whatever order: nothing is made or lost, and every figure is the sum of its movements."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal
from random import Random

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from central.ledger.counts import Counts
from central.ledger.entries import Correction, Restatement, Sum, changed
from central.ledger.flows import EFFECT, Flow, flow_of
from central.ledger.rules import (
    CUSTOMER,
    ON_HAND,
    QUARANTINE,
    SUPPLIER,
    VALUATION,
    ZERO,
    Arrived,
    Movement,
    Posting,
    adjusted,
    in_transit,
    moved,
    postings,
    received,
    returned,
    sold,
    voided,
)
from central.sales.rules import receipt_lines
from protocol.events import GoodsLine, Sale, SaleReturned
from tests.central.facts import BREAD, MILK, NOON, fact, line, sale
from tests.central.ledger.paper_books import PaperBooks

DAY = date(2026, 9, 21)
HOUR = timedelta(hours=1)
LISTED = {MILK: "120.5"}
WAY = in_transit("warehouse", "north")

gtins = st.sampled_from((MILK, BREAD))
quantities = st.decimals(min_value=-20, max_value=20, places=3)
counted = st.decimals(min_value=0, max_value=20, places=3)
lines = st.lists(st.builds(line, gtin=gtins, quantity=quantities), max_size=3)
goods = st.lists(st.builds(GoodsLine, gtin=gtins, quantity=quantities), max_size=3)
arrivals = st.lists(
    st.builds(
        lambda gtin, quantity, share, worth: Arrived(
            gtin=gtin,
            counted=quantity,
            from_transit=(quantity * share).quantize(Decimal("0.001")),
            source=WAY,
            value_minor=worth,
        ),
        gtins,
        counted,
        st.sampled_from((Decimal(0), Decimal("0.5"), Decimal(1))),
        st.none() | st.integers(0, 5_000),
    ),
    max_size=3,
)


@st.composite
def facts(draw: st.DrawFn) -> list[Posting]:
    """What one fact of any kind books, at some hour of some day."""
    kind = draw(st.sampled_from(("sale", "void", "return", "receipt", "adjustment", "set_aside", "despatch")))
    movements: Sequence[Movement]
    match kind:
        case "sale":
            movements = sold(draw(lines))
        case "void":
            movements = voided(draw(lines))
        case "return":
            movements = returned(draw(lines), draw(st.sampled_from(("restock", "quarantine"))))
        case "receipt":
            movements = received(draw(arrivals))
        case "adjustment":
            movements = adjusted(draw(goods), draw(st.sampled_from(("damage", "found"))))
        case "set_aside":
            movements = moved(0, draw(gtins), draw(quantities), ON_HAND, QUARANTINE, "set_aside")
        case _:
            movements = moved(
                0, draw(gtins), draw(counted), ON_HAND, in_transit("north", "south"), "despatch"
            )
    site, hours = draw(st.sampled_from(("north", "south"))), draw(st.integers(0, 72))
    happened = fact(sale(), site=site, seq=draw(st.integers(1, 1 << 40)), minutes=60 * hours)
    happened = msgspec.structs.replace(happened, business_day=happened.event_time.date())
    return postings(happened, movements)


transactions = st.lists(
    st.lists(facts(), max_size=4).map(lambda some: [p for one in some for p in one]), max_size=8
)
lists = st.sampled_from(({}, LISTED, {MILK: 0, BREAD: 7}))


def booked(listed: dict[str, str | int], groups: Sequence[Sequence[Posting]], **more: object) -> PaperBooks:
    books = PaperBooks(listed, **more)  # type: ignore[arg-type]
    for group in groups:
        books.book(group)
    return books


@given(lists, transactions)
def test_everything_adds_up_to_zero_in_quantity_and_in_value(
    listed: dict[str, str | int], groups: list[list[Posting]]
) -> None:
    together: dict[tuple[str, str], Sum] = {}
    for (site, gtin, _), balance in booked(listed, groups).balances.items():
        one = together.setdefault((site, gtin), Sum())
        one.quantity += balance.quantity
        one.value_minor += balance.value_minor
    assert all((one.quantity, one.value_minor) == (ZERO, 0) for one in together.values())


@given(lists, transactions)
def test_every_balance_is_the_sum_of_its_movements(
    listed: dict[str, str | int], groups: list[list[Posting]]
) -> None:
    books = booked(listed, groups)
    assert books.replayed() == books.not_zero()


@given(lists, transactions)
def test_a_shelf_is_worth_nothing_or_its_value_has_the_sign_of_its_quantity(
    listed: dict[str, str | int], groups: list[list[Posting]]
) -> None:
    books = booked(listed, groups)
    for (_, _, location), balance in books.balances.items():
        if location in (ON_HAND, QUARANTINE):
            assert balance.value_minor == 0 or (balance.value_minor > 0) == (balance.quantity > 0)
            assert balance.quantity != 0 or balance.value_minor == 0
    assert all(entry.value_minor >= 0 for entry in books.movements)


@given(lists, transactions)
def test_the_heads_of_all_days_give_what_is_on_hand(
    listed: dict[str, str | int], groups: list[list[Posting]]
) -> None:
    books = booked(listed, groups)
    shelves: dict[tuple[str, str], tuple[Decimal, int]] = {}
    for (site, _, gtin, flow), one in books.days.items():
        quantity, worth = shelves.get((site, gtin), (ZERO, 0))
        effect = EFFECT[Flow(flow)]
        shelves[site, gtin] = (quantity + effect * one.quantity, worth + effect * one.value_minor)
    on_hand = {(site, gtin) for site, gtin, location in books.balances if location == ON_HAND}
    assert shelves.keys() | on_hand == {
        key for key in shelves.keys() | on_hand if shelves.get(key, (ZERO, 0)) == books.shelf(*key)
    }


@given(lists, transactions)
def test_every_head_of_a_day_is_the_sum_of_its_movements(
    listed: dict[str, str | int], groups: list[list[Posting]]
) -> None:
    books = booked(listed, groups)
    heads: dict[tuple[str, date, str, str], Sum] = {}
    for entry in books.movements:
        posting, movement = entry.posting, entry.posting.movement
        found = flow_of(movement.source, movement.destination, movement.cause)
        if found is not None:
            one = heads.setdefault((posting.site, posting.business_day, movement.gtin, found[0]), Sum())
            one.quantity += found[1] * movement.quantity
            one.value_minor += found[1] * entry.value_minor
    assert heads == books.days


@given(lists, transactions, st.randoms(use_true_random=False))
def test_no_order_of_arrival_changes_a_quantity(
    listed: dict[str, str | int], groups: list[list[Posting]], chance: Random
) -> None:
    shuffled = [posting for group in groups for posting in group]
    chance.shuffle(shuffled)
    one, other = booked(listed, groups), booked(listed, [shuffled])
    assert one.quantities() == other.quantities()
    days = [
        {key: sum_.quantity for key, sum_ in books.days.items() if sum_.quantity} for books in (one, other)
    ]
    assert days[0] == days[1]


@given(lists, transactions, transactions)
def test_a_closed_day_is_what_it_is_now_without_what_was_told_later(
    listed: dict[str, str | int], before: list[list[Posting]], after: list[list[Posting]]
) -> None:
    books = booked(listed, before)
    as_closed = {key: (one.quantity, one.value_minor) for key, one in books.days.items()}
    books.closed_through = {"north": DAY + timedelta(days=1)}
    for group in after:
        books.book(group)
    now = {key: (one.quantity, one.value_minor) for key, one in books.days.items()}
    for late in books.restatements:
        key = (late.site, late.business_day, late.gtin, late.flow)
        quantity, worth = now[key]
        now[key] = (quantity - late.quantity, worth - late.value_minor)
    closed = {key for key in now if key[0] == "north" and key[1] <= DAY + timedelta(days=1)}
    assert {key: now[key] for key in closed if now[key] != (ZERO, 0)} == {
        key: as_closed[key] for key in closed if as_closed.get(key, (ZERO, 0)) != (ZERO, 0)
    }


@given(lists, transactions, transactions)
def test_what_is_heard_of_after_a_count_leaves_the_shelf_as_it_was_counted(
    listed: dict[str, str | int], before: list[list[Posting]], late: list[list[Posting]]
) -> None:
    books = booked(listed, before)
    counted_at = NOON + timedelta(days=30)
    for site in ("north", "south"):
        for gtin in (MILK, BREAD):
            books.counted[site, gtin] = (counted_at, "spring")
    shelves = {key: books.shelf(*key)[0] for key in books.counted}
    for group in late:
        books.book(group)
    assert {key: books.shelf(*key)[0] for key in books.counted} == shelves
    assert books.replayed() == books.not_zero()


def posting(movement: Movement, *, minutes: int = 0, document: str | None = None) -> Posting:
    happened = fact(sale(), minutes=minutes)
    [one] = postings(happened, [movement])
    return (
        one if document is None else msgspec.structs.replace(one, journal=None, seq=None, document=document)
    )


def stocked(quantity: int = 10, worth: int = 1000) -> PaperBooks:
    books = PaperBooks()
    books.book([posting(Movement(0, MILK, Decimal(quantity), SUPPLIER, ON_HAND, "opening", worth))])
    books.movements.clear()
    return books


def test_a_late_sale_corrects_the_count_that_had_missed_the_goods() -> None:
    books = stocked()
    books.counted["north", MILK] = (NOON + HOUR, "spring")
    [late] = postings(fact(sale(), seq=7), sold([line(quantity="2")]))
    entries = books.book([late])
    assert entries.corrections == [Correction("north", MILK, "spring", Decimal(2), 200)]
    correction = entries.movements[1].posting
    assert (correction.movement, correction.document) == (
        Movement(0, MILK, Decimal(2), "adjustment:stocktake", ON_HAND, "stocktake", 200),
        "stocktake:spring:late:1/7/0",
    )
    assert (correction.event_time, correction.journal, correction.seq) == (NOON + HOUR, 1, 7)
    assert books.shelf("north", MILK) == (Decimal(10), 1000)


def test_a_late_receipt_takes_from_the_count_what_it_had_found() -> None:
    books = stocked()
    books.counted["north", MILK] = (NOON + HOUR, "spring")
    entries = books.book(postings(fact(sale()), received([Arrived(gtin=MILK, counted=Decimal(3))])))
    assert entries.corrections == [Correction("north", MILK, "spring", Decimal(-3), -300)]
    assert entries.movements[1].posting.movement.source == ON_HAND


def test_a_late_document_names_itself_in_the_correction() -> None:
    books = stocked()
    books.counted["north", MILK] = (NOON + HOUR, "spring")
    late = posting(Movement(4, MILK, Decimal(3), SUPPLIER, ON_HAND, "opening"), document="opening:x")
    entries = books.book([late])
    assert entries.movements[1].posting.document == "stocktake:spring:late:opening:x/4"


def test_the_correction_is_of_the_first_count_after_the_fact_on_the_day_of_that_count() -> None:
    first, second = NOON + HOUR, NOON + timedelta(days=3)
    books = stocked()
    books.counts = Counts([("north", MILK, first, "first"), ("north", MILK, second, "second")])
    books.counted["north", MILK] = (second, "second")
    entries = books.book(postings(fact(sale()), sold([line()])))
    assert [one.stocktake for one in entries.corrections] == ["first"]
    assert entries.movements[1].posting.business_day == DAY


def test_what_happened_at_the_moment_of_a_count_or_later_or_off_the_shelf_corrects_nothing() -> None:
    books = stocked()
    books.counted["north", MILK] = (NOON, "spring")
    later = postings(fact(sale()), sold([line()]))
    aside = postings(fact(sale(), minutes=-9), returned([line()], "quarantine"))
    counted_then = posting(
        Movement(0, MILK, Decimal(1), ON_HAND, "adjustment:stocktake", "stocktake"), minutes=-9
    )
    assert books.book([*later, *aside, counted_then]).corrections == []


def test_a_revaluation_stands_under_the_event_behind_it_and_beside_the_line_of_a_document() -> None:
    books = PaperBooks({MILK: 120})
    books.book(postings(fact(sale()), sold([line(quantity="4")])))
    entries = books.book(
        [posting(Movement(1, MILK, Decimal(4), SUPPLIER, ON_HAND, "opening", 400), document="d")]
    )
    [_, revalued] = entries.movements
    assert (revalued.posting.movement, revalued.posting.document, revalued.value_minor) == (
        Movement(1, MILK, ZERO, VALUATION, ON_HAND, "revaluation"),
        "d:revaluation:on_hand",
        80,
    )
    assert books.shelf("north", MILK) == (ZERO, 0)


def test_a_quarantine_that_owed_goods_is_revalued_too() -> None:
    books = stocked()
    books.book([posting(Movement(1, MILK, Decimal(2), QUARANTINE, "adjustment:damage", "adjustment"))])
    books.book([posting(Movement(1, MILK, Decimal(10), SUPPLIER, ON_HAND, "opening", 2000), document="d")])
    entries = books.book(postings(fact(sale()), returned([line(quantity="2")], "quarantine")))
    assert [(one.posting.movement.source, one.value_minor) for one in entries.movements] == [
        ("customer", 300),
        (QUARANTINE, 100),
    ]


def test_takings_stand_with_what_was_sold_and_refunds_with_what_came_back() -> None:
    sold_one = fact(sale(line(amount_minor=500)))
    back = SaleReturned(
        return_id="r",
        receipt="r-1",
        currency="EUR",
        lines=(line(amount_minor=200),),
        disposition="quarantine",
    )
    books = PaperBooks()
    books.book([], [*receipt_lines(sold_one), *receipt_lines(fact(back, seq=2))])
    assert {key[3]: one.amount_minor for key, one in books.days.items()} == {"sold": 500, "returned": 200}


def test_money_of_another_currency_is_not_mixed_with_that_of_the_site() -> None:
    dollars = Sale(sale_id="s", receipt="1-1", currency="USD", lines=(line(),))
    books = PaperBooks()
    books.book([], receipt_lines(fact(dollars)))
    assert books.days == {}


def test_takings_of_a_closed_day_are_a_restatement() -> None:
    books = PaperBooks(closed_through={"north": DAY})
    late = fact(sale(line(amount_minor=500)), seq=9)
    books.book([], receipt_lines(late))
    assert books.restatements == [
        Restatement("north", DAY, late.recorded_at, MILK, "sold", ZERO, 0, 500, 1, 9, None)
    ]


def test_a_zero_line_has_takings_and_no_movement() -> None:
    free = fact(sale(line(quantity="0", amount_minor=199)))
    assert isinstance(free.body, Sale)
    books = PaperBooks()
    entries = books.book(postings(free, sold(free.body.lines)), receipt_lines(free))
    assert (entries.movements, [one.amount_minor for one in books.days.values()]) == ([], [199])


def test_rows_are_locked_in_the_order_of_their_keys_and_those_that_come_out_even_are_left_alone() -> None:
    even, other = Sum(ZERO, 0), Sum(Decimal(1), 0)
    keys = [("south", MILK, ON_HAND), ("north", MILK, CUSTOMER), ("north", BREAD, ON_HAND)]
    sums = {keys[0]: other, keys[1]: Sum(ZERO, 5), keys[2]: even}
    assert [key for key, _ in changed(sums)] == [keys[1], keys[0]]
