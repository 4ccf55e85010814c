"""Cases and pallets through the intake: packed, taken in unopened, opened, sold out of."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

import msgspec
import pytest

from central.embedded.database import EmbeddedDatabase
from protocol.codes.check_digits import check_digit
from protocol.events import GoodsLine, GoodsPacked, GoodsReceived, GoodsUnpacked, Unopened
from protocol.feeds import ContainerHere, Feed
from tests.integration.books import (
    BREAD,
    MILK,
    Central,
    central,
    event,
    exchange,
    laid_out,
    line,
    machine,
    sale,
)
from tests.simulation.machine import Machine

NORTH, SOUTH = (
    "00000000-0000-4000-8000-000000000001",
    "00000000-0000-4000-8000-000000000002",
)


def sscc(number: int) -> str:
    body = f"04012345{number:09}"
    return body + check_digit(body)


PALLET, CASE, OTHER = sscc(1), sscc(2), sscc(3)
ITEMS = tuple(f"01{MILK}21{serial}" for serial in ("A1", "A2", "A3"))


@pytest.fixture
def books(embedded_database: EmbeddedDatabase) -> Iterator[Central]:
    with laid_out(embedded_database) as url, central(url) as made:
        yield made


@pytest.fixture
def north(books: Central) -> Machine:
    put(books, "north", *ITEMS)
    return machine("north-1", NORTH)


def put(books: Central, site: str, *items: str) -> None:
    """Items in stock at a site."""
    with books.database.transaction() as connection:
        for item in items:
            connection.execute(
                "INSERT INTO items (item, gtin, state, site_id) VALUES (%s, %s, 'sellable', %s)",
                (item, item[2:16], site),
            )


def tell(books: Central, one: Machine, *bodies: object) -> None:
    one.sell([event(body) for body in bodies], 0)  # type: ignore[arg-type]
    exchange(books, [one])


def packed(sscc: str, *items: str, containers: tuple[str, ...] = (), loose: int = 0) -> GoodsPacked:
    lines = (GoodsLine(gtin=BREAD, quantity=Decimal(loose)),) if loose else ()
    return GoodsPacked(packing_id=f"p-{sscc}", sscc=sscc, items=items, containers=containers, lines=lines)


def parents(books: Central) -> dict[str, str | None]:
    return dict(
        books.rows(
            "SELECT item, container FROM items UNION ALL SELECT sscc, parent FROM containers ORDER BY 1"
        )
    )


def feed(books: Central, site: str) -> dict[str, ContainerHere]:
    rows = books.rows(
        "SELECT key, body FROM feed_rows WHERE feed = %s AND scope = %s AND body IS NOT NULL",
        Feed.CONTAINERS,
        site,
    )
    return {key: msgspec.json.decode(body, type=ContainerHere) for key, body in rows}


def cases(books: Central) -> list[tuple[str, str]]:
    return books.rows("SELECT class, cause_key FROM discrepancies ORDER BY 1, 2")


def test_what_is_packed_lies_in_its_case_and_the_agents_hear_of_it(books: Central, north: Machine) -> None:
    tell(books, north, packed(CASE, *ITEMS[:2], loose=4), packed(PALLET, ITEMS[2], containers=(CASE,)))
    assert parents(books) == {
        ITEMS[0]: CASE,
        ITEMS[1]: CASE,
        ITEMS[2]: PALLET,
        CASE: PALLET,
        PALLET: None,
    }
    here = feed(books, "north")
    assert (here[PALLET].containers, here[PALLET].items) == ((CASE,), (ITEMS[2],))
    assert (here[CASE].items, here[CASE].parent, here[CASE].lines[0].quantity) == (
        ITEMS[:2],
        PALLET,
        Decimal(4),
    )


def test_a_pallet_taken_in_unopened_brings_all_its_items_and_goods_into_stock(
    books: Central, north: Machine
) -> None:
    tell(books, north, packed(CASE, *ITEMS[:2], loose=4), packed(PALLET, ITEMS[2], containers=(CASE,)))
    south = machine("south-1", SOUTH)
    tell(
        books,
        south,
        GoodsReceived(receipt_advice_id="r1", lines=(), containers=(Unopened(sscc=PALLET, items=3),)),
    )
    assert books.rows("SELECT DISTINCT state, site_id FROM items") == [("sellable", "south")]
    assert books.rows(
        "SELECT gtin, quantity FROM stock WHERE site_id = 'south' AND location = 'on_hand' ORDER BY gtin"
    ) == [(MILK, 3), (BREAD, 4)]
    assert set(feed(books, "south")) == {PALLET, CASE}
    assert feed(books, "north") == {}
    assert parents(books)[ITEMS[0]] == CASE


def test_a_pallet_that_goes_astray_is_one_case_not_one_for_each_item(books: Central, north: Machine) -> None:
    tell(books, north, packed(CASE, *ITEMS))
    tell(
        books,
        machine("south-1", SOUTH),
        GoodsReceived(receipt_advice_id="r1", lines=(), containers=(Unopened(sscc=CASE, items=3),)),
    )
    assert books.rows("SELECT class, cause_key, gtin, quantity, value_minor FROM discrepancies") == [
        ("item_outside_territory", CASE, MILK, 3, 750)
    ]


def test_a_sold_item_has_left_its_case_and_an_empty_case_is_gone_from_the_feed(
    books: Central, north: Machine
) -> None:
    tell(books, north, packed(CASE, *ITEMS[:2]))
    tell(books, north, sale(line(item=ITEMS[0])))
    assert feed(books, "north")[CASE].items == (ITEMS[1],)
    tell(books, north, sale(line(item=ITEMS[1])))
    assert feed(books, "north") == {}


@pytest.mark.parametrize(
    ("unpacked", "left"),
    [
        (GoodsUnpacked(unpacking_id="u", sscc=CASE), {}),
        (GoodsUnpacked(unpacking_id="u", sscc=CASE, items=(ITEMS[0], ITEMS[2])), {ITEMS[1]: CASE}),
    ],
)
def test_a_case_is_opened_whole_or_in_part(
    books: Central, north: Machine, unpacked: GoodsUnpacked, left: dict[str, str]
) -> None:
    tell(books, north, packed(CASE, *ITEMS[:2], loose=1), unpacked)
    assert {item: lies for item, lies in parents(books).items() if lies} == left


def test_opening_a_pallet_leaves_its_cases_packed(books: Central, north: Machine) -> None:
    tell(books, north, packed(CASE, ITEMS[0]), packed(PALLET, containers=(CASE,)))
    tell(books, north, GoodsUnpacked(unpacking_id="u", sscc=PALLET))
    assert (parents(books)[CASE], parents(books)[ITEMS[0]]) == (None, CASE)
    assert set(feed(books, "north")) == {CASE}


def test_what_is_scanned_by_itself_at_the_receipt_is_counted_once_and_has_left_its_case(
    books: Central, north: Machine
) -> None:
    tell(books, north, packed(CASE, *ITEMS))
    tell(
        books,
        machine("south-1", SOUTH),
        GoodsReceived(
            receipt_advice_id="r1",
            lines=(GoodsLine(gtin=MILK, quantity=Decimal(1), items=(ITEMS[0],)),),
            containers=(Unopened(sscc=CASE),),
        ),
    )
    assert books.rows("SELECT quantity FROM stock WHERE site_id = 'south' AND location = 'on_hand'") == [(3,)]
    assert (parents(books)[ITEMS[0]], parents(books)[ITEMS[1]]) == (None, CASE)


def test_a_pallet_and_a_case_on_it_named_in_one_receipt_are_counted_once(
    books: Central, north: Machine
) -> None:
    tell(books, north, packed(CASE, *ITEMS), packed(PALLET, containers=(CASE,)))
    containers = (Unopened(sscc=PALLET), Unopened(sscc=CASE))
    tell(
        books,
        machine("south-1", SOUTH),
        GoodsReceived(receipt_advice_id="r1", lines=(), containers=containers),
    )
    assert books.rows("SELECT quantity FROM stock WHERE site_id = 'south' AND location = 'on_hand'") == [(3,)]
    assert parents(books)[CASE] == PALLET


def test_a_case_taken_off_its_pallet_leaves_the_pallet_behind(books: Central, north: Machine) -> None:
    tell(books, north, packed(CASE, *ITEMS[:2]), packed(PALLET, ITEMS[2], containers=(CASE,)))
    tell(
        books,
        machine("south-1", SOUTH),
        GoodsReceived(receipt_advice_id="r1", lines=(), containers=(Unopened(sscc=CASE),)),
    )
    assert parents(books)[CASE] is None
    assert (set(feed(books, "north")), set(feed(books, "south"))) == ({PALLET}, {CASE})
    assert feed(books, "north")[PALLET].containers == ()


@pytest.mark.parametrize(
    ("unopened", "cause"),
    [
        (Unopened(sscc=CASE, items=2), "something was taken out or put in"),
        (Unopened(sscc=OTHER, items=5), "never packed as far as central knows"),
    ],
)
def test_a_count_that_differs_from_centrals_is_a_case_with_both_counts(
    books: Central, north: Machine, unopened: Unopened, cause: str
) -> None:
    tell(books, north, packed(CASE, *ITEMS))
    tell(
        books,
        machine("south-1", SOUTH),
        GoodsReceived(receipt_advice_id="r1", lines=(), containers=(unopened,)),
    )
    [(likely, evidence)] = books.rows(
        "SELECT likely_cause, evidence FROM discrepancies WHERE class = 'codes_against_quantity'"
    )
    assert cause in likely
    assert evidence[0]["items_at_the_counter"] == unopened.items
    assert evidence[0]["items_at_central"] == (3 if unopened.sscc == CASE else 0)


def test_a_case_that_was_here_already_is_named_when_it_is_taken_in_again(
    books: Central, north: Machine
) -> None:
    tell(books, north, packed(CASE, *ITEMS))
    tell(books, north, GoodsReceived(receipt_advice_id="r1", lines=(), containers=(Unopened(sscc=CASE),)))
    assert ("codes_against_quantity", f"r1/{CASE}") in cases(books)


def test_a_pallet_packed_into_its_own_case_is_left_out_and_named(books: Central, north: Machine) -> None:
    tell(books, north, packed(CASE, ITEMS[0]), packed(PALLET, containers=(CASE,)))
    tell(books, north, packed(CASE, ITEMS[1], containers=(PALLET, CASE)))
    assert (parents(books)[PALLET], parents(books)[ITEMS[1]]) == (None, CASE)
    assert cases(books) == [("codes_against_quantity", f"packing/{CASE}")]


def test_an_item_scanned_into_a_second_case_lies_there_and_its_trace_says_where_from(
    books: Central, north: Machine
) -> None:
    tell(books, north, packed(CASE, ITEMS[0]), packed(OTHER, ITEMS[0]))
    assert parents(books)[ITEMS[0]] == OTHER
    assert books.rows("SELECT action, container, note FROM item_trace ORDER BY trace_id") == [
        ("pack", CASE, None),
        ("pack", OTHER, f"taken out of {CASE}"),
    ]


def test_an_item_that_nobody_registered_is_packed_all_the_same_and_named(
    books: Central, north: Machine
) -> None:
    stranger = f"01{MILK}21ZZ"
    tell(books, north, packed(CASE, stranger))
    assert parents(books)[stranger] == CASE
    assert cases(books) == [("unknown_item", stranger)]


def test_an_sscc_with_a_wrong_check_digit_goes_to_the_quarantine(books: Central, north: Machine) -> None:
    tell(books, north, packed(CASE[:-1] + str((int(CASE[-1]) + 1) % 10), ITEMS[0]))
    [(cause,)] = books.rows("SELECT cause FROM quarantine")
    assert "check digit" in cause


def test_the_trace_of_a_case_tells_what_was_done_to_it(books: Central, north: Machine) -> None:
    tell(books, north, packed(CASE, *ITEMS[:2]))
    tell(books, north, GoodsReceived(receipt_advice_id="r1", lines=(), containers=(Unopened(sscc=CASE),)))
    tell(books, north, GoodsUnpacked(unpacking_id="u", sscc=CASE))
    assert books.rows("SELECT action, items, document FROM container_trace ORDER BY trace_id") == [
        ("pack", list(ITEMS[:2]), f"p-{CASE}"),
        ("receive", list(ITEMS[:2]), "r1"),
        ("unpack", list(ITEMS[:2]), "u"),
    ]
