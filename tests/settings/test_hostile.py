"""Whatever lies in the vendors' files and variables: settings or a UsageError, and no secret in any message."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import fields
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from reconciler.credentials.sources import FromCommand, FromEnvironment, FromFile, FromProfile, resolve_secret
from reconciler.diagnostics import Source
from reconciler.documents.vendor_file import parse_vendor_file
from reconciler.errors import AuthError, ReconcilerError, UsageError
from reconciler.kinds.registry import KINDS
from reconciler.manifests.load import load_manifests
from reconciler.settings.load import load_settings
from reconciler.settings.locations import check_settings_location
from reconciler.settings.model import NoAuth, Target
from tests.credentials.test_private_file import acting_as
from tests.settings.test_variables import READ
from tests.support.declared_targets import TARGETS
from tests.support.explanations import read_words

# What it goes through is counted by other tests, and counting takes half as long again.
pytestmark = pytest.mark.no_cover

SECRETS = ("PASSWORD", "SECRET", "TOKEN", "_SK", "_AK", "ACCESS_KEY")
PROFILE = (
    b'{"servers": {"default": {"host": "kf.example.com", "port": 443, "api_path": "A", "username": "u", "domain": "D", '
    b'"password": "hunter22", "client_id": "c", "client_secret": "hunter22", "token_url": "https://i/t", "scopes": '
    b'["a"], "access_token": "hunter22", "auth_type": "basic", "client_timeout": 5, "skip_tls_verify": false, '
    b'"ca_cert_path": "/ca.pem", "auth_provider": {"type": ""}}}}'
)
YAML = b"servers:\n  default:\n    host: h\n    username: u\n    password: hunter22\n    scopes: [a]\n    port: 0443\n"
INI = b"[basic]\nak = hunter22\nsk = hunter22\nsecurity_token = hunter22\nproject_id = p\niam_endpoint = https://i\n"
REGIONS = b"CSMS:\n- id: cn-north-4\n  endpoint: https://a.example.com\n  endpoints: [https://b]\n"
KOOCLI = (
    b'{"current": "p", "profiles": [{"name": "p", "mode": "AKSK", "accessKeyId": "AKTEST0123456", "region": "r", '
    b'"secretAccessKey": "hunter22", "securityToken": "hunter22", "projectId": "q"}]}'
)
SETTINGS = (
    b"apiVersion: reconciler/v1\nkind: Settings\nmanifests: m/\nlimits: {SecurityRole: {changes: 1}}\ntargets:\n"
    b"  t: {api: keyfactor, url: 'https://a', auth: {type: basic, username: u, password: {file: pw}}}\n"
    b"  c: {api: csms, region: r, projectId: p, auth: {type: token, token: {command: [get]}}}\n"
)
FILES = {
    ".keyfactor/command_config.json": (PROFILE, YAML),
    ".keyfactor/command_config.yml": (YAML, PROFILE),
    ".huaweicloud/credentials": (INI, YAML, KOOCLI),
    ".huaweicloud/regions.yaml": (REGIONS,),
    "koocli": (KOOCLI,),
}
PIECES = (b"\n", b"[", b"{", b": ", b"\0", b"&a ", b"null", b"9" * 50)
DEEP = (b"[" * 100_000, b'{"a":' * 100_000, b"- " * 100_000, b'{"servers":{"default":{"scopes":' + b"[" * 900)


@st.composite
def spoilt(draw: st.DrawFn, whole: tuple[bytes, ...]) -> bytes:
    """Return a file that is as it should be but for a few bytes; or anything."""
    data = draw(st.sampled_from(whole))
    for _ in range(draw(st.integers(0, 3))):
        at = draw(st.integers(0, len(data)))
        some = draw(
            st.binary(max_size=3) | st.sampled_from([b"\n", b"[", b"{", b": ", b"\0", b"&a ", b"null", b"9" * 50])
        )
        data = data[:at] + some + data[at + draw(st.integers(0, 3)) :]
    return data if draw(st.integers(0, 9)) else draw(st.binary(max_size=60) | st.sampled_from(DEEP))


NAMES = sorted({"HOME", *(name for name, _, _ in READ)} - {"HUAWEICLOUD_SDK_CREDENTIALS_FILE"})
VALUES = st.text(max_size=20) | st.sampled_from(
    [
        "[",
        "[::1",
        "a]b",
        "//",
        "\ud800",
        "\0",
        "a" * 300,
        "/" * 5000,
        "~/x",
        "~/\0",
        "/dev/zero",
        "/proc/self/mem",
        "1e9",
    ]
)


def kept(name: str, value: str) -> str:
    """Let what is a secret be one that can be recognised."""
    return f"hunter22{value}" if any(part in name for part in SECRETS) and "FILE" not in name else value


@contextmanager
def home_of(files: Mapping[str, bytes]) -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp())
    try:
        for name, data in files.items():
            (folder / name).parent.mkdir(exist_ok=True)
            (folder / name).write_bytes(data)
            (folder / name).chmod(0o600)
        yield folder
    finally:
        shutil.rmtree(folder)


def messages(target: Target, env: Mapping[str, str]) -> Iterator[str]:
    """Yield all that a target would say: what it lacks, and why a secret can't be had."""
    yield read_words(target.lacking)
    if isinstance(target.auth, NoAuth):
        yield read_words(target.auth.advice)
    for field in fields(target.auth):
        origin = getattr(target.auth, field.name)
        if isinstance(origin, FromEnvironment | FromFile | FromProfile | FromCommand):
            try:
                resolve_secret(origin, env, purpose="x", source=Source("x"))
            except AuthError as error:
                yield str(error)


