"""Item codes: the keys that sign them, the orders by which they are issued, what a label says, and whether a serial was ever issued."""
