"""Taking goods in: what was scanned, against what was announced."""
