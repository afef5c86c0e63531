"""What the engines cost beside what else would do the same: README.md."""
