"""The order of evidence at a real counter: journal, replica, label, central, neighbours, filters, policy."""

from __future__ import annotations

import pytest

from agent.neighbours.messages import ItemTold
from agent.till.asked import CompleteAsked
from agent.till.frames import Mode, Outcome, ScanFrame
from agent.verification.rules import FRESH_US
from agent.verification.service import REMEMBERED_US
from protocol.codes import render_element_string
from protocol.events import Payment, Sale
from protocol.feeds import Feed, ItemHere, PolicyRow
from protocol.verdicts import Act, Finding, Verdict
from tests.agent.shop_kit import NOW_US, SITE, WATCH, WATCH_1, Counter, OpenCounter, done
from tests.agent.verification.signing_kit import SERIAL, changed, code_key, code_order, label, token
from tests.agent.verification.test_filters import KEY as FILTER_KEY
from tests.agent.verification.test_filters import layer

ITEM = f"01{WATCH}21{SERIAL}"
PLAIN = f"]d2{ITEM}"
SIGNED = f"]d2{render_element_string(label())}"
FORGED = f"]d2{render_element_string(label() | {'17': '270228'})}"


def cut_off(counter: Counter) -> Counter:
    """The same counter without a line to central."""
    counter.central.is_linked = False
    return counter


def found(frame: ScanFrame) -> Finding:
    assert frame.finding is not None, frame
    return frame.finding


def said(frame: ScanFrame) -> tuple[str, str | None, bool]:
    """The verdict, what it rests on, and whether it is certain."""
    finding = found(frame)
    return finding.verdict.value, finding.rests_on, finding.certain


def sell(counter: Counter) -> Sale:
    total = counter.parts.desk.frame().total_minor
    done(counter.parts.sales.complete(CompleteAsked(payments=(Payment(method="cash", amount_minor=total),))))
    body = counter.bodies()[-1]
    assert isinstance(body, Sale)
    return body


def told(state: str = "sold", site: str = SITE) -> ItemTold:
    return ItemTold(agent="till-2", site=site, state=state, at_us=NOW_US - 1_000_000)


# 1: what this counter did itself ------------------------------------------------------------------------------------------


def test_an_item_in_the_basket_is_known_from_the_basket_and_nobody_is_asked_again(counter: Counter) -> None:
    counter.scan(PLAIN)
    asked = len(counter.asked)
    again = counter.scan(PLAIN)
    assert (again.outcome, again.key, again.line, found(again).rests_on) == (
        Outcome.IGNORED,
        "in_basket",
        1,
        "basket",
    )
    assert len(counter.asked) == asked


def test_a_forged_copy_of_an_item_in_the_basket_is_a_forgery(counter: Counter) -> None:
    counter.feed(code_key())
    cut_off(counter)
    assert [said(counter.scan(code))[0] for code in (SIGNED, FORGED)] == ["genuine", "forged"]


def test_a_sale_here_is_known_from_the_journal_before_anything_else(counter: Counter) -> None:
    counter.scan(WATCH_1)
    sell(counter)
    assert said(counter.scan(WATCH_1)) == ("already_sold", "journal", True)


# 2: the replica -----------------------------------------------------------------------------------------------------------


def test_an_item_of_this_site_is_judged_by_the_replica_and_nobody_is_asked(counter: Counter) -> None:
    assert (said(counter.scan(WATCH_1)), counter.asked) == (("genuine", "replica", True), [])


def test_an_old_replica_is_checked_with_central_while_there_is_a_line(counter: Counter) -> None:
    counter.clock.advance(FRESH_US + 1)
    counter.answers = {WATCH_1: ItemHere(item=WATCH_1, gtin=WATCH, state="recalled", site=SITE)}
    assert said(counter.scan(WATCH_1)) == ("recalled", "central", True)


def test_an_old_replica_is_checked_with_the_neighbours_without_one(counter: Counter) -> None:
    counter.clock.advance(FRESH_US + 1)
    counter.lan.told = (told(),)
    assert said(cut_off(counter).scan(WATCH_1)) == ("already_sold", "neighbour", True)


def test_an_old_replica_stands_provisionally_where_nobody_can_be_asked(counter: Counter) -> None:
    counter.clock.advance(FRESH_US + 1)
    assert said(cut_off(counter).scan(WATCH_1)) == ("genuine", "replica", False)


