"""The private halves of keys on disk."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from central.authority.certificates import create_authority
from central.authority.signing import is_signed, make_signing_key
from central.codes.key_files import CodeKeyError, keep, open_key, path_of
from tests.central.facts import NOON


def test_a_key_is_kept_for_its_owner_alone_and_signs_when_it_is_opened(tmp_path: Path) -> None:
    pem, public_key = make_signing_key()
    keep(tmp_path, "K7Q3", pem)
    sign, found = open_key(tmp_path, "K7Q3")
    assert [
        stat.S_IMODE(path.stat().st_mode) for path in (path_of(tmp_path, "K7Q3"), tmp_path / "code-keys")
    ] == [
        0o600,
        0o700,
    ]
    assert found == public_key
    assert is_signed(public_key, b"data", sign(b"data"))


def test_a_signature_is_wrong_for_other_data_another_key_or_another_length(tmp_path: Path) -> None:
    keep(tmp_path, "K7Q3", make_signing_key()[0])
    sign, public_key = open_key(tmp_path, "K7Q3")
    signature = sign(b"data")
    answers = [
        is_signed(public_key, b"Data", signature),
        is_signed(make_signing_key()[1], b"data", signature),
        is_signed(public_key, b"data", signature[:-1]),
        is_signed(b"short", b"data", signature),
    ]
    assert answers == [False] * 4


def test_a_missing_key_says_where_it_was_expected_and_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(CodeKeyError, match=r"code-keys/K7Q3\.pem: missing; copy it .* codes keys rotate"):
        open_key(tmp_path, "K7Q3")


@pytest.mark.parametrize("content", [b"", b"nonsense", create_authority("x", NOON).credentials.key_pem])
def test_a_file_that_is_no_signing_key_is_a_clear_error(tmp_path: Path, content: bytes) -> None:
    keep(tmp_path, "K7Q3", content)
    with pytest.raises(CodeKeyError, match=r"K7Q3\.pem: signing key: .*restore it from a backup"):
        open_key(tmp_path, "K7Q3")


def test_a_place_that_cannot_be_written_to_is_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / "code-keys").write_text("a file is in the way")
    with pytest.raises(CodeKeyError, match="expected a directory that this account may write to"):
        keep(tmp_path, "K7Q3", b"x")
