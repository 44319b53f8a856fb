"""Files with secrets: who could read them or put others in their place, and how the world's tools put them down."""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from reconciler.credentials.sources import FromFile, FromProfile, Origin, resolve_secret
from reconciler.diagnostics import Source
from reconciler.errors import AuthError

ROOT = os.geteuid() == 0
OTHER, ANOTHER = 4711, 4712
as_root = pytest.mark.skipif(not ROOT, reason="only root can give files away")


@pytest.fixture
def place() -> Iterator[Path]:
    """A folder that every user can come to; the one for tests is its owner's alone."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@contextmanager
def acting_as(user: int) -> Iterator[None]:
    """Be another user, in a group of the same number, for a while."""
    before = os.geteuid(), os.getegid()
    os.setegid(user)
    os.seteuid(user)
    try:
        yield
    finally:
        os.seteuid(before[0])
        os.setegid(before[1])


def put(path: Path, mode: int = 0o600) -> Path:
    path.parent.mkdir(exist_ok=True, parents=True)
    path.write_text("hunter22")
    path.chmod(mode)
    return path


def folder(path: Path, mode: int, user: int = -1, group: int = -1) -> Path:
    path.mkdir(exist_ok=True, parents=True)
    os.chown(path, user, group)
    path.chmod(mode)
    return path


def fetched(path: Path) -> str:
    return resolve_secret(FromFile(path), {}, purpose="x", source=Source("at")).reveal()


def refusal(origin: Origin | Path) -> str:
    with pytest.raises(AuthError) as caught:
        resolve_secret(FromFile(origin) if isinstance(origin, Path) else origin, {}, purpose="x", source=Source("at"))
    assert "hunter22" not in str(caught.value)
    return str(caught.value)


def volume(at: Path, mount: int, mode: int, group: int = -1) -> Path:
    """Put a secret down as the kubelet does (its AtomicWriter), and return what a pod's settings name."""
    folder(at, mount, group=group)
    file = put(folder(at / "..2026_11_22_04_17_00.123", 0o755, group=group) / "client-secret", mode)
    os.chown(file, -1, group)
    (at / "..data").symlink_to("..2026_11_22_04_17_00.123")
    (at / "client-secret").symlink_to("..data/client-secret")
    return at / "client-secret"


def test_a_kubernetes_volume_serves_its_owner(place: Path) -> None:
    """A mount that is sticky and open to all, with links of links inside it; and the next version is taken as well."""
    path = volume(place / "volume", 0o1777, 0o400)
    assert fetched(path) == "hunter22"
    put(place / "volume" / "..2026_11_23" / "client-secret", 0o400).parent.chmod(0o755)
    (place / "volume" / "..data_tmp").symlink_to("..2026_11_23")
    (place / "volume" / "..data_tmp").rename(place / "volume" / "..data")
    assert fetched(path) == "hunter22"


@as_root
@pytest.mark.parametrize(("mount", "mode"), [(0o3777, 0o440), (0o1777, 0o440)])
def test_a_kubernetes_volume_serves_a_pod_that_is_not_root(place: Path, mount: int, mode: int) -> None:
    """`fsGroup` makes the files root's, and readable for the pod's own group."""
    path = volume(place / "volume", mount, mode, OTHER)
    with acting_as(OTHER):
        assert fetched(path) == "hunter22"


@as_root
def test_a_kubernetes_volume_of_the_default_mode_is_refused_with_its_remedy(place: Path) -> None:
    """Everybody in the pod could read it."""
    path = volume(place / "volume", 0o3777, 0o644, OTHER)
    with acting_as(OTHER):
        told = refusal(path)
    assert "is open to other users (mode 0644); run: chmod 440" in told
    assert told.endswith(", or set defaultMode: 0400 where a Kubernetes volume holds it")


@as_root
def test_systemds_credentials_serve(place: Path) -> None:
    """Root's, with an access list that shows as the group's bits; or the service's own where there are no lists."""
    listed = put(place / "run" / "credentials" / "unit.service" / "client-secret", 0o440)
    os.chown(listed, 0, OTHER)
    folder(listed.parent, 0o550, group=OTHER)
    owned = put(place / "run" / "credentials" / "other.service" / "client-secret", 0o400)
    os.chown(owned, OTHER, OTHER)
    folder(owned.parent, 0o500, user=OTHER)
    with acting_as(OTHER):
        assert fetched(listed) == fetched(owned) == "hunter22"


@as_root
def test_a_group_may_read_only_what_is_roots_and_what_nobody_may_write(place: Path) -> None:
    """Who owns a file can close it."""
    own, written, entered = (put(place / name, mode) for name, mode in (("a", 0o440), ("b", 0o640), ("c", 0o450)))
    os.chown(own, OTHER, OTHER)
    for path in (written, entered):
        os.chown(path, 0, OTHER)
    with acting_as(OTHER):
        assert "run: chmod 600" in refusal(own)
        assert "run: chmod 440" in refusal(written)
        assert "run: chmod 440" in refusal(entered)


def linked(at: Path, target: str | Path, name: str = "pw") -> Path:
    (at / name).symlink_to(target)
    return at / name


def led_astray(at: Path) -> Path:
    """A link that stays in its folder leads to one that doesn't."""
    put(at / "elsewhere" / "pw")
    linked(at, at / "elsewhere", "..data")
    return linked(at, "..data/pw")


