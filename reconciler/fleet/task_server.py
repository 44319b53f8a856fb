"""A process that has loaded the tool and forks for each task: what one target's run knows is gone when it ends.

    coordinator ── frame: environment and task ──▶ server ── fork ──▶ child
                ◀── frame: answer ─────────────── server ◀── answer ── child
                ◀── empty frame: the child has ended ── server

A child whose coordinator is gone finishes its step and ends: it sees that its server's input has come to an end.
"""

from __future__ import annotations

import json
import os
import signal
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from io import FileIO
from typing import IO

from reconciler.fleet.frames import read_frame, write_frame

RunTask = Callable[[bytes, Mapping[str, str]], bytes]
"""From a task and the environment that it may know to its answer."""
PrepareTask = Callable[[bytes, Mapping[str, str]], None]
"""Reads, before the process of a task is forked, what its successors will need as well."""
_ENDED = b""


def serve_tasks(
    run: RunTask, source: IO[bytes], sink: IO[bytes], prepare: PrepareTask = lambda _task, _env: None
) -> None:
    """Run each task of `source` in a process of its own, one after the other, until nothing comes any more.

    Neither stream may have a buffer. Where a system has no fork (Windows), one task is run and the server ends.
    """
    can_fork = hasattr(os, "fork")
    while (frame := read_frame(source)) is not None:
        env, _, task = frame.partition(b"\n")
        call = partial(run, task, json.loads(env))
        prepare(task, json.loads(env))
        if not can_fork:
            _answer(call, source, sink)
        elif (answer := _fork_child(call, source)) is not None:
            write_frame(sink, answer)
        write_frame(sink, _ENDED)
        if not can_fork:
            return


def pack_call(task: bytes, env: Mapping[str, str]) -> bytes:
    """Return the frame that makes a server run a task."""
    return json.dumps(dict(env)).encode() + b"\n" + task


def _fork_child(call: Callable[[], bytes], source: IO[bytes]) -> bytes | None:
    """Return what a child answers, or None where it ends before all of that was said.

    It comes by way of its server: half an answer on the coordinator's pipe would swallow whatever follows it.
    """
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        try:
            _answer(call, source, FileIO(writing, "wb"))
        finally:
            # Whatever happened: a child that went on here would be a second server.
            os._exit(0)
    os.close(writing)
    with FileIO(reading) as answers:
        answer = read_frame(answers)
    os.waitpid(child, 0)
    return answer


def _answer(call: Callable[[], bytes], source: IO[bytes], sink: IO[bytes]) -> None:
    threading.Thread(target=_end_with_coordinator, args=(source,), daemon=True).start()
    write_frame(sink, call())


def _end_with_coordinator(source: IO[bytes]) -> None:
    """Ask this process to stop, as a supervisor would, once nobody is there any more to tell anything to."""
    with suppress(OSError, ValueError):
        while source.read(1):
            pass
    os.kill(os.getpid(), signal.SIGTERM)
