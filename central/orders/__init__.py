"""Dealer orders at central: what a dealer asked for, what the brand answered, what is promised, sent and received.

``rules`` decides (pure), ``tables`` reads and writes rows, ``storage`` takes in what agents report, ``decisions`` carries out
what the brand decides, ``routes`` is the HTTP face. The life of an order itself stands in :mod:`protocol.orders`.
"""
