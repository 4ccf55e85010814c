"""The configuration shown in docs/codes.md is one that an agent takes."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from agent import settings
from agent.settings import SettingsError

DOCUMENT = Path(__file__).parents[2] / "docs" / "codes.md"


def test_the_example_of_the_document_configures_an_agent(tmp_path: Path) -> None:
    example = re.search(r"```toml\n(.*?)```", DOCUMENT.read_text(encoding="utf-8"), re.DOTALL)
    assert example is not None
    written = tmp_path / "agent.toml"
    written.write_text(f'data_dir = "{tmp_path}"\n{example[1]}', encoding="utf-8")
    rules = settings.load(written).codes.rules()
    assert [layout.layout for layout in rules.in_store] == [
        "21IIIIIPPPPPC",
        "02IIIIIVPPPPC",
        "22IIIIIPPPPPWWWWWC",
    ]
    assert rules.control_keys == (b"0123456789abcdef",)


@pytest.mark.parametrize(("key", "reason"), [("0123456789abcdef!", "is no base64"), ("c2hvcnQ=", "got 5")])
def test_a_control_key_that_cannot_be_one_is_refused_without_being_quoted(
    tmp_path: Path, key: str, reason: str
) -> None:
    written = tmp_path / "agent.toml"
    written.write_text(f'data_dir = "{tmp_path}"\n[codes]\ncontrol_keys = ["{key}"]\n', encoding="utf-8")
    with pytest.raises(SettingsError, match=reason) as refused:
        settings.load(written)
    assert key not in str(refused.value)
