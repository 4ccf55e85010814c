"""Price lists, each price valid from a moment on."""
