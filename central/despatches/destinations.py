"""Where goods of a site may be sent: the ``sites`` feed of its counters, and what becomes of goods that were sent elsewhere.

A site sends to the sites of its dealer and of the dealers below it, to those it serves, to the one that serves it, and up its dealer's tree.
Its counters show that list. Another site can be named all the same (an old list, a mistake, a diversion): then the goods have left, and are
booked as on their way to :data:`NOWHERE`. The named site does not hear of them, for its dealer would find a stranger's goods in its figures.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence

import msgspec

from central import feeds
from central.database import Connection
from central.journals.facts import Fact
from central.sites.rules import BRAND_DEALER, ID
from protocol.events import GoodsDespatched
from protocol.feeds import Feed, SiteHere, body_encoder

NOWHERE = "_nowhere"
"""Stands for a site that may not await goods from where they were sent. No site can have this id."""
SITES_LIMIT = 2_000
"""Sites in one list: more than a person looks through at a counter."""
_TOLD_ONE_BY_ONE = 200
"""Changed sites up to which it is found out whom they concern; beyond that, everybody looks."""

Key = tuple[int, int]
"""(journal, seq) of a fact."""
_ASK = "ask where the goods are; settle the case, which puts them back on the shelf on paper, and send them again to the right site"
_encoder = msgspec.msgpack.Encoder(decimal_format="string", order="deterministic")

_NEAR = """
WITH here AS (SELECT site_id, serving_site_id, path FROM sites JOIN dealers USING (dealer_id) WHERE site_id = %(site)s)
SELECT there.site_id, there.name, there.kind
  FROM here CROSS JOIN sites AS there JOIN dealers AS house ON house.dealer_id = there.dealer_id
 WHERE there.site_id <> here.site_id AND there.closed_at IS NULL
   AND (there.site_id = here.serving_site_id OR there.serving_site_id = here.site_id OR starts_with(house.path, here.path)
        OR (starts_with(here.path, house.path) AND there.kind <> 'store'))
 ORDER BY there.site_id = here.serving_site_id DESC, there.kind = 'warehouse' DESC, there.kind = 'dealer' DESC, there.site_id
 LIMIT %(limit)s
"""

_ALLOWED = """
SELECT asked.from_site, asked.to_site, asked.order_id, there.site_id IS NOT NULL, there.closed_at IS NOT NULL,
       coalesce(asked.from_site = asked.to_site OR there.site_id = here.serving_site_id OR there.serving_site_id = here.site_id
                OR here.dealer_id = %(brand)s OR starts_with(their_house.path, own_house.path)
                OR starts_with(own_house.path, their_house.path)
                OR EXISTS (SELECT FROM orders WHERE orders.site_id = asked.to_site AND orders.order_id = asked.order_id
                              AND orders.from_site_id = asked.from_site), false)
  FROM unnest(%(from)s::text[], %(to)s::text[], %(orders)s::text[]) AS asked (from_site, to_site, order_id)
  JOIN sites AS here ON here.site_id = asked.from_site JOIN dealers AS own_house ON own_house.dealer_id = here.dealer_id
  LEFT JOIN sites AS there ON there.site_id = asked.to_site
  LEFT JOIN dealers AS their_house ON their_house.dealer_id = there.dealer_id
