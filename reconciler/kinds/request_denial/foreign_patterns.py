"""Patterns that read like another language's: a regular expression among wildcards matches nothing, and says nothing.

Only what no name can hold is taken for one. `CORP\\*` is an account and `test.*` a host; `Web[12]` may be a template.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from reconciler.diagnostics import Explanation

_ANYWHERE = (
    r"^\^|^\.[*+]|\(\?[:=!<i]|\([^()]*\|[^()]*\)|\[\^"
    r"|\[(?:a-z|A-Z|a-f|A-F|0-9|[_.\\-])*(?:a-z|A-Z|a-f|A-F|0-9)(?:a-z|A-Z|a-f|A-F|0-9|[_.\\-])*\]"
    r"|\[[^\]]+\](?:\+|\{[0-9])"
)
# Shells know {a,b} for one of two; a device's {GUID} is a name.
_HOST_NAME = rf"{_ANYWHERE}|\{{[^{{}}]*,[^{{}}]*\}}|\\[.*?wdsbWDSB]|\||%|\.\+$|\$$|\{{[0-9]+,?[0-9]*\}}"
# DOMAIN\user and host\logical name: one backslash is theirs, and a machine's account ends in a dollar sign.
_ACCOUNT = rf"{_ANYWHERE}|\\\\|\\[wdsWDS]\+"
_SIGNS: Mapping[str, re.Pattern[str]] = {
    "commonName": re.compile(_HOST_NAME),
    "subjectAltName": re.compile(_HOST_NAME),
    "requester": re.compile(_ACCOUNT),
    "certificateAuthority": re.compile(rf"{_ACCOUNT}|\\\."),
    "template": re.compile(rf"{_ANYWHERE}|\\[.*?wdsWDS]"),
    # A backslash and two hexadecimal digits stand for a character (RFC 4514, 2.4).
    "distinguishedName": re.compile(rf"{_ANYWHERE}|\\[.*?wsWS]|\\[dD](?![0-9a-fA-F])"),
}
_TOKEN = re.compile(r"\\\\|\\[dwsDWS]\+|\\.|\.[*+]|%")
# In an account `\s` is the beginning of a name.
_ACCOUNT_TOKEN = re.compile(r"\\\\|\\[dwsDWS]\+|\\\.|\.[*+]")
_TRANSLATIONS = {r"\\": "\\", r"\.": ".", r"\*": "[*]", r"\?": "[?]", ".*": "*", ".+": "?*", "%": "*"}
_UNTRANSLATED = re.compile(r"[(){}|+^$\\]|\[(?![*?]\])")


def find_foreign_patterns(patterns: Mapping[str, str]) -> Iterator[tuple[str, Explanation]]:
    """Yield (attribute, words) for each pattern that is no name with wildcards."""
    for name, pattern in patterns.items():
        if sign := _SIGNS[name].search(pattern):
            yield name, _explain_pattern(name, pattern, sign.group())


def _explain_pattern(name: str, pattern: str, sign: str) -> Explanation:
    suggestion = _translate_pattern(pattern, has_backslash=_SIGNS[name].pattern.startswith(_ACCOUNT))
    remedy = f"write {suggestion}" if suggestion else "write the name with these, in a document for each alternative"
    return Explanation(
        "manifest.foreign-pattern",
        f"{pattern} reads like a regular expression ({sign})",
        "here `*` stands for anything, `?` for one character, and all else for itself, so that it would find nothing",
        f"{remedy}, or {{exact: ...}} around what is really called so",
    )


def _translate_pattern(pattern: str, *, has_backslash: bool) -> str:
    """Return the wildcards that say the same; "" where there are none."""
    core = pattern.removeprefix("^").removesuffix("$")
    text = (_ACCOUNT_TOKEN if has_backslash else _TOKEN).sub(lambda token: _translate_token(token.group()), core)
    # What is anchored at one end alone goes on at the other.
    if core != pattern and not pattern.startswith("^") and not text.startswith("*"):
        text = f"*{text}"
    elif core != pattern and not pattern.endswith("$") and not text.endswith("*"):
        text = f"{text}*"
    rest = text.replace("\\", "", 1) if has_backslash else text
    return "" if _UNTRANSLATED.search(rest) else text


def _translate_token(text: str) -> str:
    if text in _TRANSLATIONS:
        return _TRANSLATIONS[text]
    if text.startswith("\\") and text[1] in "dwsDWS":
        return "?*" if text.endswith("+") else "?"
    return text
