"""The configuration: every fault is one line naming key, value and what was expected."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from agent import settings
from agent.scanners.sources import make_sources
from agent.settings import SettingsError, load


@pytest.fixture(autouse=True)
def no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith(settings.ENV_PREFIX):
            monkeypatch.delenv(name)


def write(folder: Path, text: str) -> Path:
    path = folder / "agent.toml"
    path.write_text(text)
    return path


def fault(path: Path | None) -> str:
    with pytest.raises(SettingsError) as error:
        load(path)
    text = str(error.value)
    assert "\n" not in text
    return text if path is None else text.replace(str(path), "FILE")


def test_an_empty_file_is_a_whole_configuration(tmp_path: Path) -> None:
    found = load(write(tmp_path, ""))
    assert (found.local.host, found.local.port, found.retention_days, found.scanner) == (
        "127.0.0.1",
        8321,
        90,
        (),
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("retention_dayz = 5", "configuration FILE: retention_dayz = 5: this key is not known; expected one of broker, codes, data_dir, local, neighbours, printer, retention_days, scanner, supervisor, till"),
        ("[local]\nprot = 3", "configuration FILE: local.prot = 3: this key is not known; expected one of host, port, token"),
        ("[local]\nport = 'abc'", "configuration FILE: local.port = 'abc': expected a whole number"),
        ("[local]\nport = 70000", "configuration FILE: local.port = 70000: expected less than or equal to 65535"),
        ("data_dir = 5", "configuration FILE: data_dir = 5: expected a path, in quotation marks"),
        ("local = 5", "configuration FILE: local = 5: expected a table, such as [local]"),
        ("[local]\nhost = '0.0.0.0'", "configuration FILE: local: expected a token too, because host is not a loopback address"),
        ("[[scanner]]\nkind = 'usb'\npath = 'x'", "configuration FILE: scanner[1].kind = 'usb': expected 'serial', 'evdev', 'hidpos' or 'replay'"),
        ("[[scanner]]\nkind = 'serial'", "configuration FILE: scanner[1].path: expected a value, and there is none"),
        ("[codes]\nprivate_patterns = ['(']", "configuration FILE: codes: pattern '(' is no regular expression: missing ), unterminated subpattern at position 0"),
        ("[till]\nlane = 'a lane'\n[local]\nport=-1", "configuration FILE: local.port = -1: expected greater than or equal to 0 (and 1 more)"),
        ("[neighbours]\nlisten = 'here'", "configuration FILE: neighbours.listen: 'here': expected host:port, such as 192.168.1.10:8322"),
        ("[[neighbours.agents]]\nagent = 'till-2'\nurl = 'http://x'", "configuration FILE: neighbours.agents[1].url: 'http://x': expected https://host:port, such as https://192.168.1.12:8322"),
        ("[[neighbours.agents]]\nagent = 'a'\n[[neighbours.agents]]\nagent = 'a'", "configuration FILE: neighbours.agents: agent 'a' stands there twice; expected each neighbour once"),
        ("[[supervisor]]\ncard = 'ANN'", "configuration FILE: supervisor[1].name: expected a value, and there is none"),
        ("[[supervisor]]\nname = 'Ann'\npin_hash = '4711'", "configuration FILE: supervisor[1].pin_hash: expected what countermark-agent pin-hash prints"),
        ("[[supervisor]]\nname = 'Ann'\ncard = 'ann'", "configuration FILE: supervisor[1].card: 'ann': expected up to 40 of A-Z, 0-9 and '-', as on the card"),
        ("[[supervisor]]\nname = 'Ann'\ncard = 'A'\n[[supervisor]]\nname = 'Bo'\ncard = 'A'", "configuration FILE: supervisor: card 'A' stands there twice; expected each card to be one person's"),
        ("=", "configuration FILE: not TOML: Invalid statement (at line 1, column 1)"),
    ],
)  # fmt: skip
def test_a_fault_names_key_value_and_what_was_expected(tmp_path: Path, text: str, expected: str) -> None:
    assert fault(write(tmp_path, text)) == expected


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    assert fault(tmp_path / "nope.toml") == "configuration FILE: there is no such file; expected a TOML file"


def test_no_configuration_at_all_says_where_it_was_looked_for(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(settings, "DEFAULT_PATHS", (tmp_path / "a.toml",))
    assert fault(None).startswith(
        f"no configuration: expected {tmp_path}/a.toml, or a file named with --config"
    )


def test_a_variable_overrides_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COUNTERMARK_AGENT_LOCAL__PORT", "17")
    found = load(write(tmp_path, "[local]\nport = 18\nhost = '127.0.0.2'"))
    assert (found.local.port, found.local.host) == (17, "127.0.0.2")


def test_a_variable_that_is_not_known_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COUNTERMARK_AGENT_LOCALE__PORT", "17")
    assert fault(write(tmp_path, "")).startswith(
        "environment: COUNTERMARK_AGENT_LOCALE__PORT is not a key of the agent"
    )


def test_a_secret_is_never_told(tmp_path: Path) -> None:
    assert "hunter2" not in fault(write(tmp_path, "[local]\ntoken = 'hunter2'"))


def test_two_scanners_of_one_name_are_refused(tmp_path: Path) -> None:
    scanner = "[[scanner]]\nkind = 'serial'\npath = '/dev/a'\nname = 'front'\n"
    found = load(write(tmp_path, scanner + scanner))
    with pytest.raises(SettingsError, match="two scanners are called so"):
        make_sources(found.scanner)


def test_a_profile_that_is_not_known_is_named(tmp_path: Path) -> None:
    found = load(write(tmp_path, "[[scanner]]\nkind = 'serial'\npath = '/dev/a'\nprofile = 'nope'"))
    with pytest.raises(
        SettingsError, match=r"scanner\[1\]: scanner profile 'nope' is not known; expected one of"
    ):
        make_sources(found.scanner)


def test_the_example_is_sound() -> None:
    example = Path(__file__).parents[2] / "deploy" / "config" / "agent.toml"
    assert str(load(example).data_dir) == "/var/lib/countermark-agent"
