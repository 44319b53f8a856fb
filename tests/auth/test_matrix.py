"""Every way to log in, in every situation, over real TLS sockets: the exit code, and what the user is told."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from functools import cache
from urllib.parse import quote_plus

import pytest

from tests.support.login_methods import PROVIDED, WAYS, Way
from tests.support.login_runs import PROXY_PASSWORD, SITUATIONS, WANTED, Situation, run

REFUSED = "the credentials were refused (401"
NO_LOGIN = "no login: the identity provider refused the credentials (401"

# (way, situation) -> exit code, a part of the message; a way of "*" is every way that isn't named.
EXPECTED: Mapping[tuple[str, str], tuple[int, str]] = {
    ("*", "right"): (0, ""),
    ("*", "through a proxy"): (0, ""),
    ("*", "through a proxy that knows us"): (0, ""),
    ("*", "a proxy that doesn't know us"): (12, "the proxy refused the credentials of proxyAuth (407);"),
    ("*", "client certificate"): (0, ""),
    ("basic", "wrong secret"): (5, REFUSED),
    ("oauth", "wrong secret"): (
        5,
        f"{NO_LOGIN}: invalid_client: invalid client); without a token nothing",
    ),
    ("bearer", "wrong secret"): (5, REFUSED),
    ("aksk", "wrong secret"): (5, "verify aksk signature fail); nothing can be read without them; check `auth`"),
    ("aksk, project by name", "wrong secret"): (
        5,
        "verify aksk signature fail); nothing can be read without them; check `auth`",
    ),
    ("aksk, temporary", "wrong secret"): (5, "the security token is invalid); nothing can be read"),
    ("token", "wrong secret"): (
        5,
        "decrypt token fail); nothing can be read without them; check `auth` of target csms",
    ),
    ("password", "wrong secret"): (5, f"{NO_LOGIN}: The username or password is wrong.)"),
    ("basic", "expired"): (5, "whether the password has expired"),
    ("oauth", "expired"): (0, ""),
    ("bearer", "expired"): (5, "the token may have expired; put a new one there, or use type oauth"),
    ("aksk", "expired"): (5, "AK not exist); nothing can be read without them; check `auth` of target csms: the key"),
    ("aksk, project by name", "expired"): (
        5,
        "AK not exist); nothing can be read without them; check `auth` of target csms: the key",
    ),
    ("aksk, temporary", "expired"): (5, "the security token has expired); nothing can be read"),
    ("token", "expired"): (5, "The token must be updated.); nothing can be read without them; check `auth`"),
    ("password", "expired"): (0, ""),
    ("basic", "missing"): (5, "auth.password: the environment variable SECRET is not set; export SECRET"),
    ("oauth", "missing"): (5, "auth.clientSecret: the environment variable SECRET is not set; export SECRET"),
    ("bearer", "missing"): (5, "auth.token: the environment variable SECRET is not set; export SECRET"),
    ("aksk", "missing"): (5, "auth.secretKey: the environment variable SECRET is not set; export SECRET"),
    ("aksk, project by name", "missing"): (
        5,
        "auth.secretKey: the environment variable SECRET is not set; export SECRET",
    ),
    ("aksk, temporary", "missing"): (5, "auth.securityToken: the environment variable TOKEN is not set; export TOKEN"),
    ("token", "missing"): (5, "auth.token: the environment variable SECRET is not set; export SECRET"),
    ("password", "missing"): (5, "auth.password: the environment variable SECRET is not set; export SECRET"),
    ("basic", "recited secret"): (5, f"{REFUSED}: refused: ***"),
    ("bearer", "recited secret"): (5, f"{REFUSED}: refused: ***"),
    ("oauth", "recited secret"): (5, f"{NO_LOGIN}: refused: ***"),
    ("aksk", "recited secret"): (5, f"{REFUSED}: refused: *** ***"),
    ("aksk, project by name", "recited secret"): (5, f"{REFUSED}: refused: *** ***"),
    ("aksk, temporary", "recited secret"): (5, f"{REFUSED}: refused: *** *** ***"),
    ("token", "recited secret"): (5, f"{REFUSED}: refused: ***"),
    ("password", "recited secret"): (5, f"{NO_LOGIN}: refused: ***"),
    ("*", "wrong TLS name"): (12, "the server's certificate is for another name (IP address mismatch"),
    ("*", "unknown CA"): (12, "is not trusted (unable to get local issuer certificate); name the PEM file"),
    ("*", "expired certificate"): (12, "the server's certificate has expired; have it renewed"),
    ("aksk, project by name", "provider: wrong TLS name"): (
        12,
        "no answer: the server's certificate is for another name (Hostname mismatch",
    ),
    ("*", "provider: wrong TLS name"): (
        12,
        "no login: the server's certificate is for another name (Hostname mismatch",
    ),
    ("oauth", "provider: unknown CA"): (12, "as auth.caBundle (or KEYFACTOR_AUTH_CA_CERT), if you trust it"),
    ("aksk, project by name", "provider: unknown CA"): (
        12,
        "no answer: the server's certificate is not trusted (unable to get local issuer certificate); name the PEM",
    ),
    ("password", "provider: unknown CA"): (12, "name the PEM file of its authority as caBundle, if you trust it"),
    ("*", "refused proxy (407)"): (12, "the proxy wants to know who we are (407);"),
    ("*", "refused proxy (403)"): (12, "the proxy did not let the request through (403);"),
    ("*", "failing proxy (502)"): (12, "the proxy did not let the request through (502);"),
    ("*", "absent proxy"): (12, "the proxy did not let the request through: it can't be reached;"),
    ("*", "client certificate kept back"): (12, "TLS failed (sslv3 alert handshake failure); check that"),
    ("*", "client certificate kept back (TLS 1.3)"): (
        12,
        "no answer: the server wants a certificate of ours; say clientCertificate in the settings",
    ),
    ("oauth", "client certificate kept back (TLS 1.3)"): (
        12,
        "no login: the server wants a certificate of ours; without a token nothing can be asked; say auth.clientCert",
    ),
    ("oauth", "client certificate kept back"): (
        12,
        "no login: TLS failed (sslv3 alert handshake failure); without a token nothing can be asked; check that",
    ),
    ("password", "client certificate kept back (TLS 1.3)"): (
        12,
        "no login: the server wants a certificate of ours; without a token nothing can be asked; say clientCertificate",
    ),
    ("password", "client certificate kept back"): (
        12,
        "no login: TLS failed (sslv3 alert handshake failure); without a token nothing can be asked; check that",
    ),
}
CASES = [
    pytest.param(way, situation, id=f"{way.name}: {situation.name}")
    for way in WAYS
    for situation in SITUATIONS
    if situation.concerns(way)
]
ran = cache(run)


@pytest.mark.parametrize(("way", "situation"), CASES)
def test_a_way_in_a_situation_ends_as_the_table_has_it(way: Way, situation: Situation) -> None:
    """The code and the words; what failed says what, why and what to do, and names the request or the setting."""
    outcome = ran(way, situation)
    code, words = EXPECTED.get((way.name, situation.name)) or EXPECTED["*", situation.name]

    assert (outcome.code, words in outcome.message) == (code, True), outcome.output
    assert bool(outcome.message) is bool(code)
    assert outcome.message.count(";") >= (1 if code else 0)


@pytest.mark.no_cover
@pytest.mark.parametrize(("way", "situation"), CASES)
def test_no_secret_is_shown(way: Way, situation: Situation) -> None:
    """Neither as it is, nor as it travels: in Base64, or encoded for a form."""
    outcome = ran(way, situation)
    for secret in outcome.secrets:
        for form in (secret, quote_plus(secret), base64.b64encode(secret.encode()).decode().rstrip("=")):
            assert form not in outcome.output
            assert form not in outcome.overheard or situation.login
    assert PROXY_PASSWORD not in outcome.output
    assert WANTED.removeprefix("Basic ") not in outcome.output


@pytest.mark.no_cover
@pytest.mark.parametrize(("way", "situation"), CASES)
def test_refused_credentials_are_not_tried_again_and_an_untrusted_server_hears_nothing(
    way: Way, situation: Situation
) -> None:
    """Directories lock accounts, Huawei locks keys after five failures; and a wrong certificate ends it all."""
    outcome = ran(way, situation)

    if situation.echo or situation.secret == "wrong" or (situation.secret == "expired" and not way.renewed):
        assert outcome.requests == 1
    elif situation.secret == "expired":
        assert outcome.logins == 2
    elif situation.secret == "missing":
        assert outcome.requests == 0
    elif outcome.code:
        first = situation.proxy or situation.client or situation.name.startswith("provider")
        assert outcome.requests == (0 if first or way.name not in PROVIDED else outcome.logins)


@pytest.mark.no_cover
@pytest.mark.parametrize("name", ["through a proxy", "through a proxy that knows us"])
@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.name)
def test_an_open_proxy_sees_where_the_tunnels_lead_and_nothing_else(way: Way, name: str) -> None:
    """The API's address, and the identity provider's where there is one; and who we are to it, if it wants to know."""
    outcome = ran(way, next(one for one in SITUATIONS if one.name == name))

    hosts = [place.partition(":")[0] for place in outcome.tunnels]
    assert sorted(set(hosts)) == (["127.0.0.1", "localhost"] if way.name in PROVIDED else ["127.0.0.1"])
    assert "\r\nAuthorization" not in outcome.overheard
    assert (f"Proxy-Authorization: {WANTED}" in outcome.overheard) is (name != "through a proxy")
    assert "X-Auth-Token" not in outcome.overheard


def test_every_row_of_the_table_is_met() -> None:
    """A row that no case uses promises what nobody checks."""
    used = {
        (way.name, one.name) if (way.name, one.name) in EXPECTED else ("*", one.name)
        for way in WAYS
        for one in SITUATIONS
        if one.concerns(way)
    }
    assert used == set(EXPECTED)
