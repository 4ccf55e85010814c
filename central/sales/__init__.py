"""Sales as central keeps them: one row a receipt line, what was taken back counted below zero."""
