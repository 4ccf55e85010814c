"""Bringing a set's filter up to date: members, layers, signatures, feed, in one transaction."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable
from datetime import datetime
from typing import Protocol

import msgspec

from central import feeds
from central.database import Connection
from central.errors import CentralError
from central.filters import storage
from central.filters.rules import Plan, Size, everything, plan
from central.filters.storage import Layer
from central.moments import to_microseconds
from protocol.feeds import Feed, body_encoder
from protocol.filters import (
    ITEMS_A_GONE_ROW,
    FilterGone,
    FilterKind,
    FilterLayer,
    LayerBits,
    Signed,
    digest_of,
    encode_digests,
    encode_marks,
    encode_part,
    gone_key,
    hash_of,
    layer_key,
    part_key,
    parts_for,
    signed_bytes,
)

Row = tuple[str, bytes | None]


class Interrupted(CentralError):
    """The process is to end: the build was given up, and nothing has changed."""


class Signer(Protocol):
    """The key that signs filters today."""

    @property
    def key_id(self) -> str:
        """The key's id in the ``keys`` feed."""

    @property
    def sign(self) -> Callable[[bytes], bytes]:
        """Data -> its signature."""


class Built(msgspec.Struct, frozen=True, kw_only=True):
    """What a build did. ``into``: the layer that was built anew, if any; ``evicted``: members that were too old to keep."""

    kind: FilterKind
    came: int
    went: int
    into: int | None = None
    evicted: int = 0
    rows: int = 0


class _Work:
    """One build: its signer, its time, and the rows that are to be published, in their order."""

    def __init__(
        self,
        connection: Connection,
        kind: FilterKind,
        signer: Signer,
        now: datetime,
        is_ending: Callable[[], bool],
    ) -> None:
        self.connection = connection
        self.kind = kind
        self.now_us = to_microseconds(now)
        self.signer = signer
        self.is_ending = is_ending
        self.rows: list[Row] = []

    def sign(self, row: Signed) -> bytes:
        """The body of a header or a list, signed."""
        named = msgspec.structs.replace(row, signed_at_us=self.now_us, key_id=self.signer.key_id)
        signature = b64encode(self.signer.sign(signed_bytes(named))).decode()
        return body_encoder.encode(msgspec.structs.replace(named, signature=signature))


def build(
    connection: Connection,
    kind: FilterKind,
    signer: Signer,
    now: datetime,
    *,
    limit_items: int,
    from_nothing: bool = False,
    is_ending: Callable[[], bool] = lambda: False,
) -> Built:
    """Bring the filter of a set up to date, from what has changed since its last build, and publish what that changes of it.

    ``from_nothing`` reads all items again. So does the first build, and one in another cluster than the last: a database that was
    restored there counts its transactions from another number. The caller holds :func:`central.filters.storage.lock`.
    Raises :class:`Interrupted` soon after ``is_ending`` says so.
    """
    # Before anything else is read: what commits from now on is younger, and is met by the next build.
    until = storage.horizon_now(connection)
    since = storage.built_until(connection, kind)
    work = _Work(connection, kind, signer, now, is_ending)
    if from_nothing or since is None or since.cluster != until.cluster:
        before = storage.layers(connection, kind)
        every = everything(_sizes(before), storage.count_all(connection, kind, limit_items))
        planned: Plan | None = every
        came, went = storage.take_in_all(connection, kind, limit_items, every.into), 0
    else:
        earlier = {layer: one.gone for layer, one in storage.layers(connection, kind).items()}
        went = storage.let_go_changed(connection, kind, since)
        came = storage.take_in_changed(connection, kind, since)
        before = storage.layers(connection, kind)
        planned = plan(_sizes(before), came, limit_items)
        _tell_gone(work, before, earlier, planned)
    evicted = 0 if planned is None else _build_layer(work, planned, before)
    _sign_anew(work, before, planned)
    if work.rows:
        feeds.publish(connection, Feed.FILTERS, "", work.rows)
    storage.note_built(connection, kind, until, now)
    return Built(
        kind=kind,
        came=came,
        went=went,
        into=planned.into if planned else None,
        evicted=evicted,
        rows=len(work.rows),
    )


def _sizes(layers: dict[int, Layer]) -> dict[int, Size]:
    return {number: Size(layer.items, layer.gone) for number, layer in layers.items()}


