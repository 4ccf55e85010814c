"""The identity of this machine on its disk: ``data_dir/identity``, readable by its owner alone.

Every file is replaced as a whole and synced, so that a power cut leaves the old one or the new one.
"""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from agent.errors import AgentError
from protocol.renewal import is_renewal_due

FOLDER = "identity"
_RECORD = "identity.json"


class NotEnrolled(AgentError):
    """There is no identity here yet, or it cannot be read."""


class BrokerAddress(msgspec.Struct, frozen=True):
    """Where central said the broker is."""

    host: str
    port: int


class Identity(msgspec.Struct, frozen=True, kw_only=True):
    """Who this machine is, as central enrolled it. Times are UTC seconds since 1970: the certificate's validity."""

    agent: str
    site: str
    lane: str
    epoch: str
    currency: str
    time_zone: str
    broker: BrokerAddress
    central: str
    folder: str
    certificate_not_before_s: int = 0
    certificate_not_after_s: int = 0
    generation: int = (
        1  # grows with every new key: a key and its certificate change in one step, that of the record
    )

    @property
    def key_path(self) -> Path:
        """The private key, PEM."""
        return Path(self.folder) / f"key.{self.generation}.pem"

    @property
    def certificate_path(self) -> Path:
        """The agent's certificate, PEM."""
        return Path(self.folder) / f"certificate.{self.generation}.pem"

    @property
    def ca_path(self) -> Path:
        """The authority that signs agents and brokers, PEM."""
        return Path(self.folder) / f"ca.{self.generation}.pem"


def folder_of(data_dir: Path) -> Path:
    """Where the identity of an agent with this data directory stands."""
    return data_dir / FOLDER


def is_enrolled(data_dir: Path) -> bool:
    """Whether an identity has been stored here."""
    return (folder_of(data_dir) / _RECORD).exists()


def load(data_dir: Path) -> Identity:
    """The stored identity, or :class:`NotEnrolled`."""
    path = folder_of(data_dir) / _RECORD
    try:
        identity = msgspec.json.decode(path.read_bytes(), type=Identity)
    except FileNotFoundError:
        raise NotEnrolled(
            f"identity {path}: this machine is not enrolled; get a token from central and run: "
            "countermark-agent enrol --central URL --token TOKEN"
        ) from None
    except (OSError, msgspec.DecodeError) as error:
        raise NotEnrolled(f"identity {path}: cannot be read ({error}); restore it, or enrol again") from None
    # The folder may have been moved with its data directory since.
    return msgspec.structs.replace(identity, folder=str(path.parent))


def is_renewal_due_now(identity: Identity, now_s: float) -> bool:
    """Whether the certificate should be renewed. Needs no cryptography: the record keeps the dates."""
    return is_renewal_due(
        datetime.fromtimestamp(identity.certificate_not_before_s, UTC),
        datetime.fromtimestamp(identity.certificate_not_after_s, UTC),
        datetime.fromtimestamp(now_s, UTC),
    )


def save(identity: Identity, *, key_pem: bytes, certificate_pem: bytes, ca_pem: bytes) -> None:
    """Store everything; the record last, because it names the others. Keys of older generations go once it stands."""
    folder = Path(identity.folder)
    make_folder(folder)
    write_whole(identity.key_path, key_pem)
    write_whole(identity.certificate_path, certificate_pem)
    write_whole(identity.ca_path, ca_pem)
    write_whole(folder / _RECORD, msgspec.json.format(msgspec.json.encode(identity), indent=2))
    kept = {identity.key_path, identity.certificate_path, identity.ca_path}
    for old in (path for kind in ("key", "certificate", "ca") for path in folder.glob(f"{kind}.[0-9]*.pem")):
        if old not in kept:
            old.unlink()


def make_folder(folder: Path) -> None:
    """The folder, readable by its owner alone."""
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o700)


def write_whole(path: Path, data: bytes) -> None:
    """Replace a file by new contents that are on the disk before its name points to them; mode 0600."""
    draft = path.with_name(path.name + ".new")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
    directory = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)
