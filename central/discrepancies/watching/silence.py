"""``agent_silent``: machines that should have been heard of. Their events are missing in every figure of their site."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from central.database import Connection
from central.discrepancies import storage
from central.discrepancies.limits import Limits
from central.discrepancies.rules import Discrepancy, DiscrepancyClass
from central.discrepancies.watching.silence_rules import RHYTHM_WEEKS, Machine, Why, silence
from central.journals.facts import iso
from central.moments import business_day

RHYTHM = timedelta(weeks=2 * RHYTHM_WEEKS)
AT_ONCE = 5000
_WORDS = {
    Why.OTHERS_HEARD: "other machines of the site are heard and this one is not",
    Why.USUAL_DAY: "a day on which it usually works has gone by without a word of it",
    Why.LONGER_THAN_EVER: "it has been silent for longer than ever before",
}


def raise_silent(connection: Connection, now: datetime, limits: Limits) -> int:
    """Raise machines that have fallen silent, each once until it is heard again; how many there were."""
    silent = [
        (machine, why)
        for machine in _candidates(connection, now, limits.silence)
        if (why := silence(machine, now, limits.silence)) is not None
    ]
    storage.raise_all(connection, [_case(machine, why, now, limits) for machine, why in silent], now)
    return len(silent)


def _candidates(connection: Connection, now: datetime, limit: timedelta) -> list[Machine]:
    found = connection.execute(
        """
        SELECT a.agent_id, a.site_id, a.seen_at, a.unsent, s.time_zone,
               (SELECT max(other.seen_at) FROM agents AS other
                 WHERE other.site_id = a.site_id AND other.agent_id <> a.agent_id AND other.state = 'enrolled'),
               ARRAY(SELECT day::date FROM generate_series(%(now)s::date - %(days)s, %(now)s::date, '1 day') AS calendar (day)
                      WHERE EXISTS (SELECT FROM sale_lines AS l JOIN epochs AS e USING (journal)
                                     WHERE l.site_id = a.site_id AND l.business_day = day::date AND e.agent_id = a.agent_id))
          FROM agents AS a JOIN sites AS s USING (site_id)
         WHERE a.state = 'enrolled' AND s.closed_at IS NULL AND a.seen_at < %(before)s
           AND NOT EXISTS (SELECT FROM discrepancies AS c
                            WHERE c.site_id = a.site_id AND c.class = %(class)s
                              AND c.cause_key = a.agent_id || to_char(a.seen_at AT TIME ZONE 'UTC', '"/"YYYY-MM-DD"T"HH24:MI:SS'))
         ORDER BY a.seen_at, a.agent_id LIMIT %(limit)s
        """,
        {
            "now": now, "days": RHYTHM.days, "before": now - limit, "class": DiscrepancyClass.AGENT_SILENT.value,
            "limit": AT_ONCE,
        },
    ).fetchall()  # fmt: skip
    return [
        Machine(
            agent=agent,
            site=site,
            seen_at=seen_at,
            seen_on=business_day(seen_at, time_zone),
            today=business_day(now, time_zone),
            unsent=unsent,
            others_seen_at=others,
            active_on=frozenset(active),
        )
        for agent, site, seen_at, unsent, time_zone, others, active in found
    ]


def _case(machine: Machine, why: Why, now: datetime, limits: Limits) -> Discrepancy:
    others_silent = machine.others_seen_at is None or now - machine.others_seen_at >= limits.silence
    return Discrepancy(
        site=machine.site,
        discrepancy_class=DiscrepancyClass.AGENT_SILENT,
        cause_key=f"{machine.agent}/{machine.seen_at.astimezone(UTC):%Y-%m-%dT%H:%M:%S}",  # the next silence is another case
        cause="site_offline" if others_silent else "late_till",
        probability=0.9 if why is Why.OTHERS_HEARD else 0.75,
        likely_cause=_WORDS[why],
        proposal="look at the machine and its network; what it has written is kept there, and comes as soon as it is heard again",
        evidence=(
            {
                "event": "last_heard",
                "site": machine.site,
                "agent": machine.agent,
                "event_time": iso(machine.seen_at),
                "why": why.value,
                "unsent": machine.unsent,
                **({"others_silent": True} if others_silent else {}),
            },
        ),
    )
