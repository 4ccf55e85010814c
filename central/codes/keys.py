"""Keys that sign item codes and filters: who signs today, and the decisions that change it.

Every decision is one transaction: the key, its feed row and the note in the audit log. A private key is written before the
transaction commits; where that then fails, a file remains that belongs to no key and harms nobody.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from pathlib import Path

import msgspec

from central.actors import By
from central.authority.signing import Sign, make_signing_key
from central.codes import key_files, key_rules, keys_storage
from central.codes.key_files import CodeKeyError
from central.codes.key_rules import KEY_ID_ALPHABET, Key, Purpose, Refused
from central.database import Connection
from central.feeds import publish
from protocol.codes.signed import KEY_ID_CHARACTERS
from protocol.feeds import Feed

EVERYONE = ""
"""The scope of the feed: keys belong to everyone."""
FIRST_USE = "central"
"""The actor of a key that was made because one was needed and none was there."""


@dataclass(frozen=True)
class Signer:
    """A key in hand. ``sign``: data -> 64 bytes, always the same for the same data."""

    key_id: str
    sign: Sign = field(repr=False)


class Rotation(msgspec.Struct, frozen=True):
    """A key that takes over, and those that it takes over from, with their last days."""

    key: Key
    retired: tuple[Key, ...]


def signer(connection: Connection, directory: Path, purpose: str, today: date) -> Signer:
    """What signs on ``today`` for ``purpose`` (``codes`` or ``filters``); the first use makes the first key.

    ``directory``: ``authority.directory`` of the configuration. Raises :class:`~central.codes.key_files.CodeKeyError` where the private
    half is not on this machine.
    """
    key = key_rules.active(keys_storage.every(connection), purpose, today)
    if key is None:
        keys_storage.lock(connection)  # another process may be making one at this moment
        key = key_rules.active(keys_storage.every(connection), purpose, today)
    if key is None:
        by = By(actor=FIRST_USE, at=datetime.combine(today, time(), UTC))
        key = _made(connection, directory, purpose, today, by)
        publish_keys(connection)
    return _opened(directory, key)


def signer_of(connection: Connection, directory: Path, key_id: str) -> Signer | Refused:
    """The signer of one key, active or retired: for codes of an order that was begun with it. Never of a revoked one."""
    key = find(connection, key_id)
    if key is None:
        return Refused(f"key {key_id!r}: not known here")
    if key.revoked_at is not None:
        return Refused(f"key {key_id} was revoked on {key.revoked_at.date()}: it signs nothing any more")
    return _opened(directory, key)


def publish_keys(connection: Connection) -> int:
    """Bring the feed ``keys`` up to date; its version."""
    return publish(connection, Feed.KEYS, EVERYONE, map(key_rules.feed_row, keys_storage.every(connection)))


def find(connection: Connection, key_id: str) -> Key | None:
    """A key by its id."""
    return next((key for key in keys_storage.every(connection) if key.key_id == key_id), None)


def create(
    connection: Connection, directory: Path, purpose: Purpose, valid_from: date, by: By
) -> Key | Refused:
    """A key beside those that are there. Where several are active, the newest signs."""
    keys_storage.lock(connection)
    refused = key_rules.why_not_begin(valid_from, by.at.date())
    if refused is not None:
        return refused
    key = _made(connection, directory, purpose, valid_from, by)
    publish_keys(connection)
    return key


def rotate(
    connection: Connection, directory: Path, purpose: Purpose, valid_from: date, by: By
) -> Rotation | Refused:
    """A new key takes over on ``valid_from``; the others of its purpose retire."""
    keys_storage.lock(connection)
    today = by.at.date()
    refused = key_rules.why_not_begin(valid_from, today)
    if refused is not None:
        return refused
    before = keys_storage.every(connection)
    retiring = key_rules.retirements(before, purpose, valid_from, today)
    if isinstance(retiring, Refused):
        return retiring
    for key_id, last_day in retiring.items():
        keys_storage.retire(connection, key_id, last_day)
    key = _made(connection, directory, purpose, valid_from, by)
    publish_keys(connection)
    retired = tuple(
        msgspec.structs.replace(one, retired_on=retiring[one.key_id])
        for one in before
        if one.key_id in retiring
    )
    for one in retired:
        keys_storage.note(connection, by, "retire", one)
    return Rotation(key, retired)


def retire(connection: Connection, key_id: str, last_day: date, by: By) -> Key | Refused | None:
    """A key signs until the end of ``last_day``; what it signed stays good. None: there is no such key."""
    keys_storage.lock(connection)
    key = find(connection, key_id)
    if key is None:
        return None
    refused = key_rules.why_not_retire(key, last_day, by.at.date())
    if refused is not None:
        return refused
    keys_storage.retire(connection, key_id, last_day)
    return _decided(connection, "retire", key_id, by)


def revoke(connection: Connection, key_id: str, by: By) -> Key | Refused | None:
    """Nothing a key ever signed proves anything any more. None: there is no such key."""
    keys_storage.lock(connection)
    key = find(connection, key_id)
    if key is None:
        return None
    refused = key_rules.why_not_revoke(key, by.reason)
    if refused is not None:
        return refused
    keys_storage.revoke(connection, key_id, by)
    return _decided(connection, "revoke", key_id, by)


def _decided(connection: Connection, action: str, key_id: str, by: By) -> Key:
    key = find(connection, key_id)
    assert key is not None
    keys_storage.note(connection, by, action, key)
    publish_keys(connection)
    return key


def _made(connection: Connection, directory: Path, purpose: str, valid_from: date, by: By) -> Key:
    pem, public_key = make_signing_key()
    key_id = _new_id({key.key_id for key in keys_storage.every(connection)}, directory)
    key_files.keep(directory, key_id, pem)
    key = Key(key_id=key_id, purpose=purpose, public_key=public_key, valid_from=valid_from, created_at=by.at)
    keys_storage.add(connection, key)
    keys_storage.note(connection, by, "create", key)
    return key


def _new_id(taken: set[str], directory: Path) -> str:
    """An id that no key has, nor a file of another database that shares the directory."""
    while True:
        key_id = "".join(secrets.choice(KEY_ID_ALPHABET) for _ in range(KEY_ID_CHARACTERS))
        if key_id not in taken and not key_files.path_of(directory, key_id).exists():
            return key_id


def _opened(directory: Path, key: Key) -> Signer:
    sign, public_key = key_files.open_key(directory, key.key_id)
    if public_key != key.public_key:
        raise CodeKeyError(
            f"{key_files.path_of(directory, key.key_id)}: belongs to another key of the same id; "
            "restore the one that was made with this database, or take a new key: countermark-central codes keys rotate"
        )
    return Signer(key.key_id, sign)
