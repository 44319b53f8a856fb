"""No output holds a secret, however a server writes it down, and ordinary words stay what they are."""

from __future__ import annotations

import json
import string
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.credentials.redaction import Redactor
from tests.support.cpu_time import cost
from tests.support.secret_echoes import WRITTEN, encoded, wrapped

SECRETS = {
    "signs": 'p@ss/"wörd"+1',
    "markup": "p&ss'w+rd<x>/y",
    "backslashes": "a\\\\b\\u0041c\\nd",
    "blank": "two words + one",
    "beyond": "pass🔑wort-ä",
    "percent": "50%25&amp;more",
    "digit and marks": "0:::",
    "token": "eyJhbGciOi.J9eyJzdWIiOi-IxMjM0_NTY3",
}


def knowing(*secrets: str) -> Redactor:
    redact = Redactor()
    redact.learn(*secrets)
    return redact


@pytest.mark.parametrize("secret", SECRETS.values(), ids=SECRETS)
@pytest.mark.parametrize("way", WRITTEN)
def test_a_secret_is_blotted_out_in_every_form(way: str, secret: str) -> None:
    """Exactly the secret goes, what stands around it stays."""
    written = WRITTEN[way](secret)
    assert knowing("other-secret", secret)(f"before {written} after") == "before *** after"


@given(
    st.text(st.characters(exclude_categories=("Cs", "Zs", "Cc")), min_size=4, max_size=40),
    st.sampled_from(list(WRITTEN)),
)
def test_any_secret_is_blotted_out_in_every_form(secret: str, way: str) -> None:
    """Upper case aside, which some letters don't come back from."""
    written = (WRITTEN[way] if way != "upper case" else str)(secret)
    assert knowing(secret)(f"<{written}>").replace("<", "").replace(">", "") in ("***", "******")


@pytest.mark.parametrize("front", ["", "u:", "me:", "corp:u:", "a longer name:"])
@pytest.mark.parametrize("behind", ["", ";", ";;", "; and more"])
@pytest.mark.parametrize("secret", ["hunter22", "correct horse", "p@ss/w?rd+1>>>???"])
def test_base64_is_known_inside_something_longer(secret: str, front: str, behind: str) -> None:
    """What is around a secret shifts it, in three ways; every character that holds a bit of it goes."""
    redact = knowing(secret)
    for whole in (encoded(secret + behind, front), encoded(secret + behind, front).replace("+", "-").replace("/", "_")):
        first, end = len(front) * 8 // 6, -(-len(front + secret) * 8 // 6)
        assert redact(f"Basic {whole}!").rstrip("=!") == f"Basic {whole[:first]}***{whole[end:]}!".rstrip("=!")


@pytest.mark.parametrize("front", ["", "u:", "user:"])
def test_what_is_wrapped_over_lines_is_not_shown_at_all(front: str) -> None:
    """It can't be cut out, and half of it is too much."""
    secret = "a-rather-long-secret+/of-forty-letters-or-so"
    redact = knowing(secret)
    for text in (
        wrapped(secret, front),
        json.dumps(wrapped(secret, front)),
        f"{secret[:20]}\n{secret[20:]}",
        "\u200b".join(secret),
        "\0".join(secret),
    ):
        assert redact(f"token:\n{text}\nend") == "***"
    assert redact("several lines\nof ordinary\r\ntext") == "several lines\nof ordinary\r\ntext"


def test_secrets_that_overlap_leave_nothing_between_them() -> None:
    assert knowing("hunter22-one", "one-two-three")("say hunter22-one-two-three!") == "say ***!"
    assert knowing("canary", "my-canary-bird")("say my-canary-bird and canary!") == "say *** and ***!"


def test_a_secret_at_the_cut_leaves_no_half_behind() -> None:
    redact = knowing("hunter22hunter22")
    for before in range(300):
        assert "hunter" not in redact.line("x" * before + "hunter22hunter22" + "y" * 400)


@pytest.mark.no_cover
@pytest.mark.parametrize("size", [40, 4000, 20_000])
@pytest.mark.parametrize("way", ["plain", "URL", "base64", "hex"])
def test_no_piece_of_a_long_secret_is_shown(size: int, way: str) -> None:
    """Wherever in a body of any length it stands."""
    secret = "".join(Random(size).choices(f"{string.ascii_letters}+/", k=size))
    redact, written = knowing(secret), WRITTEN[way](secret)
    for before in (0, 10, 140, 1990, 65_500, 300_000):
        shown = redact.line("." * before + written + "." * 70_000)
        assert not any(written[at : at + 12] in shown for at in range(0, len(written) - 12, 7)), before
        assert len(shown) <= 300


@pytest.mark.no_cover
def test_a_large_body_costs_little() -> None:
    """Many tokens, and all that a server may send, with pieces of them everywhere: some fifty times what none costs."""
    redact, body = knowing(*(f"{number}-secret+{'ab' * 700}" for number in range(20))), "1-secret+ab ab " * 300_000
    least, _ = cost(lambda: knowing().line(body), times=3)
    spent, line = cost(lambda: redact.line(body))
    assert spent < 1000 * least
    assert len(line) <= 300


@pytest.mark.no_cover
@pytest.mark.parametrize(
    ("secret", "text"),
    [("1" * 2000 + "x", "1"), ("\\" * 12 + "x", "\\"), ("&amp;" * 3 + "x", "&amp;"), ("%25" * 9, "%2")],
)
def test_a_hostile_text_costs_little(secret: str, text: str) -> None:
    """No expression of ours runs away on text that is almost a secret: six hundred times what no secret costs."""
    redact, hostile = knowing(secret), text * 60_000
    least, _ = cost(lambda: knowing().line(hostile), times=5)
    spent, _ = cost(lambda: redact.line(hostile))
    assert spent < 6000 * least


def test_ordinary_words_are_left_alone() -> None:
    """Secrets of usual shapes, and what servers say."""
    redact = knowing("CORP\\svc:hunter22", "Summer-2026!", "ZXlKaGJHY2lPaUpJ", "0123456789abcdef", "s3cr3t")
    text = (
        "The secret of user CORP\\svc isn't valid: Summer 2026, role 0x01234567, see https://host/a%20b?c=d&amp;e=f+g."
    )
    assert redact(text) == text


def test_foreign_text_is_made_visible_on_one_short_line() -> None:
    line = Redactor().line("a\x1b[31m\n\u202eb" + "x" * 1000)
    assert line.startswith("a\\x1b[31m\\n\\u202eb")
    assert len(line) < 330


def test_short_words_are_left_alone() -> None:
    assert knowing("", "a", "abc")("abc a") == "abc a"
