"""The private halves of keys on disk: ``<authority.directory>/code-keys/<key id>.pem``, readable by their owner alone.

Where central runs as several processes on several machines, this directory has to be the same for all that sign.
"""

from __future__ import annotations

from pathlib import Path

from central.authority.certificates import AuthorityError
from central.authority.files import write_whole
from central.authority.signing import Sign, load_signing_key
from central.errors import CentralError

FOLDER = "code-keys"


class CodeKeyError(CentralError):
    """A private key that is not where it is expected, or cannot be read or written."""


def path_of(directory: Path, key_id: str) -> Path:
    """Where the private half of a key is kept. ``directory``: ``authority.directory`` of the configuration."""
    return directory / FOLDER / f"{key_id}.pem"


def keep(directory: Path, key_id: str, pem: bytes) -> None:
    """Keep the private half of a new key: the file is there, on the disk, before anybody hears of the key."""
    path = path_of(directory, key_id)
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_whole(path, pem, mode=0o600)
    except OSError as error:
        raise CodeKeyError(
            f"{path}: {error.strerror}; expected a directory that this account may write to"
        ) from None


def open_key(directory: Path, key_id: str) -> tuple[Sign, bytes]:
    """What signs with the key, and its public half."""
    path = path_of(directory, key_id)
    try:
        return load_signing_key(path.read_bytes())
    except FileNotFoundError:
        raise CodeKeyError(
            f"{path}: missing; copy it from the machine or the backup that has it, or take a new key: "
            "countermark-central codes keys rotate"
        ) from None
    except OSError as error:
        raise CodeKeyError(f"{path}: cannot be read ({error.strerror})") from None
    except AuthorityError as error:
        raise CodeKeyError(f"{path}: {error}; restore it from a backup") from None
