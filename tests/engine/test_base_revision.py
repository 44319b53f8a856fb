"""An earlier revision of the manifests: read through git, whatever lies in it, and nothing is run or written for it."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from reconciler.documents import limits
from reconciler.engine.base_revision import BaseRevision, read_base_revision
from reconciler.errors import UsageError
from reconciler.kinds.registry import KINDS
from reconciler.manifests.manifest import Vocabulary
from tests.support.declared_targets import TARGETS
from tests.support.git_server import GIT, run_git

VOCABULARY = Vocabulary(KINDS, TARGETS)
ENV = {"PATH": os.defpath, "HOME": "/nonexistent"}
IDENTITY = ("-c", "user.name=a", "-c", "user.email=a@example.com", "-c", "commit.gpgsign=false")


def handler(name: str, more: str = "enabled: true") -> str:
    """Return a document of its own class."""
    head = f"apiVersion: reconciler/v1\nkind: EventHandler\nmetadata: {{name: {name}}}\n"
    return f"{head}spec: {{className: {name}, {more}}}\n"


def commit(folder: Path, message: str = "x") -> str:
    run_git("add", "--all", folder=folder)
    run_git(*IDENTITY, "commit", "--quiet", "--allow-empty", "--message", message, folder=folder)
    return run_git("rev-parse", "HEAD", folder=folder)


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A repository with one document in m/a.yaml, on branch main."""
    run_git("init", "--quiet", "--initial-branch=main", tmp_path)
    (tmp_path / "m").mkdir()
    (tmp_path / "m" / "a.yaml").write_text(handler("a"))
    commit(tmp_path)
    return tmp_path


def read(checkout: Path, *paths: str, ref: str = "HEAD", cwd: Path | None = None) -> BaseRevision:
    return read_base_revision(ref, paths or ["m"], cwd or checkout, ENV, VOCABULARY, lambda _: True)


def names(base: BaseRevision) -> list[str]:
    return [document.address.name for document in base.documents]


def test_layers_are_merged_as_they_were_at_the_revision(checkout: Path) -> None:
    """A later one patches what was below it then, and what it removed is not declared there."""
    for layer, text in {"base": handler("a") + "---\n" + handler("b"), "prod": handler("a", "enabled: false")}.items():
        (checkout / layer).mkdir()
        (checkout / layer / "a.yaml").write_text(text)
    commit(checkout)
    removal = "---\napiVersion: reconciler/v1\nkind: EventHandler\nmetadata: {name: b}\nremove: true\n"
    (checkout / "prod" / "a.yaml").write_text(handler("a", "enabled: true") + removal)

    first = read_base_revision("HEAD", ["base", "prod"], checkout, ENV, VOCABULARY, lambda _: True, is_layered=True)
    assert {document.address.name: document.spec.enabled for document in first.documents} == {"a": False, "b": True}
    commit(checkout)
    second = read_base_revision("HEAD", ["base", "prod"], checkout, ENV, VOCABULARY, lambda _: True, is_layered=True)
    assert {document.address.name: document.spec.enabled for document in second.documents} == {"a": True}
    assert (first.notes, second.notes) == ((), ())


def test_every_name_of_a_commit_is_taken(checkout: Path) -> None:
    """Branch, tag, remote branch, ancestor, commit, merge base: each says what was declared there."""
    first = run_git("rev-parse", "HEAD", folder=checkout)
    run_git("tag", "v1", folder=checkout)
    run_git("update-ref", "refs/remotes/origin/main", first, folder=checkout)
    run_git("checkout", "--quiet", "-b", "work", folder=checkout)
    (checkout / "m" / "b.yaml").write_text(handler("b"))
    commit(checkout)
    run_git("checkout", "--quiet", "main", folder=checkout)
    (checkout / "m" / "c.yaml").write_text(handler("c"))
    commit(checkout)

    for ref in ("v1", "origin/main", "HEAD~1", first, first[:10], "work...", "main...work", "...work"):
        base = read(checkout, ref=ref)
        assert (base.commit, names(base), base.notes) == (first, ["a"], ()), ref
    assert sorted(names(read(checkout, ref="work"))) == ["a", "b"]
    assert str(read(checkout, ref="v1").documents[0].source) == "v1:m/a.yaml:1:1"
    assert str(read(checkout, ref="work...").documents[0].source) == f"{first[:12]}:m/a.yaml:1:1"


