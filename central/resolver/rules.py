"""What the public is told of a code. Pure.

Three answers and no more: it is one of ours, it should not be on sale, it cannot be confirmed. A number that was never issued and
one that is in the books but proves nothing get the same answer, so that trying numbers out teaches nothing.
"""

from __future__ import annotations

from datetime import date
from enum import StrEnum

import msgspec

from protocol.items import State


class Verdict(StrEnum):
    """The answer."""

    OURS = "ours"
    NOT_FOR_SALE = "not_for_sale"
    NOT_CONFIRMED = "not_confirmed"
    PRODUCT = "product"


class Reason(StrEnum):
    """Why an item should not be on sale, where people are better off knowing it."""

    RECALLED = "recalled"
    PAST_ITS_DATE = "past_its_date"


class Signature(StrEnum):
    """What the signed part of the label (AI 91 and 92) turned out to be."""

    NONE = "none"
    SOUND = "sound"
    BAD = "bad"


class Proof(StrEnum):
    """What "one of ours" rests on: the label's signature, or a number that nobody can guess."""

    SIGNED = "signed"
    NUMBER = "number"


class Printed(msgspec.Struct, frozen=True):
    """What the label says besides product and serial. ``expiry``: ISO date."""

    batch: str | None = None
    expiry: str | None = None


class Books(msgspec.Struct, frozen=True, kw_only=True):
    """What central knows of the item.

    ``state`` is None without a row in the books. ``registered``: it has a row, and not only because somebody sold it. ``issued``: its
    serial comes from one of our issuing orders, so it cannot have been guessed. ``recalled``: it or its batch, whatever became of it.
    """

    state: State | None = None
    registered: bool = False
    issued: bool = False
    recalled: bool = False
    batch: str | None = None
    expiry: str | None = None

    @property
    def known(self) -> bool:
        """Whether it is an item of ours, as far as the books go."""
        return self.registered or self.issued


class Answer(msgspec.Struct, frozen=True):
    """What is said. ``reason`` goes with ``not_for_sale``, ``proof`` with ``ours``."""

    verdict: Verdict
    reason: Reason | None = None
    proof: Proof | None = None


_STOPPED = frozenset({State.HELD, State.STOLEN, State.QUARANTINED, State.DESTROYED})
"""Which of these it is, is nobody's business: a thief would look up whether his loot is reported."""


def answer(
    printed: Printed, books: Books, signature: Signature, today: date, *, trust_registered: bool = False
) -> Answer:
    """What to say of one item.

    ``trust_registered``: serials that came from elsewhere (registered, not issued here) are not guessable either, so says the brand.
    A recall goes before everything: who holds such an item must know, whatever its label proves, and nobody copies such a code.
    """
    if books.recalled:
        return Answer(Verdict.NOT_FOR_SALE, Reason.RECALLED)
    if not _believed(books, signature, trust_registered=trust_registered) or _contradicts(printed, books):
        return Answer(Verdict.NOT_CONFIRMED)
    expiry = books.expiry or printed.expiry
    if books.state is State.EXPIRED or (expiry is not None and date.fromisoformat(expiry) < today):
        return Answer(Verdict.NOT_FOR_SALE, Reason.PAST_ITS_DATE)
    if books.state in _STOPPED:
        return Answer(Verdict.NOT_FOR_SALE)
    return Answer(Verdict.OURS, proof=Proof.SIGNED if signature is Signature.SOUND else Proof.NUMBER)


def product_answer(books: Books) -> Answer:
    """What to say of an address without a serial: a product, perhaps with a batch."""
    return Answer(Verdict.NOT_FOR_SALE, Reason.RECALLED) if books.recalled else Answer(Verdict.PRODUCT)


def _believed(books: Books, signature: Signature, *, trust_registered: bool) -> bool:
    """Every signed code is of an order; one whose order was taken back is neither issued nor in the books any more."""
    if signature is Signature.BAD:
        return False
    if signature is Signature.SOUND:
        return books.known
    return books.issued or (trust_registered and books.registered)


def _contradicts(printed: Printed, books: Books) -> bool:
    """Whether the label bears another batch or date than the books: a date printed anew, where no signature shows it."""
    return any(
        said is not None and known is not None and said != known
        for said, known in ((printed.batch, books.batch), (printed.expiry, books.expiry))
    )
