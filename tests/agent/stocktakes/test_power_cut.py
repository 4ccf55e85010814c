"""The power fails in the middle of a count, or of loading: the process is killed, and another goes on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest

from agent.store import Store
from protocol.events import GoodsDespatched, StockCounted, decode_event
from protocol.feeds import SiteHere, StocktakeHere
from tests.agent.running_agent import RunningAgent, prepare, running
from tests.agent.shop_kit import CATALOGUE, TEA, WATCH, WATCH_1, WATCH_2

TEA_CODE = "4006381333931"
SHELF = "/v1/stocktakes/s-1/areas/Shelf"
ROWS = (
    *CATALOGUE,
    StocktakeHere(stocktake_id="s-1", name="Yearly count", blind=True),
    SiteHere(site="site-2", name="Store two", kind="store"),
)


def kill(agent: RunningAgent) -> None:
    """As the power does it."""
    agent.process.kill()
    agent.process.wait(10)


def until_on_disk(folder: Path, draft: str, wanted: bytes) -> None:
    """Wait until a draft has reached the disk with this in it."""
    store = Store.inspect(folder / "data" / "journal.db")
    try:
        while wanted not in store.read(
            lambda connection: b"".join(
                str(body).encode()
                for (body,) in connection.execute("SELECT body FROM drafts WHERE draft = ?", (draft,))
            )
        ):
            pass
    finally:
        store.close()


def facts(folder: Path) -> list[Any]:
    """What the journal on the disk has."""
    store = Store.inspect(folder / "data" / "journal.db")
    try:
        rows = store.read(
            lambda connection: connection.execute(
                "SELECT body FROM journal ORDER BY epoch_no, seq"
            ).fetchall()
        )
    finally:
        store.close()
    return [decode_event(bytes(body)).body for (body,) in rows]


def scan(client: httpx.Client, *codes: str) -> None:
    for code in codes:
        client.post("/v1/scans", json={"code": code}).raise_for_status()


def test_a_count_goes_on_after_the_power_failed_in_the_middle_of_it(tmp_path: Path) -> None:
    config = prepare(tmp_path, *ROWS)
    with running(config, tmp_path) as agent, agent.client() as client:
        client.put("/v1/mode", json={"mode": "stocktake"}).raise_for_status()
        client.put(SHELF, json={}).raise_for_status()
        scan(client, TEA_CODE, TEA_CODE, WATCH_1)
        until_on_disk(tmp_path, "count/s-1/Shelf", WATCH_1.encode())
        kill(agent)
    with running(config, tmp_path) as agent, agent.client() as client:
        assert client.get("/v1/mode").json()["mode"] == "stocktake"
        shelf = client.get("/v1/counting").json()
        assert {line["gtin"]: line["quantity"] for line in shelf["lines"]} == {TEA: "2", WATCH: "1"}
        again = client.post("/v1/scans", json={"code": WATCH_1}).json()
        assert again["key"] == "counted_already"
        scan(client, WATCH_2, TEA_CODE)
        client.post(
            f"{SHELF}/send", json={"complete": True, "count_id": shelf["count_id"]}
        ).raise_for_status()
        kill(agent)
    with running(config, tmp_path) as agent, agent.client() as client:
        told = client.post(f"{SHELF}/send", json={"complete": True, "count_id": shelf["count_id"]})
        assert (told.status_code, told.json()["number"]) == (200, "1-C00001")
        assert client.get("/v1/counting").json()["area"] is None
    counts = [one for one in facts(tmp_path) if isinstance(one, StockCounted)]
    assert [{line.gtin: str(line.quantity) for line in one.lines} for one in counts] == [
        {TEA: "3", WATCH: "2"}
    ]


@pytest.mark.parametrize("scans", [1, 7, 40])
def test_whenever_the_power_fails_at_most_the_last_scan_is_lost(tmp_path: Path, scans: int) -> None:
    config = prepare(tmp_path, *ROWS)
    with running(config, tmp_path) as agent, agent.client() as client:
        client.put("/v1/mode", json={"mode": "stocktake"}).raise_for_status()
        client.put(SHELF, json={}).raise_for_status()
        scan(client, *[TEA_CODE] * scans)
        until_on_disk(tmp_path, "count/s-1/Shelf", msgspec.json.encode(str(scans)))
        client.post("/v1/scans", json={"code": TEA_CODE})
        kill(agent)
    with running(config, tmp_path) as agent, agent.client() as client:
        kept = client.get(SHELF).json()["lines"][0]["quantity"]
    assert kept in {str(scans), str(scans + 1)}


def test_goods_at_the_door_leave_after_the_power_failed_in_the_middle_of_loading(tmp_path: Path) -> None:
    config = prepare(tmp_path, *ROWS)
    with running(config, tmp_path) as agent, agent.client() as client:
        client.put("/v1/mode", json={"mode": "ship"}).raise_for_status()
        client.put("/v1/shipping", json={"to_site": "site-2"}).raise_for_status()
        scan(client, TEA_CODE, WATCH_1)
        until_on_disk(tmp_path, "shipping", WATCH_1.encode())
        kill(agent)
    with running(config, tmp_path) as agent, agent.client() as client:
        door = client.get("/v1/shipping").json()
        scan(client, WATCH_2)
        asked = {"despatch_id": door["despatch_id"]}
        client.post("/v1/shipping/complete", json=asked).raise_for_status()
        kill(agent)
    with running(config, tmp_path) as agent, agent.client() as client:
        told = client.post("/v1/shipping/complete", json=asked)
        sold = client.post("/v1/verify", json={"code": WATCH_1}).json()
    despatches = [one for one in facts(tmp_path) if isinstance(one, GoodsDespatched)]
    assert (door["to"]["name"], told.status_code, sold["finding"]["act"]) == ("Store two", 200, "refuse")
    assert [{line.gtin: str(line.quantity) for line in one.lines} for one in despatches] == [
        {TEA: "1", WATCH: "2"}
    ]
