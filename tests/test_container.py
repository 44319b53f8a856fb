"""The image is what its page says: pinned, nobody's, without anything that builds, and made of what it names alone."""

from __future__ import annotations

import re
from fnmatch import fnmatch
from pathlib import Path

ROOT = Path(__file__).parents[1]
DOCKERFILE = (ROOT / "Dockerfile").read_text("utf-8")
LINES = re.sub(r"\\\n", " ", re.sub(r"^#.*\n", "", DOCKERFILE, flags=re.MULTILINE)).splitlines()
INSTRUCTIONS = [(word, " ".join(rest.split())) for line in LINES if line for word, _, rest in [line.partition(" ")]]
IGNORED = [line for line in (ROOT / ".dockerignore").read_text("utf-8").splitlines() if not line.startswith("#")]
STAGES: list[list[tuple[str, str]]] = []
for each in INSTRUCTIONS:
    if each[0] == "FROM":
        STAGES.append([])
    STAGES[-1].append(each)
BUILD, FINAL = STAGES


def said(stage: list[tuple[str, str]], word: str) -> list[str]:
    return [rest for name, rest in stage if name == word]


def test_the_base_is_one_and_pinned_by_its_digest() -> None:
    """Both stages have the same, or the environment of the one would not run in the other."""
    bases = {base.partition(" ")[0] for stage in STAGES for base in said(stage, "FROM")}
    (base,) = bases
    assert re.fullmatch(r"python:3\.\d+-slim@sha256:[0-9a-f]{64}", base)


def test_it_runs_as_nobody_and_writes_nothing_of_its_own() -> None:
    """By number, so that Kubernetes can tell that it isn't root; as its last word on that."""
    (user,) = said(FINAL, "USER")
    assert re.fullmatch(r"[1-9]\d{3,}:[1-9]\d{3,}", user)
    after = [word for word, _ in FINAL[FINAL.index(("USER", user)) + 1 :]]
    assert after == ["WORKDIR", "ENTRYPOINT", "CMD"]
    assert "PYTHONDONTWRITEBYTECODE=1" in " ".join(said(FINAL, "ENV"))


def test_nothing_that_builds_or_installs_is_left() -> None:
    """Of the first stage there is the environment alone, which has no pip; and the base's own is taken out."""
    assert said(FINAL, "COPY") == ["--from=build /opt/reconciler /opt/reconciler"]
    (run,) = said(FINAL, "RUN")
    assert run.endswith("python -m pip uninstall --yes pip")
    assert re.findall(r"install --yes --no-install-recommends ([\w -]+?) &&", run) == ["git"]
    assert "venv --without-pip /opt/reconciler" in " ".join(said(BUILD, "RUN"))


def test_whatever_is_fetched_has_a_hash_and_no_secret_stays() -> None:
    """Each installation asks for hashes or for no index at all; addresses and variables bring in nothing."""
    installs = re.findall(r"\bpip (?:--python \S+ )?(?:install|wheel) [^&]*", " && ".join(said(BUILD, "RUN")))
    assert len(installs) == 4
    assert all("--require-hashes" in one or "--no-index" in one for one in installs)
    assert not {word for word, _ in INSTRUCTIONS} & {"ADD", "ARG"}
    assert "://" not in DOCKERFILE


def test_its_parts_exist_and_nothing_else_gets_near_it() -> None:
    """What is copied is let through by .dockerignore, which keeps everything else out."""
    copied = {name for rest in said(BUILD, "COPY") for name in rest.split()[:-1]}
    assert all((ROOT / name).exists() for name in copied)
    assert IGNORED[0] == "*"
    assert {line[1:] for line in IGNORED if line.startswith("!")} == copied
    assert not any(fnmatch(".git", line[1:]) or line == "!.reconciler" for line in IGNORED if line.startswith("!"))
