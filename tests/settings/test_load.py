"""`reconciler.yaml`: what it means, what is refused, and where the complaint points."""

from __future__ import annotations

import json
from pathlib import Path
from typing import cast

import pytest

from reconciler.credentials.sources import FromCommand, FromEnvironment, FromFile
from reconciler.errors import UsageError
from reconciler.kinds.registry import KINDS
from reconciler.model import Bound
from reconciler.settings.load import load_settings, read_process_environment
from reconciler.settings.locations import check_settings_location
from reconciler.settings.model import (
    AkskAuth,
    BasicAuth,
    BearerAuth,
    NameOrId,
    OauthAuth,
    PasswordAuth,
    Settings,
    StateSettings,
    TokenAuth,
)
from reconciler.settings.schema import SettingsFile
from reconciler.state.locations import LocalState
from reconciler.transport.options import TransportOptions, Trust

WHOLE = r"""
apiVersion: reconciler/v1
kind: Settings
manifests: manifests/
targets:
  command:
    api: keyfactor
    url: https://keyfactor.example.com/KeyfactorAPI
    auth: {type: oauth, tokenUrl: https://idp.example.com/token, clientId: reconciler, clientSecret: {env: SECRET}}
  csms:
    api: csms
    region: cn-north-4
    projectId: 0123456789abcdef0123456789abcdef
    auth: {type: aksk, accessKey: {env: HW_ACCESS_KEY}, secretKey: {env: HW_SECRET_KEY}}
limits:
  SecurityRole: {changes: 3}
  RequestDenial: {changes: 0}
protected: ['SecurityRole/Administrator*', 'EventHandler/*']
state: .reconciler/
"""
P_SECRET = "password: {env: P}}"
HEAD = "apiVersion: reconciler/v1\nkind: Settings\n"


def read(folder: Path, text: str) -> Settings:
    (folder / "reconciler.yaml").write_text(text, encoding="utf-8")
    return load_settings(None, env={}, cwd=folder, kinds=KINDS)


def target(folder: Path, text: str, name: str = "t") -> object:
    return read(folder, f"{HEAD}targets:\n  {name}: {text}\n").targets[name].auth


def complaints(folder: Path, text: str) -> list[str]:
    with pytest.raises(UsageError) as caught:
        read(folder, text)
    return [str(problem) for problem in caught.value.problems]


def test_the_documented_file_means_what_it_says(tmp_path: Path) -> None:
    settings = read(tmp_path, WHOLE)
    assert settings.file == tmp_path / "reconciler.yaml"
    assert settings.manifests == tmp_path / "manifests"
    assert settings.state == StateSettings(LocalState(tmp_path / ".reconciler"))
    assert settings.limits == {"SecurityRole": 3, "RequestDenial": 0}
    assert settings.protected == ("SecurityRole/Administrator*", "EventHandler/*")
    command, csms = settings.targets["command"], settings.targets["csms"]
    assert command.auth == OauthAuth("https://idp.example.com/token", "reconciler", FromEnvironment("SECRET"))
    assert command.bound() == Bound("keyfactor", "https://keyfactor.example.com/KeyfactorAPI")
    assert csms.auth == AkskAuth(FromEnvironment("HW_ACCESS_KEY"), FromEnvironment("HW_SECRET_KEY"))
    assert csms.bound() == Bound("csms", "https://kms.cn-north-4.myhuaweicloud.com", "0123456789abcdef" * 2)


def test_what_is_not_said_has_defaults(tmp_path: Path) -> None:
    settings = read(tmp_path, HEAD)
    assert settings.manifests == tmp_path / "manifests"
    assert settings.state == StateSettings(LocalState(tmp_path / ".reconciler"))
    assert settings.protected == ("SecurityRole/Administrator*",)
    assert (settings.limits, settings.targets) == ({}, {})


