"""Cases and pallets by their SSCC: what is in them, where they are, and how their contents travel with them.

The rules are :mod:`protocol.aggregation`. What lies in what stands with the child (``items.container``, ``containers.parent``), so that nothing
can lie in two places.
"""
