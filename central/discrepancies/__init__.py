"""Discrepancies: where two facts contradict each other, kept with their evidence until a person or a later fact settles them."""
