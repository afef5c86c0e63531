"""How a sequence of calls is run: executors and retries. Knows a callable, never a calendar."""
