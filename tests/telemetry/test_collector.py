"""Where a trace goes: the command line and OpenTelemetry's own variables, as its specification has them."""

from __future__ import annotations

import pytest

from reconciler.errors import UsageError
from reconciler.telemetry.collector import choose_collector

BASE, TRACES, HEADERS = (
    "OTEL_EXPORTER_OTLP_ENDPOINT",
    "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
    "OTEL_EXPORTER_OTLP_HEADERS",
)
LOCAL = "http://localhost:4318"
# --otlp and the variables -> where spans are posted, None for nowhere.
PLACES = {
    "nobody asks": (None, {}, None),
    "an option": (LOCAL, {}, f"{LOCAL}/v1/traces"),
    "with a slash": (f"{LOCAL}/", {}, f"{LOCAL}/v1/traces"),
    "with a path of the collector's own": (f"{LOCAL}/otlp", {}, f"{LOCAL}/otlp/v1/traces"),
    "with the whole path": (f"{LOCAL}/v1/traces", {}, f"{LOCAL}/v1/traces"),
    "a variable": (None, {BASE: LOCAL}, f"{LOCAL}/v1/traces"),
    "an empty variable": (None, {BASE: ""}, None),
    "the variable for traces, as it is": (None, {BASE: LOCAL, TRACES: "https://t.example.com/x/"}, "https://t.example.com/x/"),
    "the option before the variables": (LOCAL, {BASE: "http://b", TRACES: "http://t"}, f"{LOCAL}/v1/traces"),
    "switched off": (None, {BASE: LOCAL, "OTEL_SDK_DISABLED": "True"}, None),
    "switched off, with an option": (LOCAL, {"OTEL_SDK_DISABLED": "true"}, None),
    "not switched off": (None, {BASE: LOCAL, "OTEL_SDK_DISABLED": "1"}, f"{LOCAL}/v1/traces"),
    "no exporter of traces": (None, {BASE: LOCAL, "OTEL_TRACES_EXPORTER": "none"}, None),
}  # fmt: skip


MALFORMED = ("http://h:99999", "http://h:x", "http://[::1", "http://:4318", "http://h:0")


@pytest.mark.parametrize("place", PLACES)
def test_a_trace_goes_where_it_is_asked_for(place: str) -> None:
    endpoint, env, expected = PLACES[place]
    collector = choose_collector(endpoint, env)
    assert (collector and collector.url) == expected
    assert not collector or not collector.trouble


@pytest.mark.parametrize(
    "endpoint",
    ["", "localhost:4318", "grpc://h:4317", "http://", "https://u:p@h/", "http://a b/", "http://h/?k=v", *MALFORMED],
)
def test_an_endpoint_is_a_url_without_a_login(endpoint: str) -> None:
    """What stands on a command line is read by whoever lists processes."""
    with pytest.raises(UsageError) as caught:
        choose_collector(endpoint, {})
    assert caught.value.problems[0].rule == "usage.invalid-otlp"
    assert endpoint == "" or endpoint not in str(caught.value.problems[0]).replace("http://localhost:4318", "")


def test_headers_names_and_the_parent_come_from_variables() -> None:
    """Values are percent-encoded; the name of the service may stand among the attributes of the resource."""
    env = {BASE: LOCAL, HEADERS: "api-key=a%20b=, Other = c ,junk", "TRACEPARENT": "00-x", "TRACESTATE": "k=v"}
    collector = choose_collector(None, env)
    assert collector is not None
    assert collector.headers == {"api-key": "a b=", "other": "c"}
    assert (collector.service, collector.parent) == ("reconciler", {"traceparent": "00-x", "tracestate": "k=v"})
    for more, service in (
        ({"OTEL_SERVICE_NAME": "pki"}, "pki"),
        ({"OTEL_RESOURCE_ATTRIBUTES": "a=b,service.name=x"}, ""),
    ):
        named = choose_collector(None, {**env, **more})
        assert named is not None
        assert named.service == service
    spoken = choose_collector(None, {**env, "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"})
    assert spoken is not None
    assert "grpc" in spoken.trouble


def test_a_variable_that_is_no_url_is_named_without_what_stands_in_it() -> None:
    """Its value may hold a secret, and whoever fails on it later would tell it."""
    for name, value in ((BASE, "http://h?key=S3cret"), (TRACES, "h?S3cret"), *((BASE, text) for text in MALFORMED)):
        collector = choose_collector(None, {name: value})
        assert collector is not None
        assert collector.trouble == f"{name} is no http or https URL of a collector, such as {LOCAL}"
    for name, value in ((BASE, "http://u:S3cret@h"), (TRACES, "http://h/?key=S3cret")):
        collector = choose_collector(None, {name: value})
        assert collector is not None
        assert not collector.trouble
