"""A simulated fleet: the real sender and receiver over a simulated disk, clock, broker and database.

One *episode* is a small world (a few agents, one central) that lives through a few thousand steps, each a sale or a fault,
drawn from a seed. It ends with every link up and every machine on, until all is quiet; then the books are compared. An
episode that fails is replayed from its seed and shrunk to a short trace. Many episodes make a long run.

    python -m tests.simulation --sales 1000000
"""
