"""A mail server on loopback that keeps what it is sent."""

from __future__ import annotations

import asyncio
import email
import email.policy
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import EmailMessage
from typing import Any

from aiosmtpd.smtp import SMTP


class MailBox:
    """Letters in order of arrival, and the port that they come in at."""

    def __init__(self) -> None:
        self.letters: list[EmailMessage] = []
        self.port = 0

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802 - aiosmtpd's name
        """Take a letter."""
        self.letters.append(email.message_from_bytes(envelope.content, policy=email.policy.default))
        return "250 OK"

    async def serve(self, is_ready: threading.Event, is_over: asyncio.Event) -> None:
        """Take letters until it is over."""
        loop = asyncio.get_running_loop()
        server = await loop.create_server(lambda: SMTP(self, loop=loop), "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        is_ready.set()
        await is_over.wait()
        server.close()


@contextmanager
def open_mail_box() -> Iterator[MailBox]:
    """Run a mail server until the end of the `with` statement."""
    box, loop, is_ready, is_over = MailBox(), asyncio.new_event_loop(), threading.Event(), asyncio.Event()
    thread = threading.Thread(target=lambda: loop.run_until_complete(box.serve(is_ready, is_over)))
    thread.start()
    is_ready.wait()
    try:
        yield box
    finally:
        loop.call_soon_threadsafe(is_over.set)
        thread.join()
        loop.close()