"""


class Wrong(msgspec.Struct, frozen=True, kw_only=True):
    """Something about a despatch: the cause in one word and in a sentence, and what to do. ``named`` is the site as the counter named it,
    where that is the trouble; ``gtins`` are the products that it is about."""

    cause: str
    words: str
    proposal: str
    named: str | None = None
    gtins: tuple[str, ...] = ()


class Addressed(msgspec.Struct, frozen=True, kw_only=True):
    """Facts whose despatches have an id of their own and go to a site that may await them.

    By (journal, seq): what is ``wrong`` with them, the ``hashes`` of what the counters said, and those that only repeat an earlier one.
    """

    facts: Sequence[Fact]
    wrong: Mapping[Key, tuple[Wrong, ...]] = {}
    hashes: Mapping[Key, bytes] = {}
    repeated: frozenset[Key] = frozenset()


_USED = Wrong(
    cause="id_used",
    words="another despatch has this id and other goods",
    proposal="look at both: if the goods left once, settle the one that is wrong as never sent; both are booked",
)


def address(connection: Connection, facts: Sequence[Fact]) -> Addressed:
    """Find out where despatched goods are on their way to, and whether it was told before. Asks nothing where none were despatched."""
    sent = {(fact.journal, fact.seq): fact for fact in facts if isinstance(fact.body, GoodsDespatched)}
    if not sent:
        return Addressed(facts=facts)
    hashes = {key: hashlib.sha256(_encoder.encode(fact.body)).digest() for key, fact in sent.items()}
    wrong = {key: (fault,) for key, fault in _wrong_sites(connection, sent).items()}
    directed = {key: _redirected(fact, wrong.get(key, ())) for key, fact in sent.items()}
    told = _told_before(connection, directed.values())
    repeated: set[Key] = set()
    for key, fact in directed.items():
        body = fact.body
        assert isinstance(body, GoodsDespatched)
        before = told.setdefault(body.despatch_id, [])
        if (fact.site, hashes[key]) in {(source, kept) for _, source, kept in before}:
            repeated.add(key)
            directed[key] = _with(fact, lines=(), containers=())
        elif any(target == body.to_site for target, _, _ in before):
            wrong[key] = (*wrong.get(key, ()), _USED)
            directed[key] = _with(fact, despatch_id=f"{body.despatch_id}~{fact.journal}.{fact.seq}")
        before.append((body.to_site, fact.site, hashes[key]))
    return Addressed(
        facts=[directed.get((fact.journal, fact.seq), fact) for fact in facts],
        wrong=wrong,
        hashes=hashes,
        repeated=frozenset(repeated),
    )


def _redirected(fact: Fact, wrong: Sequence[Wrong]) -> Fact:
    stays = all(one.cause in ("own_site", "site_closed") for one in wrong)
    return fact if stays else _with(fact, to_site=NOWHERE)


def _with(fact: Fact, **changes: object) -> Fact:
    return msgspec.structs.replace(fact, body=msgspec.structs.replace(fact.body, **changes))


def _told_before(
    connection: Connection, facts: Iterable[Fact]
) -> dict[str, list[tuple[str, str, bytes | None]]]:
    """(to_site, from_site, hash) of despatches that are known, by their ids."""
    ids = sorted({fact.body.despatch_id for fact in facts if isinstance(fact.body, GoodsDespatched)})
    found = connection.execute(
        "SELECT despatch_id, to_site_id, from_site_id, body_hash FROM despatches WHERE despatch_id = ANY (%s)",
        (ids,),
    )
    told: dict[str, list[tuple[str, str, bytes | None]]] = {}
    for despatch_id, to_site, from_site, body_hash in found:
        told.setdefault(despatch_id, []).append((to_site, from_site, body_hash))
    return told


def _wrong_sites(connection: Connection, sent: Mapping[Key, Fact]) -> dict[Key, Wrong]:
    asked = {_asked(fact): None for fact in sent.values()}
    sources, targets, orders = zip(*asked, strict=True)
    found = connection.execute(
        _ALLOWED, {"from": list(sources), "to": list(targets), "orders": list(orders), "brand": BRAND_DEALER}
    )
    known: dict[tuple[str, str, str | None], tuple[bool, bool, bool]] = {}
    for source, target, order, exists, closed, allowed in found:
        known[source, target, order] = (exists, closed, allowed)
    faults = {key: _fault(*_asked(fact)[:2], known[_asked(fact)]) for key, fact in sent.items()}
    return {key: fault for key, fault in faults.items() if fault is not None}


def _asked(fact: Fact) -> tuple[str, str, str | None]:
    assert isinstance(fact.body, GoodsDespatched)
    return fact.site, fact.body.to_site, fact.body.order_id


def _fault(source: str, target: str, known: tuple[bool, bool, bool]) -> Wrong | None:
    exists, is_closed, is_allowed = known
    if source == target:
        cause, words = "own_site", "the goods were sent to the site that they are at"
        proposal = "receive them here again, or settle the case: they go back on the shelf"
    elif not exists or not ID.fullmatch(target):
        cause, words, proposal = "site_unknown", "the goods were sent to a site that is not known", _ASK
    elif not is_allowed:
        cause, words, proposal = (
            "site_foreign",
            "the goods were sent to a site that this one does not deal with",
            _ASK,
        )
    elif is_closed:
        cause, words = "site_closed", "the goods were sent to a site that is closed"
        proposal = "have them fetched; if they never left, settle the despatch as lost or never sent"
    else:
        return None
    return Wrong(named=target, cause=cause, words=words, proposal=proposal)


def refresh(connection: Connection, site: str, since: int) -> None:
    """Bring a site's feed up to date at the beginning of a pull (``since`` is 0 or its head); in the middle of one it stays as it is.

    It is worked out when it is asked for: a list of every site for every other would be millions of rows that few look at.
    """
    if since not in (0, feeds.head(connection, Feed.SITES, site)):
        return
    found = connection.execute(_NEAR, {"site": site, "limit": SITES_LIMIT}).fetchall()
    rows = [
        (there, body_encoder.encode(SiteHere(site=there, name=name, kind=kind)))
        for there, name, kind in found
    ]
    feeds.publish(connection, Feed.SITES, site, rows)
    feeds.remove_all_but(connection, Feed.SITES, site, [there for there, _ in rows])


def announce_changes(connection: Connection, changed: Iterable[str]) -> None:
    """Hint to the counters whose lists these sites may stand in that there is something new to ask for."""
    sites = sorted(set(changed))
    if not sites:
        return
    found = connection.execute(
        """
        SELECT DISTINCT here.site_id, coalesce(feed_heads.version, 0)
          FROM agents JOIN sites AS here USING (site_id) JOIN dealers AS own_house ON own_house.dealer_id = here.dealer_id
          LEFT JOIN feed_heads ON feed_heads.feed = %(feed)s AND feed_heads.scope = here.site_id
         WHERE agents.state = 'enrolled' AND (%(many)s OR EXISTS (
               SELECT FROM sites AS there JOIN dealers AS house ON house.dealer_id = there.dealer_id
                WHERE there.site_id = ANY (%(sites)s)
                  AND (there.site_id IN (here.site_id, here.serving_site_id) OR there.serving_site_id = here.site_id
                       OR starts_with(house.path, own_house.path) OR starts_with(own_house.path, house.path))))
        """,
        {"feed": Feed.SITES.value, "many": len(sites) > _TOLD_ONE_BY_ONE, "sites": sites},
    ).fetchall()
    feeds.announce(connection, Feed.SITES, dict(found))
