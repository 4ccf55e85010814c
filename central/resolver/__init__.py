"""The public check: what a consumer's phone, or a program, is told of a code that is printed on an item.

It follows the GS1-Conformant Resolver standard 1.2 where that applies, and tells nothing by which a copied or invented code could be
made better: ``rules`` decides what is said, ``docs/decisions/public-check.md`` says why. ``addresses`` reads what was asked,
``lookup`` asks the books, ``page`` and ``linkset`` are the answers, ``clients`` and ``limits`` keep a flood out, ``counting`` counts.
"""
