"""The trace of a run: an HTTP Archive whatever a server sent, and without a secret in any form."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.credentials.redaction import Redactor
from reconciler.engine.traffic_log import BODY_CAP, BODY_MARGIN, TrafficLog
from reconciler.reports.har import HarTitle, render_har
from reconciler.transport.exchanges import AnswerHead, ExchangeTimes, WireExchange, WireHeaders
from tests.support.har_documents import find_leaks, list_texts, read_har, spell_secret

TITLE = HarTitle("reconciler plan", datetime(2027, 1, 2, tzinfo=UTC))
SECRET = "Canary/47+s3cr=t"
OTHER = "zebra-99-quagga"
JSON_TYPE = ("Content-Type", "application/json")


def exchange(
    body: bytes | None = b"{}",
    *,
    url: str = "https://server.example/KeyfactorAPI/Security/Roles",
    headers: WireHeaders = (JSON_TYPE,),
    sent: bytes | None = None,
    sent_headers: WireHeaders = (),
    started: float = 1.0,
) -> WireExchange:
    head = AnswerHead(200, "OK", "HTTP/1.1", headers)
    method = "GET" if sent is None else "POST"
    return WireExchange(method, url, sent_headers, sent, started, ExchangeTimes(0.0, 0.25, 0.5), head, body)


def render(exchanges: Sequence[WireExchange], *secrets: str, log: TrafficLog | None = None) -> str:
    """Return the document of exchanges that were all kept before any of the secrets was known."""
    log, redactor = log or TrafficLog(), Redactor()
    for entry in exchanges:
        log.add("command", redactor, entry)
    redactor.learn(*secrets)
    return render_har(TITLE, log.entries, log.redact, log.left_out)


def test_an_entry_says_what_was_asked_and_answered() -> None:
    """In the order in which requests began, each with its headers, bodies and times in milliseconds."""
    put = exchange(b'{"Id":1}', sent=b'{"Name":"x"}', sent_headers=(JSON_TYPE, ("X-One", "1")), started=2.0)
    listing = exchange(b"[]", url="https://server.example/Roles?PageReturned=1&Q=a%20b")
    first, second = read_har(render([put, listing]))
    assert first["request"]["queryString"] == [{"name": "PageReturned", "value": "1"}, {"name": "Q", "value": "a b"}]
    assert (first["time"], first["timings"]["wait"], first["timings"]["receive"]) == (750.0, 250.0, 500.0)
    assert second["request"]["postData"] == {"mimeType": "application/json", "text": '{"Name":"x"}'}
    assert second["request"]["headers"][1] == {"name": "X-One", "value": "1"}
    assert second["response"]["content"] == {"size": 8, "mimeType": "application/json", "text": '{"Id":1}'}
    assert second["startedDateTime"] == "1970-01-01T00:00:02.000+00:00"


def test_a_request_without_an_answer_is_told_with_its_reason() -> None:
    """As browsers have it: status 0."""
    failed = WireExchange("GET", "https://a.example/", (), None, 0.0, ExchangeTimes(), failure="refused by cat")
    (entry,) = read_har(render([failed]))
    assert (entry["response"]["status"], entry["comment"]) == (0, "refused by cat")
    assert "text" not in entry["response"]["content"]


PLACES: dict[str, Callable[[str], WireExchange]] = {
    "an answer": lambda text: exchange(f'{{"Message":"no: {text}"}}'.encode()),
    "a body of ours": lambda text: exchange(sent=f'{{"Name":"{text}"}}'.encode()),
    "a header": lambda text: exchange(headers=(JSON_TYPE, ("X-Echo", text))),
    "the name of a header": lambda text: exchange(headers=((text, "x"),)),
    "a URL": lambda text: exchange(url=f"https://a.example/x?y={text}"),
    "a redirect": lambda text: exchange(headers=(("Location", f"https://a.example/{text}"),)),
    "bytes that are no text": lambda text: exchange(b"\xff\xfe\x00" + text.encode() + b"\xff"),
    "UTF-16": lambda text: exchange(b"\xff\xfe" + text.encode("utf-16-le")),
}


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("form", spell_secret(SECRET))
def test_a_known_secret_is_nowhere_in_any_form(place: str, form: str) -> None:
    """It became known after all requests were over: what came before is redacted as well."""
    document = render([PLACES[place](spell_secret(SECRET)[form])], SECRET)
    read_har(document)
    assert find_leaks(list_texts(document), [SECRET]) == set()


HIDDEN_BY_NAME: dict[str, WireExchange] = {
    "Authorization": exchange(sent_headers=(("Authorization", f"Custom {OTHER}"),)),
    "X-Auth-Token": exchange(sent_headers=(("X-Auth-Token", OTHER),)),
    "X-Subject-Token": exchange(headers=(("x-subject-token", OTHER),)),
    "X-Security-Token": exchange(sent_headers=(("X-Security-Token", OTHER),)),
    "Cookie": exchange(sent_headers=(("Cookie", f"s={OTHER}"),)),
    "Set-Cookie": exchange(headers=(("Set-Cookie", f"s={OTHER}; HttpOnly"),)),
    "a token endpoint's form": exchange(sent=f"grant_type=password&client_secret={OTHER}&scope=a".encode()),
    "an assertion": exchange(sent=f"client_assertion={OTHER}".encode()),
    "a refresh token": exchange(f'{{"token_type":"Bearer","refresh_token":"{OTHER}"}}'.encode()),
    "an identity token": exchange(f'{{"id_token" : "{OTHER}"}}'.encode()),
    "a name with an escape": exchange(rf'{{"acce\u0073s_token":"{OTHER}"}}'.encode()),
    "JSON inside JSON": exchange(json.dumps({"Message": json.dumps({"password": OTHER})}).encode()),
    "IAM's body": exchange(sent=json.dumps({"password": {"user": {"name": "u", "password": OTHER}}}).encode()),
    "a list": exchange(f'{{"tokens":[], "token":["{OTHER}"]}}'.encode()),
    "a signature": exchange(f"SDK-HMAC-SHA256 Access=x, SignedHeaders=host, Signature={OTHER}0123".encode()),
    "a login in a URL": exchange(headers=(("Location", f"https://user:{OTHER}@a.example/"),)),
    "a login in a URL of JSON": exchange(rf'{{"u":"https:\/\/user:{OTHER}@a.example"}}'.encode()),
    "a token in a query": exchange(url=f"https://a.example/x?access_token={OTHER}&a=1"),
    "a code in a redirect": exchange(headers=(("Location", f"/cb?code={OTHER}&state=1"),)),
    "elsewhere in another answer": exchange(f"a page says {OTHER} aloud".encode()),
}


@pytest.mark.parametrize("place", HIDDEN_BY_NAME)
def test_what_is_a_secret_by_its_name_goes_whole(place: str) -> None:
    """Nobody knows its value; once a name has given it away, it is looked for everywhere."""
    names_it = exchange(f'{{"refresh_token":"{OTHER}"}}'.encode(), started=9.0)
    exchanges = [HIDDEN_BY_NAME[place], *([names_it] if place.startswith("elsewhere") else [])]
    document = render(exchanges)
    read_har(document)
    assert find_leaks(list_texts(document), [OTHER]) == set()


@pytest.mark.parametrize(
    "body",
    [
        '{"Name":"Secret keepers","Description":"Basic information about tokens, keys & codes"}',
        '{"Permissions":["/security/read/","/certificates/import/privatekey/"],"HasPrivateKey":true,"Pass":1}',
        '{"CommonName":"mail@example.com","Url":"https://example.com/a@b?code"}',
        '[{"Keyword":"token"},{"secrets":3}]',
    ],
)
def test_ordinary_words_stay_as_they_are(body: str) -> None:
    """A trace in which half is missing is none."""
    (entry,) = read_har(render([exchange(body.encode())], SECRET))
    assert entry["response"]["content"]["text"] == body


def test_a_long_body_is_cut_and_says_so() -> None:
    """No part of a secret is left at the cut, wherever it stands."""
    for start in (BODY_CAP - 8, BODY_CAP - len(SECRET), BODY_CAP + BODY_MARGIN - 8):
        body = b"x" * start + SECRET.encode() + b"y" * BODY_MARGIN * 2
        document = render([exchange(body)], SECRET)
        (entry,) = read_har(document)
        content = entry["response"]["content"]
        assert (content["size"], content["comment"]) == (len(body), f"cut: the first part of {len(body)} bytes")
        assert len(content["text"]) <= BODY_CAP
        assert not content["text"].rstrip("*").endswith(("C", "Can", "Canary/4"))


def test_memory_is_bounded_and_what_is_missing_is_told() -> None:
    """First bodies are left out, with their sizes, then whole requests, with their number."""
    log = TrafficLog(bodies_cap=3_000, entries_cap=6_000)
    entries = read_har(document := render([exchange(b"x" * 1_000, started=float(n)) for n in range(12)], log=log))
    left_out = 12 - len(entries)
    assert left_out > 0
    assert entries[0]["response"]["content"]["text"] == "x" * 1_000
    assert entries[-1]["response"]["content"]["comment"].startswith("1000 bytes left out")
    assert json.loads(document)["log"]["comment"].startswith(f"{left_out} later requests left out")


@settings(max_examples=60)
@given(body=st.binary(max_size=40), header=st.text(st.characters(max_codepoint=255), max_size=20))
def test_whatever_a_server_sends_comes_back_out_of_valid_json(body: bytes, header: str) -> None:
    """Text as text, other bytes as base64; lone surrogates, zeros and controls included."""
    (entry,) = read_har(render([exchange(body, headers=(("X-Odd", header), ("Content-Type", header)))]))
    content = entry["response"]["content"]
    data = base64.b64decode(content["text"]) if content.get("encoding") else content["text"].encode()
    assert data == body or b"***" in data
