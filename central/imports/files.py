"""Whole files into the database: what is good of a file in one transaction, what is not is named by its line."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import TypeVar

import msgspec

from central.costs import rules as cost_rules
from central.costs import storage as costs
from central.costs.rules import CostRow
from central.database import Connection, Database
from central.imports.rules import Columns, Fault, Fields, ImportRefused, Numbered, Wrong, no_doubles, read
from central.ledger import documents
from central.ledger.documents import Document, Line
from central.prices import rules as price_rules
from central.prices import storage as prices
from central.prices.rules import PriceRow
from central.products import rules as product_rules
from central.products import storage as products
from central.products.rules import ProductRow, gtin_14, parse_quantity
from central.sites import rules as site_rules
from central.sites import storage as sites
from central.sites.rules import BRAND_DEALER, SiteRow

STOCK_COLUMNS = Columns(
    required=("site", "gtin", "quantity"), optional=("reorder_point", "order_up_to", "unit_cost")
)
DEFAULT_PRICE_LIST = "default"
Progress = Callable[[int], None]
"""Told how many bytes of the file have been read since the last time."""
Row = TypeVar("Row")


class Imported(msgspec.Struct, frozen=True, kw_only=True):
    """What came of a file: lines imported, how many of them changed something, and the lines that were not imported."""

    imported: int
    changed: int
    faults: tuple[Fault, ...]


class StockRow(msgspec.Struct, frozen=True, kw_only=True):
    """A line of a stock file. ``unit_cost`` is an amount as people write it, in the currency of the site."""

    site: str
    gtin: str
    quantity: Decimal
    unit_cost: Decimal | None = None
    reorder_point: Decimal | None = None
    order_up_to: Decimal | None = None


def import_products(
    database: Database, path: Path, currency: str, now: datetime, progress: Progress
) -> Imported:
    """The catalogue; a ``list_price`` goes into the price list ``default``, valid from now where it differs."""

    def parse(fields: Fields) -> ProductRow | Wrong:
        return product_rules.parse_row(fields, currency)

    with opened(path, progress) as lines:
        found = read(lines, product_rules.COLUMNS, parse)
        rows, faults = _sorted_out(no_doubles(found, lambda row: (row.product.gtin,), "gtin"))

    def work(connection: Connection) -> int:
        changed = products.put(connection, [one.row.product for one in rows])
        priced = [(one.row.product.gtin, one.row.list_price_minor) for one in rows]
        listed = [(gtin, price) for gtin, price in priced if price is not None]
        return changed + prices.put_current(connection, DEFAULT_PRICE_LIST, listed, currency, now)

    changed = database.run(work) if rows else 0
    return Imported(imported=len(rows), changed=changed, faults=tuple(faults))


def import_prices(database: Database, path: Path, now: datetime, progress: Progress) -> Imported:
    """Price lists. A price of a product that is not in the catalogue is a fault of its line."""

    def parse(fields: Fields) -> PriceRow | Wrong:
        return price_rules.parse_row(fields, gtin_14(fields["gtin"]), now)

    with opened(path, progress) as lines:
        found = read(lines, price_rules.COLUMNS, parse)
        rows, faults = _sorted_out(
            no_doubles(found, lambda row: (row.price_list, row.gtin, row.valid_from.isoformat()), "gtin")
        )

    def work(connection: Connection) -> Imported:
        missing = products.unknown(connection, {one.row.gtin for one in rows})
        good, strange = _parted(rows, lambda row: row.gtin in missing, _not_in_catalogue)
        # without a moment of its own, a price holds from now on: only where it is not the one that holds already
        timed = [one.row for one in good if one.row.valid_from != now]
        current = [one.row for one in good if one.row.valid_from == now]
        changed = prices.put(connection, timed, now) if timed else 0
        for price_list, currency in sorted({(row.price_list, row.currency) for row in current}):
            pairs = [
                (row.gtin, row.price_minor)
                for row in current
                if (row.price_list, row.currency) == (price_list, currency)
            ]
            changed += prices.put_current(connection, price_list, pairs, currency, now)
        return Imported(imported=len(good), changed=changed, faults=_in_order(faults, strange))

    return database.run(work)


def import_costs(database: Database, path: Path, now: datetime, progress: Progress) -> Imported:
    """What a unit costs the brand. A cost of a product that is not in the catalogue is a fault of its line."""

    def parse(fields: Fields) -> CostRow | Wrong:
        return cost_rules.parse_row(fields, gtin_14(fields["gtin"]), now)

    with opened(path, progress) as lines:
        found = read(lines, cost_rules.COLUMNS, parse)
        rows, faults = _sorted_out(
            no_doubles(found, lambda row: (row.gtin, row.currency, row.valid_from.isoformat()), "gtin")
        )

    def work(connection: Connection) -> Imported:
        missing = products.unknown(connection, {one.row.gtin for one in rows})
        good, strange = _parted(rows, lambda row: row.gtin in missing, _not_in_catalogue)
        # without a moment of its own, a cost holds from now on: only where it is not the one that holds already
        timed = [one.row for one in good if one.row.valid_from != now]
        current = [one.row for one in good if one.row.valid_from == now]
        changed = costs.put(connection, timed) if timed else 0
        for currency in sorted({row.currency for row in current}):
            listed = [row for row in current if row.currency == currency]
            held = costs.held_at(connection, {row.gtin for row in listed}, currency, now)
            fresh = [row for row in listed if held.get(row.gtin) != row.cost_minor]
            changed += costs.put(connection, fresh) if fresh else 0
        return Imported(imported=len(good), changed=changed, faults=_in_order(faults, strange))

    return database.run(work)


def import_sites(database: Database, path: Path, currency: str, progress: Progress) -> Imported:
    """Sites and the dealers they belong to."""

    def parse(fields: Fields) -> SiteRow | Wrong:
        return site_rules.parse_row(fields, currency)

    with opened(path, progress) as lines:
        rows, faults = _sorted_out(
            no_doubles(read(lines, site_rules.COLUMNS, parse), lambda row: (row.site,), "site")
        )

    def work(connection: Connection) -> Imported:
        if any(one.row.dealer == BRAND_DEALER for one in rows):
            sites.put_dealer(connection, BRAND_DEALER, None, None)
        strange = sites.put_sites(connection, rows)
        lost = {fault.line for fault in strange if fault.column == "dealer"}
        return Imported(
            imported=len(rows) - len(lost), changed=len(rows) - len(lost), faults=_in_order(faults, strange)
        )

    return database.run(work)


def import_stock(
    database: Database, path: Path, now: datetime, progress: Progress, *, counted_at: datetime | None = None
) -> Imported:
    """Opening stock, booked as movements from the supplier under a document named after the file's content, and the levels
    between which a site keeps a product. The same file again changes nothing. ``counted_at`` is when it lay there, if not now."""
    with opened(path, progress) as lines:
        rows, faults = _sorted_out(
            no_doubles(
                read(lines, STOCK_COLUMNS, _stock_row), lambda row: (row.site, row.gtin), "site and gtin"
            )
        )
    document = f"opening:{hashlib.sha256(path.read_bytes()).hexdigest()[:24]}"

    def work(connection: Connection) -> Imported:
        missing = products.unknown(connection, {one.row.gtin for one in rows})
        known, strange = _parted(rows, lambda row: row.gtin in missing, _not_in_catalogue)
        currencies: dict[str, str] = dict(
            connection.execute("SELECT site_id, currency FROM sites").fetchall()
        )
        good, homeless = _parted(known, lambda row: row.site not in currencies, _no_such_site)
        changed = 0
        for site in sorted({one.row.site for one in good}):
            lines = tuple(
                Line(
                    line=one.line,
                    gtin=one.row.gtin,
                    quantity=one.row.quantity,
                    unit_cost_minor=one.row.unit_cost
                    and one.row.unit_cost.scaleb(price_rules.decimals_of(currencies[site])),
                )
                for one in good
                if one.row.site == site and one.row.quantity
            )
            opening = Document(site=site, document=document, lines=lines, event_time=counted_at or now)
            if lines and documents.book(connection, opening, now) is True:
                changed += len(lines)
        _put_levels(connection, [one.row for one in good if one.row.reorder_point is not None])
        return Imported(imported=len(good), changed=changed, faults=_in_order(faults, strange, homeless))

    return database.run(work)


def _put_levels(connection: Connection, rows: Sequence[StockRow]) -> None:
    connection.execute(
        """
        INSERT INTO stock_levels (site_id, gtin, reorder_point, order_up_to)
        SELECT * FROM unnest(%s::text[], %s::bpchar[], %s::numeric[], %s::numeric[])
        ON CONFLICT (site_id, gtin) DO UPDATE
           SET reorder_point = excluded.reorder_point, order_up_to = excluded.order_up_to
        """,
        (
            [row.site for row in rows],
            [row.gtin for row in rows],
            [row.reorder_point for row in rows],
            [row.order_up_to for row in rows],
        ),
    )


def _stock_row(fields: Fields) -> StockRow | Wrong:
    gtin, quantity = gtin_14(fields["gtin"]), parse_quantity(fields["quantity"])
    if isinstance(gtin, Wrong):
        return gtin
    if isinstance(quantity, Wrong):
        return quantity
    unit_cost = cost_rules.parse_unit_cost(fields.get("unit_cost", ""))
    if isinstance(unit_cost, Wrong):
        return unit_cost
    row = StockRow(site=fields["site"], gtin=gtin, quantity=quantity, unit_cost=unit_cost)
    point, up_to = fields.get("reorder_point", ""), fields.get("order_up_to", "")
    if not point and not up_to:
        return row
    low, high = parse_quantity(point, "reorder_point"), parse_quantity(up_to, "order_up_to")
    if isinstance(low, Wrong):
        return low
    if isinstance(high, Wrong):
        return high
    if high < low:
        return Wrong("order_up_to", up_to, f"at least the reorder_point, {low}")
    return msgspec.structs.replace(row, reorder_point=low, order_up_to=high)


def _not_in_catalogue(row: PriceRow | CostRow | StockRow) -> Wrong:
    return Wrong("gtin", row.gtin, "a product that is in the catalogue; import the products first")


def _no_such_site(row: StockRow) -> Wrong:
    return Wrong("site", row.site, "a site that exists; import the sites first")


def _sorted_out(found: Iterable[Numbered[Row] | Fault]) -> tuple[list[Numbered[Row]], list[Fault]]:
    rows: list[Numbered[Row]] = []
    faults: list[Fault] = []
    for one in found:
        if isinstance(one, Fault):
            faults.append(one)
        else:
            rows.append(one)
    return rows, faults


def _parted(
    rows: Sequence[Numbered[Row]], is_wrong: Callable[[Row], bool], why: Callable[[Row], Wrong]
) -> tuple[list[Numbered[Row]], list[Fault]]:
    good = [one for one in rows if not is_wrong(one.row)]
    wrong = [(one.line, why(one.row)) for one in rows if is_wrong(one.row)]
    return good, [Fault(line, fault.column, fault.value, fault.expected) for line, fault in wrong]


def _in_order(*faults: Sequence[Fault]) -> tuple[Fault, ...]:
    return tuple(sorted((fault for some in faults for fault in some), key=lambda fault: fault.line))


@contextmanager
def opened(path: Path, progress: Progress) -> Iterator[Iterator[str]]:
    """The lines of a file, telling ``progress`` as they are read. What is not UTF-8 reaches the reader as such and is a fault."""
    try:
        file = path.open(encoding="utf-8", errors="surrogateescape", newline="")
    except OSError as error:
        raise ImportRefused(f"{path}: cannot be read ({error.strerror}); expected a CSV file") from None
    with file:
        yield _told(file, progress)


def _told(lines: Iterable[str], progress: Progress) -> Iterator[str]:
    for line in lines:
        progress(len(line.encode("utf-8", "surrogateescape")))
        yield line
