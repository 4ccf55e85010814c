"""Starting a stocktake: of a whole shop, of departments, or of products."""

from __future__ import annotations

import uuid
from collections.abc import Sequence

import msgspec

from central.actors import By
from central.database import Connection
from central.stocktakes import feed, tables
from central.stocktakes.documents import Limits, Refused, Stocktake, StocktakeState


class New(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be counted; everything where neither products nor departments are named."""

    site: str
    name: str
    blind: bool = False
    gtins: tuple[str, ...] = ()
    departments: tuple[str, ...] = ()
    limits: Limits = Limits()
    stocktake_id: str | None = None


class NoSite(msgspec.Struct, frozen=True):
    """The site is not there, or not the caller's."""


def start(connection: Connection, new: New, by: By) -> Stocktake | Refused | NoSite:
    """Start a stocktake and tell the site's counters. The same one again (by its id) changes nothing."""
    site = connection.execute(
        "SELECT closed_at FROM sites WHERE site_id = %s FOR KEY SHARE", (new.site,)
    ).fetchone()
    if site is None:
        return NoSite()
    if site[0] is not None:
        return Refused(f"site {new.site} is closed: there is nothing to count")
    gtins = _products(connection, new)
    if isinstance(gtins, Refused):
        return gtins
    stocktake = Stocktake(
        site=new.site,
        stocktake_id=new.stocktake_id or str(uuid.uuid4()),
        name=new.name,
        blind=new.blind,
        state=StocktakeState.COUNTING,
        started_at=by.at,
        started_by=by.actor,
        gtins=gtins,
        departments=new.departments,
        limits=new.limits,
    )
    if not feed.fits(stocktake):
        return Refused(
            f"{len(gtins)} products to count: more than a list can name; count the whole shop, or start several stocktakes"
        )
    same = _same_open(connection, stocktake)
    if same is not None and new.stocktake_id is None:
        return Refused(
            f"stocktake {same.stocktake_id} ({same.name!r}) of the same products is {same.state} here since "
            f"{same.started_at.isoformat()}: go on with it, or cancel it first"
        )
    if not tables.insert(connection, stocktake):
        return _there_before(connection, stocktake)
    tables.note(connection, None, stocktake, by, "start")
    feed.tell(connection, [stocktake])
    return stocktake


def _products(connection: Connection, new: New) -> tuple[str, ...] | Refused:
    """The products that are to be counted, in their order; none for everything."""
    if not new.departments:
        return tuple(sorted(set(new.gtins)))
    found = connection.execute(
        "SELECT department, gtin FROM products WHERE department = ANY (%s) AND active",
        (list(new.departments),),
    ).fetchall()
    missing = _without(new.departments, [department for department, _ in found])
    if missing:
        return Refused(f"department {missing[0]!r}: no active product is in it; look at GET /v1/products")
    return tuple(sorted({*new.gtins, *(gtin for _, gtin in found)}))


def _without(wanted: Sequence[str], found: Sequence[str]) -> list[str]:
    there = set(found)
    return [one for one in wanted if one not in there]


def _same_open(connection: Connection, stocktake: Stocktake) -> Stocktake | None:
    counted_now = (StocktakeState.COUNTING, StocktakeState.RECOUNTING)
    return next(
        (
            one
            for one in tables.open_at(connection, [stocktake.site])
            if one.state in counted_now and one.gtins == stocktake.gtins and not one.is_from_counter
        ),
        None,
    )


def _there_before(connection: Connection, stocktake: Stocktake) -> Stocktake | Refused:
    kept = tables.find(connection, stocktake.site, stocktake.stocktake_id)
    assert kept is not None, "a key that could not be inserted is there"
    asked = (stocktake.name, stocktake.blind, stocktake.gtins, stocktake.departments, stocktake.limits)
    if (
        asked == (kept.name, kept.blind, kept.gtins, kept.departments, kept.limits)
        and not kept.is_from_counter
    ):
        return kept
    return Refused(
        f"stocktake {kept.stocktake_id} is there already, as {kept.name!r} of {kept.started_at.isoformat()}: "
        f"give this one an id of its own"
    )