def _untouched(layers: dict[int, Layer], planned: Plan | None) -> list[Layer]:
    """The layers whose bits stay as they are."""
    touched = () if planned is None else (planned.into, *planned.melted)
    return [layer for number, layer in sorted(layers.items()) if number not in touched]


def _tell_gone(work: _Work, layers: dict[int, Layer], earlier: dict[int, int], planned: Plan | None) -> None:
    """Name what has left the layers that stay as they are."""
    for layer in _untouched(layers, planned):
        if layer.gone > earlier.get(layer.layer, 0):
            _publish_gone(work, layer, earlier.get(layer.layer, 0) // ITEMS_A_GONE_ROW)


def _publish_gone(work: _Work, layer: Layer, first_row: int) -> None:
    """The lists of a layer from ``first_row`` on; those before it are full and do not change."""
    items = storage.gone(work.connection, work.kind, layer.layer, first_row * ITEMS_A_GONE_ROW)
    for at in range(0, len(items), ITEMS_A_GONE_ROW):
        row = first_row + at // ITEMS_A_GONE_ROW
        marks = [hash_of(item)[0] for item in items[at : at + ITEMS_A_GONE_ROW]]
        gone = FilterGone(
            kind=work.kind,
            layer=layer.layer,
            row=row,
            as_of_us=layer.as_of_us,
            marks=encode_marks(marks),
        )
        work.rows.append((gone_key(work.kind, layer.layer, row), work.sign(gone)))


def _build_layer(work: _Work, planned: Plan, before: dict[int, Layer]) -> int:
    """Build one layer anew from all that melts into it; how many members were evicted."""
    connection, kind, into = work.connection, work.kind, planned.into
    evicted = 0 if planned.keep is None else storage.keep_newest(connection, kind, planned.keep)
    storage.melt(connection, kind, planned.melted, into)
    items = storage.count(connection, kind, into)
    stays: set[str] = set()
    if items:
        stays = _publish_layer(work, into, items, before)
    else:
        storage.forget_layer(connection, kind, into)
    for layer in (into, *planned.melted):
        work.rows += [(key, None) for key in sorted(storage.published(connection, kind, layer) - stays)]
    return evicted


def _publish_layer(work: _Work, number: int, items: int, before: dict[int, Layer]) -> set[str]:
    bits = LayerBits(items)
    for names in storage.members(work.connection, work.kind, number):
        if work.is_ending():
            raise Interrupted(
                f"filter {work.kind}: given up, because the process ends; the next one builds it"
            )
        bits.add(names)
    parts = bits.parts()
    digests = [digest_of(part) for part in parts]
    # A layer is known by its time, so that no list of what has gone can be taken for one of another; a clock may be set back.
    as_of_us = max([work.now_us, *(layer.as_of_us + 1 for layer in before.values())])
    layer = Layer(number, items, as_of_us, b"".join(digests), work.signer.key_id, 0)
    storage.note_layer(work.connection, work.kind, layer)
    rows: list[Row] = [
        (part_key(work.kind, number, part), encode_part(one)) for part, one in enumerate(parts)
    ]
    # The parts before their header, so that a reader in the middle of a pull has what the header names.
    rows.append((layer_key(work.kind, number), work.sign(_header(work.kind, layer))))
    work.rows += rows
    return {key for key, _ in rows}


def _sign_anew(work: _Work, before: dict[int, Layer], planned: Plan | None) -> None:
    """Sign the headers and lists of untouched layers again when another key signs now: the old one may have been revoked."""
    for layer in _untouched(before, planned):
        if layer.key_id == work.signer.key_id:
            continue
        signed = msgspec.structs.replace(layer, key_id=work.signer.key_id)
        storage.note_layer(work.connection, work.kind, signed)
        work.rows.append((layer_key(work.kind, layer.layer), work.sign(_header(work.kind, signed))))
        _publish_gone(work, layer, 0)


def _header(kind: FilterKind, layer: Layer) -> FilterLayer:
    return FilterLayer(
        kind=kind,
        layer=layer.layer,
        parts=parts_for(layer.items),
        items=layer.items,
        as_of_us=layer.as_of_us,
        digests=encode_digests([layer.digests]),
    )
