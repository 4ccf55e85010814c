"""Keyboard layouts as data."""

from __future__ import annotations

import msgspec
import pytest

from devices.errors import LayoutError
from devices.layout import Layout, load_layout, shipped_layouts


def test_shipped_layouts() -> None:
    assert shipped_layouts() == ["cz", "de", "fr", "uk", "us"]


@pytest.mark.parametrize("name", ["cz", "de", "fr", "uk", "us"])
def test_every_layout_loads_under_its_own_name(name: str) -> None:
    assert load_layout(name).name == name


def test_an_unknown_layout_is_refused_with_those_known() -> None:
    with pytest.raises(LayoutError, match="'dvorak' is not known; expected one of cz, de, fr, uk, us"):
        load_layout("dvorak")


@pytest.mark.parametrize(
    ("keys", "says"),
    [
        ('KEY_NONE = ["a"]', "'KEY_NONE' is no key name of the kernel"),
        ('KEY_A = ["ab"]', "KEY_A: 'ab' is neither one character nor a dead key"),
        ("KEY_A = []", "Expected `array` of length >= 1"),
    ],
)
def test_a_layout_that_does_not_fit_is_refused(keys: str, says: str) -> None:
    with pytest.raises(msgspec.ValidationError, match=says):
        msgspec.toml.decode(f'name = "x"\ntitle = "X"\n[keys]\n{keys}\n', type=Layout)
