"""The configuration shown in docs/codes.md is one that an agent takes."""

from __future__ import annotations

import re
from pathlib import Path

from agent import settings

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
