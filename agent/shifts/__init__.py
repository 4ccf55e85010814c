"""Shifts: a till taken over with a float, cash put in and taken out, and the count at the end."""
