"""Which files are read: what lies below the folder, in the order of names, and nothing that leads elsewhere."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from reconciler.documents import limits
from reconciler.documents.files import FileRef, Unreadable, name_path
from reconciler.errors import InvalidError, RefusedError, UsageError
from reconciler.manifests.load import LoadedManifests, load_manifests
from tests.support.declared_targets import TARGETS
from tests.support.toy_kinds import KINDS, complaints, lamp, loaded, write


def read(*paths: Path | str, base: Path) -> LoadedManifests:
    """Load several paths."""
    return load_manifests(paths, kinds=KINDS, targets=TARGETS, base=base)


def test_all_three_suffixes_are_read_at_every_depth_whatever_their_case(tmp_path: Path) -> None:
    """A file that looks like a manifest must not be passed over."""
    names = ["a.yaml", "b.yml", "c.YAML", "x/y/z/d.yaml", "x/.yaml.d/no.txt"]
    write(tmp_path, {name: lamp("{label: x}", name=f"n{i}") for i, name in enumerate(names)})
    found = loaded(tmp_path)
    assert {one.source.file for one in found.documents} == set(names[:4])
    assert found.files == 4


def test_json_may_hold_one_document_several_or_lists_of_them(tmp_path: Path) -> None:
    """Each has its own place."""
    one = '{"apiVersion": "reconciler/v1", "kind": "Lamp", "metadata": {"name": "%s"}, "spec": {"label": "x"}}'
    write(tmp_path, {"a.json": f"[{one % 'a'},\n  {one % 'b'}]\n{one % 'c'} [] [{one % 'd'}]"})
    found = {one.address.name: one.source[1:] for one in loaded(tmp_path).documents}
    assert found == {"a": (1, 3), "b": (2, 4), "c": (3, 2), "d": (3, len(one) + 6)}


def test_hidden_files_and_editors_backups_are_passed_over_and_listed(tmp_path: Path) -> None:
    """So are files of other kinds; a table that a manifest names is none of them."""
    passed = [".git/x.yaml", ".a.yaml", "a.yaml~", "#a.yaml#", ".a.yaml.swp", "a.yaml.bak", "README.md", "spare.csv"]
    write(tmp_path, dict.fromkeys(passed, "]"))
    inventory = lamp("{rows: used.csv}").replace("Lamp", "Inventory")
    write(tmp_path, {"a.yaml": inventory, "used.csv": "lamp,owner\na,b\n"})
    expected = ["#a.yaml#", ".a.yaml", ".a.yaml.swp", ".git", "README.md", "a.yaml.bak", "a.yaml~", "spare.csv"]
    assert list(loaded(tmp_path).ignored) == expected


def test_a_file_that_is_named_twice_is_read_once(tmp_path: Path) -> None:
    """By its folder, by itself, by another way to it."""
    write(tmp_path, {"m/a.yaml": lamp("{label: x}"), "m/b.yaml": lamp("{label: x}", name="b")})
    assert len(read("m", "m/a.yaml", "m/../m", tmp_path / "m", base=tmp_path).documents) == 2


def test_names_are_shown_as_somebody_in_the_base_calls_them(tmp_path: Path) -> None:
    """Also where the path was given in a roundabout way, or whole."""
    write(tmp_path, {"m/a.yaml": lamp("{label: x}"), "w/x": ""})
    assert read("./m/../m/", base=tmp_path).documents[0].source.file == "m/a.yaml"
    assert read(".", base=tmp_path / "m").documents[0].source.file == "a.yaml"
    assert read("../m/a.yaml", base=tmp_path / "w").documents[0].source.file == "../m/a.yaml"
    assert read(str(tmp_path / "m/a.yaml"), base=tmp_path).documents[0].source.file == "m/a.yaml"


def test_a_path_far_from_the_base_is_whole() -> None:
    """A row of `..` up to the root would say less."""
    assert name_path(Path("/srv/m/a.yaml"), Path("/home/u")) == "/srv/m/a.yaml"
    assert name_path(Path("/home/m/a.yaml"), Path("/home/u/x/y")) == "/home/m/a.yaml"
    assert name_path(Path("/home/m/a.yaml"), Path("/home/u/x")) == "../../m/a.yaml"


def test_the_order_of_what_is_wanted_is_that_of_addresses(tmp_path: Path) -> None:
    """Files don't matter."""
    write(tmp_path, {"b.yaml": lamp("{label: x}", name="a"), "a.yaml": lamp("{label: x}", name="b")})
    assert [one.address.name for one in loaded(tmp_path).documents] == ["a", "b"]


def test_control_characters_in_file_names_are_shown_escaped(tmp_path: Path) -> None:
    """A file's name is foreign text as well."""
    write(tmp_path, {"a\x1b[2J\n.yaml": "a: [\n"})
    assert complaints(tmp_path)[0].startswith("a\\x1b[2J\\n.yaml:2:1: ")


def link(folder: Path) -> None:
    """A link to a manifest outside."""
    (folder / "l.yaml").symlink_to(folder.parent / "out.yaml")


def link_inside(folder: Path) -> None:
    """A link to a manifest inside."""
    (folder / "l.yaml").symlink_to("a.yaml")


def dangling(folder: Path) -> None:
    """A link to nothing."""
    (folder / "l.yaml").symlink_to("nothing")


def linked_folder(folder: Path) -> None:
    """A link to a folder."""
    (folder / "l").symlink_to(folder.parent)


