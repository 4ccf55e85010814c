"""A till and central add a shift up by rules of their own, and come to the same: whatever was sold, voided, returned and moved."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from agent.shifts.rules import expected, paid, tally
from central.shifts.receipts import Part, return_rows, sale_rows, void_rows
from central.shifts.rules import Books, after, check
from protocol.events import (
    Body,
    CashMoved,
    Payment,
    Sale,
    SaleReturned,
    SaleVoided,
    ShiftClosed,
    ShiftOpened,
)
from tests.central.facts import fact, line

methods = st.sampled_from(["cash", "card", "wallet"])
amounts = st.integers(1, 5_000)


@st.composite
def split(draw: st.DrawFn, total: int) -> tuple[Payment, ...]:
    """A total, paid in one or two ways, or without a word about it."""
    match draw(st.integers(0, 3)):
        case 0:
            return ()
        case 1 if total > 1:
            part = draw(st.integers(1, total - 1))
            return (
                Payment(method="card", amount_minor=part),
                Payment(method="cash", amount_minor=total - part),
            )
        case _:
            return (Payment(method=draw(methods), amount_minor=total),)


@st.composite
def shifts(draw: st.DrawFn) -> list[Body]:
    """What was written in a shift."""
    bodies: list[Body] = []
    for number in range(draw(st.integers(0, 10))):
        total = draw(amounts)
        lines = (line(amount_minor=total),)
        sales = [one for one in bodies if isinstance(one, Sale)]
        match draw(st.integers(0, 4)):
            case 0:
                bodies.append(
                    SaleReturned(
                        return_id=f"r{number}", receipt=f"{number}", currency="EUR", lines=lines, disposition="restock",
                        refunds=draw(split(total)),
                    )
                )  # fmt: skip
            case 1 if sales:
                voided = draw(st.sampled_from(sales))
                money = sum(one.amount_minor for one in voided.lines)
                bodies.append(
                    SaleVoided(
                        void_id=f"v{number}", sale_id=voided.sale_id, receipt=voided.receipt, currency="EUR",
                        lines=voided.lines, reason="x", refunds=draw(st.just(()) | split(money)),
                    )
                )  # fmt: skip
            case 2:
                amount = draw(st.integers(-3_000, 3_000))
                bodies.append(
                    CashMoved(cash_move_id=f"m{number}", currency="EUR", amount_minor=amount, reason="safe")
                )
            case _:
                bodies.append(
                    Sale(
                        sale_id=f"s{number}",
                        receipt=f"{number}",
                        currency="EUR",
                        lines=lines,
                        payments=draw(split(total)),
                    )
                )
    return bodies


def booked(bodies: list[Body]) -> Books:
    """What central has of these events, by its own rules."""
    rows = []
    sales: dict[str, list[Part]] = {}
    for body in bodies:
        match body:
            case Sale():
                rows += (own := sale_rows(fact(body), body))
                sales[body.sale_id] = [(row.method, row.amount_minor, row.tendered_minor) for row in own]
            case SaleVoided():
                rows += void_rows(fact(body), body, sales[body.sale_id])
            case SaleReturned():
                rows += return_rows(fact(body), body)
    taken: dict[str, int] = {}
    for row in rows:
        taken[row.method] = taken.get(row.method, 0) + row.amount_minor
    return Books(
        sales=sum(isinstance(one, Sale) for one in bodies),
        voids=sum(isinstance(one, SaleVoided) for one in bodies),
        returns=sum(isinstance(one, SaleReturned) for one in bodies),
        taken=taken,
        moved_minor=sum(one.amount_minor for one in bodies if isinstance(one, CashMoved)),
    )


@given(shifts(), st.integers(0, 20_000), st.data())
def test_the_seal_of_a_till_is_what_central_books(
    bodies: list[Body], float_minor: int, data: st.DataObject
) -> None:
    payments = {one.sale_id: one.payments for one in bodies if isinstance(one, Sale)}
    done = tally(bodies, payments.__getitem__)
    should_be = expected(float_minor, done)
    missing = data.draw(st.integers(0, 500))
    opened = ShiftOpened(shift_id="a", number="1", currency="EUR", float_minor=float_minor)
    closed = ShiftClosed(
        shift_id="a", number="1", currency="EUR", first_seq=1, sales=done.sales, voids=done.voids, returns=done.returns,
        counted=paid(should_be | {"cash": should_be["cash"] - missing}), expected=paid(should_be), taken=paid(done.taken),
    )  # fmt: skip
    shift = after(after(None, fact(opened, seq=1)), fact(closed, seq=99))
    found = check(shift, booked(bodies), 0)
    assert found.differs is None
    assert found.differences == ({"cash": -missing} if missing else {})