@pytest.mark.parametrize(
    "ref",
    ["-x", "--all", "nope", "", " ", "HEAD\n", "HEAD..main", "main...-x", "nope...", "HEAD:m", "HEAD^{tree}", "\0"],
)
def test_what_is_no_commit_is_a_usage_error(checkout: Path, ref: str) -> None:
    """git gets no option and no range, and what it says no to is told."""
    with pytest.raises(UsageError) as caught:
        read(checkout, ref=ref)
    assert caught.value.problems[0].rule == "usage.unknown-revision"
    assert repr(ref) in caught.value.problems[0].summary


def test_two_revisions_without_a_common_one_have_no_base(checkout: Path) -> None:
    """An orphan branch, as a shallow clone has many."""
    run_git("checkout", "--quiet", "--orphan", "alone", folder=checkout)
    commit(checkout, "alone")
    with pytest.raises(UsageError, match="no merge base"):
        read(checkout, ref="main...")


@pytest.mark.parametrize(
    ("paths", "summary"),
    [
        (["."], "the manifests (.) lie in no Git repository, or git can't read it"),
        (["-", "."], "the manifests (- .) lie in no Git repository, or git can't read it"),
        (["-"], "what is piped in lies in no Git repository"),
    ],
)
def test_without_a_repository_there_is_no_revision(tmp_path: Path, paths: list[str], summary: str) -> None:
    """Nor of what is piped in, wherever that is done."""
    with pytest.raises(UsageError) as caught:
        read_base_revision("HEAD", paths, tmp_path, ENV, VOCABULARY, lambda _: True)
    (problem,) = caught.value.problems
    assert (problem.rule, problem.summary) == ("usage.no-repository", summary)