def test_without_a_file_the_folder_alone_counts(tmp_path: Path) -> None:
    settings = load_settings(None, env={}, cwd=tmp_path, kinds=KINDS)
    state = StateSettings(LocalState(tmp_path / ".reconciler"))
    assert settings == Settings(file=None, manifests=tmp_path / "manifests", state=state)


@pytest.mark.parametrize(
    ("text", "auth"),
    [
        (
            r"{api: keyfactor, url: 'https://a/x', auth: {type: basic, username: 'CORP\svc', password: {file: pw}}}",
            BasicAuth("CORP\\svc", FromFile(Path("/FOLDER/pw"))),
        ),
        (
            "{api: keyfactor, url: 'https://a/x', auth: {type: bearer, token: {command: [get, it]}}}",
            BearerAuth(FromCommand(("get", "it"), Path("/FOLDER"))),
        ),
        (
            (
                "{api: keyfactor, url: 'https://a/x', auth: {type: oauth, tokenUrl: 'https://i/t', clientId: c, "
                "clientSecret: {env: S}, scopes: [a, b], audience: api, caBundle: idp.pem}}"
            ),
            OauthAuth("https://i/t", "c", FromEnvironment("S"), ("a", "b"), "api", Trust(Path("/FOLDER/idp.pem"))),
        ),
        (
            "{api: csms, url: 'http://127.0.0.1:9', projectId: p, auth: {type: token, token: {env: T}}}",
            TokenAuth(FromEnvironment("T")),
        ),
        (
            (
                "{api: csms, region: eu-west-101, projectId: p, auth: {type: password, user: u, domain: d, "
                "password: {env: P}}}"
            ),
            PasswordAuth(NameOrId("u"), NameOrId("d"), FromEnvironment("P")),
        ),
        (
            (
                "{api: csms, url: 'http://127.0.0.1:9', projectId: p, auth: {type: password, user: u, domain: d, "
                "password: {env: P}}}"
            ),
            PasswordAuth(NameOrId("u"), NameOrId("d"), FromEnvironment("P")),
        ),
        (
            (
                "{api: csms, url: 'https://k', projectId: p, iamUrl: 'https://iam.example.com/v3', "
                "auth: {type: password, user: u, domain: d, password: {env: P}}}"
            ),
            PasswordAuth(NameOrId("u"), NameOrId("d"), FromEnvironment("P")),
        ),
        (
            (
                "{api: csms, url: 'https://k', projectId: p, auth: {type: aksk, accessKey: {env: A}, "
                "secretKey: {env: S}, "
                "securityToken: {env: T}}}"
            ),
            AkskAuth(FromEnvironment("A"), FromEnvironment("S"), FromEnvironment("T")),
        ),
    ],
)
def test_every_way_of_logging_in_can_be_said(tmp_path: Path, text: str, auth: object) -> None:
    assert repr(target(tmp_path, text)).replace(str(tmp_path), "/FOLDER") == repr(auth)


@pytest.mark.parametrize(
    ("said", "user", "domain"),
    [
        ("user: u, domain: d", NameOrId("u"), NameOrId("d")),
        ("user: u, domainId: '7'", NameOrId("u"), NameOrId(id="7")),
        ("userId: '9'", NameOrId(id="9"), NameOrId()),
    ],
)
def test_a_user_is_called_by_name_or_by_id(tmp_path: Path, said: str, user: NameOrId, domain: NameOrId) -> None:
    """In the settings and in their schema alike."""
    auth = f"{{type: password, {said}, password: {{env: P}}}}"
    found = target(tmp_path, f"{{api: csms, region: r, projectId: p, auth: {auth}}}")
    assert found == PasswordAuth(user, domain, FromEnvironment("P"))


