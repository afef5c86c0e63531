"""What all tests share: how hard hypothesis tries, where matplotlib writes, whose commands are tested."""

import os
import sys
from pathlib import Path

import pytest
from hypothesis import settings

# HYPOTHESIS_PROFILE=nightly python -m pytest tests -q
settings.register_profile("quick", deadline=None)  # a busy machine is not a failure
settings.register_profile("nightly", deadline=None, max_examples=2_000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "quick"))

# It keeps its list of fonts in the home folder otherwise.
os.environ.setdefault("MPLCONFIGDIR", str(Path(__file__).parents[1] / ".pytest_cache" / "matplotlib"))
os.environ.setdefault("MPLBACKEND", "agg")


@pytest.fixture(scope="session")
def scripts() -> Path:
    """The folder of the installed commands: CCFLOW_ETL_SCRIPTS, or where this Python is."""
    return Path(os.environ.get("CCFLOW_ETL_SCRIPTS", Path(sys.executable).parent))
