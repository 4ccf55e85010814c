"""The till as a box of money: how receipts were paid, shifts and what was counted at their end, the limits of a till."""