@pytest.mark.parametrize(
    ("said", "project", "iam_url"),
    [
        ("region: eu-west-101, projectId: p", NameOrId(id="p"), "https://iam.eu-west-101.myhuaweicloud.eu"),
        ("region: cn-north-4, projectName: pki", NameOrId("pki"), "https://iam.cn-north-4.myhuaweicloud.com"),
        ("url: 'http://127.0.0.1:9', projectName: pki", NameOrId("pki"), "http://127.0.0.1:9"),
        ("url: 'https://k', iamUrl: 'https://i/v3', projectName: pki", NameOrId("pki"), "https://i"),
        ("url: 'http://127.0.0.1:9', region: r, projectName: pki", NameOrId("pki"), "http://127.0.0.1:9"),
    ],
)
def test_a_project_is_called_by_id_or_by_name_and_iam_is_known(
    tmp_path: Path, said: str, project: NameOrId, iam_url: str
) -> None:
    """What the name means is asked later."""
    text = f"{HEAD}targets: {{t: {{api: csms, {said}, auth: {{type: token, token: {{env: T}}}}}}}}\n"
    found = read(tmp_path, text).targets["t"]
    assert (found.project, found.iam_url) == (project, iam_url)


@pytest.mark.parametrize(
    ("said", "region"),
    [
        ("region: eu-west-101", "eu-west-101"),
        ("url: 'https://kms.cn-north-4.myhuaweicloud.com'", "cn-north-4"),
        ("url: 'https://csms.eu-west-101.myhuaweicloud.eu/x'", "eu-west-101"),
        ("url: 'https://kms.cn-north-4.myhuaweicloud.com', region: cn-east-3", "cn-east-3"),
        ("url: 'https://kms.cn-north-4.myhuaweicloud.com.example.com'", ""),
        ("url: 'https://kms.other.cn-north-4.myhuaweicloud.com'", ""),
        ("url: 'https://myhuaweicloud.com'", ""),
    ],
)
def test_the_region_of_a_target_is_what_is_said_or_what_a_public_endpoint_is_called(
    tmp_path: Path, said: str, region: str
) -> None:
    """URNs of topics have it in them; nothing else is taken for one."""
    text = f"{HEAD}targets: {{t: {{api: csms, {said}, projectId: p, auth: {{type: token, token: {{env: T}}}}}}}}\n"
    assert read(tmp_path, text).targets["t"].region == region


@pytest.mark.parametrize(
    ("said", "cts_url"),
    [
        ("region: eu-west-101", "https://cts.eu-west-101.myhuaweicloud.eu"),
        ("region: cn-north-4, ctsUrl: 'https://c'", "https://c"),
        ("url: 'http://127.0.0.1:9'", "http://127.0.0.1:9"),
    ],
)
def test_the_traces_are_at_a_host_of_their_own(tmp_path: Path, said: str, cts_url: str) -> None:
    """Where they may be asked."""
    for audit, known in (("", ""), (", audit: true", cts_url)):
        members = f"api: csms, {said}, projectId: p{audit}, auth: {{type: token, token: {{env: T}}}}"
        found = read(tmp_path, f"{HEAD}targets: {{t: {{{members}}}}}\n").targets["t"]
        assert (found.audit, found.cts_url) == (bool(audit), known)


def test_the_optional_members_of_a_target_reach_the_transport(tmp_path: Path) -> None:
    text = (
        "{api: keyfactor, url: 'https://a/x', timeout: 15, parallelism: 4, proxy: 'http://p:3128', caBundle: ca.pem, "
        "clientCertificate: {certificate: c.pem, key: /k.pem}, auth: {type: bearer, token: {env: T}}}"
    )
    transport = read(tmp_path, f"{HEAD}targets: {{t: {text}}}\n").targets["t"].transport
    trust = Trust(tmp_path / "ca.pem", "", tmp_path / "c.pem", Path("/k.pem"))
    assert transport == TransportOptions(15.0, 4, "http://p:3128", trust)


