"""Feeds: what this counter knows of the world, as central last told it."""
