"""Which URLs credentials may go to."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.transport.urls import (
    extract_origin,
    is_loopback,
    normalize_base_url,
    normalize_endpoint_url,
    normalize_proxy_url,
)


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
        ("HTTP://127.0.0.1:18080/x", "http://127.0.0.1:18080/x"),
        ("https://[2001:DB8:0:0::0001]/x", "https://[2001:db8::1]/x"),
        ("HTTP://[0:0:0:0:0:0:0:1]:8080", "http://[::1]:8080"),
        ("http://[::ffff:127.0.0.1]:18080/x", "http://127.0.0.1:18080/x"),
        ("https://[::ffff:7f00:1]", "https://127.0.0.1"),
        ("https://kf_internal.corp/a-b_c~d", "https://kf_internal.corp/a-b_c~d"),
    ],
)
def test_a_usable_url_is_normalised(said: str, meant: str) -> None:
    assert normalize_base_url(said) == meant
    assert normalize_base_url(meant) == meant


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
        ("http://[::ffff:0808:808]", "plain http"),
        ("http://[::]", "plain http"),
        ("HTTP://kf.example.com", "plain http"),
        ("http://[::1%eth0]", "zone"),
        ("http://[::1%25eth0]", "zone"),
        ("https://[fe80::1%25eth0]/x", "zone"),
        ('https://[::1%25a"b]/', "zone"),
        ("https://[v1.x:y]/", "not a URL"),
        ("https://[::1]evil.example.com/", "not a URL"),
        ("https://evil.example.com[::1]/", "not a URL"),
        ("https://[::1]:80:90/", "not a URL"),
        ("https://[::1]:+80/", "not a URL"),
        ("https://[127.0.0.1]/", "not a URL"),
        ("https://[]/", "not a URL"),
        ("https://[::1::]/", "not a URL"),
        ("https://::1/", "not a URL"),
        ("https://@kf.example.com", "must not carry a user"),
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
        normalize_base_url(said)
    assert "hunter22" not in str(caught.value)


@given(st.text(max_size=60))
def test_no_text_whatever_breaks_the_rule(text: str) -> None:
    """Whatever comes through is https or loopback, and comes through unchanged a second time."""
    for candidate in (text, f"https://{text}", f"http://{text}"):
        try:
            url = normalize_base_url(candidate)
        except ValueError:
            continue
        assert url.startswith("https://") or is_loopback(extract_origin(url).removeprefix("http://").rsplit(":", 1)[0])
        assert normalize_base_url(url) == url


def test_an_endpoint_keeps_its_query_and_a_proxy_may_speak_http() -> None:
    assert normalize_endpoint_url("https://idp.example.com/t?p=B2C_1") == "https://idp.example.com/t?p=B2C_1"
    assert normalize_proxy_url("http://proxy.example.com:3128") == "http://proxy.example.com:3128"
    assert normalize_proxy_url("https://proxy.example.com/") == "https://proxy.example.com"
    for bad in ("http://user:pw@proxy:3128", "proxy:3128", "http://proxy/path", "socks5://proxy:1080"):
        with pytest.raises(ValueError, match=r"\w+"):
            normalize_proxy_url(bad)
    assert normalize_endpoint_url("HTTPS://IDP.example.com/T?P=b") == "https://idp.example.com/T?P=b"


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("HTTP://Proxy.example.com:3128", "http://proxy.example.com:3128"),
        ("Https://proxy.example.com:443/", "https://proxy.example.com"),
        ("http://proxy.example.com:80", "http://proxy.example.com"),
        ("http://proxy.example.com:443", "http://proxy.example.com:443"),
        ("http://[2001:DB8::1]:3128", "http://[2001:db8::1]:3128"),
        ("http://10.0.0.1:3128", "http://10.0.0.1:3128"),
    ],
)
def test_a_proxy_is_normalised_as_any_url(said: str, meant: str) -> None:
    assert normalize_proxy_url(said) == meant
    assert normalize_proxy_url(meant) == meant


@pytest.mark.parametrize(
    ("read", "where"),
    [(normalize_base_url, "auth"), (normalize_endpoint_url, "auth"), (normalize_proxy_url, "proxyAuth")],
)
def test_a_user_in_a_url_is_told_where_to_go(read: Callable[[str], str], where: str) -> None:
    """Each has its own place in the settings."""
    for scheme in ("https", "HTTP", "http"):
        with pytest.raises(ValueError, match=f"say them under {where}$") as caught:
            read(f"{scheme}://user:hunter22@proxy.example.com:3128")
        assert "hunter22" not in str(caught.value)


@pytest.mark.parametrize(
    ("host", "loopback"),
    [
        *[(host, True) for host in ("127.0.0.1", "127.8.9.1", "::1", "[::1]", "::ffff:127.0.0.1", "[::ffff:7f00:1]")],
        *[
            (host, False)
            for host in ("localhost", "127.1", "::1%lo", "::ffff:8.8.8.8", "::", "0.0.0.0", "", "[", "\ud800")
        ],
    ],
)
def test_loopback_is_a_literal_address_in_whatever_form(host: str, loopback: bool) -> None:
    """Whatever the version of Python says of IPv4 in IPv6."""
    assert is_loopback(host) is loopback


def test_an_origin_always_says_its_port() -> None:
    assert extract_origin("https://kf.example.com/x") == "https://kf.example.com:443"
    assert extract_origin("http://[::1]/x") == "http://[::1]:80"
