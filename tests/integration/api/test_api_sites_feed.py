"""The list of sites that a counter's goods may be sent to."""

from __future__ import annotations

import msgspec

from protocol.feeds import Feed, SiteHere
from tests.integration.api.test_api_scanned_despatches import ask, feed
from tests.integration.api.world import FOREIGN, Counter, World


def pulled(world: World, counter: Counter) -> dict[str, SiteHere]:
    """The counter's list of sites, as its agent gets it."""
    ask(world, counter, Feed.SITES)
    return {
        key: msgspec.json.decode(body, type=SiteHere)
        for key, body in feed(world, Feed.SITES, counter.site).items()
    }


def test_a_counter_is_told_where_its_goods_may_be_sent(world: World) -> None:
    shop, county, warehouse = world.counter("D1"), world.counter("D1B"), world.counter("WH")
    assert set(pulled(world, shop)) == {"D1B", "WH"}
    assert set(pulled(world, county)) == {"D1", "WH"}
    assert set(pulled(world, warehouse)) == {"S1", "D1", "D1B", FOREIGN}
    assert pulled(world, shop)["WH"] == SiteHere(site="WH", name="Main warehouse", kind="warehouse")


def test_the_list_follows_the_sites(world: World) -> None:
    shop = world.counter("D1")
    before = pulled(world, shop)
    world.post(
        "/v1/sites",
        {"site": "D1C", "name": "Third shop", "kind": "dealer", "dealer": "acme", "currency": "CNY"},
    )
    world.database.run(
        lambda connection: (
            connection.execute("UPDATE sites SET closed_at = now() WHERE site_id = 'D1B'").rowcount
        )
    )
    after = pulled(world, shop)
    assert (set(before), set(after)) == ({"D1B", "WH"}, {"D1C", "WH"})
