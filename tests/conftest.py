"""Settings for all tests: examples may take their time, since two cores run everything at once."""

from __future__ import annotations

import gc

from hypothesis import HealthCheck, settings

settings.register_profile("house", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("house")


def pytest_collection_finish() -> None:
    """Spare the garbage collector thousands of tests that stay to the end: it would look at all of them each time."""
    gc.collect()
    gc.freeze()
