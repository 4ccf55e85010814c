"""Is this item genuine, and may it be sold here? Answered from what is known at the counter, else by one short question."""
