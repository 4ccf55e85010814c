"""The order of the steps: one small module a step, which names the step before it."""