def test_paths_may_be_anywhere_in_the_repository(checkout: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Named from a folder below, from outside, as a file, as the whole; one beside the repository is told."""
    other = tmp_path_factory.mktemp("other")
    (other / "link").symlink_to(checkout)
    for cwd, path in [(checkout / "m", "."), (checkout / "m", "a.yaml"), (other, str(checkout)), (other, "link/m")]:
        assert names(read(checkout, path, cwd=cwd)) == ["a"], path
    assert names(read(checkout, "m", "m/a.yaml", ".")) == ["a"], "each file once"
    base = read(checkout, "m", str(other))
    assert names(base) == ["a"]
    assert [note.rule for note in base.notes] == ["base.outside-repository"]


def test_the_working_tree_does_not_count(checkout: Path) -> None:
    """Neither what is changed in it, nor what is staged, nor that a folder is gone or new."""
    (checkout / "m" / "a.yaml").unlink()
    (checkout / "n").mkdir()
    (checkout / "n" / "a.yaml").write_text(handler("n"))
    run_git("add", "--all", folder=checkout)
    assert names(read(checkout, "m", "n")) == ["a"]


def write_files(folder: Path) -> None:
    """What is a manifest by the rules of a search, and what is none."""
    for name in ("b.yml", "c.json", "D.YAML", "deep/er/e.yaml"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        text = handler(name.split(".")[0].replace("/", "-"))
        json = '{"apiVersion": "reconciler/v1", "kind": "EventHandler", "metadata": {"name": "c"}, "spec": '
        (folder / name).write_text(json + '{"className": "c", "enabled": true}}' if name == "c.json" else text)
    for name in (".x.yaml", "y.yaml~", "#z.yaml#", ".git-not/h.yaml", "notes.txt", "z.yaml.swp"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(handler("hidden"))


def write_links(folder: Path) -> None:
    """Links to a manifest, to a folder, to nowhere, and out of the repository."""
    (folder / "deep").mkdir()
    (folder / "deep" / "d.yaml").write_text(handler("d"))
    for name, target in [
        ("l.yaml", "a.yaml"),
        ("folder", "deep"),
        ("out", "/etc"),
        ("gone.yml", "x"),
        ("n.txt", "a.yaml"),
    ]:
        (folder / name).symlink_to(target)


def write_submodule(folder: Path) -> None:
    """Another repository's commit in the place of a folder."""
    head = run_git("rev-parse", "HEAD", folder=folder)
    run_git("update-index", "--add", "--cacheinfo", f"160000,{head},m/sub", folder=folder)


def write_broken(folder: Path) -> None:
    """No YAML, an older form, a field of yesterday, no target of today, bytes that are no text."""
    (folder / "b1.yaml").write_text("a: [\n")
    (folder / "b2.yaml").write_text(handler("old").replace("reconciler/v1", "reconciler/v0"))
    (folder / "b3.yaml").write_text(handler("field", "enabled: true, gone: 1"))
    (folder / "b4.yaml").write_text(handler("t").replace("{name: t}", "{name: t, target: staging}"))
    (folder / "b5.yaml").write_bytes(b"\xff\xfe")
    (folder / "b6.yaml").write_text("kind: Lamp\nmetadata: {name: x}\nspec: {}\n")


def write_tables(folder: Path) -> None:
    """A table beside its manifest, one that is missing, and one that nobody names."""
    text = "apiVersion: reconciler/v1\nkind: CertificateOwner\nmetadata: {name: %s}\nspec: {assignments: %s}\n"
    (folder / "t.yaml").write_text(text % ("t", "t.csv"))
    (folder / "u.yaml").write_text(text % ("u", "missing.csv"))
    (folder / "t.csv").write_text(f"thumbprint,owner\n{1:040X},Web\n")


REVISIONS: dict[str, tuple[Callable[[Path], None], list[str], list[str]]] = {
    "hidden files": (write_files, ["D", "a", "b", "c", "deep-er-e"], []),
    "links": (write_links, ["a", "d"], ["folder", "gone.yml", "l.yaml", "out"]),
    "a submodule": (write_submodule, ["a"], ["sub"]),
    "broken manifests": (write_broken, ["a", "field", "old"], [f"b{number}.yaml" for number in range(1, 7)]),
    "tables": (write_tables, ["a", "t", "u"], ["u.yaml"]),
}  # fmt: skip


@pytest.mark.parametrize("name", REVISIONS)
def test_what_can_be_read_is_read_and_the_rest_is_told(checkout: Path, name: str) -> None:
    """Which files are manifests is decided as on a disk; nothing in a revision is a failure of this run."""
    write, wanted, told = REVISIONS[name]
    write(checkout / "m")
    if name != "a submodule":
        run_git("add", "--all", folder=checkout)
    run_git(*IDENTITY, "commit", "--quiet", "--message", "x", folder=checkout)

    base = read(checkout)

    assert sorted(names(base)) == wanted
    assert sorted({note.source.file.removeprefix("HEAD:m/") for note in base.notes}) == told
    assert {note.severity.value for note in base.notes} <= {"note"}


def test_the_table_of_a_revision_is_that_revisions(checkout: Path) -> None:
    """A thumbprint that has left the CSV since is read."""
    write_tables(checkout / "m")
    commit(checkout)
    (checkout / "m" / "t.csv").unlink()

    table = next(document for document in read(checkout).documents if document.address.name == "t")
    assert table.keys == {f"{1:040x}"}


def test_many_files_are_read_in_few_goes(checkout: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    """One git for two hundred of them, and each content is its own file's."""
    for number in range(450):
        (checkout / "m" / f"f{number}.yaml").write_text(handler(f"h{number}") + "#" * number + "\n")
    commit(checkout)
    folder = tmp_path_factory.mktemp("bin")
    (folder / "git").write_text(f'#!/bin/sh\necho "$@" >> "{folder}/log"\nexec {GIT} "$@"\n')
    (folder / "git").chmod(0o755)
    env = {**ENV, "PATH": f"{folder}{os.pathsep}{os.defpath}"}

    base = read_base_revision("HEAD", ["m"], checkout, env, VOCABULARY, lambda _: True)

    assert sorted(names(base)) == sorted(["a", *(f"h{number}" for number in range(450))])
    assert sum("cat-file" in line for line in (folder / "log").read_text().splitlines()) == 3


def test_names_that_no_shell_would_like_are_read(checkout: Path) -> None:
    """Line ends, quotes, wildcards, bytes that are no UTF-8, and a name that git could take for magic."""
    wanted = ["a"]
    for number, name in enumerate((b"x\n.yaml", b"q\"'.yaml", b"*.yaml", b":(top).yaml", b"\xff.yaml", b"-c.yaml")):
        Path(os.fsdecode(os.fsencode(checkout / "m") + b"/" + name)).write_text(handler(f"n{number}"))
        wanted.append(f"n{number}")
    commit(checkout)
    assert sorted(names(read(checkout))) == wanted
    assert names(read(checkout, "m/:(top).yaml")) == ["n3"]
    assert all(document.source.file.isprintable() for document in read(checkout).documents)


def test_folders_too_deep_are_told(checkout: Path) -> None:
    """Deeper than Python's own stack would go, which a tree that nobody ever checked out may be."""
    blob = run_git("hash-object", "-w", "m/a.yaml", folder=checkout)
    run_git("update-index", "--add", "--cacheinfo", f"100644,{blob},m/{'d/' * 1500}x.yaml", folder=checkout)
    run_git(*IDENTITY, "commit", "--quiet", "--message", "x", folder=checkout)
    base = read(checkout)
    assert names(base) == ["a"]
    assert [note.summary for note in base.notes] == [f"folders lie more than {limits.FOLDERS} deep (limit FOLDERS)"]


def test_nothing_that_a_repository_configures_is_run(checkout: Path, tmp_path: Path) -> None:
    """No hook, monitor, filter, pager, alias, textconv or editor; and nothing of the repository is written."""
    trap = tmp_path / "trap"
    script = tmp_path / "script.sh"
    script.write_text(f"#!/bin/sh\necho run >> '{trap}'\ncat\n")
    script.chmod(0o755)
    (checkout / ".gitattributes").write_text("*.yaml filter=f diff=d\n")
    commit(checkout)
    for hook in ("post-checkout", "reference-transaction", "post-index-change"):
        (checkout / ".git" / "hooks").mkdir(exist_ok=True)
        (checkout / ".git" / "hooks" / hook).symlink_to(script)
    for key in ("core.fsmonitor", "core.pager", "core.editor", "core.sshCommand", "filter.f.smudge", "diff.d.textconv",
                "alias.ls-tree", "alias.cat-file", "pager.cat-file", "credential.helper", "core.askPass"):  # fmt: skip
        run_git("config", key, f"!{script}" if key.startswith("alias") else str(script), folder=checkout)
    before = {path: path.stat().st_mtime_ns for path in checkout.rglob("*")}

    assert names(read(checkout)) == ["a"]
    assert not trap.exists()
    assert {path: path.stat().st_mtime_ns for path in checkout.rglob("*")} == before


def test_a_partial_clone_is_not_completed(checkout: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    """git would fetch what is missing, by whatever program the configuration names; here it is told instead."""
    run_git("config", "uploadpack.allowFilter", "true", folder=checkout)
    clone = tmp_path_factory.mktemp("clone") / "c"
    run_git("clone", "--quiet", "--no-checkout", "--filter=blob:none", checkout.as_uri(), clone)
    objects = sorted((clone / ".git" / "objects").rglob("*"))
    (clone / "m").mkdir()

    with pytest.raises(UsageError, match="can't be listed"):
        read(clone)
    assert sorted((clone / ".git" / "objects").rglob("*")) == objects


def test_a_replaced_object_is_not_taken(checkout: Path) -> None:
    """refs/replace/ changes what a name shows, and a reviewer sees nothing of it on the forge."""
    old = run_git("rev-parse", "HEAD:m/a.yaml", folder=checkout)
    (checkout / "x").write_text(handler("evil"))
    new = run_git("hash-object", "-w", "x", folder=checkout)
    run_git("replace", old, new, folder=checkout)
    assert names(read(checkout)) == ["a"]
