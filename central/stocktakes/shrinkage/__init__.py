"""Shrinkage: what corrections, counts above all, took away from the stock of sites."""
