"""Secrets: what is taken, what is refused, and that nothing shows them."""

from __future__ import annotations

import copy
import json
import os
import pickle
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.credentials.sources import (
    FromCommand,
    FromEnvironment,
    FromFile,
    FromProfile,
    Origin,
    Secret,
    resolve_secret,
)
from reconciler.diagnostics import Source
from reconciler.errors import AuthError

AT = Source("reconciler.yaml", 7, 5)


def fetched(origin: Origin, env: dict[str, str] | None = None) -> str:
    return resolve_secret(origin, env or {}, purpose="target command: auth.password", source=AT).reveal()


def refusal(origin: Origin, env: dict[str, str] | None = None) -> str:
    with pytest.raises(AuthError) as caught:
        fetched(origin, env)
    message = str(caught.value)
    assert message.startswith("reconciler.yaml:7:5: target command: auth.password: ")
    return message


def private(path: Path, data: bytes, mode: int = 0o600) -> Path:
    path.write_bytes(data)
    path.chmod(mode)
    return path


@given(st.text(min_size=1))
def test_a_secret_shows_as_stars_however_it_is_printed(value: str) -> None:
    secret = Secret(value)
    assert {str(secret), repr(secret), f"{secret}", f"{secret:>3}", f"{secret!r}"} == {"***"}
    assert secret.reveal() == value


@pytest.mark.parametrize("take", [pickle.dumps, copy.copy, copy.deepcopy, json.dumps, hash])
def test_a_secret_can_not_be_written_or_copied(take: Callable[[Secret], object]) -> None:
    with pytest.raises(TypeError):
        take(Secret("hunter22"))


def test_equal_secrets_are_equal_and_others_are_not() -> None:
    assert Secret("a b") == Secret("a b")
    assert Secret("a") != Secret("b")
    assert Secret("a") != "a"


def test_a_variable_is_taken_as_it_is() -> None:
    assert fetched(FromEnvironment("PW"), {"PW": "pass phrase ä"}) == "pass phrase ä"


def test_a_missing_variable_is_named_with_its_use() -> None:
    assert "the environment variable PW is not set; export PW" in refusal(FromEnvironment("PW"))


@pytest.mark.parametrize(
    "value",
    [
        *("", " ", "\t\n", " hunter22", "hunter22 ", "hunter22\n", "hun\nter22", "hun\rter22", "hun\x00ter22"),
        *("hunter22\x7f", "\ufeffhunter22", "hunter22\r\nX-Other: 1", "hunter22" * 10_000, "hunter22\udcff"),
    ],
)
def test_what_no_header_can_carry_is_refused_without_being_repeated(value: str) -> None:
    message = refusal(FromEnvironment("PW"), {"PW": value})
    assert "PW" in message
    assert "hunter" not in message
    assert "ter22" not in message


@pytest.mark.parametrize(
    ("data", "value"),
    [(b"hunter22", "hunter22"), (b"hunter22\n", "hunter22"), (b"hunter22\r\n", "hunter22"), (b"a\xc3\xa4 b\n", "aä b")],
)
def test_a_file_loses_the_one_line_break_that_ends_it(tmp_path: Path, data: bytes, value: str) -> None:
    assert fetched(FromFile(private(tmp_path / "pw", data))) == value


@pytest.mark.parametrize("data", [b"", b"\n", b"hunter22\n\n", b"hun\nter22\n", b"\xff\xfe", b"\xef\xbb\xbfhunter22"])
def test_a_file_with_more_than_one_line_or_with_none_is_refused(tmp_path: Path, data: bytes) -> None:
    message = refusal(FromFile(private(tmp_path / "pw", data)))
    assert str(tmp_path / "pw") in message
    assert "hunter" not in message


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o602, 0o660, 0o644, 0o610, 0o601, 0o777])
def test_a_file_that_others_can_use_is_refused_with_the_command_that_mends_it(tmp_path: Path, mode: int) -> None:
    path = private(tmp_path / "pw", b"hunter22", mode)
    message = refusal(FromFile(path))
    assert f"run: chmod 600 {path}" in message
    assert "hunter" not in message


