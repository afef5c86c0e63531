"""Payload to bytes and back: one class for each format, the frame <-> Arrow bridge, and byte filters."""