@pytest.mark.parametrize(
    ("said", "reads", "writes"),
    [("4", 4, 0), ("{reads: 2}", 2, 0), ("{writes: 16}", 8, 16), ("{reads: 32, writes: 1}", 32, 1), ("{}", 8, 0)],
)
def test_reads_and_writes_under_way_at_once(tmp_path: Path, said: str, reads: int, writes: int) -> None:
    """A number is about reads; 0 writes are as many as the kind has them."""
    text = f"{{api: keyfactor, url: 'https://a/x', parallelism: {said}, auth: {{type: bearer, token: {{env: T}}}}}}"
    transport = read(tmp_path, f"{HEAD}targets: {{t: {text}}}\n").targets["t"].transport
    assert (transport.parallelism, transport.writes) == (reads, writes)


@pytest.mark.parametrize(
    ("said", "complaint"),
    [
        ("many", "targets.t.parallelism is a mapping or a whole number"),
        ("0", "0 is out of range; targets.t.parallelism is at least 1"),
        ("{writes: 33}", "33 is out of range; targets.t.parallelism.writes is at most 32"),
        ("{read: 3}", 'unknown field "read" in targets.t.parallelism'),
    ],
)
def test_another_parallelism_is_refused(tmp_path: Path, said: str, complaint: str) -> None:
    text = f"{{api: keyfactor, url: 'https://a/x', parallelism: {said}, auth: {{type: bearer, token: {{env: T}}}}}}"
    (found,) = complaints(tmp_path, f"{HEAD}targets: {{t: {text}}}\n")
    assert complaint in found


def test_a_rate_is_capped_where_the_settings_say_so(tmp_path: Path) -> None:
    """In requests a second; half a one is possible, none is not."""
    text = "{api: keyfactor, url: 'https://a/x', maxRequestsPerSecond: %s, auth: {type: bearer, token: {env: T}}}"
    for said, rate in (("20", 20.0), ("0.5", 0.5)):
        assert read(tmp_path, f"{HEAD}targets: {{t: {text % said}}}\n").targets["t"].transport.rate == rate
    for said in ("0", "-1", "fast", "5000"):
        (complaint,) = complaints(tmp_path, f"{HEAD}targets: {{t: {text % said}}}\n")
        assert "maxRequestsPerSecond" in complaint


@pytest.mark.parametrize(("own", "bundle"), [("", "target.pem"), (", caBundle: idp.pem", "idp.pem")])
def test_an_identity_provider_is_trusted_as_the_target_is_unless_it_has_its_own(
    tmp_path: Path, own: str, bundle: str
) -> None:
    """One authority for a company is the usual case."""
    auth = f"{{type: oauth, tokenUrl: 'https://i/t', clientId: c, clientSecret: {{env: S}}{own}}}"
    text = f"{HEAD}targets: {{t: {{api: keyfactor, url: 'https://a/x', caBundle: target.pem, auth: {auth}}}}}\n"
    found = read(tmp_path, text).targets["t"].auth
    assert isinstance(found, OauthAuth)
    assert found.trust == Trust(tmp_path / bundle)


def test_our_certificate_for_a_provider_is_its_own(tmp_path: Path) -> None:
    """The target's is for the target alone."""
    own = "clientCertificate: {certificate: own.pem, key: own.key}"
    for there, here, expected in (
        (own, "", Trust()),
        ("", own, Trust(None, "", tmp_path / "own.pem", tmp_path / "own.key")),
    ):
        auth = f"{{type: oauth, tokenUrl: 'https://i/t', clientId: c, clientSecret: {{env: S}}, {here}}}"
        text = f"{HEAD}targets: {{t: {{api: keyfactor, url: 'https://a/x', auth: {auth}, {there}}}}}\n"
        found = read(tmp_path, text).targets["t"].auth
        assert isinstance(found, OauthAuth)
        assert found.trust == expected


def test_a_named_file_counts_from_its_own_folder(tmp_path: Path) -> None:
    (tmp_path / "ops").mkdir()
    (tmp_path / "ops" / "prod.yaml").write_text(f"{HEAD}manifests: ../repo\nstate: /var/lib/x\n")
    settings = load_settings(Path("ops/prod.yaml"), env={}, cwd=tmp_path, kinds=KINDS)
    assert (settings.manifests, settings.state.place) == (tmp_path / "repo", LocalState(Path("/var/lib/x")))


