"""Scanner profiles: those shipped, and what is refused in one's own."""

from __future__ import annotations

from pathlib import Path

import pytest

from devices.errors import ProfileError
from devices.framing import Ending
from devices.layout import shipped_layouts
from devices.profile import Profile, load_profile, parse_profile, shipped_profiles

HEAD = 'name = "own"\ntitle = "Own"\nlink = "serial"\n'


@pytest.mark.parametrize("name", shipped_profiles())
def test_every_shipped_profile_loads_under_its_own_name(name: str) -> None:
    assert load_profile(name).name == name


@pytest.mark.parametrize("name", shipped_profiles())
def test_every_shipped_profile_names_a_shipped_layout(name: str) -> None:
    assert load_profile(name).keyboard.layout in shipped_layouts()


def test_there_are_a_generic_profile_per_link_and_three_makers() -> None:
    makers = {"datalogic-cordless", "datalogic-handheld", "honeywell-2d", "zebra-ssi", "zebra-symbol"}
    assert {"generic-keyboard", "generic-serial", *makers} <= set(shipped_profiles())


def test_a_profile_of_ones_own_is_read_from_its_path(tmp_path: Path) -> None:
    path = tmp_path / "own.toml"
    path.write_text(HEAD + '[framing]\nending = "idle"\n')
    assert load_profile(str(path)).framing.ending is Ending.IDLE


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("colour = 1\n", "Object contains unknown field `colour`"),
        ("[framing]\nidle_timeout_ms = 1\n", "Expected `int` >= 5 - at `$.framing.idle_timeout_ms`"),
        ('[framing]\nterminators = ["NL"]\n', "Invalid enum value 'NL' - at `$.framing.terminators[0]`"),
        ('[framing]\nterminators = []\nending = "terminator"\n', "needs at least one of CR, LF, TAB, ETX"),
        ('[code]\ngroup_separators = [""]\n', "'' is not one or more ASCII characters"),
        (
            '[keyboard.special_keys]\nF8 = "x"\n',
            "'F8' is no key name of the kernel; expected one like KEY_F8",
        ),
        ("[serial\n", "Expected"),
    ],
)
def test_a_profile_that_does_not_fit_is_refused_with_the_file_and_the_key(text: str, says: str) -> None:
    with pytest.raises(ProfileError) as refused:
        parse_profile(HEAD + text, "own.toml")
    assert "scanner profile own.toml: " in str(refused.value)
    assert says in str(refused.value)


def test_an_unknown_name_is_refused_with_those_known() -> None:
    with pytest.raises(ProfileError, match="'honeywel' is not known; expected one of datalogic-cordless, "):
        load_profile("honeywel")


def test_a_path_that_is_not_there_is_refused() -> None:
    with pytest.raises(ProfileError, match=r"nowhere\.toml: cannot be read"):
        load_profile("nowhere.toml")


def test_a_keyboard_profile_does_not_open_a_serial_port() -> None:
    profile: Profile = load_profile("generic-keyboard")
    with pytest.raises(ProfileError, match="it is for a keyboard scanner; expected one for a serial scanner"):
        profile.require_link("serial")
