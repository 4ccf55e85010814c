"""Turns: so many checks ask the database at a time, so many wait, and no more."""

from __future__ import annotations

import asyncio

from central.resolver.service import WAITING, Resolver


def test_no_more_checks_go_on_at_once_than_may_and_no_more_wait() -> None:
    async def crowd() -> tuple[list[bool], bool]:
        resolver = Resolver(at_once=2)
        first = [await resolver.turn() for _ in range(2)]
        waiting = [asyncio.ensure_future(resolver.turn()) for _ in range(WAITING)]
        await asyncio.sleep(0)
        refused = await resolver.turn()
        for _ in range(len(waiting)):
            resolver.done()
        return [*first, *await asyncio.gather(*waiting)], refused

    assert asyncio.run(crowd()) == ([True] * (2 + WAITING), False)


def test_whoever_goes_away_while_waiting_leaves_his_place_to_another() -> None:
    async def leaving() -> tuple[int, bool]:
        resolver = Resolver(at_once=1)
        await resolver.turn()
        gone = asyncio.ensure_future(resolver.turn())
        await asyncio.sleep(0)
        gone.cancel()
        await asyncio.gather(gone, return_exceptions=True)
        resolver.done()
        return resolver.waiting, await asyncio.wait_for(resolver.turn(), 5)

    assert asyncio.run(leaving()) == (0, True)
