"""Who may allow what a clerk may not: by card, by PIN, and nobody else."""

from __future__ import annotations

import pytest

from agent.clock import ManualClock
from agent.till import pins
from agent.till.pins import BadPin, fits, hash_pin, is_pin_hash
from agent.till.rules import NotAllowed
from agent.till.supervisors import LOCKED_US, TRIES_LIMIT, Supervisor, Supervisors
from agent.verification.reader import Reader
from protocol.codes import Code, Rules, render_control

KEY = b"0123456789abcdef"


class NoShortCodes:
    """Nothing is a short code here."""

    def resolve_short(self, code: Code, raw: bytes | str | None = None) -> Code:
        return code


@pytest.fixture(scope="module")
def hashes() -> dict[str, str]:
    return {pin: hash_pin(pin) for pin in ("4711", "123456")}


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def supervisors(hashes: dict[str, str], clock: ManualClock, reader: Reader) -> Supervisors:
    known = [
        Supervisor("Ann Li", card="ANN", pin_hash=hashes["4711"]),
        Supervisor("李雷", card="LEI"),
        Supervisor("Bob", pin_hash=hashes["123456"]),
    ]
    return Supervisors(known, reader, clock)


@pytest.fixture
def reader() -> Reader:
    return Reader(Rules(control_keys=(KEY,)), NoShortCodes())


def key(outcome: str | NotAllowed) -> str:
    assert isinstance(outcome, NotAllowed), outcome
    return outcome.key


def test_a_pin_names_its_owner(supervisors: Supervisors) -> None:
    assert [supervisors.by(pin) for pin in ("4711", "123456")] == ["Ann Li", "Bob"]


def test_a_card_names_its_owner(supervisors: Supervisors) -> None:
    assert supervisors.by(render_control("SUPERVISOR", "LEI", KEY)) == "李雷"


@pytest.mark.parametrize(
    "shown",
    ["", "0000", "4711 ", "CTRL.1.SUPERVISOR.ANN.00000000000000000000", render_control("SUPERVISOR", "EVE", KEY),
     render_control("SUPERVISOR", "", KEY), render_control("CLERK", "ANN", KEY), render_control("SUPERVISOR", "ANN", b"f" * 16)],
)  # fmt: skip
def test_nobody_else_authorises_anything(supervisors: Supervisors, shown: str) -> None:
    assert key(supervisors.by(shown)) == "not_authorised"


def test_where_nobody_is_named_nobody_authorises(reader: Reader, clock: ManualClock) -> None:
    nobody = Supervisors([], reader, clock)
    assert (nobody.is_any, key(nobody.by("4711"))) == (False, "not_authorised")


def test_after_five_wrong_pins_none_is_looked_at_for_a_minute(
    supervisors: Supervisors, clock: ManualClock
) -> None:
    tried = [key(supervisors.by(f"000{number}")) for number in range(TRIES_LIMIT)]
    assert tried == ["not_authorised"] * TRIES_LIMIT
    assert key(supervisors.by("4711")) == "too_many_tries"
    clock.step_wall(10 * LOCKED_US)  # setting the clock does not help
    assert key(supervisors.by("4711")) == "too_many_tries"
    clock.advance(LOCKED_US)
    assert supervisors.by("4711") == "Ann Li"


def test_a_right_pin_forgives_the_wrong_ones_before_it(supervisors: Supervisors) -> None:
    for _ in range(2):
        for number in range(TRIES_LIMIT - 1):
            supervisors.by(f"000{number}")
        assert supervisors.by("4711") == "Ann Li"


def test_a_card_works_while_pins_are_locked(supervisors: Supervisors) -> None:
    for number in range(TRIES_LIMIT):
        supervisors.by(f"000{number}")
    assert supervisors.by(render_control("SUPERVISOR", "ANN", KEY)) == "Ann Li"


def test_the_same_pin_is_never_hashed_alike(hashes: dict[str, str]) -> None:
    again = hash_pin("4711")
    assert (again != hashes["4711"], fits("4711", again), fits("4712", again)) == (True, True, False)


@pytest.mark.parametrize("pin", ["", "123", "12a4", "１２３４", "1" * 33, "12 4"])
def test_what_is_no_pin_is_told(pin: str) -> None:
    with pytest.raises(BadPin, match="expected 4 to 32 digits"):
        hash_pin(pin)


@pytest.mark.parametrize(
    "written", ["", "4711", "scrypt$14$x$y", "scrypt$99$" + "A" * 22 + "==$" + "A" * 43 + "="]
)
def test_what_is_no_hash_fits_nothing(written: str) -> None:
    assert (is_pin_hash(written), pins.fits("4711", written)) == (False, False)