@pytest.mark.parametrize(
    ("text", "place", "words"),
    [
        ("kind: Settings\n", "1:1", "apiVersion"),
        ("apiVersion: reconciler/v2\nkind: Settings\n", "1:13", "reconciler/v1"),
        (f"{HEAD}limit: {{}}\n", "3:1", "limit"),
        (f"{HEAD}limits:\n  SecurityRoles: {{changes: 1}}\n", "4:3", "SecurityRoles is not a kind"),
        (f"{HEAD}limits:\n  SecurityRole: {{changes: -1}}\n", "4:27", "0"),
        (f"{HEAD}limits:\n  SecurityRole: {{changes: yes}}\n", "4:27", "changes"),
        (f"{HEAD}limits:\n  SecurityRole: 5\n", "4:17", "write {changes: 5}"),
        (f"{HEAD}limits:\n  SecurityRole: true\n", "4:17", "a mapping"),
        (f"{HEAD}limits:\n  securityrole: {{changes: 5}}\n", "4:3", "did you mean SecurityRole?"),
        (f"{HEAD}protected: [securityrole/x]\n", "3:13", "did you mean SecurityRole/x?"),
        (f"{HEAD}protected: ['security-role/Admin*']\n", "3:13", "KIND/NAME-PATTERN"),
        (f"{HEAD}protected: ['certificate/Admin*']\n", "3:13", "certificate is not a kind"),
        (f"<<<<<<< HEAD\n{HEAD}=======\n{HEAD}>>>>>>> b\n", "1:1", "a merge conflict begins here"),
        (f"{HEAD}protected: [Administrator]\n", "3:13", "KIND/NAME-PATTERN"),
        (f"{HEAD}protected: ['Role/Admin*']\n", "3:13", "Role is not a kind"),
        (f"{HEAD}targets:\n  Prod: {{}}\n", "4:", "Prod"),
        (f"{HEAD}targets:\n  a: {{api: vault}}\n", "4:", "keyfactor"),
        (f"{HEAD}{HEAD}", "3:1", "twice"),
        (f"{HEAD}---\n{HEAD}", "4:1", "one document"),
        ("", "", "one document"),
        ("[]\n", "1:1", ""),
        (f"{HEAD}manifests: null\n", "3:12", "null"),
    ],
)
def test_a_mistake_is_told_where_it_stands(tmp_path: Path, text: str, place: str, words: str) -> None:
    said = complaints(tmp_path, text)
    assert any(line.startswith(f"reconciler.yaml:{place}") and words in line for line in said), said


