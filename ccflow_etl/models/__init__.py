"""The ccflow models that compose the engines: write, cache, checkpoint, retry, backfill, artifact, summary."""
