"""The language that agents and central speak: pure values and state machines.

Nothing in this package opens a socket or a file, reads a clock or draws a random number. What it needs to know about
the world comes in as an argument; what should happen in the world goes out as a value.
"""