@pytest.mark.parametrize("mode", [0o600, 0o400])
def test_a_file_that_its_owner_alone_can_read_is_taken(tmp_path: Path, mode: int) -> None:
    assert fetched(FromFile(private(tmp_path / "pw", b"hunter22", mode))) == "hunter22"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_a_file_of_another_user_is_refused(tmp_path: Path) -> None:
    path = private(tmp_path / "pw", b"hunter22")
    os.chown(path, 4711, 4711)
    assert "belongs to another user; run: chown" in refusal(FromFile(path))


def test_links_folders_pipes_and_missing_files_are_refused(tmp_path: Path) -> None:
    private(tmp_path / "pw", b"hunter22")
    (tmp_path / "link").symlink_to(tmp_path / "pw")
    os.mkfifo(tmp_path / "pipe", 0o600)
    (tmp_path / "folder").mkdir(mode=0o700)
    said = {name: refusal(FromFile(tmp_path / name)) for name in ("link", "pipe", "folder", "missing")}
    assert "is a symbolic link" in said["link"]
    assert "is not a regular file" in said["pipe"]
    assert "is not a regular file" in said["folder"]
    assert "can't be read (No such file or directory)" in said["missing"]


def python(*lines: str) -> tuple[str, ...]:
    return (sys.executable, "-c", "\n".join(lines))


def test_a_command_gets_no_shell_and_a_minimal_environment(tmp_path: Path) -> None:
    origin = FromCommand(python("import json, os", "print(json.dumps(sorted(os.environ)))"), tmp_path)
    seen = json.loads(fetched(origin, {"HOME": "/nowhere", "PATH": "/bin", "AWS_SECRET": "hunter22", "HW_AK": "x"}))
    assert set(seen) - {"LC_CTYPE"} == {"HOME", "PATH"}  # LC_CTYPE is set by Python itself
    shell = FromCommand((sys.executable, "-c", "import sys; print(sys.argv[1])", "$(id); `id`"), tmp_path)
    assert fetched(shell) == "$(id); `id`"


def test_a_command_runs_in_the_settings_folder_and_loses_its_last_line_break(tmp_path: Path) -> None:
    assert fetched(FromCommand(python("import os; print(os.getcwd())"), tmp_path)) == str(tmp_path.resolve())


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (python("print('hunter22'); raise SystemExit(3)"), "failed with status 3"),
        (("/no/such/program",), "can't be run (No such file or directory)"),
        (("bad\0name",), "can't be run"),
        (python("print('hun'); print('ter22')"), "has a line break"),
        (python("pass"), "is empty"),
    ],
)
def test_a_command_that_gives_no_secret_is_refused(tmp_path: Path, argv: tuple[str, ...], words: str) -> None:
    message = refusal(FromCommand(argv, tmp_path))
    assert words in message
    assert "hunter" not in message


def test_members_of_json_and_ini_profiles_are_found(tmp_path: Path) -> None:
    config = private(tmp_path / "c.json", b'{"servers": {"default": {"password": "hunter22", "port": 443}}}')
    ini = private(tmp_path / "credentials", b"[basic]\nak = AK1\nsk = hun%ter\n")
    assert fetched(FromProfile(config, ("servers", "default", "password"))) == "hunter22"
    assert fetched(FromProfile(ini, ("basic", "sk"))) == "hun%ter"
    assert "is not there" in refusal(FromProfile(config, ("servers", "other", "password")))
    assert "is no text; put it in quotes" in refusal(FromProfile(config, ("servers", "default", "port")))
    assert "is not there" in refusal(FromProfile(ini, ("basic", "security_token")))
    assert "is not there" in refusal(FromProfile(ini, ("profiles", "0", "secretAccessKey")))
    assert "neither JSON nor INI" in refusal(FromProfile(private(tmp_path / "d.json", b"{"), ("servers",)))
    assert "chmod 600" in refusal(FromProfile(private(tmp_path / "e.json", b"{}", 0o644), ("servers",)))
