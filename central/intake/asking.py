"""Questions of agents: feed pulls, and what central knows of an item. Each is one short transaction; none changes a fact."""

from __future__ import annotations

from central import feeds
from central.database import Connection
from central.feeds import stock
from central.intake.letters import Letter
from central.items import storage as items
from central.journals import storage as journals
from central.journals.rules import AgentHere
from protocol.codec import decode
from protocol.errors import ProtocolError
from protocol.feeds import Feed, body_encoder
from protocol.messages import DownMessage, FeedChunk, FeedPull, Held, ItemAnswered, ItemAsked

PULL_LIMIT_ROWS = 10_000
_SINCE_LIMIT = 1 << 62


def answer_ask(connection: Connection, letter: Letter) -> DownMessage:
    """The answer to a letter of the ``ask`` channel. An agent names a feed, never a site: which site is its own is known here."""
    here = journals.agents_of(connection, [letter.agent]).get(letter.agent)
    if here is None or here.revoked:
        return Held(
            cause="this agent is not enrolled here, or is revoked; enrol it again, its journal is kept"
        )
    try:
        message = decode(letter.frame).message
    except ProtocolError as error:
        return Held(cause=str(error))
    match message:
        case FeedPull():
            return _pull(connection, here, message)
        case ItemAsked(question_id=question_id, item=item):
            found = items.read(connection, [item]) if "\0" not in item else []
            body = body_encoder.encode(found[0]) if found else None
            return ItemAnswered(question_id=question_id, item=item, body=body)
        case _:
            kind = message.__struct_config__.tag
            return Held(cause=f"a message of type {kind!r}: expected feed_pull or item_asked here")


def _pull(connection: Connection, here: AgentHere, asked: FeedPull) -> FeedChunk | Held:
    scope = feeds.scope_of(asked.feed, here.site, here.price_list)
    if scope is None:
        names = ", ".join(Feed)
        return Held(cause=f"feed {asked.feed[:40]!r}: expected one of {names}")
    since = max(-1, min(asked.since, _SINCE_LIMIT))
    if asked.feed == Feed.STOCK:
        stock.refresh(connection, here.site, since)
    return feeds.pull(connection, asked.feed, scope, since, min(asked.limit, PULL_LIMIT_ROWS))
