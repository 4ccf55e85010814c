"""Policy: what a counter does on a verdict, for every product or for one; published to all agents."""
