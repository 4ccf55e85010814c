"""Rows that central has, looked through for damage; and whether what central gives back is what was written. Pure.

A row that is damaged beyond mending may still be proven by its surroundings: the chain goes into it from a row that is sound, and comes
out of it in a hash that is stored in another place. Bodies that lead from the one to the other are those that were written.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from agent.journal.soundness import Damage, StoredRow, examine, mend
from protocol.chain import link, links


class Lost(msgspec.Struct, frozen=True, kw_only=True):
    """Neighbouring rows of an epoch that are not what was written, and what is known around them.

    ``previous_hash`` is the proven hash before them, ``own_hash`` the one stored with the last of them (empty: that row is missing),
    ``following`` the row after them. ``end_hash`` is the hash of the last of them by word of the epoch that grew from it.
    """

    epoch: str
    first_seq: int
    last_seq: int
    previous_hash: bytes
    own_hash: bytes = b""
    following: StoredRow | None = None
    end_hash: bytes = b""

    @property
    def count(self) -> int:
        """How many rows."""
        return self.last_seq - self.first_seq + 1

    @property
    def words(self) -> str:
        """Which rows, for a person."""
        rows = f"row {self.first_seq}" if self.count == 1 else f"rows {self.first_seq} to {self.last_seq}"
        return f"epoch {self.epoch}, {rows}"


class Survey(msgspec.Struct, frozen=True):
    """What was found: everything up to ``sound_seq`` is proven, once ``mended`` is written as it stands there; ``lost`` comes next."""

    sound_seq: int
    sound_hash: bytes
    mended: tuple[tuple[StoredRow, Damage], ...]
    lost: Lost | None = None


def survey(
    epoch: str, previous_hash: bytes, first_seq: int, rows: Iterable[StoredRow], last_seq: int
) -> Survey:
    """Look through rows from ``first_seq``, up to ``last_seq`` and to the first that cannot be mended here.

    Rows after ``last_seq`` may be given: central does not have them, but they bear witness.
    """
    sound_seq, sound_hash = first_seq - 1, previous_hash
    mended: list[tuple[StoredRow, Damage]] = []
    lost: Lost | None = None
    for found in examine(previous_hash, first_seq, rows, last_seq):
        begins_at, ends_at = _span(found)
        row = found.row if isinstance(found, Damage) else found
        if lost is not None and begins_at > last_seq:
            return Survey(sound_seq, sound_hash, tuple(mended), _followed_by(lost, row))
        if begins_at > last_seq:
            break
        if lost is not None:
            # A row after missing ones was taken at its word: it is asked for too, and then proven by the one after it.
            is_proven = not isinstance(found, Damage) and lost.own_hash != b""
            if is_proven:
                return Survey(sound_seq, sound_hash, tuple(mended), _followed_by(lost, row))
            lost = _with(lost, min(ends_at, last_seq), row)
            continue
        whole = _mended(found)
        if whole is None:
            lost = _with(
                Lost(epoch=epoch, first_seq=begins_at, last_seq=begins_at, previous_hash=sound_hash),
                min(ends_at, last_seq),
                row,
            )
            continue
        if isinstance(found, Damage):
            mended.append((whole, found))
        sound_seq, sound_hash = whole.seq, whole.hash
    return Survey(sound_seq, sound_hash, tuple(mended), lost)


def proven(lost: Lost, bodies: Sequence[bytes]) -> list[bytes] | None:
    """The hashes of the rows with these bodies, if they are the bodies that were written; None if nothing here says so."""
    if len(bodies) != lost.count:
        return None
    hashes = links(lost.previous_hash, lost.first_seq, bodies)
    if hashes[-1] in (lost.own_hash, lost.end_hash):
        return hashes
    after = lost.following
    if after is not None and link(hashes[-1], after.seq, after.body) == after.hash:
        return hashes
    return None


def _span(found: StoredRow | Damage) -> tuple[int, int]:
    return (found.first_seq, found.last_seq) if isinstance(found, Damage) else (found.seq, found.seq)


def _mended(found: StoredRow | Damage) -> StoredRow | None:
    return mend(found) if isinstance(found, Damage) else found


def _with(lost: Lost, last_seq: int, row: StoredRow | None) -> Lost:
    return msgspec.structs.replace(lost, last_seq=last_seq, own_hash=row.hash if row else b"")


def _followed_by(lost: Lost, row: StoredRow | None) -> Lost:
    is_next = row is not None and row.seq == lost.last_seq + 1
    return msgspec.structs.replace(lost, following=row if is_next else None)
