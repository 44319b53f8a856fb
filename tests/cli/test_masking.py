"""A server's own text may hold one of our secrets: it is compared and sent as it is, and shown without it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from reconciler.diagnostics import Address, Source
from reconciler.errors import Exit
from reconciler.model import Action, Call, Change, Coverage, Gap, Outcome, Plan, Request, Risk, Step, Subject, Verdict
from reconciler.plans.masking import SecretMasker
from reconciler.simulator import Simulator
from tests.cli.conftest import Run
from tests.support.problems import make_problem


def role(description: str) -> str:
    return (
        "apiVersion: reconciler/v1\nkind: SecurityRole\nmetadata: {name: PKI Operators}\n"
        f"spec: {{description: {json.dumps(description)}}}\n"
    )


@pytest.fixture
def secret(folder: Path) -> Iterator[str]:
    """The target's client secret, which somebody has written into a role's description."""
    (folder / "manifests").mkdir()
    with Simulator(certificates=3) as simulator:
        (folder / "reconciler.yaml").write_text(simulator.settings.read_text())
        yield (simulator.settings.parent / "client_secret").read_text().strip()


def put(folder: Path, description: str) -> None:
    (folder / "manifests" / "role.yaml").write_text(role(description))


@pytest.mark.parametrize("format_", ["text", "json"])
def test_no_report_shows_a_live_value_that_is_our_secret(run: Run, folder: Path, secret: str, format_: str) -> None:
    """Plan, drift and apply, on both streams; the change itself is told."""
    put(folder, f"ask with {secret}, please")
    told = run(["apply", "--yes", "--format", format_])
    assert told[0] == 0
    put(folder, "Somebody else")
    found = [told, *(run([*argv, "--format", format_]) for argv in (["plan"], ["drift"], ["plan", "--out", "p.json"]))]
    for code, stdout, stderr in found:
        assert code in (0, 2)
        assert "ask with ***, please" in stdout + stderr
        assert secret not in stdout + stderr
    code, stdout, stderr = run(["apply", "p.json", "--format", format_])
    assert code == 0
    assert "ask with ***, please" in stderr
    assert secret not in stdout + stderr
    assert run(["plan", "--detailed-exitcode"])[0] == 0


def test_a_saved_plan_is_not_shown_before_its_secrets_are_known(run: Run, folder: Path, secret: str) -> None:
    """Where one can't be fetched nothing is shown and nothing is sent: it is told what is missing, as by a read."""
    put(folder, f"ask with {secret}, please")
    assert run(["plan", "--out", "p.json"])[0] == 0
    settings = folder / "reconciler.yaml"
    settings.write_text(settings.read_text().replace("client_secret", "no_such_file"))
    read = run(["plan"])
    code, stdout, stderr = run(["apply", "p.json"])
    assert (code, stdout) == (5, "")
    assert "auth.clientSecret: the file " in stderr
    assert stderr == read[2]
    assert secret not in stderr


def test_a_saved_plan_is_refused_without_a_secret(run: Run, folder: Path, secret: str) -> None:
    """What speaks against it may quote it, too."""
    put(folder, f"ask with {secret}, please")
    assert run(["plan", "--out", "p.json"])[0] == 0
    with (folder / "reconciler.yaml").open("a") as settings:
        settings.write("limits: {SecurityRole: {changes: 0}}\n")
    for format_ in ("text", "json"):
        code, stdout, stderr = run(["apply", "p.json", "--format", format_])
        assert code == 6
        assert "ask with ***, please" in stderr
        assert secret not in stdout + stderr


def test_a_helper_is_asked_once_for_what_is_shown_and_sent(run: Run, folder: Path, secret: str) -> None:
    """It may want a touch of a key each time."""
    put(folder, f"ask with {secret}, please")
    (folder / "asked").touch()
    say = f"echo >> {folder / 'asked'}; echo {secret}"
    settings = folder / "reconciler.yaml"
    settings.write_text(
        re.sub(
            r"\{ *file: *[^}]*client_secret[^}]*\}",
            json.dumps({"command": ["/bin/sh", "-c", say]}),
            settings.read_text(),
        )
    )
    assert run(["plan", "--out", "p.json"])[0] == 0
    (folder / "asked").write_text("")
    assert run(["apply", "p.json"])[0] == 0
    assert (folder / "asked").read_text() == "\n"


