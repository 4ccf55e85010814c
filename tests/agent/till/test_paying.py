"""How a receipt is paid and how money goes back: what is kept, what is refused, what is only told."""

from __future__ import annotations

from typing import Any

import pytest

from agent.till.asked import CompleteAsked, LineAsked, ReturnAsked, SaleAsked, VoidAsked, digest_source
from protocol.events import Payment, Sale, SaleReturned, SaleVoided
from tests.agent.shop_kit import TEA, WATCH_1, Counter, answer, done, not_done

TEA_450 = LineAsked(gtin=TEA, amount_minor=450)


def cash(amount_minor: int, tendered_minor: int | None = None) -> Payment:
    return Payment(method="cash", amount_minor=amount_minor, tendered_minor=tendered_minor)


def card(amount_minor: int) -> Payment:
    return Payment(method="card", amount_minor=amount_minor)


def post(counter: Counter, *payments: Payment, **more: Any) -> Any:
    return counter.parts.sales.post(SaleAsked(lines=(TEA_450,), payments=payments, **more))


def test_what_was_handed_over_and_the_change_are_kept_and_told(counter: Counter) -> None:
    told = answer(done(post(counter, cash(450, 1000))))
    (sale,) = counter.bodies()
    assert isinstance(sale, Sale)
    assert sale.payments == (cash(450, 1000),)
    assert (told["tendered_minor"], told["change_minor"]) == (1000, 550)


def test_the_exact_amount_leaves_nothing_to_tell(counter: Counter) -> None:
    told = answer(done(post(counter, cash(450, 450))))
    assert (counter.bodies()[0].payments, "change_minor" in told) == ((cash(450),), False)


def test_a_receipt_is_paid_in_several_ways(counter: Counter) -> None:
    done(post(counter, card(250), cash(200, 500)))
    assert counter.bodies()[0].payments == (card(250), cash(200, 500))


@pytest.mark.parametrize(
    ("payment", "key"),
    [
        (cash(450, 400), "tendered_too_little"),
        (cash(450, 10**13), "tendered_too_little"),
        (cash(10**13), "bad_amount"),
        (Payment(method="gold", amount_minor=450), "invalid"),
    ],
)
def test_a_payment_that_cannot_be_is_refused(counter: Counter, payment: Payment, key: str) -> None:
    assert not_done(post(counter, payment)).key == key
    assert counter.events() == []


def test_the_basket_is_paid_to_the_last_minor_unit(counter: Counter) -> None:
    counter.scan("4006381333931")
    refused = not_done(counter.parts.sales.complete(CompleteAsked(payments=(cash(400),))))
    assert (refused.key, refused.reason) == (
        "payments_differ",
        "payments: come to 400, and the total is 450; expected the same, in minor units",
    )
    assert len(counter.parts.desk.basket.lines) == 1
    done(counter.parts.sales.complete(CompleteAsked(payments=(cash(450, 500),))))


def test_what_another_till_was_paid_is_recorded_with_a_warning_if_it_is_not_the_total(
    counter: Counter,
) -> None:
    told = answer(done(post(counter, cash(455))))
    assert [(warning["key"], warning["line"]) for warning in told["warnings"]] == [("payments_differ", 0)]
    assert counter.bodies()[0].payments == (cash(455),)


def test_a_return_says_how_the_money_went_back(counter: Counter) -> None:
    done(post(counter, card(450), sale_id="s-1"))
    asked = ReturnAsked(sale_id="s-1", lines=(LineAsked(gtin=TEA),), refunds=(card(450),))
    done(counter.parts.returns.post(asked))
    body = counter.bodies()[-1]
    assert isinstance(body, SaleReturned)
    assert body.refunds == (card(450),)


def test_a_void_says_how_the_money_went_back(counter: Counter) -> None:
    done(post(counter, card(450), sale_id="s-1"))
    done(counter.parts.voids.post("s-1", VoidAsked(reason="r", refunds=(cash(450),))))
    body = counter.bodies()[-1]
    assert isinstance(body, SaleVoided)
    assert body.refunds == (cash(450),)


def test_without_a_word_nothing_is_said_of_how_money_went_back(counter: Counter) -> None:
    done(post(counter, card(450), sale_id="s-1"))
    done(post(counter, card(450), sale_id="s-2"))
    done(counter.parts.voids.post("s-1", VoidAsked(reason="r")))
    done(counter.parts.returns.post(ReturnAsked(sale_id="s-2", lines=(LineAsked(gtin=TEA),))))
    assert [body.refunds for body in counter.bodies()[2:]] == [(), ()]


@pytest.mark.parametrize(
    "refunds",
    [(cash(449),), (cash(450, 500),), (cash(500), cash(-50)), (Payment(method="gold", amount_minor=450),)],
)
def test_a_refund_that_is_not_the_amount_is_refused_and_nothing_is_done(
    counter: Counter, refunds: tuple[Payment, ...]
) -> None:
    done(post(counter, card(450), sale_id="s-1"))
    asked = ReturnAsked(sale_id="s-1", lines=(LineAsked(gtin=TEA),), refunds=refunds)
    not_done(counter.parts.returns.post(asked))
    not_done(counter.parts.voids.post("s-1", VoidAsked(reason="r", refunds=refunds)))
    found = counter.parts.receipts.find("s-1")
    assert found is not None
    assert (len(counter.events()), found.voided_by, found.returned) == (1, None, ())


def test_a_return_on_the_counter_is_given_back_where_its_refund_is_refused(counter: Counter) -> None:
    counter.scan(WATCH_1)
    done(counter.parts.sales.complete(CompleteAsked()))
    counter.parts.counter.set_mode(counter.parts.counter.mode.RETURN)
    counter.scan(WATCH_1)
    refused = not_done(counter.parts.returns.post(ReturnAsked(refunds=(cash(1),))))
    counter.events()
    assert (refused.key, len(counter.parts.returns_desk.basket.lines)) == ("payments_differ", 1)


def test_a_request_without_the_newer_fields_has_the_bytes_it_always_had() -> None:
    """Else a sale that is told again over an update would be a conflict."""
    asked = SaleAsked(lines=(LineAsked(gtin="1"),), payments=(cash(1),))
    assert digest_source(asked) == (
        b'{"lines":[{"code":null,"gtin":"1","item":null,"quantity":"1","amount_minor":null,"discount_minor":0}],"sale_id":null,'
        b'"payments":[{"method":"cash","amount_minor":1}],"sold_at":null,"currency":null,"reference":null,"member":null,"clerk":null}'
    )
    assert digest_source(ReturnAsked()) == (
        b'{"lines":[],"return_id":null,"disposition":"restock","sale_id":null,"returned_at":null,"reason":null,"clerk":null}'
    )
