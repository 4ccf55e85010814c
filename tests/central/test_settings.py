"""Settings: whatever is wrong with them is one line."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from central.settings import SettingsError, load

DATABASE = '[database]\nurl = "postgresql://me:hush@localhost/books"\n'


@pytest.fixture(autouse=True)
def _nothing_from_outside(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in os.environ:
        if name.startswith("COUNTERMARK_"):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


def written(directory: Path, text: str) -> Path:
    """A configuration file."""
    path = directory / "central.toml"
    path.write_text(text)
    return path


def test_a_file_with_a_database_is_enough(tmp_path: Path) -> None:
    settings = load(written(tmp_path, DATABASE))
    assert (settings.database_url, settings.http.host, settings.http.port) == (
        "postgresql://me:hush@localhost/books",
        "127.0.0.1",
        8320,
    )


def test_an_environment_variable_goes_before_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COUNTERMARK_CENTRAL_HTTP__PORT", "9000")
    assert load(written(tmp_path, f"{DATABASE}[http]\nport = 8000\n")).http.port == 9000


def test_the_environment_alone_is_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COUNTERMARK_CENTRAL_DATABASE__URL", "postgresql://me@localhost/books")
    assert load().database_url == "postgresql://me@localhost/books"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "database: expected a value, and there is none"),
        (
            DATABASE + "[http]\nprt = 1\n",
            "http.prt = 1: this key is not known; expected one of body_limit_bytes, host, port",
        ),
        (
            DATABASE + "[htp]\n",
            "htp = {}: this key is not known; expected one of authority, broker, codes",
        ),
        (DATABASE + '[http]\nport = "many"\n', "http.port = 'many': expected a whole number"),
        (DATABASE + "[http]\nport = 70000\n", "http.port = 70000: expected less than or equal to 65535"),
        (DATABASE + "http = 1\n", "http"),
        (
            DATABASE + '[broker]\nshared_subscription = "often"\n',
            "broker.shared_subscription = 'often': expected true or false",
        ),
        (DATABASE + '[resolver]\nshort_path = "v1"\n', "not the beginning of another address"),
        (
            DATABASE + '[resolver]\ntrusted_proxies = ["10.0.0.0/33"]\n',
            "'10.0.0.0/33': expected an address or a network",
        ),
        (
            '[database]\nurl = "mysql://root:hush@localhost/x"\n',
            "expected postgresql://user:password@host:5432/database",
        ),
        ("[database\n", "not TOML"),
    ],
)
def test_what_is_wrong_is_one_line_with_key_value_and_what_was_expected(
    tmp_path: Path, text: str, words: str
) -> None:
    with pytest.raises(SettingsError) as refused:
        load(written(tmp_path, text))
    said = str(refused.value)
    assert (words in said, "\n" in said, "hush" in said) == (True, False, False), said


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("COUNTERMARK_CENTRAL_HTP__PORT", "expected one of COUNTERMARK_CENTRAL_DATABASE__…"),
        ("COUNTERMARK_CENTRAL_HTTP__PRT", "COUNTERMARK_CENTRAL_HTTP__PORT"),
    ],
)
def test_a_mistyped_variable_is_not_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, words: str
) -> None:
    monkeypatch.setenv(name, "1")
    with pytest.raises(SettingsError, match="this key is not known") as refused:
        load(written(tmp_path, DATABASE))
    assert words in str(refused.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="there is no such file; expected a TOML file"):
        load(tmp_path / "none.toml")


def test_no_configuration_at_all_says_where_one_is_looked_for() -> None:
    with pytest.raises(
        SettingsError, match=r"expected countermark-central.toml or /etc/countermark/central.toml"
    ):
        load()
