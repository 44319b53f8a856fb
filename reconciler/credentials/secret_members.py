"""What is a secret by its name, whoever's it is: headers, members of JSON, fields of forms and queries, logins in URLs.

A `Redactor` knows the secrets of this run by value. A refresh token, a session's cookie or a signature is known to
nobody, and lets a reader in all the same.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import unquote_plus

from reconciler.credentials.encodings import unescape_letters
from reconciler.credentials.redaction import HIDDEN

_SECRET_HEADER = re.compile(
    r"auth(?!ority)|cookie|token|secret|passw|api-?key|signature|credential|session", re.IGNORECASE
)
# RFC 9110, 11.6.1: it says how to log in, and not with what. X-Subject-Token and the like stay hidden by "token".
_OPEN_HEADERS = frozenset({"www-authenticate", "proxy-authenticate"})
_MEMBERS = (
    r"(?:client|app|api|consumer|shared)?[_-]?secret(?:[_-]?(?:key|access[_-]?key))?|pass(?:word|wd|phrase)|pwd|assertion"
    r"|client[_-]?assertion|(?:access|refresh|id|security|session|auth|bearer|csrf|xsrf|subject|saml)?[_-]?token"
    r"|saml[_-]?response|api[_-]?key|private[_-]?key|access[_-]?key(?:[_-]?id)?|credential|authorization|signature"
    r"|x-(?:amz|goog|sdk)-(?:signature|credential|security-token)|x-(?:auth|subject|security)-token|(?:set-)?cookie"
)
# A value that a cap cut off has no closing quote. Backslashes before quotes: JSON that stands inside a text of JSON.
_JSON_MEMBER = re.compile(
    rf'(?P<head>(?P<quote>\\{{0,7}}")(?:{_MEMBERS})(?P=quote)\s*:\s*(?:\[\s*)?)'
    r"(?P<value>(?P=quote)(?P<text>.*?)(?:(?<!\\)(?P=quote)|\Z)|-?[0-9][^\s,}\]]*)",
    re.IGNORECASE | re.DOTALL,
)
_FORM_FIELD = re.compile(
    rf"(?P<head>(?:^|(?<=[?&;#\s\"'(]))(?:{_MEMBERS}|code|sig|jwt)=)(?P<text>[^&;#\s\"'<>)]+)", re.IGNORECASE
)
_SIGNATURE = re.compile(r"(?P<head>\bSignature(?:=|%3d|\\u003d))(?P<text>[0-9A-Za-z+/=_-]{16,})", re.IGNORECASE)
_LOGIN_HEADER = re.compile(
    r"(?P<head>\b(?:Bearer|Basic|Negotiate)(?:\s+|%20|\+))(?P<text>[A-Za-z0-9._~+/-]{20,}=*)", re.IGNORECASE
)
# RFC 3986, 3.2.1; up to the last @, since people write passwords as they are. JSON may escape a slash, a URL all of it.
_USER_INFORMATION = re.compile(
    r"(?P<head>(?::|%3a)(?:\\{0,7}/|%2f){2})(?P<text>(?:(?!%2f)[^/\s\"'<>?#\\])*)(?P<tail>@|%40)", re.IGNORECASE
)
_MEMBER_WORDS = (
    *("secret", "passw", "passphrase", "pwd", "assertion", "token", "saml", "credential", "authorization", "cookie"),
    *("signature", "apikey", "api_key", "api-key", '"privatekey', '"private_key', '"accesskey', '"access_key'),
    *("private_key=", "access_key=", "accesskey="),
)
_FORM_WORDS = ("code=", "sig=", "jwt=")


def is_secret_header(name: str) -> bool:
    """Say whether a header's value is a secret by the header's name."""
    return name.lower() not in _OPEN_HEADERS and _SECRET_HEADER.search(name) is not None


def hide_secret_members(text: str) -> str:
    """Return a text of any form with *** for each value that is a secret by the name that stands before it."""
    clean_text = _hide_members(text)
    plain_text = unescape_letters(text)
    return clean_text if plain_text == text or (hidden := _hide_members(plain_text)) == plain_text else hidden


def find_secret_members(text: str) -> Iterator[str]:
    """Yield the values that `hide_secret_members` hides, as the text writes them, and decoded where a form has them."""
    plain_text = unescape_letters(text)
    for match in _JSON_MEMBER.finditer(plain_text):
        yield match["text"] or match["value"]
    for match in _FORM_FIELD.finditer(plain_text):
        yield from dict.fromkeys((match["text"], unquote_plus(match["text"])))


def _hide_members(text: str) -> str:
    # Regular expressions that ignore case take ten times what these words do, and pages of certificates have none.
    lower = text.lower()
    has_members = any(word in lower for word in _MEMBER_WORDS)
    if "@" in text or "%40" in text:
        text = _USER_INFORMATION.sub(rf"\g<head>{HIDDEN}\g<tail>", text)
    if "signature" in lower:
        text = _SIGNATURE.sub(rf"\g<head>{HIDDEN}", text)
    if any(word in lower for word in ("bearer", "basic", "negotiate")):
        text = _LOGIN_HEADER.sub(rf"\g<head>{HIDDEN}", text)
    if has_members:
        text = _JSON_MEMBER.sub(_hide_value, text)
    if has_members or any(word in lower for word in _FORM_WORDS):
        text = _FORM_FIELD.sub(rf"\g<head>{HIDDEN}", text)
    return text


def _hide_value(match: re.Match[str]) -> str:
    quote = match["quote"]
    return f"{match['head']}{quote}{HIDDEN}{quote}"
