"""The simulator as a process: runs until it is told to stop, and says where it is in a file."""

from __future__ import annotations

import json
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from reconciler.simulator.settings_file import write_private_file
from reconciler.simulator.simulator import Simulator
from reconciler.simulator.world.fleet_seed import NO_FLEET, FleetSeed

# SIGHUP ends a terminal or an ssh session. By default all but SIGINT end Python at once: secrets' files would stay.
# Windows has neither of the last two.
_SIGNALS = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT") if hasattr(signal, name))


def run_simulator(
    port: int = 0,
    certificates: int = 200,
    latency_ms: float = 0,
    ready_file: str | Path | None = None,
    stop: threading.Event | None = None,
    fleet: FleetSeed = NO_FLEET,
) -> None:
    """Run the simulator until a signal that asks to stop (SIGINT, SIGTERM, SIGHUP, SIGQUIT) or the event.

    When it listens, `ready_file` appears, complete: the JSON of `Simulator.credentials`, readable by its owner alone.
    It is removed at the end. Raises OSError where the port is taken or the file can't be written.
    """
    stop_event = stop or threading.Event()
    with _stop_on_signals(stop_event), Simulator(port, certificates, latency_ms, fleet=fleet) as simulator:
        ready_path = Path(ready_file) if ready_file is not None else None
        try:
            if ready_path is not None:
                write_private_file(ready_path, json.dumps(simulator.credentials, indent=2) + "\n")
            while not stop_event.wait(0.5):
                pass
        finally:
            if ready_path is not None:
                ready_path.unlink(missing_ok=True)


@contextmanager
def _stop_on_signals(stop_event: threading.Event) -> Iterator[None]:
    # signal.signal() raises ValueError in any other thread.
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def set_stop_event(_number: int, _frame: FrameType | None) -> None:
        stop_event.set()

    numbers = [number for number in _SIGNALS if signal.getsignal(number) is not signal.SIG_IGN]  # as nohup has it
    previous_handlers = {number: signal.signal(number, set_stop_event) for number in numbers}
    try:
        yield
    finally:
        for number, handler in previous_handlers.items():
            signal.signal(number, handler)
