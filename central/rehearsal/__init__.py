"""A rehearsal: a generated trade with known faults in it, taken through the real intake, and what central found of them.

Planning is pure: the tree of sites and its goods (``world``), the faults (``kinds``), the days of a shop (``shop``, ``deliveries``, ``mishaps``)
and the score (``scoring``) follow from a seed. What is done with them (``running``) runs against a real PostgreSQL.
"""
