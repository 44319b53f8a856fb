"""Who we are to Command, chosen among Keyfactor's variables and a profile as its own tools choose."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from reconciler.credentials.sources import FromEnvironment
from reconciler.settings.model import Auth, BasicAuth, BearerAuth, NoAuth, OauthAuth
from tests.support.explanations import read_words
from tests.support.profiles import HOST, USER, command, kept, put

TOKEN = {"KEYFACTOR_AUTH_ACCESS_TOKEN": "t"}
CLIENT = {
    "KEYFACTOR_AUTH_CLIENT_ID": "c",
    "KEYFACTOR_AUTH_CLIENT_SECRET": "s",
    "KEYFACTOR_AUTH_TOKEN_URL": "https://idp.example.com/t",
}
KERBEROS = tuple(
    f"KEYFACTOR_AUTH_KRB_{name}"
    for name in ("USERNAME", "PASSWORD", "REALM", "KEYTAB", "CONFIG", "CCACHE", "SPN", "DISABLE_PAFXFAST")
)

A_USER = {"username": "u", "password": "p"}
A_CLIENT = {"client_id": "c", "client_secret": "s", "token_url": "https://idp.example.com/t"}
A_TOKEN = {"access_token": "t"}
VAULT = {"auth_provider": {"type": "azid", "profile": "default", "parameters": {"vault_name": "v"}}}


def way(auth: Auth) -> str:
    return {BasicAuth: "basic", BearerAuth: "token", OauthAuth: "client", NoAuth: "none"}[type(auth)]


SPOKEN: tuple[tuple[Mapping[str, str], Mapping[str, Any], str], ...] = (
    ({**USER, **TOKEN, **CLIENT}, {}, "basic"),
    ({**TOKEN, **CLIENT}, {}, "token"),
    ({**TOKEN, **CLIENT, "KEYFACTOR_USERNAME": "u"}, {}, "token"),
    ({**CLIENT, "KEYFACTOR_USERNAME": "u"}, {}, "client"),
    ({**USER, "KEYFACTOR_AUTH_CLIENT_ID": "c"}, {}, "basic"),
    (TOKEN, {}, "token"),
    ({**TOKEN, "KEYFACTOR_USERNAME": "u"}, A_USER, "token"),
    ({"KEYFACTOR_USERNAME": "u"}, {"password": "p", **A_CLIENT}, "basic"),
    (USER, A_CLIENT, "basic"),
    (CLIENT, {**A_TOKEN, **A_USER}, "client"),
    (USER, {"auth_type": "kerberos"}, "basic"),
    (USER, {"auth_type": "ntlm"}, "basic"),
    (TOKEN, VAULT, "token"),
    ({}, {**A_TOKEN, **A_CLIENT, **A_USER}, "token"),
    ({}, {**A_CLIENT, **A_USER}, "client"),
    ({}, {"client_id": "c", **A_USER}, "basic"),
    ({}, {"access_token": None, **A_USER}, "basic"),
    ({}, {"access_token": " ", **A_USER}, "basic"),
    ({"KEYFACTOR_AUTH_CLIENT_SECRET": "s"}, {"client_id": "c", "token_url": "https://idp/t", **A_USER}, "client"),
    ({}, {"auth_type": "basic", **A_TOKEN, **A_CLIENT, **A_USER}, "basic"),
    ({}, {"auth_type": "oauth", **A_TOKEN, **A_CLIENT, **A_USER}, "token"),
    ({}, {"auth_type": "oauth", **A_CLIENT, **A_USER}, "client"),
    ({}, {"auth_type": "OAuth2", **A_TOKEN, **A_CLIENT}, "client"),
    ({}, {"auth_type": "token", **A_TOKEN, **A_CLIENT}, "token"),
    ({}, {"auth_type": "basic", **A_CLIENT}, "client"),
    ({}, {"auth_type": "basic", "kerberos_realm": "R", **A_USER}, "basic"),
    ({}, {"auth_provider": {}, **A_USER}, "basic"),
    ({}, {"auth_provider": {"type": "", "parameters": {"vault_name": "v"}}, **A_USER}, "basic"),
    ({}, {"auth_provider": {"type": "other"}, **A_USER}, "basic"),
    ({"KEYFACTOR_AUTH_PROVIDER": "azid", **USER}, {}, "basic"),
    ({"KEYFACTOR_AUTH_PROVIDER": "azid"}, A_USER, "basic"),
)


@pytest.mark.parametrize(("env", "members", "chosen"), SPOKEN)
def test_who_we_are_is_chosen_as_the_tools_choose(
    env: Mapping[str, str], members: Mapping[str, Any], chosen: str, tmp_path: Path
) -> None:
    """Variables first: a user with a password, a token, a client; then the profile: what it says, a token, a client."""
    kept(tmp_path, **members)
    assert way(command(tmp_path, {**HOST, **env}).auth) == chosen


TOLD: tuple[tuple[Mapping[str, str], Mapping[str, Any], str], ...] = (
    *(({name: "x"}, {}, f"{name} asks for Kerberos") for name in KERBEROS),
    *(({name: "x", **USER, **CLIENT, **TOKEN}, A_USER, f"{name} asks for Kerberos") for name in KERBEROS),
    ({}, {"auth_type": "Kerberos", **A_USER, **A_CLIENT}, "asks for Kerberos, which isn't done"),
    *(
        ({}, {f"kerberos_{name}": "x", **A_USER}, "asks for Kerberos, which isn't done")
        for name in ("realm", "keytab", "config", "ccache", "spn", "disable_pafxfast")
    ),
    *(({}, {"auth_provider": {"type": name}, **A_USER}, "asks for a vault") for name in ("azid", "azure", "AZ", "akv")),
    ({}, {"auth_provider": {"type": "other"}}, "asks for a vault, which isn't done"),
    ({"KEYFACTOR_AUTH_PROVIDER": "azid"}, {}, "KEYFACTOR_AUTH_PROVIDER asks for a vault"),
    ({}, {"auth_type": "ntlm", **A_USER}, "has the auth_type ntlm, which isn't known"),
    ({}, {"client_id": "c", "client_secret": "s"}, "KEYFACTOR_AUTH_TOKEN_URL is not set"),
)


@pytest.mark.parametrize(("env", "members", "words"), TOLD)
def test_what_is_not_done_is_told_instead_of_guessed(
    env: Mapping[str, str], members: Mapping[str, Any], words: str, tmp_path: Path
) -> None:
    """In one sentence that says what to do; a vault's secret can be fetched by a command of the settings."""
    kept(tmp_path, **members)
    auth = command(tmp_path, env).auth
    assert isinstance(auth, NoAuth)
    assert words in read_words(auth.advice)
    assert read_words(auth.advice).count("; ") == 1
    assert ("{command: [" in read_words(auth.advice)) is ("vault" in words)


