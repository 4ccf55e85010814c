"""The large tables by month: partitions made ahead of time, and let go when they are old enough and nobody wants them any more."""
