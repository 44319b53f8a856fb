"""Which URLs credentials may go to."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.settings.url import base_url, endpoint_url, is_loopback, origin, proxy_url


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("https://kf.example.com/KeyfactorAPI", "https://kf.example.com/KeyfactorAPI"),
        ("HTTPS://KF.Example.com:443/KeyfactorAPI/", "https://kf.example.com/KeyfactorAPI"),
        ("https://kf.example.com:8443", "https://kf.example.com:8443"),
        ("http://127.0.0.1:18080/KeyfactorAPI", "http://127.0.0.1:18080/KeyfactorAPI"),
        ("http://127.8.9.1", "http://127.8.9.1"),
        ("http://[::1]:80/x", "http://[::1]/x"),
        ("https://[2001:db8::1]:443", "https://[2001:db8::1]"),
        ("https://kf_internal.corp/a-b_c~d", "https://kf_internal.corp/a-b_c~d"),
    ],
)
def test_a_usable_url_is_normalised(said: str, meant: str) -> None:
    assert base_url(said) == meant
    assert base_url(meant) == meant


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ("http://kf.example.com/KeyfactorAPI", "plain http"),
        ("http://localhost:8080", "plain http"),
        ("http://127.0.0.1.example.com", "plain http"),
        ("http://127.1:80", "plain http"),
        ("http://2130706433", "plain http"),
        ("http://0.0.0.0", "plain http"),
        ("http://[::ffff:8.8.8.8]", "plain http"),
        ("https://user:hunter22@kf.example.com", "must not carry a user"),
        ("https://user@kf.example.com", "must not carry a user"),
        ("http://127.0.0.1@evil.example.com", "must not carry a user"),
        ("https://kf.example.com/x?token=1", "has no query"),
        ("https://kf.example.com/x#y", "fragments"),
        ("https://kf.example.com\\@evil.example.com", "backslashes"),
        ("https://kf.example.com/a/../b", "dot segments"),
        ("https://kf.example.com/a%2e", "read differently"),
        ("https://kf.exämple.com", "ASCII"),
        ("https://kf.example.com/ x", "blanks"),
        ("https://kf.example.com/\r\nHost: x", "blanks"),
        ("https://kf.example.com:99999", "not a URL"),
        ("https://kf.example.com:0", "not a URL"),
        ("https://", "not a URL"),
        ("https://[::1", "not a URL"),
        ("ftp://kf.example.com", "not a URL"),
        ("kf.example.com/KeyfactorAPI", "not a URL"),
        ("file:///etc/passwd", "not a URL"),
        ("", "not a URL"),
    ],
)
def test_an_unusable_url_is_refused_with_a_reason_that_repeats_no_secret(said: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason) as caught:
        base_url(said)
    assert "hunter22" not in str(caught.value)


@given(st.text(max_size=60))
def test_no_text_whatever_breaks_the_rule(text: str) -> None:
    """Whatever comes through is https or loopback, and comes through unchanged a second time."""
    for candidate in (text, f"https://{text}", f"http://{text}"):
        try:
            url = base_url(candidate)
        except ValueError:
            continue
        assert url.startswith("https://") or is_loopback(origin(url).removeprefix("http://").rsplit(":", 1)[0])
        assert base_url(url) == url


def test_an_endpoint_keeps_its_query_and_a_proxy_may_speak_http() -> None:
    assert endpoint_url("https://idp.example.com/t?p=B2C_1") == "https://idp.example.com/t?p=B2C_1"
    assert proxy_url("http://proxy.example.com:3128") == "http://proxy.example.com:3128"
    assert proxy_url("https://proxy.example.com/") == "https://proxy.example.com"
    for bad in ("http://user:pw@proxy:3128", "proxy:3128", "http://proxy/path", "socks5://proxy:1080"):
        with pytest.raises(ValueError, match=r"\w+"):
            proxy_url(bad)


def test_an_origin_always_says_its_port() -> None:
    assert origin("https://kf.example.com/x") == "https://kf.example.com:443"
    assert origin("http://[::1]/x") == "http://[::1]:80"
