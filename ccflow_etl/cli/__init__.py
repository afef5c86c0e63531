"""The command line: cc-etl, cc-etl-explain and cc-etl-plan."""
