"""The order of evidence."""

from __future__ import annotations

import pytest

from agent.verification import rules
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


def verdict(evidence: Evidence) -> Verdict | None:
    finding = rules.from_here(WATCH_1, evidence, PLACE, {})
    return None if finding is None else finding.verdict


def test_nothing_known_here_is_not_enough() -> None:
    assert verdict(Evidence(replica_age_us=0)) is None


def test_a_sale_here_is_certain_whatever_the_replica_says() -> None:
    finding = rules.from_here(
        WATCH_1, Evidence(local=local("sold"), replica=known("sellable"), replica_age_us=None), PLACE, {}
    )
    assert finding == Finding(
        verdict=Verdict.ALREADY_SOLD,
        act=Act.REFUSE,
        reason="sold here before, receipt 1-000001",
        sold_at_us=1000,
        sold_site=SITE,
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
    finding = rules.from_here(WATCH_1, Evidence(replica=known("sellable"), replica_age_us=age_us), PLACE, {})
    assert finding is not None
    assert finding.certain is certain


def test_an_item_of_another_site_is_a_diversion() -> None:
    assert verdict(Evidence(replica=known("sellable", site="site-9"), replica_age_us=0)) is Verdict.WRONG_SITE


def test_an_item_past_its_date_is_expired() -> None:
    assert (
        verdict(Evidence(replica=known("sellable", expiry="2025-10-08"), replica_age_us=0)) is Verdict.EXPIRED
    )


def test_a_label_past_its_date_is_expired_although_nothing_else_is_known() -> None:
    finding = rules.from_label(Code(kind="element_string", gtin=WATCH, expiry="2025-10-08"), PLACE, {})
    assert finding is not None
    assert (finding.verdict, finding.act) == (Verdict.EXPIRED, Act.REFUSE)


def test_a_label_is_good_on_its_last_day() -> None:
    assert rules.from_label(Code(kind="element_string", gtin=WATCH, expiry="2025-10-09"), PLACE, {}) is None


def test_a_code_that_central_never_issued_is_unknown() -> None:
    assert rules.from_answer(None, WATCH, PLACE, {}).verdict is Verdict.UNKNOWN


def test_without_an_answer_the_shop_goes_on_selling_provisionally() -> None:
    finding = rules.without_answer(WATCH, {})
    assert (finding.verdict, finding.act, finding.certain) == (Verdict.UNVERIFIED, Act.ACCEPT, False)


def test_policy_may_be_stricter_for_one_product() -> None:
    assert rules.without_answer(WATCH, {f"unverified/{WATCH}": "refuse"}).act is Act.REFUSE


def test_every_state_of_an_item_has_a_verdict_here() -> None:
    assert all(verdict(Evidence(replica=known(state.value), replica_age_us=0)) for state in State)


def test_a_makers_own_serial_on_a_plain_product_says_nothing() -> None:
    plain = Product(gtin=WATCH, name="Watch")
    assert not rules.is_counted_by_item(rules.from_answer(None, WATCH, PLACE, {}), plain)


def test_a_serial_that_was_never_issued_on_a_serialised_product_is_a_copy() -> None:
    coded = Product(gtin=WATCH, name="Watch", serialised=True)
    assert rules.is_counted_by_item(rules.from_answer(None, WATCH, PLACE, {}), coded)


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
