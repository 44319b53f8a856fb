"""From a target to something that can be asked. Connecting sends nothing and resolves no secret: first use does."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from types import TracebackType
from typing import NamedTuple, Self

from reconciler.apis.client import Client
from reconciler.apis.context_pool import ContextPool
from reconciler.apis.csms import CSMS
from reconciler.apis.dialect import Dialect, ReaderParts
from reconciler.apis.keyfactor import KEYFACTOR
from reconciler.apis.login_methods import Identity, LoginContext, choose_identity
from reconciler.apis.target_secrets import Secrets
from reconciler.apis.transports import TransportFactory
from reconciler.errors import UsageError
from reconciler.model import Bound, Call, Reply
from reconciler.reader import Read
from reconciler.settings.model import Target
from reconciler.transport.exchanges import TrafficWatch
from reconciler.transport.options import STEPS_A_WRITER
from reconciler.transport.proxy_environment import add_proxy_environment
from reconciler.transport.retry import ReadPatience, RetryPolicy
from reconciler.transport.single_flight import OnceCache
from reconciler.transport.throttle import DEFAULT_THROTTLING, Throttle, ThrottlePolicy
from reconciler.transport.transport import Sender, Transport

_DIALECTS = {dialect.api: dialect for dialect in (KEYFACTOR, CSMS)}


def find_dialect(api: str) -> Dialect:
    """Return what is special to an API, by what the settings call it."""
    return _DIALECTS[api]


def read_utc_time() -> datetime:
    """Return the time of day (aware)."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Machine:
    """What a connection takes from where it runs, beside its clocks: the way out, threads to read with, and chance.

    `jitter` is in [0, 1); None takes the system's. `traffic` is shown every request, those of a login among them.
    `throttling` is how long a server is waited for that asks for fewer requests; None: as for one that fails.
    """

    open_sender: Callable[..., Sender] = Transport
    open_pool: Callable[[int, str], Executor] = ContextPool
    jitter: Callable[[], float] | None = None
    traffic: TrafficWatch | None = None
    throttling: ThrottlePolicy | None = DEFAULT_THROTTLING


THIS_MACHINE = Machine()


class TargetPools(NamedTuple):
    """Threads of one target: for single reads; for kinds, which wait for those; and for steps, which write."""

    reads: Executor
    kinds: Executor
    steps: Executor


@dataclass(frozen=True, slots=True)
class Api:
    """One target, connected.

    `read` reads each list once in a run; `fresh` reads it every time, for looking again before and after a write. Only
    `apply` is handed `send`; `client`, `identity`, `secrets` and `transports` are what `doctor` looks behind. Close it,
    or use it in a `with`.
    """

    target: Target
    dialect: Dialect
    read: Read
    fresh: Read
    client: Client
    identity: Identity
    secrets: Secrets
    transports: TransportFactory
    pools: TargetPools
    _transport: Sender

    def send(self, call: Call) -> Reply:
        """Send a write once and return its answer, whatever the status.

        Raises NoReply; its `sent` is False only if no byte of the request can have left (a failed login included).
        """
        return self.client.send(call)

    def explain(self, reply: Reply) -> str:
        """Return what an answer says of itself: redacted, escaped, on one short line; "" if nothing."""
        return self.client.explain(reply)

    def redact(self, text: str) -> str:
        """Return text with the target's secrets, as far as they were used, blotted out."""
        return self.client.redact(text)

    def learn(self) -> None:
        """Fetch the target's secrets ahead of their use, so that `redact` knows them; raises what a read would."""
        self.secrets.learn()

    def bound(self) -> Bound:
        """Return what a plan made here is bound to; raises as `read` does where IAM has to tell the project's id."""
        return self.target.bound(self.identity.project())

    @property
    def product(self) -> str:
        """The server's version as its last answer said it; "" before the first, or where it doesn't say."""
        return self.client.product

    def close(self) -> None:
        """Give up what is still being read and close all connections."""
        # First: Python joins the pool's threads at exit, and only this makes their waiting reads give up.
        self._transport.close()
        self.identity.auth.close()
        for pool in self.pools:
            pool.shutdown(wait=False, cancel_futures=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def connect(
    target: Target,
    env: Mapping[str, str],
    *,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
    now: Callable[[], datetime] = read_utc_time,
    on_reply: Callable[[Reply], None] = lambda _reply: None,
    machine: Machine = THIS_MACHINE,
) -> Api:
    """Return the API of a target; raises UsageError where the target lacks something or names unusable certificates.

    `env` is where `{env: NAME}` secrets are looked up; `clock` is monotonic seconds, for deadlines and tokens; `now` is
    the time of day (aware), for signatures; `on_reply` is shown each answer to a read before it is judged.
    """
    if target.lacking:
        raise UsageError(target.lacking.add_subject(f"target {target.name}:").locate(target.source))
    target = replace(target, transport=add_proxy_environment(target.transport, env))
    secrets = Secrets(target, env)
    open_sender = machine.open_sender
    if machine.traffic:
        open_sender = partial(open_sender, on_exchange=partial(machine.traffic.show, target.name, secrets.redact))
    transports = TransportFactory(target, secrets, clock, sleep, open_sender)
    transport = transports.open_api_transport()
    jitter = machine.jitter or random.SystemRandom().random
    retries = RetryPolicy(sleep=sleep, now=now, jitter=jitter, stopped=lambda: transport.stopped)
    throttle = machine.throttling and Throttle(
        machine.throttling, clock=clock, sleep=sleep, jitter=jitter, stopped=lambda: transport.stopped
    )
    chosen_identity = choose_identity(target, secrets, LoginContext(transports, clock, now, retries))
    dialect = find_dialect(target.api)
    patience = ReadPatience(retries, throttle)
    client = Client(target, dialect, transport, chosen_identity.auth, secrets.redact, patience, on_reply=on_reply)
    pools = _open_pools(target, machine)
    parts = ReaderParts(client, pools.reads, chosen_identity.project, target.transport.parallelism, target.region)
    read, fresh = dialect.make_reader(parts, OnceCache()), dialect.make_reader(parts, None)
    return Api(target, dialect, read, fresh, client, chosen_identity, secrets, transports, pools, transport)


def _open_pools(target: Target, machine: Machine) -> TargetPools:
    """Return the threads of a target; each is started when there is work for it."""
    reads, writes = target.transport.parallelism, target.transport.writes or target.transport.parallelism
    return TargetPools(
        machine.open_pool(reads, f"read-{target.name}"),
        machine.open_pool(reads, f"kind-{target.name}"),
        machine.open_pool(STEPS_A_WRITER * writes, f"write-{target.name}"),
    )
