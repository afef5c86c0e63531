"""The names of a star import, which type checkers take from the stub."""

from typing import assert_type

from ccflow_etl import *  # noqa: F403 - it is what this file checks

assert_type(Interval.model_validate("2M"), Interval)  # noqa: F405 - it is what this file checks