@pytest.mark.no_cover
@settings(max_examples=300)
@given(
    files=st.fixed_dictionaries({}, optional={name: spoilt(whole) for name, whole in FILES.items()}),
    env=st.dictionaries(st.sampled_from(NAMES), VALUES, max_size=4),
)
@example(files={}, env={"KEYFACTOR_HOSTNAME": "["})
@example(files=dict.fromkeys(FILES, b'{"servers":{"default":{"scopes":' + b"[" * 900 + b"]" * 900 + b"}}}"), env={})
@example(files={".huaweicloud/credentials": b"[basic]\nak"}, env={"HW_REGION_NAME": "a"})
def test_whatever_the_vendors_files_and_variables_hold_it_ends_in_a_message(
    files: Mapping[str, bytes], env: Mapping[str, str]
) -> None:
    """And the message holds no secret."""
    with home_of(files) as home:
        said = {name: kept(name, value) for name, value in env.items()}
        given_env = {"HOME": str(home), "HW_SHARED_CONFIG_FILE": str(home / "koocli"), **said}
        if "koocli" not in files:
            given_env.pop("HW_SHARED_CONFIG_FILE")
        targets = load_settings(None, env=given_env, cwd=home, kinds=KINDS).targets
        told = [message for target in targets.values() for message in messages(target, given_env)]
    assert not [message for message in told if "hunter22" in message]


def test_json_is_held_to_the_depth_of_yaml() -> None:
    """A bound of our own, since what the parser can still read may be too deep for a later step."""
    fits, exceeds = (b"[" * depth + b"7" + b"]" * depth for depth in (32, 33))
    assert str(parse_vendor_file(fits)).count("[") == 32
    with pytest.raises(ValueError, match="line 1"):
        parse_vendor_file(exceeds)


def test_a_file_of_whatever_depth_is_read_or_refused(tmp_path: Path) -> None:
    """The target is there, whatever it then lacks."""
    path = tmp_path / ".keyfactor" / "command_config.json"
    path.parent.mkdir()
    for depth in range(1, 1200, 3):
        deep = b"[" * depth + b"]" * depth
        path.write_bytes(PROFILE.replace(b'"basic"', deep))
        assert load_settings(None, env={"HOME": str(tmp_path)}, cwd=tmp_path, kinds=KINDS).targets["command"]


@pytest.mark.no_cover
@settings(max_examples=300)
@given(data=spoilt((SETTINGS,)), name=st.sampled_from(["reconciler.yaml", "reconciler.json"]))
def test_whatever_a_settings_file_holds_it_is_taken_or_complained_about(data: bytes, name: str) -> None:
    """As JSON and as YAML."""
    with home_of({name: data}) as folder, suppress(UsageError):
        load_settings(Path(name), env={}, cwd=folder, kinds=KINDS)


PATHS: dict[str, Callable[[Path], Path]] = {
    "too long a name": lambda at: at / ("a" * 300),
    "too long a path": lambda at: at / ("a/" * 5000),
    "a NUL": lambda at: at / "a\0b",
    "half a surrogate pair": lambda at: at / "\ud800",
    "a loop": lambda at: _loop(at / "loop"),
    "below a loop": lambda at: _loop(at / "loop") / "x",
    "a file as a folder": lambda at: _file(at / "file") / "x",
    "a folder": lambda at: at,
    "a device": lambda at: Path("/dev/zero"),
    "a pipe": lambda at: _pipe(at / "pipe"),
}
UNREADABLE = ("can't be read (", "is not a regular file", "is a symbolic link")
FILE_NAMES = ("KEYFACTOR_AUTH_CONFIG_FILE", "HW_SHARED_CONFIG_FILE", "HUAWEICLOUD_SDK_CREDENTIALS_FILE")


def _loop(path: Path) -> Path:
    path.symlink_to(path.name)
    return path


