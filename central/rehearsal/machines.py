"""Messages of machines with which something is wrong. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from central.rehearsal.journal import Journal
from central.rehearsal.papers import Branch, Garbage, Greeting
from protocol.chain import genesis
from protocol.events import DrawerOpened
from protocol.messages import EpochAsked, Hello, Lineage

GARBAGE = b"\x01\x00\x93\xc4\x03\x81\xa1x\xa0\xc4\x00"


def messages(journal: Journal, paper: Branch | Greeting | Garbage, received_us: int) -> Iterator[bytes]:
    """The frames that such a machine sends."""
    match paper:
        case Garbage():
            yield GARBAGE
        case Greeting(ahead_us=ahead_us):
            hello = Hello(
                lineage=(Lineage(epoch=journal.epoch, next_seq=journal.next_seq, head_hash=journal.head),),
                acked_seq=journal.next_seq - 1,
                software="rehearsal",
                journal_version=1,
                wall_us=received_us + ahead_us,
                monotonic_us=journal.since_boot_us(received_us),
                boot_id=journal.boot_id,
            )
            yield journal.message(hello)
        case Branch(cause=cause, back=back):
            seq, mark = _mark(journal, back)
            asked = EpochAsked(
                request_id=f"{journal.agent}-{received_us}", parent_epoch=journal.epoch, parent_seq=seq, parent_hash=mark, cause=cause,
            )  # fmt: skip
            yield journal.message(asked)


def left_behind(journal: Journal, at_us: int) -> list[bytes]:
    """What a second machine writes that goes on in the old epoch."""
    journal.add(DrawerOpened(drawer_id=f"drawer-{journal.agent}-{at_us}", reason="change"), at_us)
    return list(journal.frames())


def _mark(journal: Journal, back: int) -> tuple[int, bytes]:
    if len(journal.marks) <= back:
        return 0, genesis(journal.agent, journal.epoch)
    return journal.marks[-1 - back]
