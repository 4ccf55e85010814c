"""What is sent back: page, JSON, linkset or refusal, each with the headers that all answers of a resolver share."""

from __future__ import annotations

import math
from typing import Any
from urllib.parse import urlencode

from fastapi.responses import JSONResponse, RedirectResponse, Response
from pydantic import BaseModel, Field

from central.api import problems
from central.resolver import page
from central.resolver.addresses import Asked, AskedShort, Unreadable, passed_on
from central.resolver.counts import HowOften
from central.resolver.linkset import link_header
from central.resolver.negotiation import Kind, Language
from central.resolver.page import Tone, View
from central.resolver.rules import Proof, Reason, Verdict
from central.resolver.service import Outcome
from central.resolver.texts import TEXTS, Said, checks_said, said
from central.settings import ResolverSettings

METHODS = "GET, HEAD, OPTIONS"
SHARED = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Expose-Headers": "Link, Location, Retry-After, Content-Language",
    "Cross-Origin-Resource-Policy": "cross-origin",
    "Vary": "Accept, Accept-Language",
    "X-Robots-Tag": "noindex",
}
PREFLIGHT = {
    "Allow": METHODS,
    "Access-Control-Allow-Methods": METHODS,
    "Access-Control-Allow-Headers": "Accept, Accept-Language",
    "Access-Control-Max-Age": "86400",
}


class CheckedProduct(BaseModel):
    """The product, by the catalogue."""

    gtin: str
    name: str


class EarlierChecks(BaseModel):
    """How often the code was checked before, rounded."""

    before: HowOften
    since: str | None = Field(description="the month of the first check, YYYY-MM")


class Check(BaseModel):
    """What the public is told of a code. Every field is always there."""

    verdict: Verdict
    reason: Reason | None = Field(description="why it should not be on sale, where that is said")
    proof: Proof | None = Field(
        description="what `ours` rests on: the label's signature, or its number alone"
    )
    headline: str
    meaning: str
    product: CheckedProduct
    serial: str | None
    batch: str | None = Field(description="as the label says; so is `expiry`")
    expiry: str | None
    checks: EarlierChecks | None


class Answers:
    """Makes the answers to one request, in the kind and language that it asked for."""

    def __init__(self, settings: ResolverSettings, kind: Kind, language: Language) -> None:
        self._settings = settings
        self._kind = kind
        self._language = language
        self._texts = TEXTS[language]

    def checked(self, outcome: Outcome, link: str) -> Response:
        """What there is to say of a label."""
        words = said(outcome.answer, self._texts, outcome.checks, outcome.since)
        if self._kind is not Kind.PAGE:
            body = _document(outcome, words).model_dump(mode="json")
            return JSONResponse(body, headers={**SHARED, "Link": link, "Content-Language": self._language})
        code, verdict = outcome.code, outcome.answer.verdict
        details = (
            ("product", outcome.product),
            ("gtin", code.gtin),
            ("serial", code.serial),
            ("batch", code.batch),
            ("expiry", code.expiry),
        )
        often = outcome.checks is HowOften.MANY
        view = View(
            language=self._language,
            said=words,
            tone=Tone.OPEN if often else page.TONES[verdict],
            details=tuple((name, value) for name, value in details if value),
            checks=checks_said(outcome.checks, outcome.since, self._texts)
            if outcome.checks and not often
            else None,
            advice=self._advice() if verdict in (Verdict.OURS, Verdict.NOT_CONFIRMED) else (),
            brand=self._settings.name,
            contact=self._settings.contact,
        )
        return self._page(200, view, {"Link": link})

    def linkset(self, body: dict[str, Any], link: str) -> Response:
        """The links there are."""
        return JSONResponse(body, headers={**SHARED, "Link": link}, media_type=Kind.LINKSET)

    def elsewhere(self, address: str, asked: Asked | AskedShort) -> Response:
        """Go to the brand's page of the product; the query comes along, without what was for us."""
        query = urlencode(passed_on(asked))
        joined = f"{address}{'&' if '?' in address else '?'}{query}" if query else address
        return RedirectResponse(joined, 307, SHARED)

    def unknown(self) -> Response:
        """Sound, but nothing of ours."""
        return self._refused(404, self._texts.elsewhere, "this product or number is not known here")

    def no_such_link(self, link_type: str, link: str) -> Response:
        """Known, but without a link of the type that was asked for."""
        detail = f"linkType {link_type[:100]!r}: there is no such link here; linkType=linkset lists those there are"
        return self._refused(404, self._texts.no_such_link, detail, {"Link": link})

    def unreadable(self, fault: Unreadable) -> Response:
        """Not a sound Digital Link."""
        reason = self._texts.causes.get(fault.cause, self._texts.other_cause)
        words = Said(self._texts.unreadable.headline, self._texts.unreadable.meaning.format(reason=reason))
        detail = f"not a sound GS1 Digital Link: {fault.words}"
        return self._refused(400, words, detail, cause=fault.cause)

    def too_many(self, retry_after_s: float) -> Response:
        """Too many from one client, or altogether."""
        seconds = math.ceil(retry_after_s)
        texts = self._texts.too_many
        words = Said(texts.headline, texts.meaning.format(seconds=seconds))
        detail = f"too many checks; try again in {seconds} s"
        return self._refused(429, words, detail, {"Retry-After": str(seconds)})

    def unavailable(self) -> Response:
        """The database is away, or too many wait for it."""
        return self._refused(
            503, self._texts.unavailable, "codes cannot be looked up at the moment", {"Retry-After": "5"}
        )

    def _refused(
        self, status: int, words: Said, detail: str, headers: dict[str, str] | None = None, **members: str
    ) -> Response:
        if self._kind is not Kind.PAGE:
            return problems.answer(status, detail, {**SHARED, **(headers or {})}, **members)
        view = View(
            language=self._language,
            said=words,
            tone=Tone.OPEN if status in (400, 404) else Tone.PLAIN,
            advice=self._advice()[1:]
            if status in (400, 404) and words is not self._texts.no_such_link
            else (),
            brand=self._settings.name,
            contact=self._settings.contact,
        )
        return self._page(status, view, headers or {})

    def _advice(self) -> tuple[str, ...]:
        texts = self._texts
        return texts.doubt_compare, texts.doubt_seller, texts.doubt_do_not_use

    def _page(self, status: int, view: View, headers: dict[str, str]) -> Response:
        return Response(
            page.render(view),
            status,
            {**SHARED, **page.HEADERS, "Content-Language": view.language, **headers},
            "text/html; charset=utf-8",
        )


def _document(outcome: Outcome, words: Said) -> Check:
    code, answer = outcome.code, outcome.answer
    assert code.gtin is not None
    checks = None
    if outcome.checks is not None:
        since = None if outcome.since is None else f"{outcome.since:%Y-%m}"
        checks = EarlierChecks(before=outcome.checks, since=since)
    return Check(
        verdict=answer.verdict,
        reason=answer.reason,
        proof=answer.proof,
        headline=words.headline,
        meaning=words.meaning,
        product=CheckedProduct(gtin=code.gtin, name=outcome.product),
        serial=code.serial,
        batch=code.batch,
        expiry=code.expiry,
        checks=checks,
    )


def link_of(root: str, asked: Asked | AskedShort, path: str, *, in_linkset: bool = False) -> str:
    """The ``Link`` header of an answer. A short code says less than the link it stands for, as a compressed one does."""
    compressed = isinstance(asked, AskedShort) or asked.compressed
    return link_header(root, path, compressed=compressed, in_linkset=in_linkset)
