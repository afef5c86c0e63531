"""Ranges of consecutive steps, however few and in either order."""

import numpy as np
import pandas as pd
import pytest

from ccflow_etl.models.step_ranges import step_ranges


def windows(days):
    return pd.interval_range(pd.Timestamp("2024-01-01"), periods=days, freq="D", closed="left")


@pytest.mark.parametrize("flags", [[], [True], [False, True], [True, True], [True, False, False]])
def test_ranges_are_those_of_the_steps_in_order_of_time(flags):
    forward = step_ranges(windows(len(flags)), np.array(flags, dtype=bool), "done")
    backward = step_ranges(windows(len(flags))[::-1], np.array(flags[::-1], dtype=bool), "done")
    pd.testing.assert_frame_equal(forward, backward)
    assert [flag for flag, steps in zip(forward["done"], forward["steps"], strict=True) for _ in range(steps)] == flags
    if flags:
        assert forward["start"].tolist() == [pd.Timestamp("2024-01-01"), *forward["end"][:-1]]
