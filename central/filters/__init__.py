"""Filters: what every counter must be wary of, as signed Bloom filters in the ``filters`` feed (see :mod:`protocol.filters`)."""
