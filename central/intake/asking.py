"""Questions of agents: feed pulls, what central knows of an item, rows that they have lost. None changes a fact.

Questions about items come from a customer's pocket: somebody waits for each. Those that wait together are answered in one transaction, and
before anything else; every other question is a short transaction of its own.
"""

from __future__ import annotations

from collections.abc import Sequence

from central import feeds
from central.database import Connection
from central.despatches import destinations
from central.feeds import stock
from central.intake.letters import Letter, fault_of_rows_asked
from central.items import answers as items
from central.items.signals import Watch
from central.journals import storage as journals
from central.journals.rules import AgentHere
from central.shifts import limits
from protocol.codec import decode
from protocol.errors import ProtocolError
from protocol.feeds import Feed, body_encoder
from protocol.messages import (
    DownMessage,
    FeedChunk,
    FeedPull,
    Held,
    ItemAnswered,
    ItemAsked,
    RowsAnswered,
    RowsAsked,
)

PULL_LIMIT_ROWS = 10_000
ROWS_LIMIT = 500
ROWS_LIMIT_BYTES = 100_000
"""Bodies in one answer: what fits a frame, compressible or not. A single one always does."""
_SINCE_LIMIT = 1 << 62
_UNWATCHED = Watch()
_NOT_OURS = Held(cause="this agent is not enrolled here, or is revoked; enrol it again, its journal is kept")


def sorted_out(letters: Sequence[Letter]) -> tuple[list[tuple[Letter, ItemAsked]], list[Letter]]:
    """The questions about items, and all other letters."""
    about_items: list[tuple[Letter, ItemAsked]] = []
    others: list[Letter] = []
    for letter in letters:
        try:
            message = decode(letter.frame).message
        except ProtocolError:
            message = None  # told where letters are answered one by one
        if isinstance(message, ItemAsked):
            about_items.append((letter, message))
        else:
            others.append(letter)
    return about_items, others


def answer_items(
    connection: Connection, asked: Sequence[tuple[Letter, ItemAsked]], watch: Watch = _UNWATCHED
) -> list[tuple[str, DownMessage]]:
    """(agent, answer) to questions about items."""
    here = journals.agents_of(connection, sorted({letter.agent for letter, _ in asked}))
    return [
        (letter.agent, _item(connection, here.get(letter.agent), message, watch)) for letter, message in asked
    ]


def answer_ask(connection: Connection, letter: Letter, watch: Watch = _UNWATCHED) -> DownMessage:
    """The answer to a letter of the ``ask`` channel. An agent names a feed, never a site: which site is its own is known here."""
    here = journals.agents_of(connection, [letter.agent]).get(letter.agent)
    if here is None or here.revoked:
        return _NOT_OURS
    try:
        message = decode(letter.frame).message
    except ProtocolError as error:
        return Held(cause=str(error))
    match message:
        case FeedPull():
            return _pull(connection, here, message)
        case ItemAsked():
            return _item(connection, here, message, watch)
        case RowsAsked():
            fault = fault_of_rows_asked(message)
            return _rows(connection, letter.agent, message) if fault is None else Held(cause=fault)
        case _:
            kind = message.__struct_config__.tag
            return Held(
                cause=f"a message of type {kind!r}: expected feed_pull, item_asked or rows_asked here"
            )


def _item(connection: Connection, here: AgentHere | None, asked: ItemAsked, watch: Watch) -> DownMessage:
    if here is None or here.revoked:
        return _NOT_OURS
    item = asked.item
    found = items.seen_from(connection, here.site, item, watch.directory) if "\0" not in item else None
    body = None if found is None else body_encoder.encode(found)
    return ItemAnswered(question_id=asked.question_id, item=item, body=body)


def _rows(connection: Connection, agent: str, asked: RowsAsked) -> RowsAnswered:
    """The agent's own rows from the archive, up to the first that is not there."""
    last_seq = min(asked.last_seq, asked.first_seq + ROWS_LIMIT - 1)
    found = journals.bodies(connection, agent, asked.epoch, asked.first_seq, last_seq, ROWS_LIMIT_BYTES)
    together = tuple(body for at, (seq, body) in enumerate(found, asked.first_seq) if seq == at)
    return RowsAnswered(epoch=asked.epoch, first_seq=asked.first_seq, bodies=together)


def _pull(connection: Connection, here: AgentHere, asked: FeedPull) -> FeedChunk | Held:
    scope = feeds.scope_of(asked.feed, here.site, here.price_list)
    if scope is None:
        names = ", ".join(Feed)
        return Held(cause=f"feed {asked.feed[:40]!r}: expected one of {names}")
    since = max(-1, min(asked.since, _SINCE_LIMIT))
    if asked.feed == Feed.STOCK:
        stock.refresh(connection, here.site, since)
    if asked.feed == Feed.SITES:
        destinations.refresh(connection, here.site, since)
    if asked.feed == Feed.LIMITS:
        limits.refresh(connection, here.site, since)
    return feeds.pull(connection, asked.feed, scope, since, min(asked.limit, PULL_LIMIT_ROWS))
