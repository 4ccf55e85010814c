"""Delivery: how the events of a journal reach central, each with exactly one effect, whatever happens in between.

Two state machines without I/O. :mod:`~protocol.delivery.sender` runs at an agent, :mod:`~protocol.delivery.receiver` at
central; tests and the simulation join them in memory, the shells join them over MQTT.

What the sender relies on, and nothing more:

* a row of the journal, once committed, never changes, and its hash covers everything before it;
* an ack is central's cursor, sent after central's commit.

From these two follows the rest. A lost, doubled, late or reordered message can only make a sender repeat a batch, and a
repeated batch is recognised by its hash. Two journals that grew apart under one name (an agent restored from an old
image, a machine copied) are noticed at the first row in which they differ, because their hashes do; the rows after the last
common one are sent again under a new epoch, so that nothing is discarded and no number is used twice.
"""
