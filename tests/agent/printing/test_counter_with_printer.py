"""A whole agent as a process, with a scanner, a scale's label and a printer: from the label to the paper, and recorded."""

from __future__ import annotations

import subprocess
from pathlib import Path

from protocol.feeds import Product
from tests.agent.printing.escpos_reader import read
from tests.agent.printing.tcp_printer import TcpPrinter
from tests.agent.running_agent import command, environment, prepare, running
from tests.agent.shop_kit import CATALOGUE
from tests.devices.pseudo_terminal import PtyScanner

CHEESE = "02112345000008"
LABEL = "2112345006789"
"""Item 12345 for 6.78, as the shop's scale prints it (layout 21IIIIIPPPPPC)."""


def test_a_scales_label_is_scanned_sold_printed_and_recorded(printer: TcpPrinter, tmp_path: Path) -> None:
    printer.switch_on()
    scanner = PtyScanner(tmp_path / "front")
    scanner.plug_in()
    config = prepare(tmp_path, *CATALOGUE, Product(gtin=CHEESE, name="Cheese", unit="kg"))
    recording = tmp_path / "session.jsonl"
    config.write_text(
        f'{config.read_text()}[codes]\n[[codes.in_store]]\nlayout = "21IIIIIPPPPPC"\n'
        f'[[scanner]]\nkind = "serial"\npath = "{scanner.link}"\nname = "front"\nprofile = "honeywell-2d"\n'
        f'[printer]\nkind = "network"\nhost = "127.0.0.1"\nport = {printer.port}\ncolumns = 32\ndrawer = "cash_sales"\n'
    )
    with running(config, tmp_path, "--record", str(recording)) as agent, agent.client() as client:
        while not any(one["state"] == "open" for one in client.get("/v1/status").json()["scanners"]):
            pass
        scanner.send(f"{LABEL}\r".encode())
        assert scanner.heard(3) == b"\x1b7,"
        sold = client.post(
            "/v1/basket/complete", json={"payments": [{"method": "cash", "amount_minor": 678}]}
        ).json()
        pulse, receipt = (read(job) for job in printer.until_jobs(2))
        again = subprocess.run(
            command("print", sold["sale_id"], "--config", str(config)),
            capture_output=True, text=True, check=True, timeout=60, env=environment(),
        )  # fmt: skip
        copy = read(printer.until_jobs(3)[2])
    assert pulse.pulses == [0]
    assert "Cheese                      6.78" in "\n".join(receipt.lines)
    assert again.stdout.startswith(f"receipt {sold['receipt']} is queued")
    assert "*** COPY ***" in copy.lines
    played = subprocess.run(
        command("replay", str(recording), "--full-speed"),
        capture_output=True, text=True, check=True, timeout=60, env=environment(),
    )  # fmt: skip
    assert LABEL in played.stdout
    scanner.unplug()
