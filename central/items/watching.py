"""Scans that a counter refused, and codes that turn up too often: kept in the traces of items, counted, raised as signals."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import timedelta

from central.database import Connection
from central.database.bulk import load
from central.discrepancies.rules import Discrepancy
from central.items import tables
from central.items.contradictions import of_travel
from central.items.issuance import issued_items
from central.items.lives import Life, Sighting, Step
from central.items.rules import seen_at
from central.items.signals import Signals, Spotted, UnknownCode, Watch, bursts, copied
from central.journals.facts import Fact
from central.sites import storage as sites
from protocol.events import Sale, ScanRefused
from protocol.items import Action
from protocol.verdicts import Verdict

REFUSED = "scan_refused"
ITEM_LIMIT = 200
NOTE_LIMIT = 300
SPOTTED_LIMIT = 10_000
"""Rows that are looked at in one transaction; whoever scans one code a thousand times a day is not told apart any better."""
KEPT_DAYS = 31
_UNKNOWN = (Verdict.UNKNOWN.value, Verdict.FORGED.value)


def watch_codes(
    connection: Connection, facts: Sequence[Fact], suspects: Mapping[str, bool], watch: Watch
) -> list[Discrepancy]:
    """Keep refused scans, and say what they and the ``suspects`` (item -> whether its code was issued) are signals of.

    Asks the database nothing where there are neither.
    """
    refused = [fact for fact in facts if isinstance(fact.body, ScanRefused)]
    if not refused and not suspects:
        return []
    named = [fact for fact in refused if _item(fact) is not None]
    lives = tables.lock_known(connection, sorted({_item(fact) or "" for fact in named})) if named else {}
    travelled = _note_refusals(connection, named, lives, watch.signals)
    unknown = [*_refused_as_unknown(refused), *_sold_as_unknown(facts, suspects)]
    is_issued = {**_issued(connection, named, lives, watch), **suspects}
    return [
        *travelled,
        *copied(_spotted(connection, is_issued), is_issued, watch.signals),
        *_bursts(connection, unknown, watch.signals),
    ]


def forget_old_codes(connection: Connection) -> int:
    """Drop unknown codes that no burst can begin with any more; how many. The facts themselves stay in the archive."""
    return connection.execute(
        "DELETE FROM unknown_codes WHERE event_time < now() - make_interval(days => %s)", (KEPT_DAYS,)
    ).rowcount


def _item(fact: Fact) -> str | None:
    """The item of a refused scan, where it is one that can be kept: such a fact is not checked any further."""
    assert isinstance(fact.body, ScanRefused)
    item = fact.body.item
    return item if item and len(item) <= ITEM_LIMIT and item.isprintable() else None


def _note_refusals(
    connection: Connection, refused: Sequence[Fact], lives: Mapping[str, Life], signals: Signals
) -> list[Discrepancy]:
    if not refused:
        return []
    load(connection, tables.TRACE, [_traced(fact, lives) for fact in refused])
    steps = [step for fact in refused if (step := _step(fact)) is not None and step.item in lives]
    known = {lives[step.item].seen for step in steps} - {None}
    around = {step.site for step in steps} | {sighting.site for sighting in known if sighting is not None}
    around |= {sale.site for step in steps for sale in lives[step.item].sales}
    places = sites.places(connection, around)
    raised: list[Discrepancy] = []
    seen = dict(lives)
    for step in steps:
        raised += of_travel(seen[step.item], step, places, signals.travel_speed_kmh)
        seen[step.item] = seen_at(seen[step.item], _sighting(step))
    if steps:
        tables.write_lives(connection, seen.values(), steps[-1].recorded_at)
    return raised


def _traced(fact: Fact, lives: Mapping[str, Life]) -> tuple[object, ...]:
    assert isinstance(fact.body, ScanRefused)
    item = _item(fact)
    life = lives.get(item) if item else None
    state = life.state.value if life and life.state else None
    note = f"{fact.body.verdict}: {fact.body.cause}".replace("\0", "")[:NOTE_LIMIT]
    return (
        item, REFUSED, state, state, True, note, fact.site, fact.journal, fact.seq, None, fact.event_time, fact.recorded_at,
        fact.uncertainty_us, None,
    )  # fmt: skip


def _step(fact: Fact) -> Step | None:
    item = _item(fact)
    assert isinstance(fact.body, ScanRefused)
    if item is None:
        return None
    return Step(
        item=item,
        gtin=fact.body.gtin or "",
        action=Action.SELL,  # what it was scanned for; no step is taken
        site=fact.site,
        event_time=fact.event_time,
        recorded_at=fact.recorded_at,
        uncertainty_us=fact.uncertainty_us,
        journal=fact.journal,
        seq=fact.seq,
        evidence=fact.evidence(item=item, verdict=fact.body.verdict),
    )


def _sighting(step: Step) -> Sighting:
    return Sighting(site=step.site, at=step.event_time, uncertainty_us=step.uncertainty_us)


def _refused_as_unknown(refused: Sequence[Fact]) -> list[UnknownCode]:
    return [
        UnknownCode(
            site=fact.site,
            event_time=fact.event_time,
            journal=fact.journal,
            seq=fact.seq,
            line=0,
            verdict=fact.body.verdict,
            item=_item(fact),
        )
        for fact in refused
        if isinstance(fact.body, ScanRefused) and fact.body.verdict in _UNKNOWN
    ]


def _sold_as_unknown(facts: Sequence[Fact], suspects: Mapping[str, bool]) -> list[UnknownCode]:
    return [
        UnknownCode(
            site=fact.site,
            event_time=fact.event_time,
            journal=fact.journal,
            seq=fact.seq,
            line=number,
            verdict=Verdict.UNKNOWN.value,
            item=line.item,
        )
        for fact in facts
        if isinstance(fact.body, Sale)
        for number, line in enumerate(fact.body.lines)
        if line.item is not None and suspects.get(line.item) is False
    ]


def _issued(
    connection: Connection, named: Sequence[Fact], lives: Mapping[str, Life], watch: Watch
) -> dict[str, bool]:
    items = {item for fact in named if (item := _item(fact)) is not None}
    without_row = sorted(items - set(lives))
    known = issued_items(connection, watch.directory, without_row) if without_row else set()
    return {item: not lives[item].unissued if item in lives else item in known for item in items}


def _spotted(connection: Connection, items: Collection[str]) -> list[Spotted]:
    if not items:
        return []
    found = connection.execute(
        """
        SELECT item, coalesce((SELECT gtin FROM items WHERE items.item = t.item), ''), site_id, event_time, journal, seq, action,
               document
        FROM item_trace AS t
        WHERE item = ANY (%s) AND action IN ('sell', 'sell_provisionally', 'scan_refused') AND journal IS NOT NULL
        ORDER BY item, trace_id LIMIT %s
        """,
        (sorted(items), SPOTTED_LIMIT),
    ).fetchall()
    return [
        Spotted(
            item=item,
            gtin=gtin or None,
            site=site,
            event_time=event_time,
            journal=journal,
            seq=seq,
            action=action,
            document=document,
        )
        for item, gtin, site, event_time, journal, seq, action, document in found
    ]


def _bursts(connection: Connection, unknown: Sequence[UnknownCode], signals: Signals) -> list[Discrepancy]:
    if not unknown:
        return []
    columns = [
        (one.site, one.event_time, one.journal, one.seq, one.line, one.verdict, one.item) for one in unknown
    ]
    connection.execute(
        """
        INSERT INTO unknown_codes (site_id, event_time, journal, seq, line, verdict, item)
        SELECT * FROM unnest(%s::text[], %s::timestamptz[], %s::bigint[], %s::bigint[], %s::int[], %s::text[], %s::text[])
        ON CONFLICT DO NOTHING
        """,
        tuple(list(column) for column in zip(*columns, strict=True)),
    )
    window = timedelta(minutes=signals.burst_minutes)
    times = [one.event_time for one in unknown]
    found = connection.execute(
        """
        SELECT site_id, event_time, journal, seq, line, verdict, item FROM unknown_codes
        WHERE site_id = ANY (%s) AND event_time BETWEEN %s AND %s ORDER BY site_id, event_time LIMIT %s
        """,
        (sorted({one.site for one in unknown}), min(times) - window, max(times) + window, SPOTTED_LIMIT),
    ).fetchall()
    around = [
        UnknownCode(site=site, event_time=at, journal=journal, seq=seq, line=line, verdict=verdict, item=item)
        for site, at, journal, seq, line, verdict, item in found
    ]
    return bursts(around, signals)
