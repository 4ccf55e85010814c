"""The secrets of orders: one file, everything else derived."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from central.codes.order_secrets import hkdf, load, open_or_create, path_of, secrets_of, serials_of
from central.codes.orders import OrderError
from tests.central.codes.orders_kit import MASTER, order


def test_hkdf_gives_the_values_of_its_standard() -> None:
    # RFC 5869, appendix A.1 and A.3: the first 32 bytes
    first = hkdf(bytes([0x0B] * 22), bytes(range(0xF0, 0xFA)), 32, bytes(range(13)))
    third = hkdf(bytes([0x0B] * 22), b"", 32, b"")
    assert (first.hex(), third.hex()) == (
        "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf",
        "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d",
    )


def test_the_secret_is_made_once_and_is_its_owners_alone(tmp_path: Path) -> None:
    first = open_or_create(tmp_path)
    mode = stat.S_IMODE(path_of(tmp_path).stat().st_mode)
    assert (open_or_create(tmp_path), load(tmp_path), mode) == (first, first, 0o600)
    assert list(path_of(tmp_path).parent.iterdir()) == [path_of(tmp_path)]


def test_orders_have_nothing_in_common() -> None:
    one, two = secrets_of(MASTER, "A7K2"), secrets_of(MASTER, "A7K3")
    assert len({one.serial_key, one.mac_key, one.check, two.serial_key, two.mac_key, two.check}) == 6


def test_a_secret_that_is_gone_is_named_with_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(
        OrderError, match=r"order-secret: No such file or directory; .* restore it from a backup"
    ):
        load(tmp_path)


@pytest.mark.parametrize("text", ["", "xyz", "ab" * 31, "é" * 64])
def test_a_secret_that_is_damaged_is_named_with_what_to_do(tmp_path: Path, text: str) -> None:
    path_of(tmp_path).parent.mkdir()
    path_of(tmp_path).write_text(text, encoding="utf-8")
    with pytest.raises(OrderError, match="order-secret: not 32 bytes in hexadecimal; restore the file"):
        open_or_create(tmp_path)


def test_an_order_placed_with_another_secret_is_not_answered_for() -> None:
    with pytest.raises(OrderError, match="order A7K2: the file order-secret is not the one"):
        serials_of(b"x" * 32, order())
