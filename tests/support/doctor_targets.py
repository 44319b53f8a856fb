"""What the tests of `doctor` share: targets on a server of their own, and a look at single checks."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from reconciler.credentials.sources import FromEnvironment
from reconciler.doctor.diagnose import DoctorContext
from reconciler.doctor.model import Check, TargetDiagnosis
from reconciler.errors import Exit
from reconciler.plans.exit_code import exit_code
from reconciler.settings.model import AkskAuth, Auth, BasicAuth, NameOrId, PasswordAuth, Target
from reconciler.simulator import Simulator

QUICK = DoctorContext(sleep=lambda _seconds: None)
PROJECT = "0123456789abcdef0123456789abcdef"
KNOWN = NameOrId(id=PROJECT)


def secrets(server: Simulator) -> dict[str, str]:
    """Return an environment with everything that the ways to log in refer to."""
    keyfactor, csms = server.credentials["keyfactor"], server.credentials["csms"]
    return {
        "PASSWORD": keyfactor["password"],
        "CLIENT_SECRET": keyfactor["client_secret"],
        "ACCESS": csms["access_key"],
        "SECRET": csms["secret_key"],
        "IAM_PASSWORD": csms["password"],
    }


BASIC = BasicAuth("CORP\\svc-reconciler", FromEnvironment("PASSWORD"))
PASSWORD = PasswordAuth(NameOrId("reconciler"), NameOrId("example"), FromEnvironment("IAM_PASSWORD"))
AKSK = AkskAuth(FromEnvironment("ACCESS"), FromEnvironment("SECRET"))


def command(url: str, auth: Auth = BASIC, **more: Any) -> Target:
    return Target("command", "keyfactor", f"{url}/KeyfactorAPI", auth, **more)


def csms(url: str, auth: Auth = AKSK, project: NameOrId = KNOWN, **more: Any) -> Target:
    return Target("csms", "csms", url, auth, project, url, **more)


def found(examined: TargetDiagnosis) -> dict[str, Check]:
    """Return the checks by name; a check that is there twice has more to say than one line."""
    return {check.check: check for check in reversed(examined.checks)}


def verdicts(examined: TargetDiagnosis, *names: str) -> list[str]:
    by_name = found(examined)
    return [by_name[name].verdict.value for name in names]


def take(server: Simulator, *permissions: str) -> None:
    """Take permissions from the role that the reconciler's account holds."""
    with server.lock:
        for role in server.world.roles.values():
            if "/monitoring/handlers/registration/modify/" in role["Permissions"]:
                role["Permissions"] = [one for one in role["Permissions"] if one not in permissions]


def choose_exit(diagnoses: Iterable[TargetDiagnosis]) -> Exit:
    """Return the code that `doctor` ends with."""
    return exit_code(causes=(check.cause for diagnosis in diagnoses for check in diagnosis.failed))
