"""Runnable pipelines that the example configs point at."""
