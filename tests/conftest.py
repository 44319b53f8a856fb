"""Settings for all tests: examples may take their time, since two cores run everything at once."""

from __future__ import annotations

import gc
import os
import shutil
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile("house", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("house")

_MEMORY = Path("/dev/shm")
_ROOM = 2 * 1024**3
# The stores of the tests sync each record to the disk, and none of it has to survive a loss of power.
if (
    tempfile.gettempdir() == "/tmp"  # else somebody chose another place
    and os.access(_MEMORY, os.W_OK)
    and shutil.disk_usage(_MEMORY).free > _ROOM
):
    tempfile.tempdir = str(_MEMORY)


# Until all tests are collected, and stay to the end, there is no garbage worth looking for.
gc.disable()


def pytest_collection_finish() -> None:
    """Spare the garbage collector thousands of tests that stay to the end: it would look at all of them each time."""
    gc.collect()
    gc.freeze()
    # Most of what tests leave goes without the collector; looking at every 700 objects took a twentieth of the suite.
    gc.set_threshold(20_000, 10, 10)
    gc.enable()


@pytest.hookimpl(wrapper=True, trylast=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    """Count no lines of a test that says `no_cover`: in a worker of xdist the plugin's own word has no effect."""
    if item.get_closest_marker("no_cover") is None:
        return (yield)
    trace, thread_trace = sys.gettrace(), threading.gettrace()
    sys.settrace(None)
    threading.settrace(None)
    try:
        return (yield)
    finally:
        sys.settrace(trace)
        threading.settrace(thread_trace)
