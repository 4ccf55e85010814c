"""The stock ledger: append-only movements from one location to another, and the balances that they add up to."""