def _file(path: Path) -> Path:
    path.write_text("x")
    return path


def _pipe(path: Path) -> Path:
    os.mkfifo(path, 0o600)
    return path


@pytest.mark.parametrize("name", PATHS)
def test_a_path_that_leads_to_no_file_is_told_by_the_target_that_needs_it(name: str, tmp_path: Path) -> None:
    """By its own words, and at once: a pipe that nobody writes to makes nobody wait."""
    path = PATHS[name](tmp_path)
    for variable in FILE_NAMES:
        env = {variable: str(path), "HW_REGION_NAME": "r"}
        targets = load_settings(None, env=env, cwd=tmp_path, kinds=KINDS).targets
        target = targets["command" if "KEYFACTOR" in variable else "csms"]
        told = list(messages(target, env))
        assert any(words in one for one in told for words in UNREADABLE), (variable, told)
    regions = {"HW_REGION_NAME": "r", "HW_ACCESS_KEY": "a", "HUAWEICLOUD_SDK_REGIONS_FILE": str(path)}
    targets = load_settings(None, env=regions, cwd=tmp_path, kinds=KINDS).targets
    assert str(path) in read_words(targets["csms"].lacking)


@pytest.mark.parametrize("name", PATHS)
def test_a_home_that_leads_nowhere_stops_nobody(name: str, tmp_path: Path) -> None:
    """Nor is it taken for a configuration."""
    home = {"HOME": str(PATHS[name](tmp_path))}
    assert load_settings(None, env=home, cwd=tmp_path, kinds=KINDS).targets == {}
    env = {
        **home,
        "KEYFACTOR_HOSTNAME": "kf",
        "KEYFACTOR_AUTH_ACCESS_TOKEN": "t",
        "HW_REGION_NAME": "r",
        "HW_AUTH_TOKEN": "t",
    }
    targets = load_settings(None, env=env, cwd=tmp_path, kinds=KINDS).targets
    assert [target.lacking for target in targets.values()] == [None, None]


@pytest.mark.parametrize("name", [name for name in PATHS if name not in {"a device", "a pipe"}])
def test_a_path_that_leads_to_no_settings_is_a_usage_error(name: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="the settings can't be read"):
        load_settings(PATHS[name](tmp_path), env={}, cwd=tmp_path, kinds=KINDS)


@pytest.mark.parametrize("name", PATHS)
def test_a_path_that_leads_to_no_manifests_ends_in_a_message(name: str, tmp_path: Path) -> None:
    path = PATHS[name](tmp_path)
    with pytest.raises(ReconcilerError):
        load_manifests([path], kinds=KINDS, targets=TARGETS, base=tmp_path)
    check_settings_location([tmp_path / "reconciler.yaml"], path / "manifests", tmp_path)


def test_a_settings_file_without_an_end_is_refused(tmp_path: Path) -> None:
    """After the bytes that one may have."""
    with pytest.raises(UsageError, match="FILE_BYTES"):
        load_settings(Path("/dev/zero"), env={}, cwd=tmp_path, kinds=KINDS)


@pytest.mark.skipif(os.geteuid() != 0, reason="root alone can be somebody else")
def test_a_home_that_can_not_be_searched_is_named_only_where_something_is_missing() -> None:
    """As in a container whose HOME is another user's."""
    with home_of({".keyfactor/command_config.json": PROFILE, ".huaweicloud/credentials": INI}) as home, acting_as(4711):
        env = {"HOME": str(home)}
        cwd = Path("/")
        assert load_settings(None, env=env, cwd=cwd, kinds=KINDS).targets == {}
        host = load_settings(None, env={**env, "KEYFACTOR_HOSTNAME": "kf"}, cwd=cwd, kinds=KINDS).targets["command"]
        user = load_settings(None, env={**env, "KEYFACTOR_USERNAME": "u"}, cwd=cwd, kinds=KINDS).targets["command"]
        region = load_settings(None, env={**env, "HW_REGION_NAME": "r"}, cwd=cwd, kinds=KINDS).targets["csms"]
        named = load_settings(
            None, env={"KEYFACTOR_AUTH_CONFIG_FILE": str(home / ".keyfactor/command_config.json")}, cwd=cwd, kinds=KINDS
        ).targets["command"]
        with pytest.raises(ReconcilerError, match="can't be looked at \\(Permission denied\\)"):
            load_manifests([home / "m"], kinds=KINDS, targets={}, base=cwd)
    assert isinstance(host.auth, NoAuth)
    assert isinstance(region.auth, NoAuth)
    for told in map(read_words, (host.auth.advice, user.lacking, region.auth.advice)):
        assert "can't be looked for (Permission denied)" in told
        assert str(home) in told
    assert "can't be read (Permission denied)" in read_words(named.lacking)