def test_what_an_old_replica_refuses_is_refused_without_asking(counter: Counter) -> None:
    counter.feed(ItemHere(item=WATCH_1, gtin=WATCH, state="stolen", site=SITE))
    counter.clock.advance(FRESH_US + 1)
    assert (counter.scan(WATCH_1).outcome, counter.asked) == (Outcome.REFUSED, [])


# 3: the label -------------------------------------------------------------------------------------------------------------


def test_a_forged_label_is_refused_at_once_and_nobody_is_asked(counter: Counter) -> None:
    counter.feed(code_key())
    frame = counter.scan(FORGED)
    assert (frame.outcome, said(frame), counter.asked) == (
        Outcome.REFUSED,
        ("forged", "signature", True),
        [],
    )


def test_a_forged_label_is_refused_although_the_item_that_it_names_is_in_stock(counter: Counter) -> None:
    counter.feed(code_key(), ItemHere(item=ITEM, gtin=WATCH, state="sellable", site=SITE))
    assert said(counter.scan(FORGED)) == ("forged", "signature", True)


def test_a_forged_label_is_evidence_for_central(counter: Counter) -> None:
    counter.feed(code_key())
    counter.scan(FORGED)
    assert [body.verdict for body in counter.bodies()] == ["forged"]


def test_a_sound_label_is_what_a_sale_without_a_line_rests_on(counter: Counter) -> None:
    counter.feed(code_key())
    cut_off(counter)
    assert said(counter.scan(SIGNED)) == ("genuine", "signature", False)
    (line,) = sell(counter).lines
    assert (line.item, line.verdict, line.provisional) == (ITEM, "genuine", True)


def test_a_sound_label_does_not_stand_above_central(counter: Counter) -> None:
    counter.feed(code_key())
    counter.answers = {ITEM: ItemHere(item=ITEM, gtin=WATCH, state="stolen")}
    assert said(counter.scan(SIGNED)) == ("stolen", "central", True)


def test_a_label_of_a_key_that_is_not_known_here_is_for_central_to_judge(counter: Counter) -> None:
    counter.answers = {ITEM: ItemHere(item=ITEM, gtin=WATCH, state="sellable", site=SITE)}
    assert said(counter.scan(SIGNED)) == ("genuine", "central", True)


def test_a_label_of_a_key_that_is_not_known_here_is_unverified_without_central(counter: Counter) -> None:
    assert said(cut_off(counter).scan(SIGNED)) == ("unverified", "policy", False)


def test_a_label_of_a_retired_key_still_proves_what_it_signed_in_its_time(counter: Counter) -> None:
    counter.feed(changed(code_key(), retired_on="2025-10-05"))
    assert said(cut_off(counter).scan(SIGNED)) == ("genuine", "signature", False)


def test_a_label_of_a_revoked_key_makes_the_cashier_look(counter: Counter) -> None:
    counter.feed(changed(code_key(), revoked=True))
    frame = cut_off(counter).scan(SIGNED)
    assert (frame.outcome, said(frame)) == (Outcome.ASK, ("unverified", "signature", False))


def test_a_short_code_of_a_known_order_is_its_item(counter: Counter) -> None:
    counter.feed(code_order())
    short = token()
    frame = cut_off(counter).scan(short)
    assert frame.code is not None
    assert (frame.code.item, said(frame)) == (f"01{WATCH}21{short}", ("genuine", "signature", False))


def test_a_date_that_has_passed_on_the_label_is_refused_although_the_replica_knows_none(
    counter: Counter,
) -> None:
    frame = counter.scan(f"]d2{WATCH_1}\x1d17250930")
    assert said(frame) == ("expired", "label", True)


# 4: central ---------------------------------------------------------------------------------------------------------------


def test_an_item_that_is_not_known_here_is_asked_about(counter: Counter) -> None:
    counter.answers = {ITEM: ItemHere(item=ITEM, gtin=WATCH, state="sold", sold_at_us=5, sold_site="Bonn")}
    finding = found(counter.scan(PLAIN))
    assert (finding.verdict, finding.rests_on, finding.sold_at_us, finding.sold_site) == (
        Verdict.ALREADY_SOLD,
        "central",
        5,
        "Bonn",
    )


def test_what_central_said_a_moment_ago_is_not_asked_again(counter: Counter) -> None:
    counter.answers = {ITEM: ItemHere(item=ITEM, gtin=WATCH, state="sellable", site=SITE)}
    counter.parts.counter.set_mode(Mode.VERIFY)
    counter.scan(PLAIN)
    counter.clock.advance(1_000_000)
    finding = found(counter.scan(PLAIN))
    assert (len(counter.asked), finding.age_us, finding.certain) == (1, 1_000_000, True)