def test_what_is_compared_and_sent_is_exact(run: Run, folder: Path, secret: str) -> None:
    """A description that differs by the secret alone is a difference, and so is what the report shows in its place."""
    for description in (f"ask with {secret}", "ask with ***", "ask with"):
        put(folder, description)
        assert run(["plan", "--detailed-exitcode"])[0] == 2
        code, stdout, _ = run(["apply", "--yes"])
        assert (code, stdout.splitlines()[0]) == (0, "Applied: 1 change, each confirmed by reading back.")
        assert run(["plan", "--detailed-exitcode"])[0] == 0


def test_a_problem_that_quotes_the_server_is_told_without_our_secret(run: Run, folder: Path, secret: str) -> None:
    """As where a request is not the one that is meant."""
    (folder / "manifests" / "denial.yaml").write_text(
        "apiVersion: reconciler/v1\nkind: RequestDenial\nmetadata: {name: d}\n"
        f"spec: {{requests: [{{id: 21, commonName: {json.dumps(secret)}}}]}}\n"
    )
    code, stdout, stderr = run(["plan"])
    assert code == 0
    assert "not '***'; correct the document" in stdout + stderr
    assert secret not in stdout + stderr


def test_every_text_of_a_plan_is_veiled_and_nothing_else_of_it() -> None:
    """What cites a manifest, and what the order and the counts hang on, stays."""
    held = "a hunter22 b"
    problem = replace(make_problem(Source("manifests/all.yaml", 1, 2), held), object_name=held)
    call = Call("command", "PUT", "/x/hunter22", {"hunter22": [held, {"deep": (held, 5, None, True)}]})
    step = Step(
        Address("command", "EventHandler", "hunter22"), Action.UPDATE, Source("hunter22.yaml", 1, 1),
        (Change("claims.hunter22.description", held, [held], Risk.HIGH, names=((held, held),)),),
        Request(call, held, held), held, held,
        (Subject(held, (("requester", held),), "claims.hunter22.description"),),
    )  # fmt: skip
    plan = Plan((step,), Coverage(1, 2), (problem,), (Gap(problem, Exit.AUTH),), (problem,), "only hunter22",
                absences=(problem,))  # fmt: skip
    veil = SecretMasker([lambda text: text.replace("hunter22", "***"), lambda text: text.replace("other", "***")])

    shown = veil.mask_plan(plan)

    told = replace(problem, summary="a *** b")
    assert (shown.problems, shown.notes, shown.gaps) == ((told,), (told,), (Gap(told, Exit.AUTH),))
    assert shown.absences == (told,)
    assert shown.absences[0].object_name == "a *** b"
    (one,) = shown.steps
    assert one.subjects == (Subject("a *** b", (("requester", "a *** b"),), "claims.***.description"),)
    assert (one.object, one.refusal, one.address, one.source) == ("a *** b", "a *** b", step.address, step.source)
    names = (("a *** b", "a *** b"),)
    assert one.changes == (Change("claims.***.description", "a *** b", ["a *** b"], Risk.HIGH, names=names),)
    assert one.request is not None
    assert one.request.call == call._replace(body={"***": ["a *** b", {"deep": ["a *** b", 5, None, True]}]})
    assert (shown.compared, shown.selection) == (plan.compared, plan.selection)
    bare = replace(
        step, changes=(Change("hunter22", 1, 2, Risk.LOW),), request=None, object="", refusal="", subjects=()
    )
    assert veil.mask_plan(Plan((bare,), Coverage(1, 1))).steps[0].changes[0].path == "***"
    named = replace(bare, changes=(Change("a", [], ["1"], Risk.LOW, names=(("1", "hunter22"),)),))
    assert veil.mask_plan(Plan((named,), Coverage(1, 1))).steps[0].changes[0].names == (("1", "***"),)
    assert SecretMasker([str.strip]).mask_plan(plan).steps[0] is step
    assert [one.step for one in veil.mask_outcomes([Outcome(step, Verdict.APPLIED, "x")], shown)] == [one]
