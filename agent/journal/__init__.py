"""The journal: what happened at this counter, in order, unchanged, until central has it and long after."""
