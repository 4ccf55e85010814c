"""Corrections of stock with their reasons: what was broken, used, lost or found, item by item where it has a code."""