def pipe(folder: Path) -> None:
    """A pipe that nobody writes to."""
    os.mkfifo(folder / "l.yaml")


def device(folder: Path) -> None:
    """A link to an endless device."""
    (folder / "l.yaml").symlink_to("/dev/zero")


@pytest.mark.timeout(10)
@pytest.mark.parametrize("make", [link, link_inside, dangling, linked_folder, pipe, device])
def test_links_pipes_and_devices_are_refused_without_being_opened(make: Callable[[Path], None], tmp_path: Path) -> None:
    """Neither do they make the tool wait."""
    write(tmp_path, {"out.yaml": "secret: [", "m/a.yaml": lamp("{label: x}")})
    make(tmp_path / "m")
    (complaint,) = complaints(tmp_path / "m")
    assert complaint.startswith(("l.yaml: is ", "l: is "))
    assert "symbolic link" in complaint or "not a regular file" in complaint


def test_a_link_with_another_name_is_passed_over(tmp_path: Path) -> None:
    """It is not read, so it can do no harm."""
    write(tmp_path, {"a.yaml": lamp("{label: x}")})
    (tmp_path / "README").symlink_to("a.yaml")
    assert loaded(tmp_path).ignored == ("README",)


@pytest.mark.timeout(10)
@pytest.mark.parametrize("path", ["/dev/zero", "/dev/null", "link.yaml", "linked", "pipe.yaml"])
def test_paths_that_are_given_are_held_to_the_same(path: str, tmp_path: Path) -> None:
    """Whoever changes the repository could have put them there."""
    write(tmp_path, {"a.yaml": lamp("{label: x}"), "d/a.yaml": lamp("{label: x}")})
    (tmp_path / "link.yaml").symlink_to("a.yaml")
    (tmp_path / "linked").symlink_to("d")
    os.mkfifo(tmp_path / "pipe.yaml")
    with pytest.raises(InvalidError, match=r"symbolic link|not a regular file"):
        read(path, base=tmp_path)


def test_a_folder_that_becomes_a_link_after_it_was_looked_at_is_not_followed(tmp_path: Path) -> None:
    """Each folder on the way is opened without following, when the file is read."""
    write(tmp_path, {"m/d/a.yaml": "inside: 1\n", "out/a.yaml": "outside: 1\n"})
    place = FileRef(tmp_path / "m", ("d", "a.yaml"), "d/a.yaml")
    assert place.read() == b"inside: 1\n"
    (tmp_path / "m/d").rename(tmp_path / "m/e")
    (tmp_path / "m/d").symlink_to(tmp_path / "out")
    with pytest.raises(Unreadable, match="symbolic link"):
        place.read()


@pytest.mark.timeout(10)
def test_a_file_that_becomes_a_pipe_after_it_was_looked_at_makes_nobody_wait(tmp_path: Path) -> None:
    """Opening a pipe for reading would block until somebody writes."""
    os.mkfifo(tmp_path / "a.yaml")
    with pytest.raises(Unreadable, match="not a regular file"):
        FileRef(tmp_path, ("a.yaml",), "a.yaml").read()


def test_a_file_that_may_not_be_read_is_complained_about(tmp_path: Path) -> None:
    """It is never passed over: what it declares is unknown."""
    place = FileRef(tmp_path, ("gone.yaml",), "gone.yaml")
    with pytest.raises(Unreadable, match="does not exist"):
        place.read()
    with pytest.raises(Unreadable, match="name is not valid"):
        FileRef(tmp_path, ("a\0.yaml",), "").read()
    (tmp_path / "d.yaml").mkdir()
    with pytest.raises(Unreadable, match="not a regular file"):
        FileRef(tmp_path, ("d.yaml",), "").read()


def test_every_path_that_does_not_exist_is_named(tmp_path: Path) -> None:
    """That is a mistake on the command line, not in a manifest."""
    write(tmp_path, {"a.yaml": "]", "b.txt": ""})
    with pytest.raises(UsageError) as caught:
        read("nope", "a.yaml", "b.txt", "nope/either", base=tmp_path)
    assert [problem.source.file for problem in caught.value.problems] == ["b.txt", "nope", "nope/either"]


@pytest.mark.parametrize(
    "content",
    [
        {},
        {"a.txt": "x"},
        {".hidden.yaml": lamp("{label: x}")},
        {"a.yaml": ""},
        {"a.yaml": "# nothing\n---\n---\n...\n"},
        {"a.json": "[]"},
        {"a.json": " \n"},
        {"d/e/README": ""},
    ],
)
def test_nothing_declared_is_refused(content: dict[str, str], tmp_path: Path) -> None:
    """An empty set is more often a lost file than what is meant."""
    with pytest.raises(RefusedError, match="nothing is declared"):
        loaded(write(tmp_path, dict(content)))


def test_no_path_at_all_is_nothing_declared(tmp_path: Path) -> None:
    """The same outcome, without a folder to name."""
    with pytest.raises(RefusedError, match="nothing is declared"):
        read(base=tmp_path)


def test_folders_are_not_followed_for_ever(tmp_path: Path) -> None:
    """What lies deeper is refused, not forgotten."""
    deep = "/".join(["d"] * limits.FOLDERS)
    write(tmp_path, {f"{deep}/a.yaml": lamp("{label: x}")})
    assert len(loaded(tmp_path).documents) == 1
    write(tmp_path, {f"{deep}/d/b.yaml": lamp("{label: x}", name="b")})
    assert "limit FOLDERS" in complaints(tmp_path)[0]
