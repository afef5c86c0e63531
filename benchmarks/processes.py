"""What is measured in a process of its own."""

import ctypes
import gc
import multiprocessing
import re
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import pyarrow as pa


def in_a_new_process(function: Callable[..., Any], *arguments: Any) -> Any:
    """What a function of a module returns in a new process, which it has for itself."""
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        return pool.submit(function, *arguments).result()


def peak(function: Callable[[], object]) -> tuple[int, int]:
    """The most bytes that this process holds during a call, and how many of them come on top of what it held before.

    Linux alone tells. What this process has freed is given back first, as what is used again does not come on top.
    """
    gc.collect()
    pa.default_memory_pool().release_unused()
    ctypes.CDLL(None).malloc_trim(0)
    Path("/proc/self/clear_refs").write_text("5")  # the peak so far is forgotten
    before = _bytes("VmRSS")
    result = function()
    most = _bytes("VmHWM")
    del result
    return most, most - before


def _bytes(name: str) -> int:
    found = re.search(rf"^{name}:\s+(\d+) kB", Path("/proc/self/status").read_text(), re.MULTILINE)
    assert found
    return int(found[1]) * 1024
