"""The journal as CSV (RFC 4180): one row an entry. Pure."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator

from central.exports.beancount import decimal_text
from central.exports.rules import Transaction

COLUMNS = ("date", "site", "account", "debit", "credit", "currency", "narration", "reference")


def csv_rows(journal: Iterable[Transaction]) -> Iterator[str]:
    """The file, row by row with its line ends; the header first. The entries of one transaction share ``reference`` and ``narration``."""
    yield _row(COLUMNS)
    for one in journal:
        for entry in one.entries:
            amount = decimal_text(abs(entry.amount_minor), one.currency)
            sides = (amount, "") if entry.amount_minor > 0 else ("", amount)
            account = ":".join(entry.account)
            yield _row(
                (
                    one.day.isoformat(),
                    _inert(one.site),
                    _inert(account),
                    *sides,
                    one.currency,
                    _inert(one.narration),
                    _inert(one.reference),
                )
            )


def _inert(text: str) -> str:
    # A spreadsheet takes a cell that begins like this for a formula, and ids are free texts.
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text


def _row(cells: Iterable[str]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerow(cells)
    return text.getvalue()
