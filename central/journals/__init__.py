"""Journals as central keeps them: its cursor in each, the archive of their events, and what could not be read of them."""
