"""The agent at a counter: scanners, verification, the sale, the local journal, and the link to central."""
