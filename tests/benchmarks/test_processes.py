"""What is measured in a process of its own."""

import os
import sys

import pytest

from benchmarks.processes import in_a_new_process, peak


def peaks_of_bytes(count: int) -> tuple[int, int]:
    return peak(lambda: b"x" * count)


def test_a_call_has_a_process_for_itself() -> None:
    assert in_a_new_process(os.getpid) != os.getpid()


@pytest.mark.skipif(sys.platform != "linux", reason="reads the peak of memory from /proc")
def test_a_peak_is_what_a_call_held_even_if_it_gave_it_back() -> None:
    most, on_top = in_a_new_process(peaks_of_bytes, 100_000_000)
    assert 100e6 <= on_top <= 110e6
    assert most >= on_top
