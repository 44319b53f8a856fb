"""Records by themselves: which target is which, and who holds."""

from __future__ import annotations

from pathlib import Path

import pytest

from reconciler.state.records import RunHolder, identify_target
from reconciler.state.run_holder import describe_holder, is_holder_gone

SAME = [
    ("https://kf.example.com/KeyfactorAPI", "https://KF.example.com:443/KeyfactorAPI"),
    ("https://kf.example.com/KeyfactorAPI", "https://kf.example.com/Other"),
    ("https://kf.example.com/emea/KeyfactorAPI", "https://kf.example.com/EMEA/KeyfactorAPI/"),
]
OTHER = [
    ("https://kf.example.com/x", "https://kf.example.com:8443/x"),
    ("https://kf.example.com/x", "http://kf.example.com/x"),
    ("https://kf.example.com/x", "https://kf2.example.com/x"),
    ("https://kf.example.com/emea/x", "https://kf.example.com/apac/x"),
    ("https://kf.example.com/emea/x", "https://kf.example.com/x"),
]


@pytest.mark.parametrize(("one", "another"), SAME)
def test_one_server_is_one_target_however_it_is_written(one: str, another: str) -> None:
    assert identify_target("keyfactor", one) == identify_target("keyfactor", another)


@pytest.mark.parametrize(("one", "another"), OTHER)
def test_another_server_is_another_target(one: str, another: str) -> None:
    assert identify_target("keyfactor", one) != identify_target("keyfactor", another)


def test_api_and_project_are_part_of_a_target() -> None:
    url = "https://kms.example.com/gateway/v1"
    assert identify_target("csms", url, "p") == identify_target("csms", "https://kms.example.com", "p")
    assert len({identify_target("csms", url, "p"), identify_target("csms", url, "q"), identify_target("k", url)}) == 3


JOBS = {
    "GitHub": (
        {"GITHUB_SERVER_URL": "https://g", "GITHUB_REPOSITORY": "a/b", "GITHUB_RUN_ID": "7", "GITHUB_ACTOR": "ada"},
        ("ada", "https://g/a/b/actions/runs/7"),
    ),
    "GitLab": ({"CI_JOB_URL": "https://l/j/1", "GITLAB_USER_LOGIN": "bea"}, ("bea", "https://l/j/1")),
    "Jenkins": ({"BUILD_URL": "https://j/1"}, (None, "https://j/1")),
    "a URL with a login": ({"RECONCILER_JOB_URL": "https://u:canary@j/1"}, (None, "https://j/1")),
    "a terminal": ({}, (None, "")),
}


@pytest.mark.parametrize("case", JOBS)
def test_a_holder_says_who_started_it_and_where_to_look(case: str) -> None:
    env, (actor, job) = JOBS[case]
    holder = describe_holder(env)
    assert holder.job == job
    assert holder.host
    assert holder.actor == actor if actor else holder.actor


def test_without_proc_nobody_is_known_to_be_gone(tmp_path: Path) -> None:
    holder = describe_holder({}, proc=tmp_path)
    assert (holder.machine, holder.started) == ("", "")
    assert not is_holder_gone(holder, proc=tmp_path)
    assert not is_holder_gone(RunHolder("h"))
