"""The machines at the counters: how one joins, proves itself and is shut out, and how the fleet fares."""