@pytest.mark.parametrize(
    ("target", "words"),
    [
        ("api: keyfactor, url: 'http://kf.example.com', auth: {type: bearer, token: {env: T}}", "plain http"),
        ("api: keyfactor, url: 'https://u:hunter22@kf', auth: {type: bearer, token: {env: T}}", "must not carry"),
        ("api: keyfactor, url: 'https://a', auth: {type: aksk, accessKey: {env: A}, secretKey: {env: S}}", "aksk"),
        ("api: keyfactor, url: 'https://a', auth: {type: bearer, token: hunter22}", "never written into a file"),
        (
            "api: keyfactor, url: 'https://a', auth: {type: bearer, token: {value: hunter22}}",
            "never written into a file",
        ),
        ("api: keyfactor, url: 'https://a', auth: {type: bearer, token: [hunter22]}", "never written into a file"),
        ("api: keyfactor, url: 'https://a', auth: {type: bearer, token: {env: 'hunter22 x'}}", "env"),
        ("api: keyfactor, url: 'https://a', auth: {type: bearer, token: {env: T, file: hunter22}}", "{env: NAME}"),
        ("api: keyfactor, url: 'https://a', auth: {type: bearer, token: {command: hunter22}}", "command"),
        ("api: keyfactor, url: 'https://a', auth: {type: bearer, token: {command: []}}", "command"),
        ("api: keyfactor, url: 'https://a', auth: {type: bearer, token: {env: T}}, verify: false", "verify"),
        ("api: keyfactor, url: 'https://a', auth: {type: bearer, token: {env: T}}, timeout: 0", "1"),
        ("api: keyfactor, url: 'https://a', auth: {type: bearer, token: {file: '~/x'}}", "`~` is not expanded"),
        ("api: keyfactor, url: 'https://a', caBundle: '~/x', auth: {type: bearer, token: {env: T}}", "`~` is not"),
        ("api: csms, projectId: p, auth: {type: token, token: {env: T}}", "needs a region or a url"),
        (
            "api: csms, region: r, url: 'https://k', projectName: pki, auth: {type: token, token: {env: T}}",
            "iamUrl is needed",
        ),
        ("api: csms, url: 'https://k', auth: {type: token, token: {env: T}}", "projectId"),
        (
            "api: csms, region: r, projectId: p, projectName: pki, auth: {type: token, token: {env: T}}",
            "either a projectId or a projectName",
        ),
        ("api: csms, url: 'https://k', projectName: pki, auth: {type: token, token: {env: T}}", "iamUrl is needed"),
        (
            "api: csms, url: 'https://k', projectId: p, audit: true, auth: {type: token, token: {env: T}}",
            "`audit` needs ctsUrl",
        ),
        (
            "api: csms, region: r, projectId: p, iamUrl: 'http://iam', auth: {type: token, token: {env: T}}",
            "plain http",
        ),
        (
            "api: csms, region: r, projectId: p, auth: {type: password, domain: d, password: {env: P}}",
            "called by `user` or by `userId`",
        ),
        (
            "api: csms, region: r, projectId: p, auth: {type: password, user: u, userId: i, password: {env: P}}",
            "called by `user` or by `userId`",
        ),
        (
            "api: csms, region: r, projectId: p, auth: {type: password, user: u, password: {env: P}}",
            "a `user` needs its account",
        ),
        (
            "api: csms, region: r, projectId: p, auth: {type: password, user: u, domain: d, domainId: i, " + P_SECRET,
            "a `user` needs its account",
        ),
        (
            "api: csms, region: r, projectId: p, auth: {type: password, userId: u, domain: d, password: {env: P}}",
            "a `userId` needs none",
        ),
        ("api: csms, region: 'x/../y', projectId: p, auth: {type: token, token: {env: T}}", "region"),
        (
            "api: csms, url: 'https://k', projectId: p, auth: {type: password, user: u, domain: d, password: {env: P}}",
            "iamUrl is needed",
        ),
        (
            "api: csms, region: r, projectId: p, auth: {type: password, user: u, domain: d, password: hunter22}",
            "never written into a file",
        ),
    ],
)
def test_an_unusable_target_is_refused_and_no_secret_repeated(tmp_path: Path, target: str, words: str) -> None:
    said = complaints(tmp_path, f"{HEAD}targets:\n  t: {{{target}}}\n")
    assert any(line.startswith("reconciler.yaml:4:") and words in line for line in said), said
    assert "hunter22" not in "".join(said)


def test_all_mistakes_are_told_at_once(tmp_path: Path) -> None:
    text = (
        f"{HEAD}surplus: 1\nlimits: {{SecurityRole: {{changes: many}}}}\nprotected: [x]\ntargets: {{a: {{api: x}}}}\n"
    )
    assert {line.split(":")[1] for line in complaints(tmp_path, text)} == {"3", "4", "5", "6"}


