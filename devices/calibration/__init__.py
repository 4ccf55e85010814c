"""Calibration: a printed sheet of symbols, and what the scans of it tell about a scanner. Pure.

`sheet` draws the sheet, `rules` finds the settings from recorded scans, `writing` makes a profile of them.
"""