@pytest.mark.parametrize(
    ("env", "members"), [({}, VAULT), ({"KEYFACTOR_AUTH_PROVIDER": "azid"}, {}), ({KERBEROS[0]: "x"}, {})]
)
def test_who_asks_for_it_is_told_even_where_no_host_is_said(
    env: Mapping[str, str], members: Mapping[str, Any], tmp_path: Path
) -> None:
    """A profile whose vault knows the host holds nothing else."""
    put(tmp_path, json.dumps({"servers": {"default": members}}))
    target = command(tmp_path, env)
    assert target.lacking is not None
    assert target.auth == NoAuth(target.lacking)
    assert "which isn't done" in read_words(target.lacking)


@pytest.mark.parametrize(
    ("user", "domain", "name"),
    [
        ("svc", "", "svc"),
        ("svc", "CORP", "CORP\\svc"),
        ("CORP\\svc", "OTHER", "CORP\\svc"),
        ("svc@corp.example.com", "OTHER", "corp.example.com\\svc"),
        *((user, "CORP", "") for user in ("a@b@c", "a\\b\\c", "a\\b@c", "@corp", "svc@", "CORP\\", "\\svc")),
    ],
)
def test_the_account_is_named_as_the_tools_name_it(user: str, domain: str, name: str, tmp_path: Path) -> None:
    """Where that can't be told, nobody's password is sent."""
    env = {**HOST, **USER, "KEYFACTOR_USERNAME": user, "KEYFACTOR_DOMAIN": domain}
    auth = command(tmp_path, env).auth
    if name:
        assert auth == BasicAuth(name, FromEnvironment("KEYFACTOR_PASSWORD"))
    else:
        assert isinstance(auth, NoAuth)
        assert "write DOMAIN\\user" in read_words(auth.advice)


@pytest.mark.parametrize(
    ("said", "kept_there", "seconds"),
    [
        *[("30", None, 30.0), ("30s", None, 30.0), ("0", None, 60.0), ("-5", None, 60.0), ("1m", None, 60.0)],
        *[("", 45, 45.0), ("30", 45, 30.0), ("soon", 45, 45.0), ("0", 45, 45.0), ("", True, 60.0), ("", 9000, 600.0)],
    ],
)
def test_a_timeout_is_whole_seconds_and_anything_else_is_passed_over(
    said: str, kept_there: object, seconds: float, tmp_path: Path
) -> None:
    kept(tmp_path, client_timeout=kept_there)
    assert command(tmp_path, {"KEYFACTOR_CLIENT_TIMEOUT": said}).transport.timeout == seconds


@pytest.mark.parametrize(
    ("said", "written", "refused"),
    [
        *((value, "", "KEYFACTOR_SKIP_VERIFY asks") for value in ("true", "1", "Yes", "y", "t")),
        *(("", value, "skip_tls_verify in profile `default` of ") for value in ("true", "yes", "on", "'1'")),
        *[("false", "true", ""), ("0", "yes", ""), ("", "no", ""), ("", "off", "")],
    ],
)
def test_every_way_to_ask_for_no_verification_is_understood_and_refused(
    said: str, written: str, refused: str, tmp_path: Path
) -> None:
    """A variable wins over the profile here as well."""
    put(tmp_path, f"servers: {{default: {{host: h.example.com, skip_tls_verify: {written}}}}}\n")
    lacking = read_words(command(tmp_path, {"KEYFACTOR_SKIP_VERIFY": said}).lacking)
    assert lacking.startswith(refused) if refused else not lacking
