"""The order of evidence."""

from __future__ import annotations

import pytest

from agent.neighbours.messages import ItemTold
from agent.verification import rules
from agent.verification.filters import Hit
from agent.verification.proofs import Proof, ProofKind
from agent.verification.rules import FRESH_US, Evidence, LocalItem, Place
from protocol.codes import Code
from protocol.feeds import ItemHere, Product
from protocol.items import State
from protocol.verdicts import Act, Finding, Verdict
from tests.agent.shop_kit import SITE, WATCH, WATCH_1

PLACE = Place(site=SITE, today="2025-10-09")


def local(state: str, at_us: int = 1000) -> LocalItem:
    return LocalItem(item=WATCH_1, gtin=WATCH, state=state, at_us=at_us, receipt="1-000001", sale_id="s")


def known(state: str, **more: object) -> ItemHere:
    return ItemHere(item=WATCH_1, gtin=WATCH, state=state, **{"site": SITE, **more})  # type: ignore[arg-type]


def answered(answer: ItemHere | None, local: LocalItem | None = None) -> Finding:
    return rules.from_answer(WATCH_1, local, answer, WATCH, PLACE, {})


def verdict(evidence: Evidence) -> Verdict | None:
    finding = rules.from_records(WATCH_1, evidence, PLACE, {})
    return None if finding is None else finding.verdict


def test_nothing_known_here_is_not_enough() -> None:
    assert verdict(Evidence(replica_age_us=0)) is None


def test_a_sale_here_is_certain_whatever_the_replica_says() -> None:
    finding = rules.from_records(
        WATCH_1, Evidence(local=local("sold"), replica=known("sellable"), replica_age_us=None), PLACE, {}
    )
    assert finding == Finding(
        verdict=Verdict.ALREADY_SOLD,
        act=Act.REFUSE,
        reason="sold here before, receipt 1-000001",
        sold_at_us=1000,
        sold_site=SITE,
        rests_on="journal",
    )


def test_an_item_returned_here_may_be_sold_again_although_the_replica_is_behind() -> None:
    behind = known("sold", sold_at_us=500, sold_site=SITE)
    assert verdict(Evidence(local=local("sellable"), replica=behind, replica_age_us=0)) is Verdict.GENUINE


def test_an_item_sold_elsewhere_after_it_was_received_here_is_sold() -> None:
    later = known("sold", sold_at_us=2000, sold_site="site-9")
    assert verdict(Evidence(local=local("sellable"), replica=later, replica_age_us=0)) is Verdict.ALREADY_SOLD


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        ("recalled", Verdict.RECALLED),
        ("stolen", Verdict.STOLEN),
        ("held", Verdict.HELD),
        ("destroyed", Verdict.DESTROYED),
    ],
)
def test_what_central_has_stopped_stays_stopped_whatever_happened_here(state: str, expected: Verdict) -> None:
    assert (
        verdict(Evidence(local=local("sellable", at_us=10**15), replica=known(state), replica_age_us=0))
        is expected
    )


def test_an_item_received_here_is_genuine_before_central_has_heard_of_it() -> None:
    assert (
        verdict(Evidence(local=local("sellable"), replica=known("in_transit"), replica_age_us=0))
        is Verdict.GENUINE
    )


def test_an_item_set_aside_here_is_not_sold() -> None:
    assert verdict(Evidence(local=local("quarantined"))) is Verdict.HELD


@pytest.mark.parametrize(
    ("age_us", "certain"), [(0, True), (FRESH_US, True), (FRESH_US + 1, False), (None, False)]
)
def test_knowledge_is_certain_while_it_is_fresh(age_us: int | None, certain: bool) -> None:
    finding = rules.from_records(
        WATCH_1, Evidence(replica=known("sellable"), replica_age_us=age_us), PLACE, {}
    )
    assert finding is not None
    assert finding.certain is certain


def test_an_item_of_another_site_is_a_diversion() -> None:
    assert verdict(Evidence(replica=known("sellable", site="site-9"), replica_age_us=0)) is Verdict.WRONG_SITE


def test_an_item_past_its_date_is_expired() -> None:
    assert (
        verdict(Evidence(replica=known("sellable", expiry="2025-10-08"), replica_age_us=0)) is Verdict.EXPIRED
    )


