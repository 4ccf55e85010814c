"""Facts for tests of the rules: made of plain values, with no database and no clock."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from central.items.lives import Life, Sold, Step
from central.journals.facts import Fact
from protocol.events import Body, Sale, SaleLine
from protocol.items import Action, State

NOON = datetime(2026, 9, 21, 12, tzinfo=UTC)
MILK, BREAD = "04012345678901", "05901234123457"
ITEM = "010401234567890121ABC"


def fact(body: Body, *, site: str = "north", seq: int = 1, minutes: int = 0) -> Fact:
    """A fact of a site, so many minutes after noon."""
    return Fact(
        site=site,
        agent=f"{site}-1",
        epoch="e",
        journal=1,
        seq=seq,
        event_time=NOON + timedelta(minutes=minutes),
        recorded_at=NOON + timedelta(days=1),
        business_day=date(2026, 9, 21),
        body=body,
    )


def line(
    gtin: str = MILK, quantity: str | Decimal = "1", item: str | None = None, amount_minor: int = 199
) -> SaleLine:
    """A receipt line."""
    return SaleLine(gtin=gtin, quantity=Decimal(quantity), amount_minor=amount_minor, item=item)


def sale(*lines: SaleLine) -> Sale:
    """A sale of these lines."""
    return Sale(sale_id="s", receipt="1-1", currency="EUR", lines=lines)


def life(
    state: State | None,
    *,
    site: str | None = "north",
    sales: tuple[Sold, ...] = (),
    next_state: State | None = None,
    container: str | None = None,
) -> Life:
    """An item in some state."""
    return Life(
        item=ITEM,
        gtin=MILK,
        state=state,
        site=site,
        sales=sales,
        next_state=next_state,
        container=container,
    )


def step(
    action: Action,
    *,
    site: str = "north",
    minutes: int = 0,
    takes_back_sale: bool = False,
    from_site: str | None = None,
    to_site: str | None = None,
    reverses: str | None = None,
    document: str | None = None,
    container: str | None = None,
    uncertainty_us: int = 0,
) -> Step:
    """Something done to the item."""
    at = NOON + timedelta(minutes=minutes)
    return Step(
        item=ITEM,
        gtin=MILK,
        action=action,
        site=site,
        event_time=at,
        recorded_at=at,
        journal=1,
        seq=minutes + 1,
        takes_back_sale=takes_back_sale,
        from_site=from_site,
        to_site=to_site,
        reverses=reverses,
        document=document,
        container=container,
        uncertainty_us=uncertainty_us,
        evidence={"event": action.value, "site": site, "event_time": at.isoformat()},
    )
