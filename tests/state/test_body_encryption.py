"""Bodies under a key: there for who has it, and for nobody else; and never another body than was written."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from reconciler.errors import Exit
from reconciler.state.body_encryption import BodyCipher, BodyPlace
from reconciler.state.records import PreviousObject
from reconciler.state.store import RunEnding, Store
from reconciler.state.store_errors import KeyUnfit
from tests.support.git_server import run_git
from tests.support.store_places import TARGET, StorePlace, list_refs, make_intent, make_place, make_result, make_run

BODY = '{"canary":"c4n4ry-Ü"}'
SECRET, OTHER_SECRET = "s" * 16, "t" * 16
PLACE = BodyPlace(TARGET, "run-1", 1)
CIPHER = BodyCipher(SECRET, "store-1")
ENCRYPTED = CIPHER.encrypt(BODY, PLACE)
CHANGED = ENCRYPTED[:-6] + ("A" if ENCRYPTED[-6] != "A" else "B") + ENCRYPTED[-5:]


def record_body(store: Store) -> None:
    lease = store.claim(make_run("run-1"), intents=[make_intent("run-1", 1, previous=PreviousObject("sha-o", BODY))])
    store.release(lease, RunEnding(0), [make_result("run-1", 1)])


def test_a_encrypted_body_is_opened_by_its_key_at_its_place() -> None:
    assert CIPHER.decrypt(ENCRYPTED, PLACE) == BODY
    assert "canary" not in ENCRYPTED
    assert CIPHER.encrypt(BODY, PLACE) != ENCRYPTED
    assert (CIPHER.encrypt(ENCRYPTED, PLACE), CIPHER.encrypt("", PLACE)) == (ENCRYPTED, "")


FAULTS: dict[str, Callable[[], object]] = {
    "another key": lambda: BodyCipher(OTHER_SECRET, "store-1").decrypt(ENCRYPTED, PLACE),
    "another store": lambda: BodyCipher(SECRET, "store-2").decrypt(ENCRYPTED, PLACE),
    "another step": lambda: CIPHER.decrypt(ENCRYPTED, PLACE._replace(number=2)),
    "another run": lambda: CIPHER.decrypt(ENCRYPTED, PLACE._replace(run="run-2")),
    "another target": lambda: CIPHER.decrypt(ENCRYPTED, PLACE._replace(target="x")),
    "a changed letter": lambda: CIPHER.decrypt(
        ENCRYPTED[:-6] + ("A" if ENCRYPTED[-6] != "A" else "B") + ENCRYPTED[-5:], PLACE
    ),
    "cut off": lambda: CIPHER.decrypt(ENCRYPTED[:40], PLACE),
    "no base64": lambda: CIPHER.decrypt(ENCRYPTED[:30] + "\n!" + ENCRYPTED[30:], PLACE),
    "nothing": lambda: CIPHER.decrypt(ENCRYPTED[:18], PLACE),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_nothing_else_opens_it(fault: str) -> None:
    with pytest.raises(ValueError):
        FAULTS[fault]()


def test_a_short_secret_is_refused() -> None:
    with pytest.raises(KeyUnfit, match="15 characters") as caught:
        BodyCipher("s" * 15, "store-1")
    assert (caught.value.exit, all(caught.value.explanation)) == (Exit.USAGE, True)


def test_without_the_library_it_says_how_to_get_it() -> None:
    code = (
        "import sys; sys.modules['cryptography'] = None\n"
        "from reconciler.state.body_encryption import BodyCipher\n"
        "try: BodyCipher('s' * 16, 'x')\n"
        "except Exception as error: print(error.explanation.message)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "pip install 'pki-reconciler[crypto]'" in done.stdout


def test_every_back_end_keeps_bodies_under_a_key(place: StorePlace) -> None:
    """And tells whoever has another key, or none, which one it takes."""
    store = place.open(secret=SECRET)
    assert store.keeps_bodies
    record_body(store)
    assert store.read_previous(TARGET, "run-1", 1) == PreviousObject("sha-o", BODY)
    (line,) = (line for line in store.export().targets[TARGET] if '"table":"intent"' in line)
    assert "canary" not in line
    for secret in ("", OTHER_SECRET):
        previous = place.open(secret=secret).read_previous(TARGET, "run-1", 1)
        assert previous
        assert (previous.digest, previous.body, len(previous.key)) == ("sha-o", "", 8)
        assert f"encrypted:1:{previous.key}:" in line
    # What is open is told without any key.
    lease = store.claim(make_run("run-2"), intents=[make_intent("run-2", 1, previous=PreviousObject("sha-o", BODY))])
    assert [entry.intent.number for entry in place.open().list_open(TARGET)] == [1]
    store.release(lease, RunEnding(0))


def test_no_byte_that_is_pushed_says_what_the_body_is(tmp_path: Path) -> None:
    with make_place("git file", tmp_path, None) as place:
        record_body(place.open(secret=SECRET))
        bare = tmp_path / "remote.git"
        pushed = "".join(run_git("cat-file", "-p", f"{ref}^{{tree}}", folder=bare) for ref in list_refs(bare))
        for entry in run_git("cat-file", "--batch-all-objects", "--batch-check", folder=bare).splitlines():
            name, kind, _ = entry.split()
            pushed += run_git("cat-file", "-p", name, folder=bare) if kind != "tree" else ""
        assert "encrypted:1:" in pushed
        assert not [word for word in ("c4n4ry", SECRET, "canary") if word in pushed]


def test_a_plain_body_in_a_repository_is_nobody_s(tmp_path: Path) -> None:
    """Whoever may push could else write what an undo brings back."""
    with make_place("git file", tmp_path, None) as place:
        record_body(place.open(secret=SECRET))
        bare = tmp_path / "remote.git"
        ref = next(name for name in list_refs(bare) if name.endswith(TARGET))
        clone = tmp_path / "clone"
        run_git("init", "--quiet", clone)
        run_git("fetch", "--quiet", str(bare), ref, folder=clone)
        run_git("checkout", "--quiet", "FETCH_HEAD", folder=clone)
        (file,) = clone.glob("runs/*/run-1.json")
        text = file.read_text()
        start = text.index("encrypted:1:")
        file.write_text(text[:start] + "{}" + text[text.index('"', start) :])
        run_git("-c", "user.name=x", "-c", "user.email=x", "commit", "--quiet", "-am", "x", folder=clone)
        run_git("push", "--quiet", str(bare), f"HEAD:{ref}", folder=clone)
        assert place.open(secret=SECRET).read_previous(TARGET, "run-1", 1) == PreviousObject("sha-o")
