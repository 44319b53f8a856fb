"""Sends a recorded run to a collector through OpenTelemetry's SDK, the only place that imports it."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from urllib.parse import parse_qsl, urlsplit

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import SpanExportResult
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from reconciler import __version__
from reconciler.credentials.redaction import Redactor
from reconciler.telemetry.collector import Collector
from reconciler.telemetry.recording import RecordedSpan
from reconciler.transport.foreign_session import open_foreign_session

_AT_ONCE = 2_000
"""Spans in one request."""


class _Keeper(SpanProcessor):
    """Keeps the spans that have ended and are to be sent: those of a trace that its parent has sampled."""

    def __init__(self) -> None:
        self.spans: list[ReadableSpan] = []

    def on_end(self, span: ReadableSpan) -> None:
        self.spans.append(span)


def export_spans(collector: Collector, spans: Sequence[RecordedSpan], timeout: float) -> str:
    """Send the spans of a run, the root first; returns why that was not possible, without a secret; "" if it was.

    One request may take `timeout` seconds, with all its repetitions.
    """
    redactor = Redactor()
    redactor.learn(*collector.headers.values(), *_list_url_secrets(collector.url))
    with _keep_complaints() as complaints, open_foreign_session() as session:
        headers = dict(collector.headers)
        exporter = OTLPSpanExporter(endpoint=collector.url, headers=headers, timeout=timeout, session=session)
        made = _make_spans(collector, spans)
        for start in range(0, len(made), _AT_ONCE):
            if exporter.export(made[start : start + _AT_ONCE]) is not SpanExportResult.SUCCESS:
                # The last one says that time was up, the first one what was wrong.
                return redactor.line(complaints[0] if complaints else "the collector did not take it", 300)
    return ""


def _list_url_secrets(url: str) -> list[str]:
    """Return what may be a secret in the URL of a variable: its login, and its query with each value in it."""
    parts = urlsplit(url)
    return [parts.netloc.rpartition("@")[0], parts.query, *(value for _, value in parse_qsl(parts.query))]


def _make_spans(collector: Collector, spans: Sequence[RecordedSpan]) -> list[ReadableSpan]:
    keeper = _Keeper()
    attributes: dict[str, str] = {"service.name": collector.service} if collector.service else {}
    resource = Resource.create({**attributes, "service.version": __version__})
    provider = TracerProvider(resource=resource, shutdown_on_exit=False)
    provider.add_span_processor(keeper)
    tracer = provider.get_tracer("reconciler", __version__)
    # W3C Trace Context: what is no traceparent is as if there was none.
    outside = TraceContextTextMapPropagator().extract(dict(collector.parent))
    contexts: list[Context] = []
    for span in spans:
        context = outside if span.parent is None else contexts[span.parent]
        made = tracer.start_span(span.name, context, attributes=_name_facts(span.facts), start_time=span.began)
        if span.is_failure:
            made.set_status(trace.StatusCode.ERROR)
        contexts.append(trace.set_span_in_context(made, outside))
        made.end(span.ended)
    return keeper.spans


def _name_facts(facts: Mapping[str, str | int]) -> dict[str, str | int]:
    return {f"reconciler.{name}": fact for name, fact in facts.items()}


@contextmanager
def _keep_complaints() -> Iterator[list[str]]:
    """Give the list of what the SDK logs in this thread as a warning; nothing of it is printed."""
    complaints: list[str] = []
    thread = threading.get_ident()

    class Complaints(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            if record.thread == thread:
                complaints.append(record.getMessage())

    # Without a handler of its own Python prints warnings to stderr, which is the run's; so they are left with one.
    logger = logging.getLogger("opentelemetry")
    logger.propagate = False
    logger.addHandler(logging.NullHandler())
    handler = Complaints(logging.WARNING)
    logger.addHandler(handler)
    try:
        yield complaints
    finally:
        logger.removeHandler(handler)
