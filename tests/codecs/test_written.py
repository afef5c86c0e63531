"""What is written in memory is what was written, whatever its size was thought to be."""

import tracemalloc

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ccflow_etl.codecs.written import written


@example([b"rain"], 1 << 60)
@example([b"x" * 40_000_000, b"y"], 30_000_000)
@given(st.lists(st.binary()), st.sampled_from([0, 1, 10, 1_000, 100_000_000]))
def test_pieces_are_one_after_the_other(pieces: list[bytes], size: int) -> None:
    assert written(lambda file: file.writelines(pieces), size) == b"".join(pieces)


def test_a_failure_is_the_writers() -> None:
    with pytest.raises(TypeError, match="bytes-like"):
        written(lambda file: file.writelines(["text"]), 1 << 25)  # type: ignore[list-item] # a mistake


def test_nothing_is_kept_of_what_was_not_written() -> None:
    tracemalloc.start()
    kept = [written(lambda file: file.writelines([b"rain"]), 1 << 25) for _ in range(100)]
    taken = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    assert kept == [b"rain"] * 100
    assert taken < 100_000
