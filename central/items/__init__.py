"""The lives of coded items: one item, one code, one sale."""
