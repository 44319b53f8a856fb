"""A pattern in another language is told offline, with the wildcards that say the same; what a name may hold passes."""

from __future__ import annotations

import pytest

from reconciler.kinds.registry import KINDS

# attribute, pattern, the sign that gives it away, what to write instead ("" where wildcards can't say it)
FOREIGN = [
    ("commonName", r".*\.example\.com", ".*", "*.example.com"),
    ("commonName", r".+\.example\.com", ".+", "?*.example.com"),
    ("commonName", "^test", "^", "test*"),
    ("commonName", "test$", "$", "*test"),
    ("commonName", "^test$", "^", "test"),
    ("commonName", r"test\.example\.com", r"\.", "test.example.com"),
    ("commonName", r"web\d\.example.com", r"\d", "web?.example.com"),
    ("commonName", r"web\d+.example.com", r"\d", "web?*.example.com"),
    ("commonName", "(a|b).example.com", "(a|b)", ""),
    ("commonName", "a.example.com|b.example.com", "|", ""),
    ("commonName", "[a-z]+.example.com", "[a-z]", ""),
    ("commonName", "web[0-9].example.com", "[0-9]", ""),
    ("commonName", "web[12]+.example.com", "[12]+", ""),
    ("commonName", "web[12]{3}.example.com", "[12]{3", ""),
    ("commonName", "w{2,3}.example.com", "{2,3}", ""),
    ("commonName", "{a,b}.example.com", "{a,b}", ""),
    ("subjectAltName", "*.{test,dev}.example.com", "{test,dev}", ""),
    ("commonName", "[^.]*.example.com", "[^", ""),
    ("commonName", "(?i)test", "(?i", ""),
    ("commonName", r"\*.example.com", r"\*", "[*].example.com"),
    ("commonName", "%.example.com", "%", "*.example.com"),
    ("commonName", "test.+", ".+", "test?*"),
    ("subjectAltName", r".*\.example\.com", ".*", "*.example.com"),
    ("requester", r"CORP\\.*", "\\\\", r"CORP\*"),
    ("requester", r"CORP\\bob", "\\\\", r"CORP\bob"),
    ("requester", r"^CORP\svc-a", "^", r"CORP\svc-a*"),
    ("requester", r"CORP\(ann|bob)", "(ann|bob)", ""),
    ("requester", r".*\bob", ".*", r"*\bob"),
    ("certificateAuthority", r"ca01\.corp\Issuing*", r"\.", r"ca01.corp\Issuing*"),
    ("template", "^Web", "^", "Web*"),
    ("template", r"Web\sServer", r"\s", "Web?Server"),
    ("distinguishedName", r"CN=.*\.test,O=x", r"\.", "CN=*.test,O=x"),
]  # fmt: skip

PASSING = [
    ("commonName", "*.example.com"),
    ("commonName", "test.*"),
    ("commonName", "*.test.*"),
    ("commonName", "web-??.example.com"),
    ("commonName", "[*].example.com"),
    ("commonName", "Jane Doe (Sales)"),
    ("commonName", "{3F2504E0-4F89-11D3-9A0C-0305E82C3301}"),
    ("commonName", "+1 555 0100"),
    ("commonName", "price$list.example.com"),
    ("subjectAltName", "user+tag@example.com"),
    ("subjectAltName", "https://example.com/a?b=[?]"),
    ("subjectAltName", "fe80::*"),
    ("requester", r"CORP\*"),
    ("requester", r"CORP\bob"),
    ("requester", r"CORP\d*"),
    ("requester", r"CORP\WEB01$"),
    ("requester", r"*\svc-[?]"),
    ("requester", r"CORP\.svc"),
    ("certificateAuthority", r"ca01.corp.example.com\Example Issuing CA 1"),
    ("template", "Web[12]*"),
    ("template", "WebServer (2019)"),
    ("template", "Web [2012-2016]"),
    ("template", "Web|Client"),
    ("distinguishedName", r"CN=a\, b,OU=\dc\20*,O=x"),
    ("distinguishedName", "CN=a+OU=b,O=*"),
]


def find_problems(spec: dict[str, object]) -> list[tuple[object, str]]:
    denial = KINDS["RequestDenial"].spec.load({"match": spec})
    return [(place, explanation.message) for place, explanation in denial.check("x", {})]


@pytest.mark.parametrize(("attribute", "pattern", "sign", "suggestion"), FOREIGN)
def test_a_regular_expression_is_told(attribute: str, pattern: str, sign: str, suggestion: str) -> None:
    """At its attribute, with what gives it away and what to write instead."""
    ((place, message),) = find_problems({attribute: pattern})

    assert place == ("match", attribute)
    assert f"{pattern} reads like a regular expression ({sign})" in message
    assert (f"write {suggestion}, or" if suggestion else "in a document for each alternative") in message
    if suggestion:
        assert find_problems({attribute: suggestion}) == [], "what is suggested passes"


@pytest.mark.parametrize(("attribute", "pattern"), PASSING)
def test_what_a_name_may_hold_passes(attribute: str, pattern: str) -> None:
    """An account has a backslash, a machine a dollar sign, a template brackets."""
    assert find_problems({attribute: pattern}) == []


@pytest.mark.parametrize(("attribute", "pattern", "_sign", "_suggestion"), FOREIGN)
def test_what_is_meant_exactly_passes(attribute: str, pattern: str, _sign: str, _suggestion: str) -> None:
    """A name that really is so has a way in."""
    assert find_problems({attribute: {"exact": pattern}}) == []


def test_each_attribute_is_told_at_its_own_place() -> None:
    """All at once."""
    places = [place for place, _ in find_problems({"commonName": "^a", "requester": "^b", "template": "c"})]

    assert places == [("match", "commonName"), ("match", "requester")]
