"""Invoices and credit notes: what a site was charged, set against what it ordered and what it received (three-way match)."""
