"""The authority on disk: one private directory with a key and a certificate per name.

======================  ============================================
``ca.pem``              what the broker and every client trust
``ca.key``              what signs; never leaves this directory
``<name>.pem`` ``.key`` issued credentials, such as ``broker``
======================  ============================================

Keys are readable by their owner alone (0600). A file appears whole or not at all.
"""

from __future__ import annotations

import os
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from central.authority.certificates import (
    Authority,
    AuthorityError,
    Credentials,
    create_authority,
    load_authority,
    validity,
)
from protocol.renewal import is_renewal_due

AUTHORITY_FILE = "ca"


def open_or_create_authority(directory: Path, name: str, now: datetime) -> Authority:
    """The authority kept in ``directory``; a new one called ``name`` if there is none yet."""
    kept = load(directory, AUTHORITY_FILE)
    if kept is not None:
        return load_authority(kept)
    authority = create_authority(name, now)
    save(directory, AUTHORITY_FILE, authority.credentials)
    return authority


def certificate_path(directory: Path, name: str) -> Path:
    """Where the certificate of ``name`` is kept."""
    return directory / f"{name}.pem"


def key_path(directory: Path, name: str) -> Path:
    """Where the private key of ``name`` is kept."""
    return directory / f"{name}.key"


def save(directory: Path, name: str, credentials: Credentials) -> None:
    """Keep ``credentials`` as ``<name>.key`` and ``<name>.pem``; the key first, so a certificate always has its key."""
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    write_whole(key_path(directory, name), credentials.key_pem, mode=0o600)
    write_whole(certificate_path(directory, name), credentials.certificate_pem, mode=0o644)


def load(directory: Path, name: str) -> Credentials | None:
    """The credentials kept as ``name``, ``None`` if there are none, :class:`AuthorityError` if only one half is there."""
    key, certificate = key_path(directory, name), certificate_path(directory, name)
    if not key.exists() and not certificate.exists():
        return None
    for half in (key, certificate):
        if not half.exists():
            raise AuthorityError(
                f"{half}: missing, while its other half is there; restore both from one backup"
            )
    return Credentials(key.read_bytes(), certificate.read_bytes())


def is_due(credentials: Credentials | None, now: datetime) -> bool:
    """Whether credentials must be issued (anew): there are none, or they are past half of their life."""
    return credentials is None or is_renewal_due(*validity(credentials.certificate_pem), now)


def write_whole(path: Path, content: bytes, mode: int) -> None:
    """Write a file that appears whole or not at all, and stays, also when the power fails a moment later."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    with suppress(FileNotFoundError):
        draft.unlink()
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    draft.rename(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
