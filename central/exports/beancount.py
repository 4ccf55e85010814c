"""The journal in Beancount's language. Pure. The syntax: beancount.github.io, "Language Syntax", sections Accounts, Transactions, Metadata.

Beancount wants each part of an account's name to begin with a capital letter or a digit and to hold letters, digits and hyphens only. Ids
and reasons are free texts at central, so they are rewritten; where two would become one, the later ones (in the order of their names) get a number.
The name as central has it stands as metadata with the account's opening.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from central.exports.rules import Transaction, accounts
from central.prices.rules import decimals_of

_FIXED = 2
"""Parts of an account that are ours and fit as they are: its type and its kind."""


def beancount_lines(journal: Sequence[Transaction]) -> Iterator[str]:
    """The file, line by line without line ends."""
    names = account_names(accounts(journal))
    yield 'option "title" "Countermark"'
    for currency in sorted({transaction.currency for transaction in journal}):
        yield f'option "operating_currency" "{currency}"'
    yield ""
    for account, day in accounts(journal).items():
        yield f"{day.isoformat()} open {names[account]}"
        if ":".join(account) != names[account]:
            yield f"  name: {_quoted(':'.join(account))}"
    for transaction in journal:
        yield ""
        yield f"{transaction.day.isoformat()} * {_quoted(transaction.narration)}"
        yield f"  statement: {_quoted(transaction.reference)}"
        for entry in transaction.entries:
            yield f"  {names[entry.account]}  {decimal_text(entry.amount_minor, transaction.currency)} {transaction.currency}"


def account_names(wanted: Iterable[tuple[str, ...]]) -> dict[tuple[str, ...], str]:
    """The name in the file of each account."""
    names: dict[tuple[str, ...], str] = {}
    taken: set[str] = set()
    for account in sorted(set(wanted)):
        plain = ":".join((*account[:_FIXED], *map(_part, account[_FIXED:])))
        name, number = plain, 1
        while name in taken:
            number += 1
            name = f"{plain}-{number}"
        taken.add(name)
        names[account] = name
    return names


def decimal_text(amount_minor: int, currency: str) -> str:
    """An amount in the currency's major unit, with as many decimals as it has (ISO 4217)."""
    decimals = decimals_of(currency)
    sign, digits = "-" if amount_minor < 0 else "", str(abs(amount_minor)).rjust(decimals + 1, "0")
    return f"{sign}{digits[:-decimals]}.{digits[-decimals:]}" if decimals else f"{sign}{digits}"


def _part(text: str) -> str:
    kept = "".join(sign if sign.isascii() and sign.isalnum() else "-" for sign in text).strip("-")
    return kept[:1].upper() + kept[1:] if kept else "X"


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", " ")
    return f'"{escaped}"'
