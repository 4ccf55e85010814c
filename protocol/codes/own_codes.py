"""Codes that this system or its brand made: control codes, private codes, member cards."""

from __future__ import annotations

import hmac
import re

from protocol.codes import check_digits
from protocol.codes.code import Code, Refusal, RenderError
from protocol.codes.rules import Rules

CONTROL_PREFIX = "CTRL.1."
"""`CTRL.1.UNDO..<tag>`: format and version, command, argument, tag. Only letters, digits and full stops: keys
that stand where they stand on most keyboards. A tag is hexadecimal, so without the Y and Z that layouts swap."""

_CONTROL = re.compile(
    r"(CTRL\.1\.(?P<command>[A-Z0-9]{1,20})\.(?P<argument>[A-Z0-9-]{0,40}))\.(?P<tag>[0-9A-F]{20})"
)
_TAG_CHARACTERS = 20  # 80 bits: beyond what anyone can try at a counter, and still a short barcode


def read_control(text: str, rules: Rules) -> Code | Refusal:
    """A command to the till (mode, clerk, undo). Believed only with a tag made with one of our keys."""
    match = _CONTROL.fullmatch(text)
    if not match:
        return Refusal(
            "bad_value", "a control code that is not whole: expected CTRL.1.COMMAND.ARGUMENT.TAG", "control"
        )
    if not any(hmac.compare_digest(match["tag"], _tag(match[1], key)) for key in rules.control_keys):
        return Refusal(
            "signature",
            "the signature of this control code is wrong, or its key is not known here",
            "control",
        )
    attributes = {"command": match["command"]}
    if match["argument"]:
        attributes["argument"] = match["argument"]
    return Code(kind="control", attributes=attributes)


def render_control(command: str, argument: str, key: bytes) -> str:
    """A control code to print. `argument` may be empty; both are capitals and digits, `argument` with `-` too."""
    body = f"{CONTROL_PREFIX}{command}.{argument}"
    code = f"{body}.{_tag(body, key)}"
    if not _CONTROL.fullmatch(code):
        raise RenderError(
            f"control code {body!r}: expected up to 20 of A-Z and 0-9, then up to 40 of those and '-'"
        )
    return code


def _tag(body: str, key: bytes) -> str:
    return hmac.digest(key, body.encode(), "sha256").hex().upper()[:_TAG_CHARACTERS]


def read_by_pattern(text: str, rules: Rules) -> Code | Refusal | None:
    """A private code or a member card by the configured patterns; None where none fits.

    Scheme and host of a web address mean the same in capitals, so such a text may fit in small letters there.
    """
    for pattern in rules.private_patterns:
        if match := _match(pattern, text):
            return _private(match)
    for pattern in rules.member_patterns:
        if match := _match(pattern, text):
            return Code(kind="member", attributes={"member": _group(match, "code") or match[0]})
    return None


def _match(pattern: str, text: str) -> re.Match[str] | None:
    scheme, slashes, rest = text.partition("://")
    host, slash, path = rest.partition("/")
    plain = f"{scheme.lower()}://{host.lower()}{slash}{path}" if slashes else text
    return re.fullmatch(pattern, text) or re.fullmatch(pattern, plain)


def _private(match: re.Match[str]) -> Code | Refusal:
    gtin = _group(match, "gtin")
    if gtin is not None:
        if not (gtin.isdigit() and len(gtin) <= 14 and gtin.strip("0")):
            return Refusal("bad_value", "the product number in a private code is no GTIN", "private")
        if not check_digits.has_check_digit(gtin):
            return Refusal("check_digit", f"the product number's {check_digits.fault(gtin)}", "private")
    return Code(
        kind="private",
        gtin=gtin.zfill(14) if gtin else None,
        serial=_group(match, "serial"),
        batch=_group(match, "batch"),
        item=f"private:{_group(match, 'code') or match[0]}",
    )


def _group(match: re.Match[str], name: str) -> str | None:
    return match.groupdict().get(name)
