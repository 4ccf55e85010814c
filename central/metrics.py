"""Figures for Prometheus: the books at a glance, and what this process has done. None names a site, a dealer or a product."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from central.api.context import Central
from central.database import Connection, DatabaseFault

_FLEET = """
SELECT count(*) FILTER (WHERE state = 'enrolled'), count(*) FILTER (WHERE state = 'enrolled' AND online),
       coalesce(sum(unsent) FILTER (WHERE state = 'enrolled'), 0),
       coalesce(extract(epoch FROM now() - min(oldest_unsent_at) FILTER (WHERE state = 'enrolled' AND unsent > 0)), 0)
  FROM agents
"""
_JOURNALS = "SELECT coalesce(sum(applied), 0), coalesce(sum(quarantined), 0) FROM epochs"
_DISCREPANCIES = """
SELECT class, count(*) FROM discrepancies WHERE state IN ('open', 'assigned') GROUP BY class ORDER BY class
"""
_ORDERS = """
SELECT state, count(*) FROM orders WHERE state NOT IN ('closed', 'cancelled', 'refused') GROUP BY state ORDER BY state
"""


class BooksCollector(Collector):
    """Asks the database when it is scraped. A database that is away is a figure too."""

    def __init__(self, central: Central) -> None:
        self.central = central

    def describe(self) -> list[Metric]:
        """Nothing in advance: registering this must not ask the database."""
        return []

    def collect(self) -> Iterator[Metric]:
        """Every figure, now."""
        yield _gauge(
            "countermark_link_up", "1 while the broker is connected", float(self.central.link().online)
        )
        yield from self._process()
        try:
            with self.central.database.transaction() as connection:
                figures = list(_books(connection))
        except DatabaseFault:
            yield _gauge("countermark_database_up", "1 while the database answers", 0)
            return
        yield _gauge("countermark_database_up", "1 while the database answers", 1)
        yield from figures

    def _process(self) -> Iterator[Metric]:
        counts, measures = self.central.tallies()
        counted = CounterMetricFamily(
            "countermark_intake", "What the intake has done since its start", labels=["what"]
        )
        for what, count in sorted(counts.items()):
            counted.add_metric([what], count)
        yield counted
        for name, value in sorted(measures.items()):
            yield _gauge(f"countermark_intake_{name}", "The last value measured by the intake", value)


def _books(connection: Connection) -> Iterator[Metric]:
    fleet = connection.execute(_FLEET).fetchone()
    journals = connection.execute(_JOURNALS).fetchone()
    assert fleet is not None
    assert journals is not None
    for name, said, value in (
        ("agents", "Machines that are enrolled", fleet[0]),
        ("agents_online", "Machines that are connected", fleet[1]),
        (
            "agents_unsent_events",
            "Events that machines have not brought here, by their own last word",
            fleet[2],
        ),
        ("agents_oldest_unsent_seconds", "Age of the oldest of them", fleet[3]),
        ("events_applied", "Events in the books", journals[0]),
        ("events_quarantined", "Events that could not be read or booked", journals[1]),
    ):
        yield _gauge(f"countermark_{name}", said, float(value))
    yield _by(
        "countermark_discrepancies_open",
        "Discrepancies nobody has settled",
        "class",
        connection.execute(_DISCREPANCIES),
    )
    yield _by("countermark_orders_open", "Orders that are not closed", "state", connection.execute(_ORDERS))


def _gauge(name: str, said: str, value: float) -> Metric:
    return GaugeMetricFamily(name, said, value=value)


def _by(name: str, said: str, label: str, rows: Iterable[tuple[str, int]]) -> Metric:
    family = GaugeMetricFamily(name, said, labels=[label])
    for value, count in rows:
        family.add_metric([value], count)
    return family
