"""The public check: what people and programs are told, over a real server and a real database."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, timedelta

import pytest

from central.actors import By
from central.codes import placing
from central.codes.orders import Format
from central.housekeeping import Housekeeping
from central.resolver.counting import forget
from tests.integration.api.public import Brand, open_brand
from tests.integration.api.world import NOW, WATCH, World

OURS_SIGNED = ("ours", None, "signed")
OURS_BY_NUMBER = ("ours", None, "number")
NOT_CONFIRMED = ("not_confirmed", None, None)
RECALLED = ("not_for_sale", "recalled", None)
UNTAKEN = "A7K2-NOBODY"


@pytest.fixture
def brand(world: World) -> Iterator[Brand]:
    with open_brand(world, name="Example Watches", contact="https://example.com/help") as opened:
        yield opened


def address(serial: str, gtin: str = WATCH) -> str:
    return f"/01/{gtin}/21/{serial}"


# What is said ---------------------------------------------------------------------------------------------------------


def test_a_label_as_it_was_printed_is_ours_and_signed(brand: Brand) -> None:
    assert brand.verdict(brand.label(brand.order()).code) == OURS_SIGNED


def test_a_signed_label_without_its_signature_is_ours_by_its_number(brand: Brand) -> None:
    label = brand.label(brand.order())
    assert brand.verdict(label.code.partition("?")[0]) == OURS_BY_NUMBER


def test_a_short_code_is_checked_under_its_own_path_and_as_the_serial_that_it_is(brand: Brand) -> None:
    label = brand.label(brand.order(Format.SHORT))
    told = [brand.told(one) for one in (label.code, label.code.lower(), address(label.item[-20:]))]
    assert {(one["verdict"], one["proof"], one["serial"]) for one in told} == {
        ("ours", "number", label.item[-20:])
    }


def test_a_label_with_another_batch_or_date_or_a_changed_signature_is_not_confirmed(brand: Brand) -> None:
    code = brand.label(brand.order(expiry=date(2027, 1, 31))).code
    forged = [
        code.replace("LOT7", "LOT8"),
        code.replace("17=270131", "17=280131"),
        re.sub(r"(92=.{20})(.)", lambda found: found[1] + ("A" if found[2] != "A" else "B"), code),
        re.sub(r"91=....", "91=ZZZ9", code),
    ]
    assert [brand.verdict(one) for one in (code, *forged)] == [OURS_SIGNED, *[NOT_CONFIRMED] * 4]


def test_a_date_printed_anew_on_an_unsigned_label_is_not_confirmed(brand: Brand) -> None:
    code = brand.label(brand.order(expiry=date(2027, 1, 31))).code.partition("?")[0]
    assert [brand.verdict(f"{code}?17={day}") for day in ("270131", "280131")] == [
        OURS_BY_NUMBER,
        NOT_CONFIRMED,
    ]


def test_a_code_signed_by_a_retired_key_is_still_ours_and_by_a_revoked_one_not(brand: Brand) -> None:
    first = brand.label(brand.order()).code
    brand.world.now += timedelta(days=1)
    assert brand.world.call("POST", "/v1/code-keys/rotate", json={}).status_code == 201
    before = brand.verdict(first)
    key = re.search(r"91=(....)", first)
    assert key is not None
    revoked = brand.world.call("POST", f"/v1/code-keys/{key[1]}/revoke", json={"reason": "copied"})
    assert (before, revoked.status_code, brand.verdict(first)) == (OURS_SIGNED, 200, NOT_CONFIRMED)


def test_codes_of_a_cancelled_order_are_not_confirmed_signed_or_not(brand: Brand) -> None:
    orders = [brand.order(), brand.order(Format.SHORT)]
    signed = brand.label(orders[0]).code
    by = By(actor="brand:boss", at=NOW, reason="lost")
    with brand.world.database.transaction() as connection:
        for order in orders:
            placing.cancel(connection, order.tag, by)
    assert [brand.verdict(one) for one in (signed, signed.partition("?")[0])] == [NOT_CONFIRMED] * 2


def test_a_recall_is_said_even_of_an_item_that_was_sold_long_ago(brand: Brand) -> None:
    label = brand.label(brand.order())
    brand.set_state(label.item, "sold", next_state="recalled", batch="LOT7")
    assert brand.verdict(label.code) == RECALLED


def test_a_recalled_batch_is_said_of_codes_in_no_book_and_of_the_batch_itself(brand: Brand) -> None:
    label = brand.label(brand.order(batch="LOT7"))
    brand.world.database.run(
        lambda connection: connection.execute(
            "INSERT INTO recalled_batches (gtin, batch, reason, actor, recalled_at) VALUES (%s, 'LOT7', 'glass', 'x', now())",
            (WATCH,),
        )
    )
    asked = [label.code, f"/01/{WATCH}/10/LOT7", f"/01/{WATCH}/10/LOT7/21/{UNTAKEN}", f"/01/{WATCH}/10/LOT8"]
    assert [brand.verdict(one) for one in asked] == [RECALLED, RECALLED, RECALLED, ("product", None, None)]


@pytest.mark.parametrize("state", ["stolen", "held", "destroyed", "quarantined"])
def test_an_item_that_is_stopped_should_not_be_on_sale_and_why_is_not_said(brand: Brand, state: str) -> None:
    label = brand.label(brand.order())
    brand.set_state(label.item, state)
    response = brand.get(label.code)
    assert (response.json()["verdict"], response.json()["reason"], state in response.text) == (
        "not_for_sale",
        None,
        False,
    )


def test_nothing_tells_a_sold_item_from_one_that_was_never_delivered(brand: Brand) -> None:
    order = brand.order()
    sold, never = brand.label(order, 1), brand.label(order, 2)
    brand.set_state(sold.item, "sold")
    answers = [brand.get(label.code) for label in (sold, never)]
    assert len({(one.status_code, one.text.replace(one.json()["serial"], "SERIAL")) for one in answers}) == 1


def test_a_registered_number_and_one_that_never_was_get_the_same_answer(brand: Brand) -> None:
    brand.world.sold_items("A7K2", site="D1")
    for kind in ("application/json", "text/html"):
        answers = [brand.get(address(serial), Accept=kind) for serial in ("A7K2", "A7K3")]
        same = {
            (one.status_code, tuple(sorted(one.headers.keys())), re.sub(r"A7K\d", "SERIAL", one.text))
            for one in answers
        }
        assert len(same) == 1, kind


def test_a_brand_may_say_that_its_registered_numbers_cannot_be_guessed(world: World) -> None:
    world.sold_items("A7K2", site="D1")
    with open_brand(world, trust_registered=True) as brand:
        assert [brand.verdict(address(serial)) for serial in ("A7K2", "A7K3")] == [
            OURS_BY_NUMBER,
            NOT_CONFIRMED,
        ]


def test_an_address_without_a_serial_names_the_product(brand: Brand) -> None:
    told = brand.told(f"/01/{WATCH}")
    assert (told["verdict"], told["product"], told["serial"], told["checks"]) == (
        "product",
        {"gtin": WATCH, "name": "Watch"},
        None,
        None,
    )


def test_no_answer_repeats_a_signature(brand: Brand) -> None:
    code = brand.label(brand.order()).code
    tail = re.search(r"92=([^&]+)", code)
    assert tail is not None
    links = ["", "&linkType=linkset", "&linkType=gs1:nothing"]
    answers = [
        brand.get(f"{code}{link}", Accept=kind)
        for link in links
        for kind in ("text/html", "application/json")
    ]
    assert [tail[1] in f"{one.text}{one.headers}" for one in answers] == [False] * 6


def test_every_answer_to_a_check_has_the_same_fields(brand: Brand) -> None:
    label = brand.label(brand.order())
    told = [brand.told(one) for one in (label.code, address(UNTAKEN), f"/01/{WATCH}")]
    assert len({tuple(one) for one in told}) == 1


# Counting -------------------------------------------------------------------------------------------------------------


def test_the_first_check_is_told_apart_from_later_ones_and_a_second_look_is_none(brand: Brand) -> None:
    code = brand.label(brand.order()).code
    seen = []
    for network in ("203.0.113.7", "203.0.113.7", "198.51.100.1"):
        seen.append(brand.told(code, network=network)["checks"])
        brand.write()
        seen.append(brand.told(code, network=network)["checks"])
    first, several = {"before": "first", "since": None}, {"before": "several", "since": "2026-03"}
    assert seen == [first, first, first, first, several, several]


def test_many_checks_are_told_as_many(brand: Brand) -> None:
    code = brand.label(brand.order()).code
    for number in range(12):
        brand.get(code, network=f"203.0.{number}.7")
    assert brand.told(code, network="198.51.100.1")["checks"] == {"before": "many", "since": "2026-03"}


def test_what_is_kept_of_a_check_names_nobody_and_goes_with_the_day(brand: Brand) -> None:
    label = brand.label(brand.order())
    brand.get(label.code, network="203.0.113.7")
    brand.write()
    with brand.world.database.transaction() as connection:
        kept = connection.execute("SELECT to_jsonb(c) - 'networks', networks FROM public_checks c").fetchall()
    ((row, networks),) = kept
    assert (row["item"], row["checks"], row["visits"], row["known"]) == (label.item, 1, 1, True)
    assert [re.fullmatch("[0-9a-f]{12}", network) is not None for network in networks] == [True]
    brand.world.now += timedelta(days=1)
    brand.world.database.run(lambda connection: forget(connection, brand.world.now))
    with brand.world.database.transaction() as connection:
        left = connection.execute(
            "SELECT (SELECT networks FROM public_checks), (SELECT count(*) FROM public_check_salts)"
        ).fetchone()
    assert left == ([], 0)


def test_numbers_that_nobody_issued_are_kept_only_once_two_networks_have_asked(brand: Brand) -> None:
    for number in range(50):
        brand.get(address(f"GUESS{number}"))
    brand.get(address("GUESS7"), network="198.51.100.1")
    brand.write()
    with brand.world.database.transaction() as connection:
        kept = connection.execute("SELECT item, known, visits FROM public_checks").fetchall()
    assert kept == [(f"01{WATCH}21GUESS7", False, 2)]


def test_a_head_request_and_a_linkset_are_no_check(brand: Brand) -> None:
    code = brand.label(brand.order()).code
    brand.get(code, method="HEAD")
    brand.get(f"{code}&linkType=linkset")
    assert brand.write() == 0


def test_one_code_checked_from_many_networks_is_a_case_with_its_evidence(world: World) -> None:
    with open_brand(world, signal_networks=3) as brand:
        label = brand.label(brand.order())
        brand.set_state(label.item, "sellable")
        for number in range(5):
            brand.get(label.code, network=f"203.0.{number}.7")
            brand.write()
        (case,) = brand.cases()
        (fact,) = case["evidence"]
        assert (case["site"], case["item"], fact["networks_that_day"], fact["visits"], fact["state"]) == (
            "D1", label.item, 3, 3, "sellable"
        )  # fmt: skip


def test_an_invented_number_on_goods_in_several_hands_is_a_case_that_only_the_brand_sees(
    world: World,
) -> None:
    with open_brand(world, signal_networks=3) as brand:
        for number in range(3):
            brand.get(address("INVENTED"), network=f"203.0.{number}.7")
            brand.write()
        (case,) = brand.cases()
        of_dealer = world.get("/v1/discrepancies", "acme", params={"class": "repeated_checks"})["items"]
        decided = world.post(
            f"/v1/discrepancies/{case['site']}/{case['discrepancy_id']}/dismiss", {"reason": "a test"}
        )
        assert (case["item"], of_dealer, decided["state"]) == (f"01{WATCH}21INVENTED", [], "dismissed")


def test_housekeeping_writes_checks_down_and_so_does_an_orderly_end(brand: Brand) -> None:
    order = brand.order()
    keeper = Housekeeping(
        brand.world.database, lambda _: None, lambda: brand.world.now, brand.resolver.checks
    )
    keeper.start()
    brand.get(brand.label(order, 1).code)
    keeper.once()
    brand.get(brand.label(order, 2).code)
    keeper.stop()
    with brand.world.database.transaction() as connection:
        assert connection.execute("SELECT count(*) FROM public_checks").fetchone() == (2,)
