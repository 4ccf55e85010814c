"""Files of master data and opening stock, taken in line by line: a bad line is named, the rest is imported.

``rules`` reads lines (pure), each noun says what a line of it means, ``files`` brings a whole file into the database in one
transaction.
"""
