"""The ``stock`` feed: what central counts at a site, worked out when it is asked for and not at every sale."""

from __future__ import annotations

from decimal import Decimal

from central.database import Connection
from central.feeds.storage import head, publish, remove_all_but
from protocol.feeds import Feed, StockLevel, body_encoder


def refresh(connection: Connection, site: str, since: int) -> None:
    """Bring the feed up to date at the beginning of a pull (``since`` is 0 or its head); in the middle of one it stays as it is.

    A replica that is being pulled in chunks would otherwise chase a shop that goes on selling.
    """
    if since in (0, head(connection, Feed.STOCK, site)):
        rows = _rows(connection, site)
        publish(connection, Feed.STOCK, site, rows)
        remove_all_but(connection, Feed.STOCK, site, [key for key, _ in rows])


def _rows(connection: Connection, site: str) -> list[tuple[str, bytes | None]]:
    found = connection.execute(
        """
        WITH here AS (
            SELECT gtin, quantity AS on_hand FROM stock WHERE site_id = %(site)s AND location = 'on_hand'
        ), coming AS (
            SELECT gtin, sum(quantity) AS in_transit FROM stock
            WHERE starts_with(location, 'in_transit:') AND split_part(location, '>', 2) = %(site)s
            GROUP BY gtin HAVING sum(quantity) <> 0
        ), ordered AS (
            SELECT gtin,
                sum(CASE WHEN state IN ('submitted', 'held') THEN ordered ELSE greatest(accepted - despatched, 0) END)
                    AS on_order
            FROM orders JOIN order_lines USING (site_id, order_id)
            WHERE site_id = %(site)s
              AND state IN ('submitted', 'held', 'accepted', 'part_accepted', 'allocated', 'part_despatched', 'part_received')
            GROUP BY gtin
        ), levels AS (
            SELECT gtin, reorder_point, order_up_to FROM stock_levels WHERE site_id = %(site)s
        )
        SELECT gtin, coalesce(on_hand, 0), coalesce(in_transit, 0), coalesce(on_order, 0), reorder_point, order_up_to
        FROM here FULL JOIN coming USING (gtin) FULL JOIN ordered USING (gtin) FULL JOIN levels USING (gtin)
        """,
        {"site": site},
    )
    return [
        (gtin, body_encoder.encode(_level(gtin, on_hand, in_transit, on_order, reorder_point, order_up_to)))
        for gtin, on_hand, in_transit, on_order, reorder_point, order_up_to in found
    ]


def _level(
    gtin: str,
    on_hand: Decimal,
    in_transit: Decimal,
    on_order: Decimal,
    reorder_point: Decimal | None,
    order_up_to: Decimal | None,
) -> StockLevel:
    return StockLevel(
        gtin=gtin,
        on_hand=on_hand,
        in_transit=in_transit,
        on_order=on_order,
        reorder_point=reorder_point,
        order_up_to=order_up_to,
    )
