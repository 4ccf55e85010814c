"""Stocktakes: what was counted at a site against what its books said at the moment of the count, while it goes on selling.

``counting`` turns what scanners brought into a quantity a product (pure), ``rules`` says what follows for it (pure), ``causes`` why it may
differ (pure). ``tables`` and ``books`` are the queries, ``booking`` takes counts in, ``decisions`` carries out what people decide.
"""
