"""Where the embedded PostgreSQL may live, and as whom it runs.

PostgreSQL refuses to run as root. When central runs as root, the server runs as an account of its own, and that account
must be able to reach the data and the programs. Nothing here opens a private directory for that: data in a place that the
account cannot reach is refused with a clear error, and programs in such a place (a virtual environment below ``/root``) are
copied to a reachable one.
"""

from __future__ import annotations

import os
import pwd
import shutil
import stat
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from central.errors import CentralError

DEFAULT_ACCOUNT = "countermark"
SYSTEM_STATE = Path("/var/lib/countermark")
_ADMINISTRATION_PATH = "/usr/sbin:/sbin:/usr/bin:/bin"


class PlaceError(CentralError):
    """A directory or an account with which the embedded services cannot work."""


@dataclass(frozen=True)
class Account:
    """An operating system account that a server runs as."""

    name: str
    uid: int
    gid: int


def default_state_directory() -> Path:
    """Where an installation keeps its state unless told otherwise.

    As root ``/var/lib/countermark``, which other accounts can reach; for an ordinary user the place that the XDG base
    directory specification names (``~/.local/state/countermark``).
    """
    if os.geteuid() == 0:
        return SYSTEM_STATE
    chosen = os.environ.get("XDG_STATE_HOME", "")
    return (Path(chosen) if Path(chosen).is_absolute() else Path.home() / ".local" / "state") / "countermark"


def server_account(name: str = DEFAULT_ACCOUNT) -> Account | None:
    """The account that a server must run as: ``None`` (this one) for an ordinary user; for root ``name``, made if missing."""
    if os.geteuid() != 0:
        return None
    try:
        found = pwd.getpwnam(name)
    except KeyError:
        _create_account(name)
        found = pwd.getpwnam(name)
    if found.pw_uid == 0:
        raise PlaceError(
            f"account {name!r}: is root, and PostgreSQL refuses to run as root; name an ordinary account"
        )
    return Account(name, found.pw_uid, found.pw_gid)


def private_parent(path: Path) -> Path | None:
    """The outermost directory above ``path`` that other accounts cannot pass through, or ``None``."""
    for parent in reversed(path.resolve().parents):
        if parent.exists() and not parent.stat().st_mode & stat.S_IXOTH:
            return parent
    return None


def prepare_directory(directory: Path, account: Account | None) -> Path:
    """Make ``directory`` and hand it to ``account``, private to it; the absolute path comes back.

    Directories above it are made where missing, and never changed where they exist: :class:`PlaceError` if the account
    could not pass through one of them.
    """
    directory = directory.resolve()
    if account is not None and (private := private_parent(directory)) is not None:
        mode = stat.S_IMODE(private.stat().st_mode)
        raise PlaceError(
            f"database directory {directory}: account {account.name!r}, which runs PostgreSQL because root may not, cannot "
            f"pass through {private} (mode {mode:o}); choose a directory elsewhere, such as {SYSTEM_STATE / 'database'}, "
            f"run as an ordinary user, or allow passage with: chmod o+x {private}"
        )
    try:
        if account is not None:
            directory.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        directory.chmod(0o700)
        if account is not None:
            os.chown(directory, account.uid, account.gid)
    except OSError as error:
        raise PlaceError(
            f"database directory {directory}: {error.strerror}; name a directory that this account may write"
        ) from error
    return directory


def reachable_programs(place: Path, parts: Sequence[str], copies: Path, account: Account | None) -> Path:
    """A directory with the trees ``parts`` of ``place`` that ``account`` can run; ``place`` itself where that is already so.

    The trees keep their positions to each other, by which programs find their libraries. A copy stands below ``copies`` and
    is named after the age of the first tree, so that an upgrade is copied anew.
    """
    if account is None or (private_parent(place / parts[0]) is None and _is_public(place / parts[0])):
        return place
    if (private := private_parent(copies / "any")) is not None:
        raise PlaceError(
            f"{copies}: account {account.name!r} cannot pass through {private}; choose a place elsewhere"
        )
    entry = (place / parts[0]).stat()
    copy = copies / f"{entry.st_ino:x}-{entry.st_mtime_ns:x}"
    if not copy.exists():
        draft = copies / f".{copy.name}.{os.getpid()}"
        copies.mkdir(mode=0o755, parents=True, exist_ok=True)
        shutil.rmtree(draft, ignore_errors=True)
        for part in parts:
            if (place / part).is_dir():
                shutil.copytree(place / part, draft / part, symlinks=True)
        _open_copy(draft)
        draft.rename(copy)
    return copy


def _is_public(programs: Path) -> bool:
    """Whether every directory and program of a tree may be used by other accounts."""
    needed = stat.S_IROTH | stat.S_IXOTH
    directories = [programs, *(path for path in programs.iterdir() if path.is_dir())]
    binaries = [path for path in (programs / "bin").iterdir() if not path.is_symlink()]
    return all(path.stat().st_mode & needed == needed for path in [*directories, *binaries])


def _open_copy(tree: Path) -> None:
    for directory, _, names in os.walk(tree):
        Path(directory).chmod(0o755)
        for file in (Path(directory) / name for name in names):
            if not file.is_symlink():
                file.chmod(0o755 if file.stat().st_mode & stat.S_IXUSR else 0o644)


def _create_account(name: str) -> None:
    useradd = shutil.which("useradd", path=_ADMINISTRATION_PATH)
    if useradd is None:
        raise PlaceError(
            f"account {name!r}: is missing and useradd is not here to make it; make it, or run as an ordinary user"
        )
    command = [useradd, "--system", "--user-group", "--no-create-home", "--home-dir", "/nonexistent"]
    made = subprocess.run(
        [*command, "--shell", "/usr/sbin/nologin", name], check=False, capture_output=True, text=True
    )
    if made.returncode != 0 and not _exists(name):
        raise PlaceError(
            f"account {name!r}: cannot be made ({made.stderr.strip()}); make it, or run as an ordinary user"
        )


def _exists(name: str) -> bool:
    try:
        pwd.getpwnam(name)
    except KeyError:
        return False
    return True
