"""The whole story in one run, on the embedded simulator: the very commands a user would type, and what they print.

The simulator serves both APIs over HTTP on a free loopback port; "somebody" edits it with plain HTTP requests, as the
portal would. At the end its own ledger tells what was done.
"""

from __future__ import annotations

import io
import json
import shlex
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import chdir, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from reconciler.cli.terminal import options
from reconciler.cli.terminal.output import CommandResult
from reconciler.cli.terminal.streams import write_text
from reconciler.errors import Exit

if TYPE_CHECKING:
    from reconciler.cli.terminal.context import Session
    from reconciler.simulator import Simulator

_MANIFEST_FOLDER = Path(__file__).parents[2] / "demo" / "manifests"
_CERTIFICATE_COUNT = 12


@options.command()
@options.no_color
@click.pass_obj
def command(session: Session, /) -> CommandResult:
    """Tell the whole story on the simulator, from an empty plan to a repaired drift."""
    return CommandResult(_tell_story(session))


def _tell_story(session: Session) -> Exit:
    """Run each command as a person would type it; returns the first code that is not the expected, else ok."""
    from reconciler.simulator import Simulator

    with _make_workspace() as folder, Simulator(certificates=_CERTIFICATE_COUNT) as simulator:
        shutil.copy(simulator.credentials["settings"], folder / "reconciler.yaml")
        story = _Story(session, simulator)
        _tell_first_run(story)
        _tell_drift(story)
        _tell_closing(story)
    return story.outcome


def _tell_first_run(story: _Story) -> None:
    story.title("1. What should be", "Seven documents in Git. Nothing has been read or written yet.")
    story.command("ls manifests", run=False)
    story.say("  ".join(sorted(path.name for path in _MANIFEST_FOLDER.iterdir())))
    story.command("reconciler validate")
    story.title("2. What will happen", "The plan is the list of requests, none of them sent. Save it, review it.")
    story.command("reconciler plan --out plan.json")
    story.title("3. What was approved is what is done", "Each object is read again first, and read back afterwards.")
    story.command("reconciler apply plan.json")
    story.title("4. A second time, nothing is left to do", "")
    story.command("reconciler plan --detailed-exitcode")


def _tell_drift(story: _Story) -> None:
    story.title("5. Somebody edits the servers by hand", "Three changes in the portals, which no manifest knows of.")
    for label, method, path, change in _list_edits(story.simulator):
        status = story.simulator.edit(method, path, change)[0]
        story.say(f"  {method} {path}   {label}   -> {status}")
    story.title("6. A cron job notices", "Read-only. Each field that moved, and who declared it. Exit code 2.")
    story.command("reconciler drift", expect=Exit.CHANGES)
    story.command("reconciler drift --format json > drift.json", expect=Exit.CHANGES)
    story.title("7. Repair", "Plan and apply in one; --yes accepts what the plan shows.")
    story.command("reconciler apply --yes")
    story.command("reconciler drift")


def _list_edits(simulator: Simulator) -> Iterator[tuple[str, str, str, Mapping[str, Any]]]:
    """Yield what somebody does by hand: (in words, method, path, body)."""
    _, roles = simulator.edit("GET", "/Security/Roles")
    number = next(role["Id"] for role in roles if role["Name"] == "PKI Operators")
    _, role = simulator.edit("GET", f"/Security/Roles/{number}")
    claims = [
        {
            # Command answers with the type's name and takes its number, 0 to 6; `Provider` is named flat too.
            "ClaimType": _CLAIM_TYPES.index(claim["ClaimType"]),
            "ClaimValue": claim["ClaimValue"],
            "ProviderAuthenticationScheme": claim["Provider"]["AuthenticationScheme"],
            "Description": claim["Description"],
        }
        for claim in role["Claims"]
    ]
    escalated = [*role["Permissions"], "/security/modify/"]
    # A PUT of Command replaces the role: a member that is left out is cleared.
    body = {**role, "Permissions": escalated, "Claims": claims}
    yield "PKI Operators may now change security", "PUT", "/Security/Roles", body

    _, handlers = simulator.edit("GET", "/EventHandlerRegistration")
    handler = next(row for row in handlers if row["ClassName"].endswith(".DeniedLogger"))
    disabled = {"DisplayName": handler["DisplayName"], "Enabled": False}
    yield "the denied request logger is off", "PUT", f"/EventHandlerRegistration/{handler['Id']}", disabled

    project = simulator.credentials["csms"]["project_id"]
    yield "the event is off", "PUT", f"/v1/{project}/csms/events/expiry-prod", {"state": "DISABLED"}


