"""Memory that Arrow's threads free without the interpreter's lock."""

import sys

import pytest

from ccflow_etl.codecs.arrow_memory import arrow_memory


@pytest.mark.parametrize("content", [b"", b"a,b\n1,2\n" * 1000, memoryview(b"a,b\n1,2\n")[4:]])
def test_it_is_a_copy_that_holds_nothing_of_pythons(content):
    before = sys.getrefcount(content)
    buffer = arrow_memory(content)
    assert sys.getrefcount(content) == before
    assert buffer.to_pybytes() == bytes(content)
    assert buffer.size == len(content)
