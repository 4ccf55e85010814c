"""What a code counts: how much the label itself says, and what has to be asked."""

from __future__ import annotations

from decimal import Decimal

import pytest

from agent.tallying.reading import Asked, Goods, goods_of
from agent.till.frames import Question
from agent.verification.service import Judged
from protocol.codes import Code
from protocol.feeds import Price, Product
from tests.agent.shop_kit import TEA, WATCH, WATCH_1, Counter

CHEESE = "00000000021003"
D = Decimal


@pytest.fixture
def shop(counter: Counter) -> Counter:
    counter.feed(
        Product(gtin=CHEESE, name="Cheese", unit="kg"), Price(gtin=CHEESE, price_minor=1_000, currency="EUR")
    )
    return counter


def read(counter: Counter, code: Code, **said: object) -> Goods | Asked:
    judged = counter.parts.verification.confirmed(code)
    if code.gtin is not None and judged.gtin is None:
        judged = Judged(gtin=code.gtin)
    return goods_of(code, judged, counter.shop.catalogue, **said)  # type: ignore[arg-type]


def quantity(found: Goods | Asked) -> Decimal:
    assert isinstance(found, Goods), found
    return found.quantity


def question(found: Goods | Asked) -> Question | None:
    assert isinstance(found, Asked), found
    return found.doubt.question


def test_goods_by_the_piece_count_one(shop: Counter) -> None:
    assert quantity(read(shop, Code(kind="gtin", gtin=TEA))) == 1


def test_a_label_with_a_weight_counts_it(shop: Counter) -> None:
    assert quantity(read(shop, Code(kind="in_store", gtin=CHEESE, weight="0.375"))) == D("0.375")


def test_a_label_with_a_number_counts_it(shop: Counter) -> None:
    assert quantity(read(shop, Code(kind="in_store", gtin=TEA, quantity="6"))) == 6


def test_a_label_with_a_price_alone_counts_what_that_buys(shop: Counter) -> None:
    assert quantity(read(shop, Code(kind="in_store", gtin=CHEESE, price="2.50"))) == D("0.250")


def test_a_label_with_no_price_on_it_asks_how_much(shop: Counter) -> None:
    assert question(read(shop, Code(kind="in_store", gtin=CHEESE, price="0.00"))) is Question.QUANTITY


def test_weighed_goods_without_a_weight_ask_for_it(shop: Counter) -> None:
    assert question(read(shop, Code(kind="gtin", gtin=CHEESE))) is Question.QUANTITY


def test_what_a_person_says_counts(shop: Counter) -> None:
    assert quantity(read(shop, Code(kind="gtin", gtin=CHEESE), quantity=D("1.2"))) == D("1.2")


def test_a_piece_of_a_coded_product_asks_for_its_own_code(shop: Counter) -> None:
    assert question(read(shop, Code(kind="gtin", gtin=WATCH))) is Question.UNCODED


def test_a_piece_whose_code_nobody_can_read_counts_without_it(shop: Counter) -> None:
    found = read(shop, Code(kind="gtin", gtin=WATCH), uncoded=True)
    assert (quantity(found), isinstance(found, Goods) and found.item) == (D(1), None)


def test_a_coded_item_is_one_piece_whatever_is_said(shop: Counter) -> None:
    found = read(shop, Code(kind="sgtin", gtin=WATCH, item=WATCH_1), quantity=D(5))
    assert (quantity(found), isinstance(found, Goods) and found.item) == (D(1), WATCH_1)


def test_a_makers_serial_that_this_brand_never_issued_counts_as_its_product(shop: Counter) -> None:
    shop.answers = {f"01{TEA}21MAKER": None}
    code = Code(kind="sgtin", gtin=TEA, item=f"01{TEA}21MAKER")
    found = goods_of(code, shop.parts.verification.judge(code, 100), shop.shop.catalogue)
    assert (quantity(found), isinstance(found, Goods) and found.item) == (D(1), None)


def test_a_serial_of_which_nobody_knows_anything_counts_as_its_product(shop: Counter) -> None:
    found = read(shop, Code(kind="sgtin", gtin=TEA, item=f"01{TEA}21MAKER"))
    assert (quantity(found), isinstance(found, Goods) and found.item) == (D(1), None)


def test_a_code_that_names_no_product_counts_nothing(shop: Counter) -> None:
    assert question(read(shop, Code(kind="private", item="private:x"))) is None
