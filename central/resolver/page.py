"""The page: one HTML document that fetches nothing, runs nothing, and can be read aloud. Pure, but for its two files.

The policy that goes with it names the one style by its hash: even a sentence that somebody smuggled into a product's name could
neither run nor draw anything.
"""

from __future__ import annotations

import base64
import hashlib
from enum import StrEnum
from html import escape
from pathlib import Path
from string import Template

import msgspec

from central.resolver.negotiation import Language
from central.resolver.rules import Verdict
from central.resolver.texts import TEXTS, Said

_HERE = Path(__file__).parent
_STYLE = (_HERE / "page.css").read_text(encoding="utf-8")
_PAGE = Template((_HERE / "page.html").read_text(encoding="utf-8"))
_STYLE_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()

HEADERS = {
    "Content-Security-Policy": (
        f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), interest-cohort=()",
}


class Tone(StrEnum):
    """Colour and sign. Never alone: the headline says the same."""

    GOOD = "good"
    BAD = "bad"
    OPEN = "open"
    PLAIN = "plain"


_SIGNS = {
    Tone.GOOD: '<circle cx="24" cy="24" r="20"/><path d="M15 25l6 6 12-13"/>',
    Tone.BAD: '<circle cx="24" cy="24" r="20"/><path d="M17 17l14 14M31 17L17 31"/>',
    Tone.OPEN: '<path d="M24 6L44 41H4z"/><path d="M24 19v10M24 35v.1"/>',
    Tone.PLAIN: '<circle cx="24" cy="24" r="20"/><path d="M24 22v12M24 14v.1"/>',
}

TONES = {
    Verdict.OURS: Tone.GOOD,
    Verdict.NOT_FOR_SALE: Tone.BAD,
    Verdict.NOT_CONFIRMED: Tone.OPEN,
    Verdict.PRODUCT: Tone.PLAIN,
}


class View(msgspec.Struct, frozen=True, kw_only=True):
    """What a page shows. ``details``: (name of a label, value) in order; ``checks`` and ``advice``: sentences."""

    language: Language
    said: Said
    tone: Tone
    details: tuple[tuple[str, str], ...] = ()
    checks: str | None = None
    advice: tuple[str, ...] = ()
    brand: str | None = None
    contact: str | None = None


def render(view: View) -> str:
    """The document."""
    texts = TEXTS[view.language]
    return _PAGE.substitute(
        language=view.language,
        title=escape(f"{view.said.headline} – {view.brand or texts.title}"),
        style=_STYLE,
        brand=f'<p class="brand">{escape(view.brand)}</p>' if view.brand else "",
        tone=view.tone,
        sign=_SIGNS[view.tone],
        headline=escape(view.said.headline),
        meaning=escape(view.said.meaning),
        details=_details(view, texts.labels),
        checks=_checks(view, texts.checked),
        doubt=_doubt(view),
        footer=escape(texts.no_personal_data),
    )


def _details(view: View, labels: dict[str, str]) -> str:
    rows = "".join(
        f"<dt>{escape(labels[name])}</dt><dd{'' if name == 'product' else ' class=number'}><bdi>{escape(value)}</bdi></dd>"
        for name, value in view.details
    )
    return f'<section class="card"><dl>{rows}</dl></section>' if rows else ""


def _checks(view: View, title: str) -> str:
    if view.checks is None:
        return ""
    return f'<section class="card"><h2>{escape(title)}</h2><p>{escape(view.checks)}</p></section>'


def _doubt(view: View) -> str:
    texts = TEXTS[view.language]
    points = "".join(f"<li>{escape(point)}</li>" for point in view.advice)
    advice = f"<h2>{escape(texts.in_doubt)}</h2><ul>{points}</ul>" if points else ""
    contact = f'<p class="contact">{_contact(view.contact, texts.contact)}</p>' if view.contact else ""
    return f'<section class="card">{advice}{contact}</section>' if advice or contact else ""


def _contact(contact: str, words: str) -> str:
    """A web address, a mail address, or a text such as a telephone number."""
    if contact.startswith(("https://", "http://")):
        return f'{escape(words)}<a href="{escape(contact)}" rel="noreferrer">{escape(contact)}</a>'
    if "@" in contact and " " not in contact:
        return f'{escape(words)}<a href="mailto:{escape(contact)}">{escape(contact)}</a>'
    return f"{escape(words)}{escape(contact)}"
