"""A system without POSIX's extras (Windows): reading needs none of them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.toy_kinds import write

# What Windows' Python lacks, of what this package has a use for.
ABSENT = {
    "os": "O_NOFOLLOW O_CLOEXEC O_NONBLOCK O_DIRECTORY O_NOCTTY getuid geteuid fchmod killpg",
    "signal": "SIGHUP SIGQUIT SIGKILL SIGPIPE",
    "socket": "AF_UNIX",
    "select": "poll",
}
PRELUDE = "".join(
    f"import {module}\nfor name in {names.split()!r}: delattr({module}, name)\n" for module, names in ABSENT.items()
)
PRELUDE += "os.supports_dir_fd = set()\n"
MAIN = PRELUDE + "import sys\nfrom reconciler.cli import main\nsys.exit(main(sys.argv[1:]))\n"
ROOT = Path(__file__).parents[2]
OWNERS = """\
apiVersion: reconciler/v1
kind: CertificateOwner
metadata: {name: inventory}
spec: {assignments: owners.csv}
"""
TABLE = f"thumbprint,owner\n{'AB' * 20},Web\n"


def run(code: str, *argv: str, cwd: Path) -> tuple[int, str]:
    """Run Python without the names; returns its exit code and all that it printed."""
    done = subprocess.run(
        [sys.executable, "-c", code, *argv],
        cwd=cwd,
        env={"PATH": os.defpath, "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1", "HOME": str(cwd)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


def test_manifests_and_tables_are_read(tmp_path: Path) -> None:
    """From folders of any depth."""
    write(tmp_path, {"m/d/a.yaml": OWNERS, "m/d/owners.csv": TABLE})
    assert run(MAIN, "validate", "m", cwd=tmp_path) == (0, "Valid: 1 document in 1 file.\nexit 0: ok\n")


def test_links_and_pipes_are_still_refused(tmp_path: Path) -> None:
    """As a table, as a folder on the way, and as a manifest that was named."""
    write(tmp_path, {"m/a.yaml": OWNERS, "m/b.yaml": OWNERS.replace("owners.csv", "d/o.csv"), "out/o.csv": TABLE})
    (tmp_path / "m/owners.csv").symlink_to("../out/o.csv")
    (tmp_path / "m/d").symlink_to("../out")
    write(tmp_path, {"m/c.yaml": OWNERS.replace("owners.csv", "pipe.csv").replace("inventory", "pipes")})
    os.mkfifo(tmp_path / "m/pipe.csv")
    code, text = run(MAIN, "validate", "m", cwd=tmp_path)
    assert code == 4
    assert "m/a.yaml:4:21: assignments: is a symbolic link" in text
    assert "m/b.yaml:4:21: assignments: is a symbolic link" in text
    assert "m/c.yaml:4:21: assignments: is not a regular file" in text


def test_a_plan_is_made_with_a_secret_from_the_environment_alone(tmp_path: Path) -> None:
    """Whose file a secret is in can't be told there, so it says so; the rest works."""
    target = "{api: keyfactor, url: 'http://127.0.0.1:1/x', auth: {type: bearer, token: {%s}}}"
    settings = "apiVersion: reconciler/v1\nkind: Settings\ntargets:\n  command: " + target
    write(tmp_path, {"m/a.yaml": OWNERS, "m/owners.csv": TABLE, "token": "x"})
    (tmp_path / "token").chmod(0o600)
    for origin, words in (
        ("file: token", "is not read on this system"),
        ("command: ['true']", "is not run on this system"),
        ("env: HOME", "127.0.0.1"),
    ):
        write(tmp_path, {"reconciler.yaml": settings % origin})
        code, text = run(MAIN, "plan", "m", cwd=tmp_path)
        assert words in text, text
        assert "internal" not in text
        assert code in {5, 10, 12}


@pytest.mark.parametrize("tests", ["tests/manifests/test_cases.py", "tests/manifests/test_discovery.py"])
def test_what_depends_on_no_platform_holds_without_them(tests: str, tmp_path: Path) -> None:
    """The very tests that hold with them; pytest itself wants to know whose folder it writes to."""
    names = PRELUDE.replace(" 'getuid',", "")
    assert names != PRELUDE
    code = f"{names}import sys, pytest\nsys.exit(pytest.main(sys.argv[1:]))\n"
    options = ("-q", "-p", "no:cacheprovider", "-p", "no:randomly", "--basetemp", str(tmp_path / "t"))
    exit_code, text = run(code, str(ROOT / tests), *options, "--rootdir", str(ROOT), cwd=ROOT)
    assert exit_code == 0, text