def test_a_label_past_its_date_is_expired_although_nothing_else_is_known() -> None:
    finding = rules.from_label(Code(kind="sgtin", gtin=WATCH, expiry="2025-10-08"), None, PLACE, {})
    assert finding is not None
    assert (finding.verdict, finding.act) == (Verdict.EXPIRED, Act.REFUSE)


def test_a_label_is_good_on_its_last_day() -> None:
    assert rules.from_label(Code(kind="sgtin", gtin=WATCH, expiry="2025-10-09"), None, PLACE, {}) is None


def test_a_code_that_central_never_issued_is_unknown() -> None:
    assert answered(None).verdict is Verdict.UNKNOWN


def test_without_an_answer_the_shop_goes_on_selling_provisionally() -> None:
    finding = rules.without_answer(WATCH, None, (), {})
    assert (finding.verdict, finding.act, finding.certain) == (Verdict.UNVERIFIED, Act.ACCEPT, False)


def test_policy_may_be_stricter_for_one_product() -> None:
    assert rules.without_answer(WATCH, None, (), {f"unverified/{WATCH}": "refuse"}).act is Act.REFUSE


def test_every_state_of_an_item_has_a_verdict_here() -> None:
    assert all(verdict(Evidence(replica=known(state.value), replica_age_us=0)) for state in State)


def test_a_makers_own_serial_on_a_plain_product_says_nothing() -> None:
    plain = Product(gtin=WATCH, name="Watch")
    assert not rules.is_counted_by_item(answered(None), plain)


def test_a_serial_that_was_never_issued_on_a_serialised_product_is_a_copy() -> None:
    coded = Product(gtin=WATCH, name="Watch", serialised=True)
    assert rules.is_counted_by_item(answered(None), coded)


@pytest.mark.parametrize(
    ("evidence", "expected"),
    [
        (Evidence(local=local("sold")), True),
        (Evidence(local=local("sellable"), replica=known("sold")), False),
        (Evidence(replica=known("sold")), True),
        (Evidence(), False),
    ],
)
def test_only_what_was_sold_and_has_not_come_back_may_be_returned(evidence: Evidence, expected: bool) -> None:
    assert rules.may_be_returned(evidence) is expected


# The label -------------------------------------------------------------------------------------------------------------------

SIGNED = Code(kind="sgtin", gtin=WATCH, serial="SN0001", item=WATCH_1)


def proof(kind: ProofKind) -> Proof:
    return Proof(kind=kind, reason="so says the label")


def test_a_wrong_signature_is_a_forgery_at_once() -> None:
    assert rules.from_label(SIGNED, proof("forged"), PLACE, {}) == Finding(
        verdict=Verdict.FORGED, act=Act.REFUSE, reason="so says the label", rests_on="signature"
    )


def test_a_label_that_a_keyboard_garbled_is_unreadable_and_no_forgery() -> None:
    finding = rules.from_label(SIGNED, proof("unreadable"), PLACE, {})
    assert finding is not None
    assert finding.verdict is Verdict.UNREADABLE


@pytest.mark.parametrize("kind", ["none", "sound", "unknown_key", "revoked_key"])
def test_no_other_signature_settles_anything_by_itself(kind: ProofKind) -> None:
    assert rules.from_label(SIGNED, proof(kind), PLACE, {}) is None


# Others ----------------------------------------------------------------------------------------------------------------------


def test_what_central_says_is_certain() -> None:
    finding = answered(known("sellable"))
    assert (finding.verdict, finding.certain, finding.age_us, finding.rests_on) == (
        Verdict.GENUINE,
        True,
        0,
        "central",
    )


def test_goods_received_here_a_minute_ago_are_in_stock_although_central_has_not_heard_of_it() -> None:
    assert answered(known("in_transit"), local("sellable")).verdict is Verdict.GENUINE


def told(state: str, at_us: int = 1000, site: str = SITE) -> ItemTold:
    return ItemTold(agent="till-2", site=site, state=state, at_us=at_us)


def by_neighbours(*said: ItemTold, evidence: Evidence = Evidence()) -> Finding | None:
    return rules.from_neighbours(WATCH_1, evidence, WATCH, said, PLACE, {})


