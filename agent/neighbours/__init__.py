"""Agents on the same local network, asked what their own journals did to an item when central cannot be."""
