"""What a one-machine installation brings along: a real PostgreSQL and an MQTT broker, started and stopped by central.

``database`` runs PostgreSQL, ``broker`` the MQTT broker, ``mosquitto`` writes the configuration for a Mosquitto instead.
A larger installation names its own services and uses nothing of this package.
"""
