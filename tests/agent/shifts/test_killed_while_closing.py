"""An agent that is killed in the middle of closing a shift, with sales going on: the shift is closed once, or still open, never in between."""

from __future__ import annotations

import contextlib
import random
import signal
import threading
from pathlib import Path
from typing import Any

import httpx

from agent.clock import Clock
from agent.journal.journal import Journal
from agent.store import Store
from protocol.events import Event, Sale, ShiftClosed, ShiftOpened, decode_event
from tests.agent.running_agent import prepare, running
from tests.agent.shop_kit import CATALOGUE, EPOCH, TEA

KILLS = 6
LATEST_S = 0.2
FLOAT = 10_000
PRICE = 450


class Cashier(threading.Thread):
    """Sells until the agent is gone; ``accepted`` are the sales that were taken."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self.accepted: list[str] = []
        self.has_sold = threading.Event()
        self._client = httpx.Client(base_url=url, timeout=10)

    def run(self) -> None:
        body = {
            "lines": [{"gtin": TEA, "amount_minor": PRICE}],
            "payments": [{"method": "cash", "amount_minor": PRICE, "tendered_minor": 500}],
        }
        with self._client:
            while True:
                try:
                    answer = self._client.post("/v1/sales", json=body)
                except httpx.TransportError:
                    return
                self.accepted.append(answer.raise_for_status().json()["sale_id"])
                self.has_sold.set()


def close_and_kill(agent: Any, shift_id: str, after_s: float) -> Cashier:
    """Close a shift while somebody sells, and kill the agent some milliseconds later; who sold."""
    cashier = Cashier(agent.url)
    cashier.start()
    assert cashier.has_sold.wait(20)
    killer = threading.Timer(after_s, agent.process.send_signal, (signal.SIGKILL,))
    killer.start()
    with contextlib.suppress(httpx.TransportError):
        ask_to_close(agent, shift_id)
    killer.join()
    agent.process.wait(15)
    cashier.join()
    return cashier


def ask_to_close(agent: Any, shift_id: str) -> Any:
    """The same count each time, as somebody asks again who has heard nothing."""
    with agent.client() as client:
        body = {"shift_id": shift_id, "counted": [{"method": "cash", "amount_minor": FLOAT}]}
        return client.post("/v1/shifts/close", json=body)


def journaled(folder: Path) -> list[Event]:
    """Everything in the journal of an agent that is dead."""
    store = Store.inspect(folder / "data" / "journal.db")
    try:
        journal = Journal(store, "agent-1", Clock())
        last = journal.lineage()[-1].next_seq - 1
        rows = journal.rows(EPOCH, 1, last, limit_rows=100_000, limit_bytes=10**9)
        assert len(rows) == last
        return [decode_event(body) for _, body in rows]
    finally:
        store.close()


def test_a_shift_is_closed_once_or_still_open_whenever_its_agent_dies(tmp_path: Path) -> None:
    chance = random.Random(20_260_912)
    config = prepare(tmp_path, *CATALOGUE)
    accepted: list[str] = []
    for number in range(KILLS):
        shift_id = f"z-{number}"
        with running(config, tmp_path) as agent:
            with agent.client() as client:
                opened = client.post("/v1/shifts/open", json={"shift_id": shift_id, "float_minor": FLOAT})
                opened.raise_for_status()
            accepted += close_and_kill(
                agent, shift_id, LATEST_S * number / (KILLS - 1) + chance.uniform(0, 0.01)
            ).accepted
        with running(config, tmp_path) as agent, agent.client() as client:
            is_open = client.get("/v1/shifts/current").json()["shift_id"]
            assert is_open in {shift_id, None}
            told = ask_to_close(agent, shift_id)
            assert told.status_code == (201 if is_open else 200), told.text
            assert told.json()["report"] == client.get(f"/v1/shifts/{shift_id}/report").json()
    check(journaled(tmp_path), accepted)


def check(events: list[Event], accepted: list[str]) -> None:
    """By the journal alone: each shift closed once, with what was sold in it and nothing else."""
    sold = 0
    opened_at = 0
    closed: list[str] = []
    ids: list[str] = []
    for seq, event in enumerate(events, 1):
        match event.body:
            case ShiftOpened():
                sold, opened_at = 0, seq
            case Sale():
                sold += 1
                ids.append(event.body.sale_id)
            case ShiftClosed():
                closed.append(event.body.shift_id)
                should_be = {one.method: one.amount_minor for one in event.body.expected}
                assert (event.body.first_seq, event.body.sales, should_be) == (
                    opened_at, sold, {"cash": FLOAT + sold * PRICE},
                )  # fmt: skip
    assert closed == [f"z-{number}" for number in range(KILLS)]
    assert len(ids) == len(set(ids))
    assert set(accepted) <= set(ids)