TAKEN: dict[str, Callable[[Path], Path]] = {
    "a folder of our own group": lambda at: put(folder(at / "a", 0o775, group=os.geteuid()) / "pw"),
    "a sticky folder": lambda at: put(folder(at / "a", 0o1777) / "pw"),
    "a link of ours to a folder": lambda at: linked(at, put(at / "a" / "pw").parent, "b") / "pw",
    "a link of ours up and down": lambda at: (
        linked(folder(at / "c", 0o755), f"../{put(at / 'a' / 'pw').parent.name}") / "pw"
    ),
    "a link inside its folder": lambda at: linked(at, put(at / "other").name),
}
REFUSED: dict[str, tuple[Callable[[Path], Path], str]] = {
    "a folder that all may write to": (
        lambda at: put(folder(at / "a", 0o777) / "pw"),
        "/a, where other users may write (mode 0777) and could put another file; run: chmod go-w",
    ),
    "one above it": (
        lambda at: put(folder(at / "a", 0o757) / "b" / "pw"),
        "/a, where other users may write (mode 0757)",
    ),
    "one that a link leads to": (
        lambda at: linked(at, put(folder(at / "a", 0o777) / "pw").parent, "b") / "pw",
        "/a, where other users may write",
    ),
    "a link to elsewhere": (lambda at: linked(at, put(at / "a" / "pw")), "is a symbolic link, which may be made"),
    "a link to beside": (lambda at: linked(folder(at / "b", 0o755), f"../{put(at / 'pw').name}"), "is a symbolic link"),
    "a link inside its folder that leaves it": (led_astray, "is a symbolic link, which may be made to point elsewhere"),
    "a link to itself": (lambda at: linked(at, "pw"), "is a symbolic link"),
    "folders that link to each other": (
        lambda at: linked(linked(at, "b", "a").parent, "a", "b") / "pw",
        "is a symbolic link, which may be made to point elsewhere",
    ),
    "a file as a folder": (lambda at: put(at / "pw") / "x", f"can't be read ({os.strerror(errno.ENOTDIR)})"),
    "a name that is too long": (lambda at: at / ("a" * 300), f"can't be read ({os.strerror(errno.ENAMETOOLONG)})"),
    "a path that is too long": (lambda at: at / ("a/" * 5000), f"can't be read ({os.strerror(errno.ENOENT)})"),
    "a NUL": (lambda at: at / "a\0b", "can't be read (it is not a valid path)"),
    "half a surrogate pair": (lambda at: at / "\ud800", "can't be read (it is not a valid path)"),
    "the root": (lambda at: Path("/"), "is not a regular file"),
    "a device": (lambda at: Path("/dev/null"), "is not a regular file"),
    "the standard input": (lambda at: Path("/dev/stdin"), "can't be read|is a symbolic link|is not a regular file"),
    "a file that is too long": (lambda at: huge(at / "pw"), "has more than 64 KiB"),
}
GIVEN_AWAY: dict[str, tuple[Callable[[Path], Path], str]] = {
    "a folder of another user": (
        lambda at: put(folder(at / "a", 0o755, user=ANOTHER) / "pw"),
        "/a, whose owner is another user",
    ),
    "a sticky folder of another user": (
        lambda at: put(folder(at / "a", 0o1777, user=ANOTHER) / "pw"),
        "whose owner is another user",
    ),
    "a folder of another group": (
        lambda at: put(folder(at / "a", 0o775, group=ANOTHER) / "pw"),
        "/a, where other users may write (mode 0775)",
    ),
    "a link of another user to a folder": (
        lambda at: given(linked(at, put(at / "a" / "pw").parent, "b")) / "pw",
        "/b, a symbolic link of another user",
    ),
    "a link of another user in its folder": (
        lambda at: given(linked(folder(at, 0o1777), put(at / "other").name)),
        "a symbolic link of another user",
    ),
}


def huge(path: Path) -> Path:
    put(path).write_bytes(b"x" * 65_539)
    return path


def given(link: Path) -> Path:
    os.lchown(link, ANOTHER, -1)
    return link


@pytest.mark.parametrize("name", TAKEN)
def test_what_nobody_else_can_turn_elsewhere_is_taken(name: str, place: Path) -> None:
    """Also from a path that goes the long way round."""
    path = TAKEN[name](place)
    assert fetched(path) == "hunter22"
    assert fetched(path.parent / ".." / path.parent.name / "." / path.name) == "hunter22"


@pytest.mark.parametrize("name", REFUSED)
def test_what_somebody_else_could_turn_elsewhere_is_refused(name: str, place: Path) -> None:
    """And what can't be read is told by the system's own words, never by a traceback."""
    make, words = REFUSED[name]
    message = refusal(make(place))
    assert any(one in message for one in words.split("|")), message


@as_root
@pytest.mark.parametrize("name", GIVEN_AWAY)
def test_what_belongs_to_somebody_else_is_refused(name: str, place: Path) -> None:
    """Whoever owns a folder or a link can put another there."""
    make, words = GIVEN_AWAY[name]
    assert words in refusal(make(place))


@as_root
@pytest.mark.parametrize("origin", [FromFile, lambda path: FromProfile(path, ("basic", "ak"))])
def test_a_folder_that_can_not_be_entered_is_told(origin: Callable[[Path], Origin], place: Path) -> None:
    path = put(folder(place / "closed", 0o700) / "in" / "pw")
    with acting_as(OTHER):
        assert f"can't be read ({os.strerror(errno.EACCES)})" in refusal(origin(path))


def test_a_profile_is_held_to_the_same(place: Path) -> None:
    """It holds a secret like any other file."""
    path = put(folder(place / "a", 0o777) / "credentials")
    path.write_text("[basic]\nak = hunter22\n")
    assert "where other users may write" in refusal(FromProfile(path, ("basic", "ak")))
    path.parent.chmod(0o755)
    assert resolve_secret(FromProfile(path, ("basic", "ak")), {}, purpose="", source=Source("")).reveal() == "hunter22"