def test_what_central_said_a_while_ago_is_asked_again(counter: Counter) -> None:
    counter.answers = {ITEM: ItemHere(item=ITEM, gtin=WATCH, state="sellable", site=SITE)}
    counter.parts.counter.set_mode(Mode.VERIFY)
    counter.scan(PLAIN)
    counter.clock.advance(REMEMBERED_US + 1)
    counter.scan(PLAIN)
    assert len(counter.asked) == 2


def test_without_a_line_nobody_waits_for_central(counter: Counter) -> None:
    cut_off(counter).scan(PLAIN)
    assert counter.asked == []


# 5: the neighbours --------------------------------------------------------------------------------------------------------


def test_neighbours_are_asked_when_central_does_not_answer(counter: Counter) -> None:
    counter.lan.told = (told(),)
    assert (said(counter.scan(PLAIN)), counter.asked) == (("already_sold", "neighbour", True), [ITEM])


def test_neighbours_are_not_asked_when_central_answers(counter: Counter) -> None:
    counter.lan.told = (told(),)
    counter.answers = {ITEM: ItemHere(item=ITEM, gtin=WATCH, state="sellable", site=SITE)}
    assert said(counter.scan(PLAIN)) == ("genuine", "central", True)


def test_a_sale_at_a_neighbour_outweighs_a_sound_label(counter: Counter) -> None:
    counter.feed(code_key())
    counter.lan.told = (told(),)
    assert said(cut_off(counter).scan(SIGNED)) == ("already_sold", "neighbour", True)


# 6: filters and policy ----------------------------------------------------------------------------------------------------


@pytest.fixture
def listed(open_counter: OpenCounter) -> Counter:
    """A counter whose filter says that the item was sold elsewhere."""
    counter = open_counter()
    counter.feed(code_key(), changed(code_key("F001", FILTER_KEY), purpose="filters"))
    counter.feed_rows(Feed.FILTERS, layer([ITEM]))
    return counter


def test_an_item_in_a_filter_makes_the_cashier_look_when_nobody_answers(listed: Counter) -> None:
    frame = cut_off(listed).scan(SIGNED)
    assert (frame.outcome, said(frame)) == (Outcome.ASK, ("already_sold", "filter", False))


def test_an_item_in_a_filter_is_what_central_says_it_is(listed: Counter) -> None:
    listed.answers = {ITEM: ItemHere(item=ITEM, gtin=WATCH, state="sellable", site=SITE)}
    assert said(listed.scan(SIGNED)) == ("genuine", "central", True)


def test_an_item_in_stock_here_is_not_held_up_by_a_filter(listed: Counter) -> None:
    listed.feed(ItemHere(item=ITEM, gtin=WATCH, state="sellable", site=SITE))
    assert said(cut_off(listed).scan(SIGNED)) == ("genuine", "replica", True)


def test_policy_for_one_product_changes_what_a_verdict_does(counter: Counter) -> None:
    counter.feed(code_key(), PolicyRow(verdict=f"genuine/{WATCH}", action="ask"))
    frame = cut_off(counter).scan(SIGNED)
    assert (frame.outcome, found(frame).act) == (Outcome.ASK, Act.ASK)


# What the cashier said yes to ---------------------------------------------------------------------------------------------


def test_the_sale_line_of_a_confirmed_doubt_bears_the_verdict_that_was_shown(counter: Counter) -> None:
    counter.answers = {ITEM: ItemHere(item=ITEM, gtin=WATCH, state="sellable", site="site-9")}
    assert counter.scan(PLAIN).outcome is Outcome.ASK
    shown = counter.parts.verification.confirmed(counter.parts.reader.read(PLAIN.encode()))
    counter.parts.selling.sell(counter.parts.reader.read(PLAIN.encode()), shown, confirmed=True)
    (line,) = sell(counter).lines
    assert (line.verdict, line.provisional) == ("wrong_site", False)


def test_a_confirmed_doubt_never_overrules_a_sale_that_was_made_here_meanwhile(counter: Counter) -> None:
    counter.scan(WATCH_1)
    sell(counter)
    judged = counter.parts.verification.confirmed(counter.parts.reader.read(f"]d2{WATCH_1}".encode()))
    assert judged.finding is not None
    assert judged.finding.verdict is Verdict.ALREADY_SOLD
