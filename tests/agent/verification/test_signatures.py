"""What a counter proves without a network: signed labels, short codes, and other things that the brand signs."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agent.verification.proofs import NOTHING, Proof
from protocol.codes import Rules, recognise, render_digital_link, render_element_string
from protocol.codes.short import ALPHABET
from tests.agent.verification.signing_kit import (
    DAY,
    GTIN,
    KEY_ID,
    MAC_KEY,
    OTHER_GTIN,
    PRIVATE,
    TAG,
    Counter,
    Label,
    changed,
    code_key,
    code_order,
    label,
    scanned,
    token,
)

FORGER = Ed25519PrivateKey.from_private_bytes(b"\1" * 32)
ITEM = f"01{GTIN}21{token()}"


@pytest.fixture
def counter(tmp_path: Path) -> Iterator[Counter]:
    """A counter that has heard of a key and of an order of short codes."""
    made = Counter(tmp_path)
    made.hear(code_key(), code_order())
    yield made
    made.store.close()


# -- signed labels ----------------------------------------------------------------------------------------------------


def test_a_label_that_the_brand_signed_is_sound(counter: Counter) -> None:
    assert counter.signatures.prove(scanned(label())) == Proof(
        kind="sound", reason="signed by the brand on 2025-10-01", key_id=KEY_ID, day="2025-10-01"
    )


@pytest.mark.parametrize("domain", ["https://id.brand.example", "HTTPS://ID.BRAND.EXAMPLE", "http://a.b/c"])
def test_the_same_label_as_a_web_address_is_sound_whoever_serves_it(counter: Counter, domain: str) -> None:
    assert counter.signatures.prove(recognise(render_digital_link(label(), domain))).kind == "sound"


@pytest.mark.parametrize(
    "altered",
    [
        {"01": OTHER_GTIN},
        {"21": "K7Q3-yZ.9_b"},
        {"10": "LOT8"},
        {"17": "280131"},
        {"92": "A" + label()["92"][1:]},
        {"92": label()["92"][:-1] + "A"},
    ],
)
def test_a_label_that_was_altered_is_forged(counter: Counter, altered: Label) -> None:
    assert counter.proves(label() | altered) == "forged"


@pytest.mark.parametrize("left_out", ["10", "17"])
def test_a_label_whose_batch_or_date_was_left_out_is_forged(counter: Counter, left_out: str) -> None:
    assert counter.proves({ai: value for ai, value in label().items() if ai != left_out}) == "forged"


def test_a_label_signed_by_somebody_else_in_the_name_of_the_brand_is_forged(counter: Counter) -> None:
    assert counter.proves(label(FORGER)) == "forged"


def test_a_signature_moved_to_another_key_of_the_brand_is_forged(counter: Counter) -> None:
    counter.hear(code_key("K002"))  # the same key pair under another name
    assert counter.proves(label() | {"91": "K002"}) == "forged"


def test_a_tail_on_a_piece_of_the_item_is_forged(counter: Counter) -> None:
    elements = {ai: value for ai, value in label().items() if ai != "01"} | {"8006": f"{GTIN}0102"}
    assert counter.proves(elements) == "forged"


def test_a_label_without_a_signed_part_proves_nothing(counter: Counter) -> None:
    assert counter.signatures.prove(scanned({"01": GTIN, "21": "A"})) == NOTHING


def test_a_chestny_znak_label_proves_nothing_and_is_not_forged(counter: Counter) -> None:
    tail = b64encode(bytes(range(64))).decode()
    assert counter.proves({"01": OTHER_GTIN, "21": "aB3dE6g", "91": KEY_ID, "92": tail}) == "none"


# -- keys -------------------------------------------------------------------------------------------------------------


def test_a_key_that_is_not_known_here_makes_no_forgery(counter: Counter) -> None:
    assert counter.proves(label(FORGER, "NEW1")) == "unknown_key"


def test_a_key_is_known_as_soon_as_it_has_arrived(counter: Counter) -> None:
    before = counter.proves(label(FORGER, "NEW1"))
    counter.hear(code_key("NEW1", FORGER))
    assert (before, counter.proves(label(FORGER, "NEW1"))) == ("unknown_key", "sound")


@pytest.mark.parametrize(
    ("day", "kind"),
    [
        (date(2024, 12, 31), "forged"),
        (date(2025, 1, 1), "sound"),
        (date(2025, 10, 8), "sound"),
        (date(2025, 10, 9), "forged"),
    ],
)
def test_what_a_retired_key_signed_in_its_time_stays_sound(counter: Counter, day: date, kind: str) -> None:
    counter.hear(changed(code_key(), retired_on="2025-10-08"))
    assert counter.proves(label(day=day)) == kind


def test_nothing_that_a_revoked_key_ever_signed_is_sound(counter: Counter) -> None:
    before = counter.proves(label())
    counter.hear(changed(code_key(), revoked=True))
    after = [counter.proves(label(day=day)) for day in (date(2025, 1, 1), DAY)]
    assert (before, after) == ("sound", ["revoked_key", "revoked_key"])


def test_a_key_for_filters_signs_no_codes(counter: Counter) -> None:
    counter.hear(changed(code_key(), purpose="filters"))
    assert counter.proves(label()) == "forged"


@pytest.mark.parametrize("public_key", ["", "nonsense", b64encode(b"short").decode()])
def test_a_row_that_holds_no_key_proves_nothing_and_stops_nobody(counter: Counter, public_key: str) -> None:
    counter.hear(changed(code_key(), public_key=public_key))
    assert counter.proves(label()) == "forged"


# -- garbled on the way -----------------------------------------------------------------------------------------------


def test_a_label_read_with_caps_lock_on_is_unreadable_and_not_forged(counter: Counter) -> None:
    garbled = recognise(render_element_string(label()).swapcase())
    assert counter.signatures.prove(garbled) == Proof(
        kind="unreadable",
        reason="its code was garbled, capitals and small letters are swapped: is Caps Lock on?",
        key_id=KEY_ID,
    )


@pytest.mark.parametrize(("meant", "came"), [("yzYZ-_", "zyZY/?"), ("-_", "'?")])
def test_a_label_read_through_another_countrys_keys_is_unreadable_and_not_forged(
    counter: Counter, meant: str, came: str
) -> None:
    typed = render_element_string(label()).translate(str.maketrans(meant, came))
    assert counter.signatures.prove(recognise(typed)).kind == "unreadable"


@pytest.mark.parametrize("case", [str.upper, str.lower])
def test_a_label_whose_letters_all_came_in_one_case_is_unreadable(counter: Counter, case: type[str]) -> None:
    assert counter.signatures.prove(recognise(case(render_element_string(label())))).kind == "unreadable"


def test_a_forgery_that_was_garbled_too_is_forged(counter: Counter) -> None:
    garbled = recognise(render_element_string(label(FORGER)).translate(str.maketrans("yzYZ", "zyZY")))
    assert counter.signatures.prove(garbled).kind == "forged"


# -- short codes ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "raw",
    [token(), f"]d1{token()}\r\n", f"https://b.example/{token()}", f"HTTPS://B.EXAMPLE/C/{token()}?s=1"],
)
def test_a_short_code_of_a_known_order_is_its_item(counter: Counter, raw: str) -> None:
    code = counter.signatures.resolve_short(recognise(raw), raw)
    assert (code.kind, code.gtin, code.serial, code.batch, code.expiry, code.item, code.refusal) == (
        "sgtin",
        GTIN,
        token(),
        "LOT7",
        "2027-01-31",
        ITEM,
        None,
    )
    assert counter.signatures.prove(code).kind == "sound"


def test_a_short_code_that_a_pattern_announces_needs_no_raw_text(counter: Counter) -> None:
    rules = Rules(private_patterns=(r"https://b\.example/(?P<code>\w{20})",))
    code = counter.signatures.resolve_short(recognise(f"https://b.example/{token()}", rules=rules))
    assert code.item == ITEM


@pytest.mark.parametrize(
    "raw",
    [
        token(tag="X000"),  # no order of ours
        "4006381333931",
        "28" + "1" * 16,  # a payment code
        f"https://b.example/01/{GTIN}/21/{token()}",
        "https://b.example/hello",
        "",
    ],
)
def test_any_other_code_stays_as_it_was_read(counter: Counter, raw: str) -> None:
    code = recognise(raw)
    assert counter.signatures.resolve_short(code, raw) == code


def test_a_private_code_of_another_product_stays_as_it_was_read(counter: Counter) -> None:
    rules = Rules(private_patterns=(rf"B(?P<gtin>{OTHER_GTIN})/(?P<code>\w{{20}})",))
    code = recognise(f"B{OTHER_GTIN}/{token()}", rules=rules)
    assert (code.kind, counter.signatures.resolve_short(code)) == ("private", code)


def test_what_a_pattern_calls_a_member_card_is_an_item_only_by_its_mac(counter: Counter) -> None:
    member = Rules(member_patterns=(r"\w{20}",))
    wrong = token(key=b"\1" * 32)
    kinds = [
        counter.signatures.resolve_short(recognise(raw, rules=member), raw).kind for raw in (token(), wrong)
    ]
    assert kinds == ["sgtin", "member"]


def test_a_short_code_with_one_character_changed_is_forged(counter: Counter) -> None:
    raw = token()[:-1] + next(one for one in ALPHABET if one != token()[-1])
    proof = counter.signatures.prove(counter.signatures.resolve_short(recognise(raw), raw))
    assert (proof.kind, proof.reason) == (
        "forged",
        "the last characters of its code do not fit: mistyped, or not the brand's",
    )


@pytest.mark.parametrize("mac_key", [None, "", "no base64"])
def test_without_the_key_of_its_order_a_short_code_is_an_item_that_central_must_prove(
    counter: Counter, mac_key: str | None
) -> None:
    counter.hear(changed(code_order(), mac_key=mac_key))
    code = counter.signatures.resolve_short(recognise(token()), token())
    assert (code.item, counter.signatures.prove(code).kind) == (ITEM, "none")


def test_a_short_code_of_an_order_that_was_taken_back_proves_nothing(counter: Counter) -> None:
    counter.hear(changed(code_order(), revoked=True))
    code = counter.signatures.resolve_short(recognise(token()), token())
    assert counter.signatures.prove(code).kind == "revoked_key"


@pytest.mark.parametrize(
    ("elements", "kind"),
    [
        ({}, "sound"),
        ({"10": "LOT7", "17": "270131"}, "sound"),
        ({"17": "290131"}, "forged"),
        ({"10": "LOT8"}, "forged"),
        ({"01": OTHER_GTIN}, "none"),  # another maker's serial that happens to look like ours
    ],
)
def test_a_token_on_a_whole_label_is_held_against_its_order(
    counter: Counter, elements: Label, kind: str
) -> None:
    assert counter.proves({"01": GTIN, "21": token()} | elements) == kind


# -- other things -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("key_id", "purpose", "day", "data", "good"),
    [
        (KEY_ID, "codes", DAY, b"data", True),
        (KEY_ID, "filters", DAY, b"data", False),
        (KEY_ID, "codes", date(2024, 12, 31), b"data", False),
        (KEY_ID, "codes", DAY, b"other", False),
        ("NONE", "codes", DAY, b"data", False),
    ],
)
def test_a_signature_verifies_for_its_key_its_purpose_its_time_and_its_data(
    counter: Counter, key_id: str, purpose: str, day: date, data: bytes, good: bool
) -> None:
    assert counter.signatures.verifies(key_id, data, PRIVATE.sign(b"data"), purpose, day) is good


def test_a_revoked_key_verifies_nothing(counter: Counter) -> None:
    counter.hear(changed(code_key(), revoked=True))
    assert not counter.signatures.verifies(KEY_ID, b"data", PRIVATE.sign(b"data"), "codes", DAY)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.binary()
    | st.builds(
        lambda at, what: render_element_string(label()).encode()[:at] + what, st.integers(0, 160), st.binary()
    )
    | st.text(ALPHABET, min_size=16, max_size=16).map(lambda rest: f"{TAG}{rest}".encode())
)
def test_any_scan_is_resolved_and_proven_one_way_or_the_other(counter: Counter, raw: bytes) -> None:
    code = counter.signatures.resolve_short(recognise(raw), raw)
    proof = counter.signatures.prove(code)
    assert proof.kind in ("none", "forged", "unknown_key", "unreadable", "sound")
    assert code.serial is None or code.serial not in proof.reason or len(code.serial) < 8


def test_the_key_of_an_order_stands_in_no_proof(counter: Counter) -> None:
    shown = repr(counter.signatures.prove(counter.signatures.resolve_short(recognise(token()), token())))
    assert b64encode(MAC_KEY).decode() not in shown
