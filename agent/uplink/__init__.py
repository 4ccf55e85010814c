"""The link to central: batches up, acks and feeds down, over any MQTT broker from version 3.1.1 up."""
