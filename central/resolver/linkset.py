"""The answers of a resolver to programs: the links there are (RFC 9264), the ``Link`` header, and the resolver's own description. Pure.

GS1-Conformant Resolver 1.2: a linkset has the links of every level from the one asked for up to the primary key; each has an address and a
title; one is the default, without further attributes, and appears under a descriptive type as well. None of it depends on
whether an item is known: a linkset must not tell apart what the answer itself does not.
"""

from __future__ import annotations

from typing import Any

from central.resolver.addresses import VOCABULARY
from central.resolver.negotiation import Kind, Language

DEFAULT_LINK = "gs1:defaultLink"
PRODUCT_PAGE = "gs1:pip"
"""The page about the product: the brand's, if it named one; else our own answer, which at least says what it is."""
OWN_ANSWER = "gs1:recallStatus"
"""Our own answer, under the link type of the vocabulary that comes nearest."""
CONTEXT = "https://ref.gs1.org/standards/resolver/linkset-context"
_CONTEXT_RELATION = "http://www.w3.org/ns/json-ld#context"
_DEFAULT = f"{VOCABULARY}defaultLink"
_PRODUCT = f"{VOCABULARY}pip"
_OWN = f"{VOCABULARY}recallStatus"
SUPPORTED_KEYS = ("01",)


def linkset(root: str, path: str, product_path: str, name: str, product_page: str | None) -> dict[str, Any]:
    """The links of an item's address and of its product's. ``path`` and ``product_path`` are the same for a product's address."""
    levels = [_level(f"{root}{path}", name)] if path != product_path else []
    product = _level(f"{root}{product_path}", name)
    product[_PRODUCT] = [{"href": product_page, "title": name}] if product_page else product[_OWN]
    return {"linkset": [*levels, product]}


def link_header(root: str, path: str, *, compressed: bool = False, in_linkset: bool = False) -> str:
    """Where the linkset of an address is; for a compressed one, what it says in full."""
    address = f"{root}{path}"
    links = [f'<{address}?linkType=linkset>; rel="linkset"; type="{Kind.LINKSET}"']
    if compressed:
        links.append(f'<{address}>; rel="owl:sameAs"')
    if in_linkset:
        links.append(f'<{CONTEXT}>; rel="{_CONTEXT_RELATION}"; type="application/ld+json"')
    return ", ".join(links)


def description(root: str, name: str | None) -> dict[str, Any]:
    """``/.well-known/gs1resolver``."""
    return {
        **({"name": name} if name else {}),
        "resolverRoot": root,
        "supportedPrimaryKeys": list(SUPPORTED_KEYS),
        "supportedLinkType": [{"namespace": VOCABULARY, "prefix": "gs1:"}],
        "linkTypeDefaultCanBeLinkset": False,
        "contextFile": CONTEXT,
    }


def _level(anchor: str, name: str) -> dict[str, Any]:
    return {
        "anchor": anchor,
        "description": name,
        _DEFAULT: [{"href": anchor, "title": name}],
        _OWN: [
            {
                "href": anchor,
                "title": name,
                "type": str(Kind.PAGE),
                "hreflang": [str(one) for one in Language],
            },
            {"href": anchor, "title": name, "type": str(Kind.JSON)},
        ],
    }
