"""Cases that no single fact shows: what has not happened in its time, found by the clock, site by site, and closed when it happens."""