@pytest.mark.parametrize("manifests", [".", "./", "ops", "link"])
def test_settings_inside_the_manifest_folder_are_refused(tmp_path: Path, manifests: str) -> None:
    (tmp_path / "ops").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "ops")
    file = tmp_path / ("reconciler.yaml" if manifests.startswith(".") else "ops/reconciler.yaml")
    file.write_text(f"{HEAD}manifests: {tmp_path / manifests}\n")
    with pytest.raises(UsageError, match="inside the manifest folder"):
        load_settings(file, env={}, cwd=tmp_path, kinds=KINDS)
    with pytest.raises(UsageError, match="inside the manifest folder"):
        check_settings_location([file], file.parent, tmp_path)
    check_settings_location([], tmp_path, tmp_path)


def test_a_missing_or_unreadable_file_is_a_usage_error(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "broken").symlink_to("nowhere")
    for name in ("missing.yaml", "folder", "broken"):
        with pytest.raises(UsageError, match="can't be read"):
            load_settings(Path(name), env={}, cwd=tmp_path, kinds=KINDS)
    (tmp_path / "reconciler.yaml").symlink_to("nowhere")
    with pytest.raises(UsageError, match="can't be read"):
        load_settings(None, env={"HW_REGION_NAME": "x"}, cwd=tmp_path, kinds=KINDS)


def test_a_file_without_targets_leaves_them_to_the_environment(tmp_path: Path) -> None:
    (tmp_path / "reconciler.yaml").write_text(f"{HEAD}limits: {{SecurityRole: {{changes: 1}}}}\n")
    env = {"KEYFACTOR_HOSTNAME": "kf.example.com", "KEYFACTOR_AUTH_ACCESS_TOKEN": "t"}
    settings = load_settings(None, env=env, cwd=tmp_path, kinds=KINDS)
    assert list(settings.targets) == ["command"]
    (tmp_path / "reconciler.yaml").write_text(WHOLE)
    assert (
        load_settings(None, env=env, cwd=tmp_path, kinds=KINDS)
        .targets["command"]
        .url.startswith("https://keyfactor.example.com/")
    )


def test_the_schema_names_members_as_the_file_does_and_is_closed() -> None:
    schema = SettingsFile.model_json_schema()
    text = json.dumps(schema)
    members = {"apiVersion", "kind", "manifests", "targets", "limits", "protected", "allow", "state", "plans", "notify"}
    members |= {"environments", "engine"}
    assert set(schema["properties"]) == members
    assert all(name in text for name in ("clientSecret", "securityToken", "projectId", "iamUrl", "caBundle"))
    assert all(one["additionalProperties"] is False for one in schema["$defs"].values())


def test_the_environment_is_handed_out_read_only() -> None:
    env = read_process_environment()
    assert "PATH" in env
    with pytest.raises(TypeError):
        cast(dict[str, str], env)["X"] = "y"


@pytest.mark.parametrize(
    ("given", "stands", "name"),
    [
        ("{folder}/s/x.yaml", "", "s/x.yaml"),
        ("s/x.yaml", "", "s/x.yaml"),
        ("../s/x.yaml", "m", "../s/x.yaml"),
        ("{folder}/s/x.yaml", "m", "../s/x.yaml"),
    ],
)
def test_the_file_is_called_as_somebody_in_the_folder_calls_it(
    tmp_path: Path, given: str, stands: str, name: str
) -> None:
    """In its own problems, and in those that are told of its limits later on."""
    for folder in ("s", "m"):
        (tmp_path / folder).mkdir()
    (tmp_path / "s" / "x.yaml").write_text(HEAD)
    path, cwd = Path(given.format(folder=tmp_path)), tmp_path / stands
    assert load_settings(path, env={}, cwd=cwd, kinds=KINDS).name == name
    (tmp_path / "s" / "x.yaml").write_text(f"{HEAD}surplus: 1\n")
    with pytest.raises(UsageError) as caught:
        load_settings(path, env={}, cwd=cwd, kinds=KINDS)
    assert [problem.source.file for problem in caught.value.problems] == [name]
