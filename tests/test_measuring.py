"""What the tests leave out of the measured coverage."""

import coverage
import pytest


@pytest.mark.no_cover
def test_nothing_measures_what_is_marked():
    assert coverage.Coverage.current() is None
