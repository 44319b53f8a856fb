"""Servers written by hand for the tests of apply: values that answer each send from a script."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from reconciler.apis.dialect import is_throttled_by_gateway
from reconciler.diagnostics import Source
from reconciler.engine.run_context import RunContext
from reconciler.engine.timing import ReadBackPolicy, Timing
from reconciler.errors import NoReply, UnreachableError
from reconciler.kinds.registry import KINDS
from reconciler.model import Call, Json, LoggedOut, Plan, Query, Reply
from reconciler.transport.strict_json import is_web_page
from tests.support.journals import Listening
from tests.support.problems import make_problem
from tests.support.sample_plans import handler, planned, registered
from tests.support.toy_reader import World

HANDLER = "/EventHandlerRegistration/1"
PATIENCE = ReadBackPolicy()
SECRET = "hunter22"


class Server(World):
    """Answers each send from a script. An effect shows after `lag` reads; `broken` reads fail after the send."""

    def __init__(
        self,
        answers: Mapping[str, Json],
        reply: Reply | NoReply | LoggedOut | None = None,
        effect: Mapping[str, Json] | None = None,
        lag: int = 0,
        broken: int = 0,
    ) -> None:
        super().__init__(answers)
        self.reply = Reply(200, {}, b"{}") if reply is None else reply
        self.effect, self.lag, self.broken = dict(effect or {}), lag, broken
        self.sent: list[Call] = []
        self.slept: list[float] = []
        self.journal = Listening()

    def send(self, call: Call) -> Reply:
        self.sent.append(call)
        if isinstance(self.reply, NoReply | LoggedOut):
            raise self.reply
        return self.reply

    def get(self, path: str, *, query: Query = (), version: int = 1) -> Json:
        self._turn()
        return super().get(path, query=query, version=version)

    def each(self, paths: Sequence[str], *, version: int = 1) -> list[Json]:
        self._turn()
        return [World.get(self, path, version=version) for path in paths]

    def rows(self, path: str, *, query: Query = (), version: int = 1, key: str = "Id") -> list[Json]:
        self._turn()
        self._lists.clear()
        return super().rows(path, query=query, version=version)

    def _turn(self) -> None:
        """One read after the send goes by: it fails, shows the old state, or the new one."""
        if not self.sent:
            return
        if self.broken:
            self.broken -= 1
            raise UnreachableError(make_problem(Source("GET x"), "no answer"))
        if not self.lag:
            self.answers = {**self.answers, **self.effect}
        self.lag -= 1

    def seams(self, stop: Callable[[], bool] = lambda: False) -> RunContext:
        both = ("command", "csms")
        return RunContext(
            readers=dict.fromkeys(both, self),
            senders=dict.fromkeys(both, self.send),
            explainers=dict.fromkeys(both, explained),
            was_definitely_not_done=dict.fromkeys(both, is_throttled_by_gateway),
            comes_from_between=dict.fromkeys(both, lambda reply: is_web_page(reply.body)),
            redact=redacted,
            kinds=KINDS,
            journal=self.journal,
            stop=stop,
            timing=Timing(sleep=self.slept.append, patience=PATIENCE),
        )


def explained(reply: Reply) -> str:
    """What an answer says of itself, which here is all of it."""
    return redacted(" ".join(reply.body.decode().split()))


def redacted(text: str) -> str:
    return text.replace(SECRET, "***")


def one_handler() -> tuple[Plan, dict[str, Json], dict[str, Json]]:
    """Return a plan that switches a handler on, the world before it by id, and what a done write changes."""
    (before,) = registered("A")
    plan = planned([handler("a")], {"/EventHandlerRegistration": [before]})
    return plan, {HANDLER: before}, {HANDLER: {**before, "Enabled": True}}


def answer(status: int, body: bytes = b"{}") -> Reply:
    return Reply(status, {}, body)


LOST = NoReply("connection reset", sent=True)
LOGGED_OUT = LoggedOut(answer(401), renewable=True, advice="check it")
UNSENT = NoReply("connection refused", sent=False)


class Scripted(Server):
    """Does what it is sent, except for the steps that have a script."""

    def __init__(self, answers: Mapping[str, Json], scripts: Mapping[str, Reply | NoReply]) -> None:
        super().__init__(answers)
        self.scripts = scripts

    def send(self, call: Call) -> Reply:
        self.sent.append(call)
        script = self.scripts.get(call.path, answer(200))
        if isinstance(script, NoReply):
            raise script
        if script.status == 200:
            self.answers = {**self.answers, call.path: {**self.answers[call.path], **call.body}}
        return script
