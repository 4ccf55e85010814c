"""What a brand or a site says about codes of its own, which no standard settles."""

from __future__ import annotations

import re
from functools import lru_cache

import msgspec

from protocol.codes.code import RulesError

PAYMENT_PREFIXES_18 = tuple(str(n) for n in (*range(10, 16), *range(25, 31)))
"""First two digits of the 18-digit payment codes of WeChat Pay (10 to 15) and Alipay (25 to 30)."""

_LAYOUT = re.compile(r"(?P<prefix>\d{1,17})(?P<I>I+)(?:(?P<V>V)(?=[PW])|(?P<P>P+)|(?P<W>W+)|(?P<N>N+))*C")


class InStoreLayout(msgspec.Struct, frozen=True, kw_only=True):
    """How a shop's own scale numbers its labels, as a template of 13 (EAN-13) or 18 digits.

    Digits at its beginning are the prefix; then, each in one run: `I` item, `V` the verifier of the price or
    weight behind it (GS1 General Specifications 7.9.2 to 7.9.4, so 4 or 5 digits), `P` price, `W` weight in
    kg, `N` number of pieces, and at last `C`, the check digit: `21IIIIIPPPPPC`, `02IIIIIVPPPPC`,
    `22IIIIIPPPPPWWWWWC`.
    """

    layout: str
    price_decimals: int = 2
    weight_decimals: int = 3

    def __post_init__(self) -> None:
        if reason := self._fault():
            raise RulesError(f"in-store layout {self.layout!r}: {reason}")

    def _fault(self) -> str | None:
        runs = re.findall(r"(\D)\1*", self.layout)
        match = _LAYOUT.fullmatch(self.layout)
        if not match or len(runs) != len(set(runs)):
            return "expected a prefix in digits, then runs of I, V, P, W, N and one C, such as 21IIIIIPPPPPC"
        prefix = match["prefix"]
        if len(self.layout) == 13:
            if not prefix.startswith(("02", "04", "2")):
                return "an EAN-13 for use in a shop begins with 02, 04 or 20 to 29"
        elif len(self.layout) != 18:
            return f"expected 13 or 18 digits, got {len(self.layout)}"
        elif len(prefix) < 2 or prefix.startswith(PAYMENT_PREFIXES_18):
            return (
                "18 digits must have a prefix of two digits or more, and none of 10 to 15 and 25 to 30, because "
                "a phone's payment code begins like that; set the scale to another prefix, such as 22"
            )
        if match["V"] and len(self.layout[slice_of(self.layout, "V").stop :].rstrip("NC")) not in (4, 5):
            return "a verifier V stands before one price or weight of 4 or 5 digits"
        return None


class Rules(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The configuration of the recogniser. Everything has a default that believes less rather than more.

    in_store: the first layout whose length and prefix fit is applied.
    private_patterns, member_patterns: regular expressions for the whole code. A group named `code` is what
    counts of it; `gtin`, `serial` and `batch` fill those fields.
    control_keys: the secrets that sign control codes; the newest first, older ones as long as cards with them
    are in use. drug_trace_prefixes: what a 20-digit Chinese drug trace code begins with.
    serial_limits: beginning of a GTIN-14 -> the longest serial printed with it; a longer one has lost a
    separator. The longest beginning counts.
    prefer_upc_e: eight digits that are sound both as EAN-8 and as UPC-E are UPC-E.
    """

    in_store: tuple[InStoreLayout, ...] = ()
    private_patterns: tuple[str, ...] = ()
    member_patterns: tuple[str, ...] = ()
    control_keys: tuple[bytes, ...] = ()
    drug_trace_prefixes: tuple[str, ...] = ("8",)
    serial_limits: dict[str, int] = {}
    prefer_upc_e: bool = False

    def __post_init__(self) -> None:
        for pattern in (*self.private_patterns, *self.member_patterns):
            try:
                re.compile(pattern)
            except re.error as error:
                raise RulesError(f"pattern {pattern!r} is no regular expression: {error}") from error
        for key in self.control_keys:
            if len(key) < 16:
                raise RulesError(
                    f"a control key needs 16 bytes or more, got {len(key)}; make one with openssl rand"
                )


@lru_cache(maxsize=256)
def slice_of(layout: str, letter: str) -> slice:
    """Where the run of `letter` stands in `layout`; an empty slice where it has none."""
    start = max(layout.find(letter), 0)
    return slice(start, start + layout.count(letter))
