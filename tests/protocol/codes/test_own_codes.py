"""Codes of a brand, of this system and of others that a counter meets: private, member, control, payment, trace."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.codes import Code, RenderError, Rules, RulesError, recognise, render_control

KEY, OLD_KEY = b"0123456789abcdef", b"fedcba9876543210"
RULES = Rules(
    private_patterns=(
        r"https://b\.example/(?P<code>[A-Za-z0-9]{8,12})",
        r"B(?P<gtin>\d+)-(?P<serial>\w+)(?:-(?P<batch>\w+))?",
    ),
    member_patterns=(r"29\d{11}", r"VIP:(?P<code>\d{6})"),
    control_keys=(KEY, OLD_KEY),
)


def test_a_private_code_is_what_the_pattern_says_counts() -> None:
    assert recognise("https://b.example/AbCd1234", rules=RULES) == Code(
        kind="private", item="private:AbCd1234"
    )


def test_a_private_address_in_capitals_is_the_same_but_for_the_case_of_its_code() -> None:
    assert recognise("]Q1HTTPS://B.EXAMPLE/AbCd1234", rules=RULES).item == "private:AbCd1234"


def test_a_private_code_may_name_product_serial_and_batch() -> None:
    assert recognise("B4006381333931-S1-L2", rules=RULES) == Code(
        kind="private", gtin="04006381333931", serial="S1", batch="L2", item="private:B4006381333931-S1-L2"
    )


@pytest.mark.parametrize(
    ("scan", "cause"),
    [("B4006381333932-S1", "check_digit"), ("B0-S1", "bad_value"), ("B040063813339310-S1", "bad_value")],
)
def test_a_wrong_product_number_in_a_private_code_is_refused(scan: str, cause: str) -> None:
    code = recognise(scan, rules=RULES)
    assert (code.kind, code.item, code.refusal_cause) == ("private", None, cause)


def test_a_private_code_is_unknown_to_who_has_no_pattern_for_it() -> None:
    assert recognise("B4006381333931-S1").refusal_cause == "not_recognised"


def test_a_member_card_is_no_item() -> None:
    assert recognise("VIP:123456", rules=RULES) == Code(kind="member", attributes={"member": "123456"})


@pytest.mark.parametrize("scan", ["2912345678906", "]E02912345678906"])
def test_a_member_card_may_be_an_ean_13_of_the_shop(scan: str) -> None:
    assert recognise(scan, rules=RULES).attributes == {"member": "2912345678906"}


def test_gs1_data_speaks_for_itself_whatever_the_patterns_say() -> None:
    rules = Rules(private_patterns=(".*",))
    assert recognise("]d2010491234512345921A", rules=rules).kind == "sgtin"


def test_patterns_do_not_hide_other_codes() -> None:
    assert recognise("4006381333931", rules=RULES).kind == "gtin"


@pytest.mark.parametrize(("command", "argument"), [("UNDO", ""), ("CLERK", "0042"), ("MODE", "RETURN-1")])
def test_a_control_code_that_we_signed_is_a_command(command: str, argument: str) -> None:
    code = recognise(render_control(command, argument, KEY), rules=RULES)
    attributes = {"command": command, "argument": argument} if argument else {"command": command}
    assert code == Code(kind="control", attributes=attributes)


def test_a_control_code_signed_with_the_key_before_still_counts() -> None:
    assert recognise(render_control("UNDO", "", OLD_KEY), rules=RULES).refusal is None


@pytest.mark.parametrize(
    "forged",
    [
        render_control("UNDO", "", b"another key, 16+"),
        render_control("CLERK", "0042", KEY).replace("0042", "0001"),
        render_control("UNDO", "", KEY)[:-1] + "G",
        render_control("UNDO", "", KEY)[:-1],
        "CTRL.1.UNDO",
    ],
)
def test_a_control_code_that_a_customer_could_print_is_refused(forged: str) -> None:
    code = recognise(forged, rules=RULES)
    assert (code.kind, code.attributes) == ("control", {})
    assert code.refusal_cause in ("signature", "bad_value")


def test_no_control_code_counts_without_a_key() -> None:
    assert recognise(render_control("UNDO", "", KEY)).refusal_cause == "signature"


@pytest.mark.parametrize(("command", "argument"), [("undo", ""), ("", ""), ("UNDO", "a.b"), ("A" * 21, "")])
def test_a_control_code_that_would_not_read_back_is_not_rendered(command: str, argument: str) -> None:
    with pytest.raises(RenderError, match="expected up to 20 of A-Z"):
        render_control(command, argument, KEY)


@pytest.mark.parametrize(
    ("rules", "reason"),
    [
        ({"private_patterns": ["("]}, "is no regular expression"),
        ({"member_patterns": ["["]}, "is no regular expression"),
        ({"control_keys": ["c2hvcnQ="]}, "16 bytes or more, got 5"),
        ({"unknown": 1}, "unknown"),
    ],
)
def test_rules_that_cannot_be_applied_are_refused_when_they_are_read(
    rules: dict[str, object], reason: str
) -> None:
    with pytest.raises((RulesError, msgspec.ValidationError), match=reason):
        msgspec.convert(rules, Rules)


PAYMENT = Code(
    kind="payment_code",
    refusal="a phone's payment code: nothing of it is kept; pay at the till's own reader",
    refusal_cause="payment_code",
)


@pytest.mark.parametrize(
    "digits",
    [
        "134567890123456789",
        "281234567890123456",
        "2812345678901234",
        "301234567890123456789012",
        "6212345678901234567",
    ],
)
def test_a_phones_payment_code_is_refused_and_forgotten(digits: str) -> None:
    assert recognise(digits) == PAYMENT


@pytest.mark.parametrize("mark", ["]C0", "]Q1", "]Q0", "]I0"])
def test_a_phones_payment_code_is_refused_in_any_symbology_a_phone_shows(mark: str) -> None:
    assert msgspec.structs.replace(recognise(f"{mark}281234567890123456"), symbology=None) == PAYMENT


@given(
    st.from_regex(r"\A(1[0-5][0-9]{16}|(2[5-9]|30)[0-9]{14,22})\Z"),
    st.sampled_from(("", "]C0", "]Q1", "\x1d")),
)
def test_no_part_of_a_payment_code_is_anywhere_in_what_is_returned(digits: str, mark: str) -> None:
    rules = Rules(private_patterns=(r"\d+",), member_patterns=(".*",), drug_trace_prefixes=("2",))
    returned = msgspec.json.encode(recognise(mark + digits, rules=rules)).decode()
    assert not any(digits[at : at + 6] in returned for at in range(len(digits) - 5))


def test_18_digits_that_no_wallet_shows_are_an_sscc_with_a_warning() -> None:
    assert recognise("340123450000000017") == Code(
        kind="sscc",
        sscc="340123450000000017",
        item="00340123450000000017",
        warnings=("18 digits without (00), read as an SSCC",),
    )


def test_an_sscc_that_a_wallet_could_show_counts_only_with_its_identifier() -> None:
    assert recognise("106141412345678908") == PAYMENT
    assert recognise("00106141412345678908").sscc == "106141412345678908"


@pytest.mark.parametrize("digits", ["340123450000000018", "0" * 17 + "1"])
def test_18_digits_with_a_wrong_check_digit_are_refused(digits: str) -> None:
    assert recognise(digits).refusal_cause == "check_digit"


def test_18_zeros_are_refused() -> None:
    assert recognise("0" * 18).refusal_cause == "all_zero"


@pytest.mark.parametrize("mark", ["", "]C0", "]d1", "]Q1"])
def test_a_chinese_drug_trace_code_is_one_item(mark: str) -> None:
    assert recognise(f"{mark}81234567890123456789").item == "drug:81234567890123456789"


def test_20_digits_with_another_beginning_are_no_trace_code() -> None:
    assert recognise("71234567890123456789").refusal_cause == "not_recognised"


def test_the_beginnings_of_trace_codes_can_be_configured() -> None:
    rules = Rules(drug_trace_prefixes=("7",))
    assert recognise("71234567890123456789", rules=rules).kind == "drug_trace_code"


def test_20_digits_that_begin_with_00_are_an_sscc() -> None:
    assert recognise("00106141412345678908").kind == "sscc"


def test_20_digits_that_begin_with_01_are_an_item() -> None:
    assert recognise("01049123451234592112").item == "01049123451234592112"
