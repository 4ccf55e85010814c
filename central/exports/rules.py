"""A day of a site as a double-entry journal of money. Pure.

Every entry is part of a transaction whose amounts add up to zero in its currency. Stock stands at moving-average cost, as the ledger keeps it.

=============================  ==================================================================================
location of the ledger         account
=============================  ==================================================================================
``on_hand``, ``quarantine``    ``Assets:Stock:<site>``, ``Assets:Quarantine:<site>``
``in_transit:…``               ``Assets:InTransit``: what one site sent and the other has not taken
``supplier``                   ``Liabilities:GoodsReceived``: until the supplier's invoice is booked against it
``customer``                   ``Expenses:CostOfGoods:<site>``
``adjustment:<reason>``        ``Expenses:StockDifferences:<site>:<reason>``
``adjustment:valuation``       ``Expenses:Revaluation:<site>``
=============================  ==================================================================================

What customers paid is ``Income:Sales:<site>`` against ``Assets:Till:<site>:<method>``; what they got back is
``Income:Returns:<site>``. A part that no payment of the receipt explains stays on ``Assets:Unsettled:<site>`` until somebody looks.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date

import msgspec

_NAMED = {
    "on_hand": "Assets:Stock:{site}",
    "quarantine": "Assets:Quarantine:{site}",
    "supplier": "Liabilities:GoodsReceived",
    "customer": "Expenses:CostOfGoods:{site}",
    "adjustment:valuation": "Expenses:Revaluation:{site}",
}


class ValueMoved(msgspec.Struct, frozen=True, kw_only=True):
    """Value that went from ``source`` to ``destination`` (locations of the ledger) at a site on a day."""

    site: str
    day: date
    currency: str
    source: str
    destination: str
    value_minor: int


class Sold(msgspec.Struct, frozen=True, kw_only=True):
    """What receipts of a day come to: ``kind`` is ``sale``, ``void`` or ``return``; voids and returns are below zero."""

    site: str
    day: date
    currency: str
    kind: str
    amount_minor: int


class Paid(msgspec.Struct, frozen=True, kw_only=True):
    """How the receipts of a day were paid; refunds are below zero."""

    site: str
    day: date
    currency: str
    method: str
    amount_minor: int


class CashDifference(msgspec.Struct, frozen=True, kw_only=True):
    """What was found in a till beyond what should have been there, at the end of the shifts of a day; below zero: it was missing."""

    site: str
    day: date
    currency: str
    method: str
    amount_minor: int


class CashMoved(msgspec.Struct, frozen=True, kw_only=True):
    """Cash put into the tills of a day (above zero) or taken out, by its reason."""

    site: str
    day: date
    currency: str
    reason: str
    amount_minor: int


class Entry(msgspec.Struct, frozen=True):
    """An amount on an account: above zero a debit, below zero a credit."""

    account: tuple[str, ...]
    amount_minor: int


class Transaction(msgspec.Struct, frozen=True, kw_only=True):
    """Entries that belong together; they add up to zero. ``reference`` finds them in central: a day statement."""

    site: str
    day: date
    currency: str
    narration: str
    reference: str
    entries: tuple[Entry, ...]


Sum = ValueMoved | Sold | Paid | CashDifference | CashMoved


def account_of(location: str, site: str) -> tuple[str, ...]:
    """The account of a location of the ledger at ``site``, part by part, as central names it."""
    if location.startswith("in_transit:"):
        return ("Assets", "InTransit")
    named = _NAMED.get(location)
    if named is not None:
        return tuple(site if part == "{site}" else part for part in named.split(":"))
    reason = location.removeprefix("adjustment:")
    return ("Expenses", "StockDifferences", site, reason)


def transactions(sums: Iterable[Sum]) -> list[Transaction]:
    """The journal of what happened, by day, site and currency; what comes out as nothing is left out."""
    together: dict[tuple[date, str, str], list[Sum]] = {}
    for one in sums:
        together.setdefault((one.day, one.site, one.currency), []).append(one)
    return [
        transaction
        for (day, site, currency), parts in sorted(together.items())
        for narration, entries in (
            ("Sales", _sales(site, parts)),
            ("Goods", _goods(site, parts)),
            ("Cash put in and taken out", _cash_moves(site, parts)),
            ("Cash differences", _cash_differences(site, parts)),
        )
        if (
            transaction := Transaction(
                site=site,
                day=day,
                currency=currency,
                narration=f"{narration} of {site}",
                reference=f"{site}/{day.isoformat()}",
                entries=_netted(entries),
            )
        ).entries
    ]


def accounts(journal: Iterable[Transaction]) -> dict[tuple[str, ...], date]:
    """The accounts that are used, each with the day of its first entry."""
    first: dict[tuple[str, ...], date] = {}
    for transaction in journal:
        for entry in transaction.entries:
            first[entry.account] = min(transaction.day, first.get(entry.account, transaction.day))
    return dict(sorted(first.items()))


def _goods(site: str, parts: Sequence[Sum]) -> list[Entry]:
    entries = []
    for one in parts:
        if isinstance(one, ValueMoved):
            entries.append(Entry(account_of(one.destination, site), one.value_minor))
            entries.append(Entry(account_of(one.source, site), -one.value_minor))
    return entries


def _sales(site: str, parts: Sequence[Sum]) -> list[Entry]:
    entries, unsettled = [], 0
    for one in parts:
        match one:
            case Sold(kind=kind, amount_minor=amount):
                entries.append(Entry(("Income", "Returns" if kind == "return" else "Sales", site), -amount))
                unsettled += amount
            case Paid(method=method, amount_minor=amount):
                entries.append(Entry(("Assets", "Till", site, method), amount))
                unsettled -= amount
            case _:
                pass
    return [*entries, Entry(("Assets", "Unsettled", site), unsettled)]


def _cash_moves(site: str, parts: Sequence[Sum]) -> list[Entry]:
    entries = []
    for one in parts:
        if isinstance(one, CashMoved):
            entries.append(Entry(("Assets", "Till", site, "cash"), one.amount_minor))
            entries.append(Entry(("Assets", "CashMoves", site, one.reason), -one.amount_minor))
    return entries


def _cash_differences(site: str, parts: Sequence[Sum]) -> list[Entry]:
    entries = []
    for one in parts:
        if isinstance(one, CashDifference):
            entries.append(Entry(("Assets", "Till", site, one.method), one.amount_minor))
            entries.append(Entry(("Expenses", "CashDifferences", site), -one.amount_minor))
    return entries


def _netted(entries: Iterable[Entry]) -> tuple[Entry, ...]:
    """One entry an account, in the order of the accounts; those that come out as nothing are left out."""
    sums: dict[tuple[str, ...], int] = {}
    for entry in entries:
        sums[entry.account] = sums.get(entry.account, 0) + entry.amount_minor
    return tuple(Entry(account, amount) for account, amount in sorted(sums.items()) if amount)
