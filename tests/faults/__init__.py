"""Real agents, Mosquitto, central and PostgreSQL, killed and cut off in every way that one machine allows."""
