"""Days to steps: intervals, ordinal grids, calendars, rules and set algebra.

Numpy only, until a pandas object is asked for.
"""
