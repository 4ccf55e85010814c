"""``price_outside_policy`` and ``discount_outside_policy``: receipt lines against price lists and limits, as they arrive.

Asked for every receipt line, so it must cost next to nothing: price lists are kept in memory, product by product as they are needed, and
those products are read again of which the list's feed has a new version. A price that is entered for the past moves no feed; so
everything is read again every ten minutes.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from central.database import Connection
from central.discrepancies.price_rules import Finding, Override, Policy, Prices, is_plain, judge, price_at
from central.discrepancies.rules import Discrepancy, DiscrepancyClass
from central.journals.facts import Fact
from protocol.events import Sale, SaleLine
from protocol.feeds import Feed

KEPT_S = 600.0
DATABASES = 4
CHANGES_AT_MOST = 10_000
"""Of a list that has changed more than that, everything is read again."""
_WORDS = {
    "price_not_heard": (
        "it was sold at an earlier price of the list: the till had not heard of the change",
        "see that the machine is connected and its prices are of today; there is nothing to book",
    ),
    "override_without_reason": (
        "it was sold at a price that no list ever had, and nobody gave a reason",
        "ask the site where the price came from; allow overrides with a reason if it needs them",
    ),
    "override_beyond_limit": (
        "a person set a price further from the list than the limit allows, and nobody who may allow it did",
        "ask the clerk; raise the limit, or have such prices authorised",
    ),
    "discount_beyond_limit": (
        "more was taken off than the limit allows",
        "ask the clerk; raise the limit if such discounts are wanted",
    ),
}
_NOTHING: Mapping[str, Prices] = {}
ListKey = tuple[str, str]
"""(price list, currency)"""


class PriceLists:
    """The price lists of one database, as far as they were needed. Any thread may use it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._lists: dict[ListKey, dict[str, Prices]] = {}
        self._versions: dict[str, int] = {}
        self._read_at = time.monotonic()

    def known(self, connection: Connection, versions: Mapping[str, int]) -> dict[ListKey, dict[str, Prices]]:
        """What is kept of each list, without what has changed since; ``versions`` are those of the lists' feeds now."""
        with self._lock:
            self._drop_old(connection, versions)
            return self._lists

    def learn(self, connection: Connection, missing: Mapping[ListKey, set[str]]) -> None:
        """Read the prices of products that are not kept."""
        with self._lock:
            for key, gtins in missing.items():
                self._lists.setdefault(key, {}).update(_read(connection, key, gtins))

    def _drop_old(self, connection: Connection, versions: Mapping[str, int]) -> None:
        if time.monotonic() - self._read_at > KEPT_S:
            self._lists, self._versions, self._read_at = {}, {}, time.monotonic()
        for price_list, version in versions.items():
            known = self._versions.get(price_list)
            self._versions[price_list] = version
            if known is None or known == version:
                continue
            changed = _changed(connection, price_list, known)
            for (name, _), prices in self._lists.items():
                if name == price_list and changed is None:
                    prices.clear()
                elif name == price_list:
                    for gtin in changed or ():
                        prices.pop(gtin, None)


_databases: OrderedDict[str, PriceLists] = OrderedDict()
_databases_lock = threading.Lock()


def _price_lists(connection: Connection) -> PriceLists:
    name = f"{connection.info.host}:{connection.info.port}/{connection.info.dbname}"
    with _databases_lock:
        kept = _databases.setdefault(name, PriceLists())
        _databases.move_to_end(name)
        if len(_databases) > DATABASES:
            _databases.popitem(last=False)
    return kept


def against_policy(connection: Connection, facts: Sequence[Fact]) -> list[Discrepancy]:
    """What of the receipt lines in facts is outside the policy of their sites. One query where nothing is to be judged."""
    sales = [fact for fact in facts if type(fact.body) is Sale]
    if not sales:
        return []
    policies, versions = _policies(connection, {fact.site for fact in sales})
    if not policies:
        return []
    lists = _price_lists(connection)
    doubtful = _doubtful(sales, policies, lists.known(connection, versions))
    missing: dict[ListKey, set[str]] = {}
    for _, _, line, prices, policy in doubtful:
        if prices is None:
            missing.setdefault((policy.price_list, policy.currency), set()).add(line.gtin)
    if missing:
        lists.learn(connection, missing)
        doubtful = _doubtful(sales, policies, lists.known(connection, versions))
    if not doubtful:
        return []
    overrides = _overrides(connection, ((fact.site, line) for fact, _, line, _, _ in doubtful))
    return [
        _case(fact, number, line, policy, finding)
        for fact, number, line, prices, policy in doubtful
        for finding in judge(
            line, prices or (), fact.event_time, policy, overrides.get((fact.site, line.override_id or ""))
        )
    ]