_CLAIM_TYPES = ("User", "Group", "Computer", "OAuthOid", "OAuthRole", "OAuthSubject", "OAuthClientId")


def _tell_closing(story: _Story) -> None:
    account = story.simulator.credentials["keyfactor"]["client_id"]
    entries = [entry for entry in story.simulator.ledger if entry["actor"] == account]
    story.title(
        "8. The server's own record", "What the simulator really performed for the reconciler, from its ledger."
    )
    for entry in entries:
        names = entry["object"]["name"]
        object_names = ", ".join(names) if isinstance(names, list) else names
        story.say(f"  {entry['method']:<4} {entry['path']}   {object_names}")
    planned = [_build_request_key(step["call"]) for file in ("plan.json", "drift.json") for step in _read_steps(file)]
    # Owners are set several at once, in no order.
    story.check(sorted(map(_build_request_key, entries)) == sorted(planned))
    story.say("")
    story.say(
        f"  {len(entries)} requests performed; plan.json and drift.json showed {len(planned)} beforehand, {story.word}."
    )
    story.say("")
    story.say("Next: `reconciler simulate` and try it yourself; README.md says how.")


def _read_steps(file: str) -> list[dict[str, Any]]:
    steps: list[dict[str, Any]] = json.loads(Path(file).read_bytes())["steps"]
    return steps


def _build_request_key(call: Mapping[str, Any]) -> tuple[str, str, str]:
    """What makes two requests the same: method, path and every byte of meaning in the body."""
    return call["method"], call["path"], json.dumps(call["body"], sort_keys=True)


class _Story:
    """Prints the stages, and runs each command on the session's own streams."""

    def __init__(self, session: Session, simulator: Simulator) -> None:
        self.simulator = simulator
        self.outcome = Exit.OK
        self.word = ""
        self._session = session
        self._color = session.choose_layout(session.stdout).color

    def title(self, text: str, words: str) -> None:
        """Open a stage."""
        heading = f"\x1b[1;36m{text}\x1b[0m" if self._color else f"{text}\n{'=' * len(text)}"
        self.say(f"\n{heading}")
        if words:
            self.say(words)

    def say(self, text: str) -> None:
        """Print a line."""
        write_text(self._session.stdout, text + "\n")

    def check(self, same: bool) -> None:
        """Remember whether the server did what was shown."""
        self.word = "the very same" if same else "WHICH DIFFER"
        if not same:
            self.outcome = Exit.INTERNAL

    def command(self, line: str, *, expect: Exit = Exit.OK, run: bool = True) -> None:
        """Show a command as it is typed, run it, and note a code that was not expected."""
        self.say("\n" + (f"\x1b[1m$ {line}\x1b[0m" if self._color else f"$ {line}"))
        if not run:
            return
        session = self._session
        command, _, file = line.partition(" > ")
        captured = io.StringIO()
        stdout = captured if file else session.stdout
        code = session.run_command(shlex.split(command)[1:], session.environment, stdout, session.stdout, session.stdin)
        if file:
            Path(file).write_text(captured.getvalue(), "utf-8")
        if code != expect and self.outcome is Exit.OK:
            self.outcome = Exit(code) if code else Exit.INTERNAL


@contextmanager
def _make_workspace() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="reconciler-demo-") as name:
        # Temporary folders of macOS lie behind a link: /var is /private/var.
        folder = Path(name).resolve()
        shutil.copytree(_MANIFEST_FOLDER, folder / "manifests")
        # The folder of the whole process: commands look for reconciler.yaml where they are run.
        with chdir(folder):
            yield folder
