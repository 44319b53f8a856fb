"""`python -m reconciler`."""

from __future__ import annotations

import sys

if not sys.flags.safe_path:
    del sys.path[0]  # the working directory: a checked-out repository must not be able to shadow a module

from reconciler.cli import entry

entry()
