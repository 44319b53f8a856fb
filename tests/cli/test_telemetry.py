"""`--otlp` and OpenTelemetry's variables, against a collector on loopback that decodes what it gets."""

from __future__ import annotations

import importlib
import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from reconciler.simulator import Simulator
from tests.cli.conftest import Run
from tests.support.raw_server import Scripted, answer

MANIFESTS = """\
apiVersion: reconciler/v1
kind: SecurityRole
metadata: {name: PKI Operators}
spec: {description: as declared}
---
apiVersion: reconciler/v1
kind: EventHandler
metadata: {name: denied-logger}
spec: {className: CSS.CMS.Monitoring.EventHandling.Denied.DeniedLogger, displayName: as declared}
"""
PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331"
RUN_FACTS = {"command", "exit_code", "outcome", "problems", "compared", "declared", "steps", "requests"}


class World(NamedTuple):
    """A server, a collector, and the variables that name it."""

    server: Simulator
    collector: Scripted
    env: Mapping[str, str]

    def take(self) -> tuple[dict[str, str], list[Span]]:
        """Return the resource and the spans of the one request that came in since the last time."""
        (asked,) = self.collector.asked
        self.collector.asked.clear()
        assert (asked.path, asked.headers["api-key"]) == ("/v1/traces", "S3cret-key")
        (part,) = ExportTraceServiceRequest.FromString(asked.body).resource_spans
        (scope,) = part.scope_spans
        texts = self.server.credentials["keyfactor"]["client_secret"], "as declared", "Certificate operations"
        assert not [text for text in texts if text.encode() in asked.body]
        return {entry.key: entry.value.string_value for entry in part.resource.attributes}, list(scope.spans)


@pytest.fixture
def world(folder: Path) -> Iterator[World]:
    (folder / "manifests").mkdir()
    (folder / "manifests" / "all.yaml").write_text(MANIFESTS)
    with Simulator(certificates=1) as server, Scripted(lambda _: answer()) as collector:
        lines = server.settings.read_text().splitlines()
        lines = ["state: .reconciler/" if line.startswith("state:") else line for line in lines]
        (folder / "reconciler.yaml").write_text("\n".join(lines) + "\n")
        env = {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.url, "OTEL_EXPORTER_OTLP_HEADERS": "api-key=S3cret-key"}
        yield World(server, collector, env)


def read_facts(span: Span) -> dict[str, Any]:
    """Return the attributes of a span, without the prefix that they share."""
    facts = {entry.key.removeprefix("reconciler."): entry.value for entry in span.attributes}
    return {name: value.string_value or value.int_value for name, value in facts.items()}


def draw_tree(spans: list[Span], parent: bytes = b"") -> list[Any]:
    """Return the names of spans, each with what is a part of it."""
    return [(span.name, draw_tree(spans, span.span_id)) for span in spans if span.parent_span_id == parent]


def test_a_run_is_one_trace_with_what_it_went_through(world: World, run: Run) -> None:
    """Phases, lists and steps with counts and names, in the trace of whoever started it; no value and no secret."""
    world.server.forget_requests()
    code, _, stderr = run(["apply", "--yes"], {**world.env, "TRACEPARENT": f"{PARENT}-01"})
    assert (code, "not sent" in stderr) == (0, False)
    resource, spans = world.take()
    assert (resource["service.name"], resource["service.version"] != "") == ("reconciler", True)
    assert {span.trace_id.hex() for span in spans} == {PARENT[3:35]}
    assert draw_tree(spans, bytes.fromhex(PARENT[36:])) == [
        (
            "reconciler apply",
            [("load", []), ("read", []), ("read", []), ("plan", []), ("apply", [("step", []), ("step", [])])],
        )
    ]
    by_name = {span.name: read_facts(span) for span in spans}
    root = by_name["reconciler apply"]
    assert root["run_id"]
    assert {name: root[name] for name in ("command", "exit_code", "outcome", "compared", "steps", "applied")} == {
        "command": "apply", "exit_code": 0, "outcome": "ok", "compared": 2, "steps": 2, "applied": 2
    }  # fmt: skip
    assert root["requests"] == len(world.server.requests)
    assert by_name["load"]["documents"] == 2
    reads = [facts for span in spans if span.name == "read" and (facts := read_facts(span))]
    assert [(facts["target"], facts["kind"], facts["objects"]) for facts in reads] == [
        ("command", "EventHandler", 1),
        ("command", "SecurityRole", 1),
    ]
    assert all(facts["requests"] for facts in reads)
    steps = [read_facts(span) for span in spans if span.name == "step"]
    assert {(facts["kind"], facts["name"], facts["action"], facts["verdict"]) for facts in steps} == {
        ("SecurityRole", "PKI Operators", "update", "applied"),
        ("EventHandler", "denied-logger", "update", "applied"),
    }
    assert all(span.start_time_unix_nano <= span.end_time_unix_nano for span in spans)


