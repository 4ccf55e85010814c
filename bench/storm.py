"""Reconnect storm: a fleet that was dark returns at once, over a real broker, into central's books.

    python -m bench.storm [--agents 200] [--events 500]

Prints one JSON line. ``ratio`` is the sale lines a second of the storm divided by those of the plain intake, measured before it
in the same run. The clock includes the fleet's TLS handshakes. The full storm is ``--agents 1000 --events 1000``.
"""

from __future__ import annotations

import argparse
import asyncio
from collections import defaultdict
from datetime import UTC, datetime
from pathlib import Path

from agent.identity import keys
from bench import intake
from bench.fleet import Certificate, Machine, Rows, deliver
from bench.services import running
from bench.surroundings import (
    Progress,
    allow_open_files,
    intake_figure,
    peak_rss_mb,
    report,
    temporary_place,
)
from central.authority.certificates import Authority, sign_agent
from central.authority.files import AUTHORITY_FILE, certificate_path
from central.database import Database

FILES_BESIDE = 200


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--agents", type=int, default=200)
    parser.add_argument("--events", type=int, default=500, help="of each agent, a multiple of 100")
    parser.add_argument("--reference-lines", type=int, default=60_000, help="sale lines of the plain intake")
    asked = parser.parse_args()
    if asked.events % intake.SALES_A_BATCH:
        parser.error(f"--events {asked.events}: expected a multiple of {intake.SALES_A_BATCH}")
    allow_open_files(asked.agents * 2 + FILES_BESIDE)
    reference = intake_figure(asked.reference_lines, min(asked.agents, 50))
    lines = asked.agents * asked.events * intake.LINES_A_SALE
    with temporary_place() as place, running(place, lambda at: intake.lay_out(at, asked.agents)) as services:
        frames = make_frames(asked.agents, lines, services.database_url)
        ca = certificate_path(place / "authority", AUTHORITY_FILE)
        progress = Progress("events acknowledged", asked.agents * asked.events)
        done = 0

        def acked(rows: int) -> None:
            nonlocal done
            done += rows
            progress.show(done)

        certified = Progress("certificates", asked.agents).over(sorted(frames))
        certificates = {agent: certify(services.authority, place, ca, agent) for agent in certified}

        async def storm() -> tuple[float, list[Machine]]:
            machines = [
                Machine(Rows(agent, frames[agent]), certificates[agent], services.broker_port, acked)
                for agent in frames
            ]
            return await deliver(machines), machines

        seconds, machines = asyncio.run(storm())
        central_mb = peak_rss_mb(services.children.pid("central"))
        broker_mb = peak_rss_mb(services.children.pid("broker"))
    report(
        bench="storm",
        lines_per_s=round(lines / seconds),
        reference_lines_per_s=reference["lines_per_s"],
        ratio=round(lines / seconds / reference["lines_per_s"], 3),
        agents=asked.agents,
        events_each=asked.events,
        seconds=round(seconds, 1),
        reconnects=sum(machine.reconnects for machine in machines),
        repeats=sum(machine.repeats for machine in machines),
        central_peak_rss_mb=central_mb,
        broker_peak_rss_mb=broker_mb,
    )


def make_frames(agents: int, lines: int, database_url: str) -> dict[str, list[bytes]]:
    """Each agent's batches in their order; their coded items are in stock at central."""
    frames: dict[str, list[bytes]] = defaultdict(list)
    progress = Progress("sale lines made", lines)
    with Database(database_url) as database:
        for agent, frame, count in progress.over(
            intake.make_frames(agents, lines), each=intake.SALES_A_BATCH * intake.LINES_A_SALE
        ):
            frames[agent].append(frame)
            intake.register(database, [(agent, frame, count)])
    return dict(frames)


def certify(authority: Authority, place: Path, ca: Path, agent: str) -> Certificate:
    """A certificate of its own for one machine."""
    key_pem = keys.make_key()
    signed = Certificate(ca, place / f"{agent}.pem", place / f"{agent}.key")
    signed.certificate.write_bytes(
        sign_agent(authority, keys.make_request(key_pem, agent), agent, datetime.now(UTC))
    )
    signed.key.touch(mode=0o600)
    signed.key.write_bytes(key_pem)
    return signed


if __name__ == "__main__":
    main()
