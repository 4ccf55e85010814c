"""Fuzzes the recogniser: real labels, cut, doubled and garbled. From the project's root:

    python -m tests.protocol.codes.fuzz 1000000

Prints every input that raised or broke a promise, and exits with 1 where there was one.
"""

from __future__ import annotations

import random
import sys

from protocol.codes import Code, InStoreLayout, Rules, recognise, render_control
from protocol.codes.short import short_in_scan
from protocol.codes.signed import misreadings, read_tail

RULES = Rules(
    in_store=(InStoreLayout(layout="21IIIIIPPPPPC"), InStoreLayout(layout="22IIIIIPPPPPWWWWWC")),
    private_patterns=(r"https://b\.example/(?P<code>[A-Za-z0-9]{8,12})", r"B(?P<gtin>\d+)-(?P<serial>\w+)"),
    member_patterns=(r"VIP:(?P<code>\d{6})",),
    control_keys=(b"0123456789abcdef",),
    serial_limits={"0400638": 8},
)
SEEDS = tuple(
    seed.encode()
    for seed in (
        "4006381333931",
        "01234565",
        "]E3977147396801205",
        "2112345006789",
        "221234501250005004",
        "281234567890123456",
        "340123450000000017",
        "81234567890123456789",
        "]d20104912345123459211726ABC\x1d1726123110LOT7\x1d91EE06\x1d92mZ3xY0ab+/=",
        "]C10010614141234567890802049123451234593725",
        "010491234512345921ABC1231726123110LOT7",
        "]d2010491234512345931030012503922125021A",
        "]Q380060491234512345901018003004965031954585",
        "(01)04912345123459(21)A(1)(10)B",
        "HTTPS://ID.GS1.ORG/01/04912345123459/22/V/10/B/21/A%2Fb?17=261231&3103=001250&x=%E4%B8%AD#f",
        "https://id.gs1.org/AQnYUc1gmiCNV4JGQhcNT6K6cibQCWN9Pee9tT-PQ",
        "https://id.gs1.org/01/05412345000013/EEarwSMhC4an0V04?17=261231",
        "https://b.example/AbCd1234",
        f"]d201049123451234592126ABK7Q3\x1d1726123191K7Q3\x1d92{'Ab9_-z' * 14}Q7x3",
        "https://b.example/K7Q30000000000G6W4R2",
        "B4006381333931-S1",
        "VIP:123456",
        render_control("CLERK", "0042", RULES.control_keys[0]),
    )
)
_ALPHABET = b"0123456789]()/:.%?&=<>-_ \x1d\r\nACGLNRTabdegz\xff\x00"


def fuzz(count: int, seed: int) -> list[str]:
    """What went wrong in `count` inputs, one line each; the same seed gives the same inputs."""
    chance = random.Random(seed)
    faults = []
    for _ in range(count):
        raw = _garbled(chance)
        try:
            code = recognise(raw, rules=RULES)
            broken = _broken_promise(code) or _broken_proof(raw, code)
        except Exception as error:  # noqa: BLE001 - a fuzzer is there to find whatever is raised
            broken = repr(error)
        if broken:
            faults.append(f"{raw!r}: {broken}")
    return faults


def _garbled(chance: random.Random) -> bytes:
    if chance.random() < 0.1:
        return bytes(chance.choices(_ALPHABET, k=chance.randrange(60)))
    label = bytearray(chance.choice(SEEDS))
    for _ in range(chance.randrange(4)):
        at = chance.randrange(len(label) + 1)
        match chance.randrange(5):
            case 0:
                label[at : at + chance.randrange(6)] = b""
            case 1:
                label[at:at] = bytes(chance.choices(_ALPHABET, k=chance.randrange(1, 5)))
            case 2:
                label[at:at] = label[at : at + chance.randrange(30)]
            case 3:
                label[at : at + 1] = bytes([chance.randrange(256)])
            case _:
                label += chance.choice(SEEDS)[: chance.randrange(60)]
    return bytes(label)


def _broken_promise(code: Code) -> str | None:
    if code.refusal:
        kept = (code.gtin, code.sscc, code.item, code.serial, code.batch, code.attributes or None)
        return None if code.refusal_cause and kept == (None,) * 6 else f"believed in part: {code}"
    if code.kind in ("unknown", "payment_code"):
        return f"no refusal: {code}"
    if code.gtin is not None and not (code.gtin.isdigit() and len(code.gtin) == 14 and int(code.gtin)):
        return f"no GTIN: {code}"
    return None


def _broken_proof(raw: bytes, code: Code) -> str | None:
    """The same of the signed part and the short code: a value or nothing, and only where the label is believed."""
    tails = [read_tail(one) for one in (code, *(meant for meant, _ in misreadings(code)))]
    short = short_in_scan(raw)
    if code.refusal and any(tails):
        return f"a signed part of a label that is not believed: {code}"
    return f"a token in digits: {short}" if short and short.token.isdigit() else None


def main() -> int:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    faults = fuzz(count, seed=count)
    sys.stdout.write("".join(f"{line}\n" for line in faults) + f"{count} inputs, {len(faults)} faults\n")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
