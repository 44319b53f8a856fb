"""Every single fault at every I/O event of twelve plans: all of them, so that no chance is left out.

Each kind of fault happens once at an event; what lasts in practice, such as a server that is down, also from that event
on until the run ends. Afterwards all is calm, and the rounds that follow have to mend it.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

from reconciler.selftest.corpus_files import pick_documents
from reconciler.selftest.faults import FAULTS, Channel, NoFaults, SingleFault
from reconciler.selftest.schedule import Schedule, ScheduleResult

PLANS = (
    ("Shop PKI",),
    ("PKI Operators",),
    ("Help Desk", "Web Team"),
    ("denied-logger",),
    ("issued-logger", "Web Team"),
    ("payments",),
    ("Shop PKI", "shop"),
    ("partners",),
    ("test-names",),
    ("test-names", "partners", "denied-logger"),
    ("expiry-prod", "rotation-audit"),
    ("certificates", "denied-logger", "PKI Operators", "test-names"),
)
"""The names of the documents of each plan."""
_LASTING = frozenset(
    {
        *("refused", "drop_before", "drop_after", "delay", "html_before", "error_before", "error_after", "throttle"),
        *("store_full", "store_unreachable", "store_lost_answer"),
    }
)


def list_single_faults() -> Iterator[str]:
    """Yield what each schedule is called: PLAN.EVENT.FAULT, with a + for a fault that lasts."""
    for plan in range(len(PLANS)):
        for event, channel in enumerate(_list_channels(plan)):
            for fault in FAULTS[channel]:
                yield f"{plan + 1}.{event}.{fault}"
                if fault in _LASTING:
                    yield f"{plan + 1}.{event}.{fault}+"


def play_single_fault(name: str) -> ScheduleResult:
    """Play the schedule of that name; raises ValueError for a name that no schedule has."""
    plan, event, fault = name.split(".")
    if fault.rstrip("+") not in FAULTS[_list_channels(int(plan) - 1)[int(event)]]:
        raise ValueError(f"{fault} can't happen there")
    program = SingleFault(int(event), fault.rstrip("+"), is_sticky=fault.endswith("+"))
    schedule = _prepare(int(plan) - 1, program, name)
    schedule.note(schedule.start("runner-1").apply(schedule.documents))
    return schedule.conclude(schedule.calm_down())


@cache
def _list_channels(plan: int) -> tuple[Channel, ...]:
    """Return where each I/O event of the plan's run takes place when nothing goes wrong."""
    schedule = _prepare(plan, NoFaults(), "probe")
    schedule.start("runner-1").apply(schedule.documents)
    channels = tuple(schedule.environment.channels)
    schedule.environment.close()
    return channels


def _prepare(plan: int, program: SingleFault | NoFaults, name: str) -> Schedule:
    schedule = Schedule(name, program, has_switches=False)
    schedule.documents = pick_documents(PLANS[plan])
    return schedule
