"""How a sequence of calls is run: executors, attempts, retries and progress. Knows a callable, never a calendar."""
