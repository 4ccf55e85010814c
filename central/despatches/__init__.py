"""Despatches: goods on their way from one site to another, announced by one side and taken in by the other.

``rules`` compares what was announced with what was counted (pure), ``storage`` keeps both.
"""
