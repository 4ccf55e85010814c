"""Receipts on paper and the cash drawer. A printer is a convenience: a sale is complete without it, and never waits for it."""