def _doubtful(
    sales: Sequence[Fact], policies: Mapping[str, Policy], lists: Mapping[ListKey, Mapping[str, Prices]]
) -> list[tuple[Fact, int, SaleLine, Prices | None, Policy]]:
    """The lines that do not cost just what the list says, or of whose product no prices are kept: few. This loop sees every line that is
    ever sold."""
    doubtful = []
    for fact in sales:
        policy, sale, at = policies.get(fact.site), fact.body, fact.event_time
        assert isinstance(sale, Sale)
        if policy is None or sale.currency != policy.currency:
            continue
        kept = lists.get((policy.price_list, policy.currency), _NOTHING)
        for number, line in enumerate(sale.lines):
            prices = kept.get(line.gtin)
            if prices:
                since, price_minor = prices[-1]
                if (
                    since <= at
                    and line.amount_minor == price_minor
                    and line.quantity == 1
                    and not line.discount_minor
                ):
                    continue
                if is_plain(line, price_minor if since <= at else price_at(prices, at)):
                    continue
            elif prices is not None and not line.discount_minor:
                continue  # a product without a price
            doubtful.append((fact, number, line, prices, policy))
    return doubtful


def _policies(connection: Connection, sites: set[str]) -> tuple[dict[str, Policy], dict[str, int]]:
    """The policies of those sites that have one, and the versions of their price lists' feeds."""
    found = connection.execute(
        """
        SELECT s.site_id, s.price_list, s.currency, l.price_tolerance_bp, l.discount_limit_bp, l.override_limit_bp, l.override,
               coalesce(h.version, 0)
          FROM sites AS s
          CROSS JOIN LATERAL (
               SELECT * FROM till_limits WHERE site_id = '' OR site_id = s.site_id ORDER BY site_id DESC LIMIT 1) AS l
          LEFT JOIN feed_heads AS h ON h.feed = %s AND h.scope = s.price_list
         WHERE s.site_id = ANY (%s) AND (l.price_tolerance_bp IS NOT NULL OR l.discount_limit_bp IS NOT NULL)
        """,
        (Feed.PRICES, sorted(sites)),
    ).fetchall()
    policies = {
        site: Policy(
            price_list=price_list,
            currency=currency,
            price_tolerance_bp=tolerance,
            discount_limit_bp=discount,
            override_limit_bp=limit,
            override=override,
        )
        for site, price_list, currency, tolerance, discount, limit, override, _ in found
    }
    return policies, {row[1]: row[7] for row in found}


def _read(connection: Connection, key: ListKey, gtins: set[str]) -> dict[str, Prices]:
    price_list, currency = key
    found = connection.execute(
        """
        SELECT gtin, valid_from, price_minor FROM prices
         WHERE price_list = %s AND currency = %s AND gtin = ANY (%s::bpchar[]) ORDER BY gtin, valid_from
        """,
        (price_list, currency, sorted(gtins)),
    ).fetchall()
    prices: dict[str, list[tuple[datetime, int]]] = {gtin: [] for gtin in gtins}
    for gtin, valid_from, price_minor in found:
        prices[gtin].append((valid_from, price_minor))
    return {gtin: tuple(rows) for gtin, rows in prices.items()}


def _changed(connection: Connection, price_list: str, since: int) -> list[str] | None:
    """The products of a list whose price has changed since a version; None where they are too many, or the feed began anew."""
    found = connection.execute(
        "SELECT key FROM feed_rows WHERE feed = %s AND scope = %s AND version > %s LIMIT %s",
        (Feed.PRICES, price_list, since, CHANGES_AT_MOST),
    ).fetchall()
    return None if len(found) in (0, CHANGES_AT_MOST) else [key for (key,) in found]


def _overrides(
    connection: Connection, lines: Iterable[tuple[str, SaleLine]]
) -> dict[tuple[str, str], Override]:
    named = sorted({(site, line.override_id) for site, line in lines if line.override_id is not None})
    if not named:
        return {}
    sites, overrides = zip(*named, strict=True)
    found = connection.execute(
        """
        SELECT site_id, override_id, price_minor, authorised_by
          FROM unnest(%s::text[], %s::text[]) AS wanted (site_id, override_id) JOIN price_overrides USING (site_id, override_id)
        """,
        (list(sites), list(overrides)),
    ).fetchall()
    return {(site, name): Override(price_minor, allowed) for site, name, price_minor, allowed in found}


def _case(fact: Fact, number: int, line: SaleLine, policy: Policy, finding: Finding) -> Discrepancy:
    assert isinstance(fact.body, Sale)
    words, proposal = _WORDS[finding.cause]
    is_price = finding.discrepancy_class is DiscrepancyClass.PRICE_OUTSIDE_POLICY
    against = f"/{finding.list_price_minor}" if is_price else ""
    told = {
        "list_price_minor": finding.list_price_minor,
        "override_id": line.override_id,
        "clerk": fact.body.clerk,
    }
    return Discrepancy(
        site=fact.site,
        discrepancy_class=finding.discrepancy_class,
        cause_key=f"{line.gtin}/{finding.cause}/{finding.charged}{against}",
        cause=finding.cause,
        probability=0.9,
        likely_cause=words,
        proposal=proposal,
        gtin=line.gtin,
        quantity=line.quantity,
        value_minor=abs(finding.off_minor),
        currency=policy.currency,
        adds_up=True,
        evidence=(
            fact.evidence(
                line=number,
                sale_id=fact.body.sale_id,
                receipt=fact.body.receipt,
                quantity=str(line.quantity),
                amount_minor=line.amount_minor,
                discount_minor=line.discount_minor,
                off_minor=finding.off_minor,
                **{name: value for name, value in told.items() if value is not None},
            ),
        ),
    )
