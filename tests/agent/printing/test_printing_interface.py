"""Printing and the drawer over the local interface."""

from __future__ import annotations

from tests.agent.local.served import served
from tests.agent.printing.conftest import Open
from tests.agent.printing.escpos_reader import read
from tests.agent.printing.tcp_printer import TcpPrinter
from tests.agent.shop_kit import TEA, Counter

SALE = {"sale_id": "s-1", "lines": [{"gtin": TEA, "quantity": "2"}]}


def test_a_receipt_is_printed_again_on_request(
    counter: Counter, printer: TcpPrinter, open_printing: Open
) -> None:
    printer.switch_on()
    open_printing(receipts="on_request")
    with served(counter) as at:
        number = at.post("/v1/sales", json=SALE).json()["receipt"]
        asked = at.post("/v1/sales/s-1/print")
    assert (asked.status_code, asked.json()["receipt"]) == (202, number)
    assert "*** COPY ***" in read(printer.until_jobs(1)[0]).lines


def test_an_unknown_sale_is_not_found(counter: Counter, open_printing: Open) -> None:
    open_printing()
    with served(counter) as at:
        assert at.post("/v1/sales/nobody/print").status_code == 404


def test_without_a_printer_the_answer_says_how_to_name_one(counter: Counter) -> None:
    with served(counter) as at:
        asked = at.post("/v1/sales/s-1/print")
    assert (asked.status_code, asked.json()["type"]) == (409, "urn:countermark:problem:no_printer")


def test_the_drawer_opens_with_a_reason(counter: Counter, printer: TcpPrinter, open_printing: Open) -> None:
    printer.switch_on()
    open_printing(drawer="on_request")
    with served(counter) as at:
        asked = at.post("/v1/drawer/open", json={"reason": "change", "clerk": "Ann"})
    assert (asked.status_code, read(printer.until_jobs(1)[0]).pulses) == (201, [0])


def test_the_drawer_does_not_open_without_a_reason(counter: Counter, open_printing: Open) -> None:
    open_printing(drawer="on_request")
    with served(counter) as at:
        asked = at.post("/v1/drawer/open", json={"reason": " "})
    assert (asked.status_code, asked.json()["detail"]) == (422, "reason: expected 1 to 200 characters")


def test_a_drawer_that_cannot_be_reached_is_an_error(counter: Counter, open_printing: Open) -> None:
    open_printing(drawer="on_request")
    with served(counter) as at:
        asked = at.post("/v1/drawer/open", json={"reason": "change"})
    assert (asked.status_code, asked.json()["type"]) == (503, "urn:countermark:problem:printer")


def test_the_status_tells_of_the_printer(counter: Counter, open_printing: Open) -> None:
    open_printing()
    with served(counter) as at:
        told = at.get("/v1/status").json()["printer"]
    assert (told["waiting"], told["printed"], told["trouble"]) == (0, 0, None)
