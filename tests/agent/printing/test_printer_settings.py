"""``[printer]``: what cannot work is refused with what was expected."""

from __future__ import annotations

from pathlib import Path

import pytest

from agent.settings import SettingsError, load


@pytest.mark.parametrize(
    ("table", "says"),
    [
        ('kind = "network"', "kind 'network': expected host too"),
        ('kind = "serial"', "kind 'serial': expected path too"),
        ('kind = "fax"\nhost = "x"', "printer.kind = 'fax': expected 'network', 'serial' or 'usb'"),
        ('kind = "network"\nhost = "x"\ncolumns = 50', "printer.columns = 50: expected 32, 40, 42 or 48"),
        ('kind = "network"\nhost = "x"\ncode_page = "utf-8"', "printer.code_page = 'utf-8': expected 'gb18030', 'big5'"),
        ('kind = "network"\nhost = "x"\nqr = "{price}"', "expected text with {receipt}, {sale_id} or {site} in it"),
        ('kind = "network"\nhost = "x"\nfont = "/no/font"', "/no/font: there is no such file"),
        ('kind = "network"\nhost = "x"\ntax = { label = "VAT", percent = "x" }', "expected a rate between 0 and 100"),
        ('kind = "network"\nhost = "x"\npaper = 80', "printer.paper = 80: this key is not known; expected one of answers"),
    ],
)  # fmt: skip
def test_a_printer_that_cannot_work_is_refused(tmp_path: Path, table: str, says: str) -> None:
    path = tmp_path / "agent.toml"
    path.write_text(f"[printer]\n{table}\n")
    with pytest.raises(SettingsError) as refused:
        load(path)
    assert says in str(refused.value)