@pytest.mark.parametrize("command", ["validate", "plan", "drift", "drift --only SecurityRole/none", "apply"])
def test_whatever_a_command_comes_to_is_told(world: World, run: Run, command: str) -> None:
    """By the root: the code that the run ended with, and an error for what did not end well."""
    code, _, _ = run([*command.split(), "--format", "json"], world.env)
    _, (root, *_) = world.take()
    assert (root.name, read_facts(root)["exit_code"]) == (f"reconciler {command.split(maxsplit=1)[0]}", code)
    assert (root.status.code == root.status.STATUS_CODE_ERROR) is (code not in {0, 2})


def test_a_trace_that_nobody_samples_is_not_sent(world: World, run: Run) -> None:
    """What the parent has decided holds for its parts."""
    run(["validate"], {**world.env, "TRACEPARENT": f"{PARENT}-00"})
    assert world.collector.asked == []


def test_a_collector_that_does_not_take_it_is_a_note(world: World, run: Run) -> None:
    """On stderr and in the document, without what stands in the headers; the code is that of the run."""
    refusal = b"HTTP/1.1 400 S3cret-key is too old\r\nContent-Length: 0\r\n\r\n"
    with Scripted(lambda _: refusal) as refusing:
        code, stdout, stderr = run(["plan", "--format", "json", "--otlp", refusing.url], world.env)
    assert (code, len(refusing.asked)) == (0, 1)
    (note,) = (note["message"] for note in json.loads(stdout)["notes"] if "trace" in note["message"])
    assert note.startswith("the trace was not sent: Failed to export span")
    assert "code: 400, reason: *** is too old" in note
    assert note in stderr
    assert "S3cret-key" not in stdout + stderr
    assert world.collector.asked == []


@pytest.mark.parametrize("location", ["", "Location: /elsewhere\r\n"])
def test_no_redirect_is_followed_and_one_is_no_success(world: World, run: Run, location: str) -> None:
    """A header with a secret would go along; and a query with one is told nowhere."""
    answer = f"HTTP/1.1 307 Moved\r\n{location}Content-Length: 0\r\n\r\n".encode()
    with Scripted(lambda _: answer) as moving:
        env = {**world.env, "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": f"{moving.url}/?key=S3cret%20query"}
        code, _, stderr = run(["validate"], env)
    assert (code, len(moving.asked)) == (0, 1)
    assert "it answered with a redirect (307), which is not followed" in stderr
    assert "S3cret" not in stderr


def test_who_has_no_sdk_is_told_what_to_install(world: World, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before anything is read where the command line asks; in a note where the environment does, as of a whole pod."""
    for name in [name for name in sys.modules if name.partition(".")[0] == "opentelemetry"]:
        monkeypatch.setitem(sys.modules, name, None)
    importlib.invalidate_caches()
    code, _, stderr = run(["validate", "--otlp", "http://localhost:4318"])
    assert (code, "pip install 'pki-reconciler[otel]'" in stderr) == (3, True)
    code, _, stderr = run(["validate"], world.env)
    assert (code, "note: OpenTelemetry: the trace was not sent" in stderr) == (0, True)
    assert run(["validate"])[2] == "exit 0: ok\n"
