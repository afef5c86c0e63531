"""Bytes and marks at rest: local files, memory, object stores, the embedded checkpoint store, and their protocols."""
