"""A dealer's orders at the counter: proposal, draft, submission, and the answers of central."""
