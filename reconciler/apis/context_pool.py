"""Threads that know on whose behalf they work, so that a request is counted where it was asked for."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from typing import Any


class ContextPool(ThreadPoolExecutor):
    """Carries each task out in the context (PEP 567) of whoever has handed it over."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """As Executor has it, whose `map` comes through here too."""
        return super().submit(copy_context().run, fn, *args, **kwargs)
