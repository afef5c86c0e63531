"""Bytes and marks at rest: local files and the embedded checkpoint store."""
