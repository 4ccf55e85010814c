"""Tokens of the HTTP interface: whose they are and how long they are good. What they open stands in central.api.callers."""
