"""Goods that leave this site for another one of the brand's: transfers, and returns to a warehouse."""
