"""The books for others: a double-entry journal for accounting, movements for analysts."""
