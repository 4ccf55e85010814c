"""Receipt lines: what is taken back counts below zero, so that a plain sum is what remains sold."""

from __future__ import annotations

from decimal import Decimal

import pytest

from central.sales.rules import receipt_lines
from protocol.events import Body, SaleReturned, SaleVoided, ScanRefused
from tests.central.facts import BREAD, MILK, fact, line, sale

LINES = (line(MILK, "2", amount_minor=398), line(BREAD, "0", amount_minor=0))
VOID = SaleVoided(void_id="v", sale_id="s", receipt="1-1", currency="EUR", lines=LINES, reason="")
RETURN = SaleReturned(
    return_id="t", receipt="1-2", currency="EUR", lines=LINES, disposition="restock", sale_id="s"
)
WITHOUT_SALE = SaleReturned(return_id="t", receipt="1-2", currency="EUR", lines=LINES, disposition="restock")


@pytest.mark.parametrize(
    ("body", "kind", "sale_id", "sign"),
    [
        (sale(*LINES), "sale", "s", 1),
        (VOID, "void", "s", -1),
        (RETURN, "return", "s", -1),
        (WITHOUT_SALE, "return", "t", -1),
    ],
)
def test_every_line_is_kept_with_its_sign(body: Body, kind: str, sale_id: str, sign: int) -> None:
    milk, bread = receipt_lines(fact(body))
    assert (milk.kind, milk.sale_id, milk.line, bread.line) == (kind, sale_id, 0, 1)
    assert (milk.quantity, milk.amount_minor, bread.quantity) == (sign * Decimal(2), sign * 398, Decimal(0))


def test_other_facts_have_no_receipt_lines() -> None:
    assert receipt_lines(fact(ScanRefused(verdict="forged", cause=""))) == []
