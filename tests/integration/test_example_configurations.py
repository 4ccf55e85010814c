"""The example configurations: they load as they are, and what they show as a default is one."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from agent import settings as agent_settings
from agent.till.pins import hash_pin
from central import settings as central_settings

ROOT = Path(__file__).resolve().parents[2]
CONFIG = ROOT / "deploy" / "config"

# What an example shows without its being the default, since there is none: it depends on the installation.
OWN = {
    "agent": {
        "scanner",
        "till.lane",
        "till.currency",
        "local.token",
        "broker.host",
        "broker.port",
        "neighbours.listen",
        "neighbours.agents",
        "printer",
        "supervisor",
    },
    "central": {
        "database.url",
        "http.public_url",
        "broker.public_host",
        "broker.public_port",
        "resolver.host",
        "resolver.name",
        "resolver.contact",
        "resolver.product_url",
        "codes.domain",
        "retention",
    },
}


def _uncommented(text: str, *, without: set[str]) -> str:
    """The example with every default written out, and the keys named in ``without`` left as comments."""
    lines, table = [], ""
    for line in text.splitlines():
        if head := re.fullmatch(r"(?:# )?\[+([\w.]+)\]+", line):
            table = head[1]
        key = re.match(r"# (\w+) = ", line)
        named = f"{table}.{key[1]}" if key and table else key[1] if key else table
        shown = key is not None or head is not None
        lines.append(line.removeprefix("# ") if shown and not {named, table} & without else line)
    return "\n".join(lines) + "\n"


def _load(side: str, path: Path) -> Any:
    return agent_settings.load(path) if side == "agent" else central_settings.load(path)


@pytest.mark.parametrize("side", ["agent", "central"])
def test_an_example_is_a_sound_configuration_as_it_is(side: str) -> None:
    _load(side, CONFIG / f"{side}.toml")


@pytest.mark.parametrize("side", ["agent", "central"])
def test_what_an_example_shows_as_a_default_is_the_default(side: str, tmp_path: Path) -> None:
    text = (CONFIG / f"{side}.toml").read_text(encoding="utf-8")
    written_out = tmp_path / "written-out.toml"
    written_out.write_text(_uncommented(text, without=OWN[side]), encoding="utf-8")
    assert "\n[" in written_out.read_text(encoding="utf-8")
    defaults = _load(side, CONFIG / f"{side}.toml").model_dump()
    assert _load(side, written_out).model_dump() == defaults


@pytest.mark.parametrize("side", ["agent", "central"])
def test_everything_in_an_example_is_a_key_of_the_settings(side: str, tmp_path: Path) -> None:
    text = (CONFIG / f"{side}.toml").read_text(encoding="utf-8")
    everything = tmp_path / "everything.toml"
    full = _uncommented(text, without=set()).replace('token = "..."', 'token = "0123456789abcdef"')
    full = full.replace('pin_hash = "scrypt$14$..."', f'pin_hash = "{hash_pin("4711")}"')
    everything.write_text(
        re.sub(r'^url = "postgresql:///.*$', "", full, flags=re.MULTILINE), encoding="utf-8"
    )
    _load(side, everything)
    without_a_place = {"data_dir", "database.pool_size"}
    assert [
        key
        for key in sorted(_keys(side) - without_a_place)
        if f"{key.split('.')[-1]} = " not in full and f"[[{key}]]" not in full
    ] == []


def _keys(side: str) -> set[str]:
    """Every key that stands on a line of its own in an example: those of tables and the top, but not of scanners, the printer and codes."""
    model: Any = agent_settings.Settings if side == "agent" else central_settings.Settings
    found = set()
    for name, field in model.model_fields.items():
        inner = getattr(field.annotation, "model_fields", None)
        if inner is None:
            found |= {name} - {"scanner", "printer"}
        elif name != "codes":
            found |= {f"{name}.{key}" for key in inner}
    return found
