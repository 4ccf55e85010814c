"""The scanners of this counter: one thread each, so that a bad one never stops the others."""
