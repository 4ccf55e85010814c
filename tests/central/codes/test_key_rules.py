"""The life of a key that signs: who signs on which day, and which decisions are refused."""

from __future__ import annotations

from base64 import b64decode
from datetime import UTC, date, datetime, timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from central.codes.key_rules import (
    Key,
    KeyState,
    Refused,
    active,
    feed_row,
    retirements,
    why_not_begin,
    why_not_retire,
    why_not_revoke,
)
from protocol.feeds import CodeKey

TODAY = date(2026, 9, 21)
DAY = timedelta(days=1)


def key(
    key_id: str = "K001",
    valid_from: date = TODAY - 10 * DAY,
    retired_on: date | None = None,
    *,
    revoked: bool = False,
    purpose: str = "codes",
) -> Key:
    return Key(
        key_id=key_id,
        purpose=purpose,
        public_key=bytes(32),
        valid_from=valid_from,
        created_at=datetime(2026, 9, 1, tzinfo=UTC),
        retired_on=retired_on,
        revoked_at=datetime(2026, 9, 20, tzinfo=UTC) if revoked else None,
        reason="lost" if revoked else None,
    )


# -- who signs --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("one", "state"),
    [
        (key(valid_from=TODAY + DAY), KeyState.WAITING),
        (key(valid_from=TODAY), KeyState.ACTIVE),
        (key(retired_on=TODAY), KeyState.ACTIVE),
        (key(retired_on=TODAY - DAY), KeyState.RETIRED),
        (key(retired_on=TODAY - DAY, revoked=True), KeyState.REVOKED),
        (key(valid_from=TODAY + DAY, revoked=True), KeyState.REVOKED),
    ],
)
def test_the_first_and_the_last_day_of_a_key_belong_to_it(one: Key, state: KeyState) -> None:
    assert one.state(TODAY) is state


def test_the_newest_active_key_of_the_purpose_signs() -> None:
    old, new = key("K001"), key("K002", TODAY - DAY)
    filters, waiting = key("K003", TODAY, purpose="filters"), key("K004", TODAY + DAY)
    assert active([old, new, filters, waiting], "codes", TODAY) == new


def test_of_two_keys_of_one_day_the_one_that_stays_signs() -> None:
    stays, goes = key("K001", TODAY), key("K002", TODAY, TODAY)
    assert active([stays, goes], "codes", TODAY) == stays


@pytest.mark.parametrize(
    "keys", [[], [key(revoked=True)], [key(retired_on=TODAY - DAY)], [key(purpose="filters")]]
)
def test_without_an_active_key_nobody_signs(keys: list[Key]) -> None:
    assert active(keys, "codes", TODAY) is None


# -- rotating ---------------------------------------------------------------------------------------------------------


def test_the_old_key_retires_the_day_before_the_new_one_begins() -> None:
    assert retirements([key()], "codes", TODAY + 7 * DAY, TODAY) == {"K001": TODAY + 6 * DAY}


def test_the_old_key_signs_on_the_day_on_which_the_new_one_takes_over_at_once() -> None:
    assert retirements([key()], "codes", TODAY, TODAY) == {"K001": TODAY}


def test_only_open_keys_of_the_same_purpose_retire() -> None:
    keys = [key("K001", revoked=True), key("K002", retired_on=TODAY - DAY), key("K003", purpose="filters")]
    assert retirements(keys, "codes", TODAY, TODAY) == {}


def test_a_key_that_waits_already_stands_in_the_way_of_another() -> None:
    refused = retirements([key("K009", TODAY + 5 * DAY)], "codes", TODAY + 5 * DAY, TODAY)
    assert refused == Refused(
        "key K009 is to take over on 2026-09-26 already; revoke it first, or choose a later day"
    )


@given(st.integers(0, 30), st.lists(st.tuples(st.integers(-30, 30), st.booleans()), max_size=5))
def test_after_every_rotation_the_new_key_signs_and_no_day_before_it_lost_its_signer(
    begins: int, others: list[tuple[int, bool]]
) -> None:
    keys = [key(f"K{n:03}", TODAY + day * DAY, revoked=revoked) for n, (day, revoked) in enumerate(others)]
    first_day = TODAY + begins * DAY
    retiring = retirements(keys, "codes", first_day, TODAY)
    if isinstance(retiring, Refused):
        return
    new = key("NEW1", first_day)
    after = [msgspec.structs.replace(one, retired_on=retiring.get(one.key_id)) for one in keys]
    assert active([*after, new], "codes", first_day) == new
    for ahead in range(begins):
        day = TODAY + ahead * DAY
        before = active(keys, "codes", day)
        now = active([*after, new], "codes", day)
        assert (before and before.key_id) == (now and now.key_id)


def test_a_key_cannot_have_begun_before_it_was_there() -> None:
    assert why_not_begin(TODAY, TODAY) is None
    assert why_not_begin(TODAY - DAY, TODAY) == Refused(
        "a new key cannot begin on 2026-09-20: expected 2026-09-21 or later"
    )


# -- retiring and revoking --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("one", "last_day", "reason"),
    [
        (key(), TODAY - DAY, "what it has signed since then would be called forged"),
        (key(retired_on=TODAY + DAY), TODAY, "retired already, with 2026-09-22 as its last day"),
        (key(revoked=True), TODAY, "is revoked, on 2026-09-20"),
        (key(valid_from=TODAY + 2 * DAY), TODAY + DAY, "it begins on 2026-09-23"),
    ],
)
def test_a_key_is_not_retired_where_that_would_undo_what_was_said(
    one: Key, last_day: date, reason: str
) -> None:
    refused = why_not_retire(one, last_day, TODAY)
    assert refused is not None
    assert reason in refused.reason


def test_an_active_key_may_retire_today_or_later() -> None:
    assert [why_not_retire(key(), TODAY + days * DAY, TODAY) for days in (0, 30)] == [None, None]


@pytest.mark.parametrize("reason", [None, "", "  "])
def test_a_key_is_not_revoked_without_a_reason(reason: str | None) -> None:
    assert why_not_revoke(key(), reason) == Refused("key K001: expected a reason for which it is revoked")


def test_a_key_is_revoked_once() -> None:
    assert why_not_revoke(key(), "stolen") is None
    assert why_not_revoke(key(revoked=True), "stolen") == Refused(
        "key K001 is revoked already, on 2026-09-20: lost"
    )


# -- what agents get --------------------------------------------------------------------------------------------------


def test_agents_get_the_public_half_and_the_days() -> None:
    key_id, body = feed_row(key(retired_on=TODAY, revoked=True))
    row = msgspec.json.decode(body, type=CodeKey)
    assert row == CodeKey(
        key_id=key_id,
        public_key=row.public_key,
        purpose="codes",
        valid_from="2026-09-11",
        retired_on="2026-09-21",
        revoked=True,
    )
    assert b64decode(row.public_key) == bytes(32)
