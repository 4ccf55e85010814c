"""What an order of codes is, and which orders may be placed. Pure.

An order is one row. Its codes are worked out of it: the serials from its tag and number (:mod:`central.codes.serials`), the signatures from
the key it names and the day it was placed (Ed25519 signs the same bytes the same way, RFC 8032). So a file that was lost can be written again,
and no list of ten million serials is kept anywhere.
"""

from __future__ import annotations

import re
from datetime import date, datetime
from enum import StrEnum

import msgspec

from central.errors import CentralError
from central.imports.rules import Wrong
from protocol.codes import full_date

COUNT_LIMIT = 10_000_000
# AI 10 (GS1 General Specifications, 3.4.1): 1 to 20 characters of set 82.
_BATCH = re.compile(r"[!\"%&'()*+,\-./0-9:;<=>?A-Z_a-z]{1,20}")
# Neither '~' nor '^', which steer a label printer.
_DOMAIN = re.compile(r"https?://[A-Za-z0-9.-]+(:\d{1,5})?(/[A-Za-z0-9._-]+)*", re.IGNORECASE)
_DOMAIN_CHARACTERS = 100


class OrderError(CentralError):
    """Codes that cannot be issued, printed or put on products as asked."""


class Format(StrEnum):
    """What a label carries."""

    DIGITAL_LINK = "digital-link"
    SGTIN = "sgtin"
    SHORT = "short"


class OrderState(StrEnum):
    """``open``: not all codes have been handed over yet. Those of a cancelled order count as never issued."""

    OPEN = "open"
    COMPLETE = "complete"
    CANCELLED = "cancelled"


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What an order is to be. ``domain``: scheme, host and path in front of a web address."""

    gtin: str
    count: int
    format: Format
    batch: str | None = None
    expiry: date | None = None
    domain: str | None = None


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """An order that was placed.

    ``key_id`` and ``signed_on`` are those of all its signatures; short codes have none. ``written``: how many codes its file holds for certain;
    ``file``: where, on the machine that wrote it. ``secrets_check`` tells whether the order secret at hand is the one it was placed with.
    """

    tag: str
    gtin: str
    count: int
    format: Format
    batch: str | None
    expiry: date | None
    domain: str | None
    key_id: str | None
    signed_on: date
    secrets_check: bytes
    state: OrderState
    written: int
    commissioned: int
    file: str | None
    placed_by: str
    placed_at: datetime
    finished_at: datetime | None = None
    reason: str | None = None

    @property
    def asked(self) -> Asked:
        """What was asked for."""
        return Asked(
            gtin=self.gtin,
            count=self.count,
            format=self.format,
            batch=self.batch,
            expiry=self.expiry,
            domain=self.domain,
        )


class Issue(msgspec.Struct, frozen=True, kw_only=True):
    """One code that was issued: the tag of its order, its running number there, and what its label says."""

    tag: str
    number: int
    gtin: str
    serial: str
    batch: str | None
    expiry: date | None
    format: Format


def fault_of(asked: Asked, today: date) -> Wrong | None:
    """What is wrong with an order, by itself; the GTIN's form and whether it is in the catalogue are seen elsewhere."""
    if not 1 <= asked.count <= COUNT_LIMIT:
        return Wrong("count", str(asked.count), f"1 to {COUNT_LIMIT:,} codes in one order")
    if asked.batch is not None and not _BATCH.fullmatch(asked.batch):
        return Wrong(
            "batch", asked.batch, "1 to 20 characters that GS1 allows in a batch (letters, digits, -./_ …)"
        )
    if asked.expiry is not None and (fault := _fault_of_expiry(asked.expiry, today)):
        return fault
    return _fault_of_domain(asked)


def _fault_of_expiry(expiry: date, today: date) -> Wrong | None:
    if expiry < today:
        return Wrong("expiry", expiry.isoformat(), f"a day that is not past; today is {today}")
    if full_date(f"{expiry:%y%m%d}", today) != expiry:
        return Wrong(
            "expiry", expiry.isoformat(), "at most 50 years ahead: a label has two digits for the year"
        )
    return None


def _fault_of_domain(asked: Asked) -> Wrong | None:
    if asked.domain is None:
        if asked.format is Format.DIGITAL_LINK:
            return Wrong("domain", "", "the beginning of the web address, such as https://id.example.com")
        return None
    if asked.format is Format.SGTIN:
        return Wrong("domain", asked.domain, "none: an element string is no web address")
    if len(asked.domain) > _DOMAIN_CHARACTERS or not _DOMAIN.fullmatch(asked.domain):
        return Wrong(
            "domain",
            asked.domain,
            f"http:// or https://, a host, and a path if wanted, {_DOMAIN_CHARACTERS} characters at most",
        )
    return None
