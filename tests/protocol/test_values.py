"""Chains, topics, events, feeds: the values that both sides share."""

from __future__ import annotations

from decimal import Decimal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol import chain, feeds, topics
from protocol.errors import Malformed
from protocol.events import EVENT_LIMIT_BYTES, Event, Moment, Sale, SaleLine, decode_event, encode_event

AT = Moment(event_time_us=1_510_000_000_000_000, record_time_us=1, monotonic_us=2, boot_id="boot")


def sale(lines: int = 1, quantity: str = "1.250") -> Event:
    line = SaleLine(gtin="04006381333931", quantity=Decimal(quantity), amount_minor=499, discount_minor=1)
    return Event(at=AT, body=Sale(sale_id="s", receipt="1-000001", currency="EUR", lines=(line,) * lines))


def test_an_event_comes_out_of_the_journal_as_it_went_in() -> None:
    assert decode_event(encode_event(sale())) == sale()


@given(st.decimals(allow_nan=False, allow_infinity=False))
def test_a_quantity_keeps_every_place(quantity: Decimal) -> None:
    body = decode_event(encode_event(sale(quantity=str(quantity)))).body
    assert isinstance(body, Sale)
    assert str(body.lines[0].quantity) == str(quantity)


def test_a_field_of_a_later_version_is_ignored_in_an_event() -> None:
    raw = msgspec.msgpack.decode(encode_event(sale()))
    raw["body"]["mood"] = "good"
    assert decode_event(msgspec.msgpack.encode(raw)) == sale()


def test_an_event_of_an_unknown_kind_is_refused_with_the_path() -> None:
    raw = msgspec.msgpack.decode(encode_event(sale()))
    raw["body"]["type"] = "haggle"
    with pytest.raises(Malformed, match=r"haggle.*\$\.body\.type"):
        decode_event(msgspec.msgpack.encode(raw))


def test_a_receipt_that_no_message_could_carry_is_refused_before_it_is_recorded() -> None:
    with pytest.raises(Malformed, match=f"expected at most {EVENT_LIMIT_BYTES}"):
        encode_event(sale(lines=5_000))


@given(st.binary(max_size=80))
def test_no_bytes_bring_the_event_decoder_down(data: bytes) -> None:
    with pytest.raises(Malformed):
        decode_event(b"\xc1" + data)


@given(st.lists(st.binary(max_size=8), min_size=1, max_size=8), st.data())
def test_any_changed_row_changes_every_hash_after_it(bodies: list[bytes], data: st.DataObject) -> None:
    start = chain.genesis("a", "e")
    changed = data.draw(st.integers(0, len(bodies) - 1))
    others = [body + b"!" if i == changed else body for i, body in enumerate(bodies)]
    before, after = chain.links(start, 1, bodies), chain.links(start, 1, others)
    assert [x == y for x, y in zip(before, after, strict=True)] == [i < changed for i in range(len(bodies))]


def test_a_row_is_the_same_fact_in_whatever_epoch_it_stands() -> None:
    assert chain.fact_id(b"a sale") == chain.fact_id(b"a sale")
    assert len(chain.fact_id(b"a sale")) == 16


def test_epochs_of_one_agent_begin_differently() -> None:
    parent = chain.link(chain.genesis("a", "e1"), 1, b"x")
    starts = {
        chain.genesis("a", "e1"),
        chain.genesis("b", "e1"),
        chain.genesis("a", "e2"),
        chain.genesis("a", "e2", parent),
    }
    assert len(starts) == 4


@pytest.mark.parametrize("channel", topics.CHANNELS)
def test_a_topic_is_read_as_it_was_written(channel: topics.Channel) -> None:
    assert topics.parse(topics.topic(channel, "till-1")) == (channel, "till-1")


@pytest.mark.parametrize("agent", ["", "+", "#", "a/b", "-a", "a b", "ü", "x" * 64, "a\n"])
def test_an_agent_that_could_read_others_topics_has_no_topic(agent: str) -> None:
    with pytest.raises(Malformed, match="agent id"):
        topics.topic("up", agent)


@pytest.mark.parametrize(
    "name",
    [
        "",
        "countermark/1/up",
        "countermark/1/up/",
        "countermark/1/side/a",
        "x/countermark/1/up/a",
        "countermark/2/up/a",
    ],
)
def test_a_foreign_topic_is_not_read(name: str) -> None:
    with pytest.raises(Malformed, match="expected countermark/1"):
        topics.parse(name)


def test_filters_match_one_channel_of_all_agents() -> None:
    assert (topics.every("up"), topics.shared("up", "central")) == (
        "countermark/1/up/+",
        "$share/central/countermark/1/up/+",
    )


@given(st.dictionaries(st.text(max_size=4), st.binary(max_size=6), max_size=6))
def test_a_digest_does_not_depend_on_the_order_of_the_rows(rows: dict[str, bytes]) -> None:
    order = list(rows.items())
    forwards = backwards = 0
    for key, body in order:
        forwards = feeds.digest_after(forwards, 0, feeds.row_digest(key, body))
    for key, body in reversed(order):
        backwards = feeds.digest_after(backwards, 0, feeds.row_digest(key, body))
    assert forwards == backwards


def test_a_row_that_came_and_went_leaves_no_trace_in_the_digest() -> None:
    there = feeds.row_digest("a", b"{}")
    assert feeds.digest_after(feeds.digest_after(7, 0, there), there, feeds.row_digest("a", None)) == 7
