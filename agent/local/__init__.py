"""The local interface: HTTP and WebSocket for an existing till, and the till page."""