def test_a_sale_in_a_neighbours_journal_is_certain() -> None:
    assert by_neighbours(told("sold")) == Finding(
        verdict=Verdict.ALREADY_SOLD,
        act=Act.REFUSE,
        reason="sold before at site-1, by till-2",
        sold_at_us=1000,
        sold_site=SITE,
        rests_on="neighbour",
    )


def test_of_two_sales_at_neighbours_the_first_is_the_evidence() -> None:
    finding = by_neighbours(told("sold", 3000, "site-3"), told("sold", 2000, "site-2"))
    assert finding is not None
    assert (finding.sold_at_us, finding.sold_site) == (2000, "site-2")


def test_an_item_that_came_back_here_after_a_neighbours_sale_may_be_sold() -> None:
    since = Evidence(local=local("sellable", at_us=2000))
    assert by_neighbours(told("sold", 1000), evidence=since) is None


def test_an_item_that_a_neighbour_of_this_site_received_is_in_stock_by_its_word_alone() -> None:
    finding = by_neighbours(told("sellable"), evidence=Evidence(replica=known("in_transit")))
    assert finding is not None
    assert (finding.verdict, finding.certain) == (Verdict.GENUINE, False)


def test_an_item_that_lies_at_another_site_is_a_diversion() -> None:
    finding = by_neighbours(told("sellable", site="site-9"))
    assert finding is not None
    assert finding.verdict is Verdict.WRONG_SITE


def test_what_central_has_recalled_is_recalled_whatever_a_neighbour_says() -> None:
    finding = by_neighbours(told("sellable"), evidence=Evidence(replica=known("recalled")))
    assert finding is not None
    assert finding.verdict is Verdict.RECALLED


def test_neighbours_that_have_never_seen_it_say_nothing() -> None:
    assert by_neighbours() is None


# Nobody ----------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "expected"),
    [("sold", Verdict.ALREADY_SOLD), ("recalled", Verdict.RECALLED), ("stolen", Verdict.STOLEN)],
)
def test_a_filter_says_perhaps_and_makes_the_counter_ask(kind: str, expected: Verdict) -> None:
    finding = rules.without_answer(WATCH, None, (Hit(kind, 7_000),), {})
    assert (finding.verdict, finding.act, finding.certain, finding.age_us, finding.rests_on) == (
        expected,
        Act.ASK,
        False,
        7_000,
        "filter",
    )


def test_a_filter_never_refuses_by_itself_whatever_policy_says() -> None:
    strict = {"already_sold": "refuse", f"already_sold/{WATCH}": "refuse"}
    assert rules.without_answer(WATCH, None, (Hit("sold", 0),), strict).act is Act.ASK


def test_the_worst_that_a_filter_says_is_told() -> None:
    hits = (Hit("sold", 0), Hit("stolen", 0), Hit("recalled", 0))
    assert rules.without_answer(WATCH, None, hits, {}).verdict is Verdict.STOLEN


def test_a_filter_outweighs_a_sound_signature() -> None:
    assert rules.without_answer(WATCH, proof("sound"), (Hit("sold", 0),), {}).act is Act.ASK


def test_a_sound_signature_is_what_a_provisional_sale_rests_on() -> None:
    finding = rules.without_answer(WATCH, proof("sound"), (), {})
    assert (finding.verdict, finding.act, finding.certain, finding.rests_on) == (
        Verdict.GENUINE,
        Act.ACCEPT,
        False,
        "signature",
    )


@pytest.mark.parametrize("kind", ["none", "unknown_key"])
def test_a_label_that_proves_nothing_is_sold_unverified(kind: ProofKind) -> None:
    finding = rules.without_answer(WATCH, proof(kind), (), {})
    assert (finding.verdict, finding.act, finding.rests_on) == (Verdict.UNVERIFIED, Act.ACCEPT, "policy")


def test_a_label_of_a_revoked_key_is_worth_less_than_one_that_claims_nothing() -> None:
    finding = rules.without_answer(WATCH, proof("revoked_key"), (), {})
    assert (finding.verdict, finding.act) == (Verdict.UNVERIFIED, Act.ASK)


def test_an_item_in_the_basket_is_what_was_said_of_it_when_it_came_in() -> None:
    before = answered(known("sellable"))
    after = rules.from_basket(before)
    assert after is not None
    assert (after.verdict, after.rests_on) == (Verdict.GENUINE, "basket")
