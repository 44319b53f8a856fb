"""How certificate requests are read, compared and denied."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar

from reconciler.diagnostics import Diagnostic, Severity
from reconciler.kinds.adoption import Adopted, AdoptionObstacle, ComparedDocument
from reconciler.kinds.conflicts import find_contested_objects
from reconciler.kinds.exported_document import ExportedDocument
from reconciler.kinds.kind import Finding, Kind, Match, Meaning, Note, Run, Tally, Wanted
from reconciler.kinds.request_denial.comparison import (
    LiveRequests,
    build_batches,
    describe_request,
    find_obstacle,
    identify_request,
    label_batch,
    list_request_ids,
    locate_requests,
    name_act,
)
from reconciler.kinds.request_denial.matching import describe_matches, list_unread_requests
from reconciler.kinds.request_denial.spec import RequestDenial
from reconciler.kinds.requirements import ListPermission, PermissionGrant, Permissions
from reconciler.kinds.spec_model import Spec
from reconciler.kinds.stored_requests import check_expectation, check_request, check_texts
from reconciler.kinds.trail_names import Trail, TrailNames
from reconciler.model import (
    Action,
    Call,
    Json,
    ObjectSides,
    Reply,
    Request,
    Risk,
    RiskAssessment,
    Ruling,
    Step,
    Verdict,
)
from reconciler.payloads.members import pick_member
from reconciler.payloads.requests import (
    DENIED,
    DENY_PATH,
    NAMES_MEMBER,
    PENDING_PATH,
    WAITING,
    extract_request_identity,
    read_denial_rulings,
    read_pending_requests,
    read_request_id,
    read_requests_by_id,
    rule_on_denial,
)
from reconciler.reader import Read


def _explain_expiry(document: Wanted[RequestDenial]) -> Diagnostic:
    return Diagnostic(
        "manifest.expired",
        document.source,
        f"expired on {document.spec.expires.isoformat()} and is inert",
        "nothing is denied for it",
        "remove the document",
        severity=Severity.NOTE,
        address=document.address,
    )


def _describe_pattern(document: Wanted[RequestDenial], live: LiveRequests) -> Iterator[Diagnostic]:
    """Yield what a pattern finds: a reviewer sees what it means today, and that it means nothing."""
    if document.spec.pattern:
        subjects = {
            number: describe_request(number, identify_request(live.detailed.get(number, row)))
            for number, row in live.pending.items()
        }
        texts = document.spec.pattern.describe_patterns()
        yield from describe_matches(document, live.match_requests(document.spec), texts, subjects)


def _rule_on_comment(rulings: Sequence[Ruling]) -> Ruling:
    verdicts = {ruling.verdict for ruling in rulings}
    ranked = (Verdict.APPLIED, Verdict.UNKNOWN, Verdict.NOT_APPLIED)
    return Ruling(next(verdict for verdict in ranked if verdict in verdicts))


def _add_details(live: LiveRequests, read: Read, numbers: set[int]) -> LiveRequests:
    """Read pending requests by their ids; one that is pending no longer is left as the list shows it."""
    rows = read_requests_by_id(read, sorted(numbers - live.detailed.keys()))
    new_rows = {number: raw for number, raw in rows.items() if pick_member(raw, "State") == WAITING}
    return replace(live, detailed={**live.detailed, **new_rows})


def _is_nameless(live: LiveRequests, number: int) -> bool:
    return number in live.pending and not pick_member(live.pending[number], "CommonName")


class RequestDenialKind(Kind[RequestDenial, LiveRequests]):
    """Requests are resolved to ids when the plan is made; one POST a batch."""

    spec: ClassVar[type[Spec]] = RequestDenial
    api: ClassVar[str] = "keyfactor"
    risks: ClassVar[Mapping[str, RiskAssessment]] = {
        "requests": RiskAssessment(Risk.IRREVERSIBLE, "a denial can't be undone"),
        "match": RiskAssessment(Risk.IRREVERSIBLE, "a denial can't be undone"),
    }
    requires: ClassVar[Permissions] = Permissions(
        # As documented for 24.4 and later: requests are read with the permission for alerts.
        read=(ListPermission("pending requests", PENDING_PATH, "/monitoring/alerts/read/"),),
        write=(PermissionGrant(("/certificates/requests/manage/",)),),
    )
    # A denial can set off a denied request alert: the handlers get their declared state before it.
    after: ClassVar[tuple[str, ...]] = ("EventHandler",)
    # That it is pending is no change of anybody's: whoever asked for it is told with the request itself.
    trails: ClassVar[tuple[TrailNames, ...]] = (TrailNames(Trail.REQUEST),)
    example: ClassVar[str] = """\
apiVersion: reconciler/v1
kind: RequestDenial
metadata: {name: no-test-names}
spec:
  requests: [{id: 23, commonName: test.example.com}]
  comment: Test names are not issued from production (PKI-123)
  expires: 2027-01-31
"""

    def observe(self, read: Read, documents: Sequence[Wanted[RequestDenial]], run: Run) -> LiveRequests:
        """One list of what is pending, and singly what it doesn't tell.

        That is what became of a declared id that is not in it, and the alternative names of requests that a pattern
        wants them of, or that are to be denied and have no other name.
        """
        active = [document for document in documents if not document.spec.is_expired(run.today)]
        if not active:
            return LiveRequests({}, {})
        pending_requests = read_pending_requests(read)
        declared_ids = {entry.id for document in active for entry in document.spec.declared().get("requests", ())}
        not_pending = read_requests_by_id(read, sorted(declared_ids - pending_requests.keys()))
        patterns = [document.spec.pattern.list_patterns() for document in active if document.spec.pattern]
        candidates = {number for pattern in patterns for number in list_unread_requests(pattern, pending_requests)}
        live = _add_details(LiveRequests(pending_requests, not_pending), read, candidates)
        assignments = [(number, document) for document in active for number in list_request_ids(document.spec, live)]
        live = _add_details(live, read, {number for number, _ in assignments if _is_nameless(live, number)})
        return replace(live, authors=find_contested_objects(assignments))

    def compare(self, document: Wanted[RequestDenial], live: LiveRequests, run: Run) -> Iterator[Finding]:
        if document.spec.is_expired(run.today):
            yield Note(_explain_expiry(document))
            return
        yield from map(Note, _describe_pattern(document, live))
        located_requests = list(locate_requests(document.spec, live))
        due_requests: list[Mapping[str, Json]] = []
        claimed = run.claimed_acts.get(document.address.target, {})
        for number, path in located_requests:
            if live.read_state(number) == DENIED:
                yield Tally(1)
            elif obstacle := find_obstacle(document, number, live, path, claimed):
                yield obstacle
            elif raw := live.find_request(number):
                due_requests.append(raw)
        if not located_requests:
            yield Tally(1)
        yield from build_batches(document, due_requests)

    def adopt(self, documents: Sequence[ComparedDocument], live: LiveRequests) -> Iterator[Adopted]:
        reason = "a denial is an act and no state, so there is nothing to take over"
        for document in documents:
            if document.is_editable and document.differences:
                yield AdoptionObstacle(document.address, document.source, reason, is_expected=True)

    def encode(self, match: Match[RequestDenial]) -> Request:
        spec = match.document.spec
        numbers = [read_request_id(raw) for raw in match.encoder_input]
        body: dict[str, Json] = {"CertificateRequestIds": numbers}
        if "comment" in spec.model_fields_set:
            body["Comment"] = spec.comment
        # Keyed by text: a saved plan is JSON, whose member names are strings (RFC 8259, section 4).
        base = {str(read_request_id(raw)): identify_request(raw) for raw in match.encoder_input}
        expect = dict.fromkeys((str(number) for number in numbers), DENIED)
        return Request(Call(match.document.address.target, "POST", DENY_PATH, body), base, expect)

    def choose_action(self, before: Mapping[str, Any] | None, after: Mapping[str, Any]) -> Action:
        return Action.DENY

    def explain(self, request: Request) -> Meaning:
        """A batch: each id was pending when the plan was made, and is to be denied."""
        call, base = request.call, request.base
        numbers = call.body["CertificateRequestIds"]
        comment = ("Comment",) if "Comment" in call.body else ()
        check_request(call, "POST", DENY_PATH, members=("CertificateRequestIds", *comment))
        check_expectation(request, dict.fromkeys(map(str, numbers), DENIED))
        check_texts(call.body[name] for name in comment)
        if not isinstance(numbers, list) or any(type(number) is not int for number in numbers):
            raise ValueError("it holds something else in the place of ids")
        if list(base) != [str(number) for number in numbers] or any(row["State"] != WAITING for row in base.values()):
            raise ValueError("it denies requests that were not pending when the plan was made")
        paths = [f"requests.{number}" for number in numbers]
        before: dict[str, Json] = dict.fromkeys(paths, "pending") | dict.fromkeys(map(str.lower, comment))
        after = dict.fromkeys(paths, "denied") | {name.lower(): call.body[name] for name in comment}
        subjects = tuple(map(describe_request, numbers, base.values()))
        return Meaning(before, after, label_batch(subjects), subjects=subjects)

    def assess(self, path: str, before: Json, after: Json, sides: ObjectSides) -> RiskAssessment:
        """Nothing brings a denied request back."""
        if path == "comment":
            return RiskAssessment(Risk.LOW)
        return RiskAssessment(Risk.IRREVERSIBLE, "a denial can't be undone")

    def reread(self, read: Read, step: Step) -> Json:
        base = step.request.base if step.request else {}
        return {
            str(number): extract_request_identity(raw, has_names=NAMES_MEMBER in base[str(number)])
            for number, raw in read_requests_by_id(read, list(base)).items()
        }

    def outline(self, request: Request) -> Request:
        """The ids; their attributes stay out."""
        body = {"CertificateRequestIds": request.call.body["CertificateRequestIds"]}
        return Request(request.call._replace(body=body), {number: {} for number in request.base}, {})

    def normalize(self, live: Mapping[str, Json]) -> Mapping[str, Json]:
        """The state of each request."""
        return {number: row["State"] for number, row in live.items()}

    def select_marks(self, state: Mapping[str, Json]) -> Mapping[str, Json]:
        """The states: those of a base stand in its rows."""
        return {number: row["State"] if isinstance(row, Mapping) else row for number, row in state.items()}

    def list_acts(self, request: Request) -> Mapping[str, str]:
        """Each denial of a request, wherever it is asked for."""
        return {name_act(number): str(number) for number in request.call.body["CertificateRequestIds"]}

    def unmet(self, step: Step, live: Json) -> tuple[str, ...]:
        expect = step.request.expect if step.request else {}
        return tuple(f"request {number}" for number in expect if live.get(number, {}).get("State") != DENIED)

    def settle(self, step: Step, reply: Reply | None, live: Json) -> tuple[Ruling, ...]:
        """Each id by itself: the server's list that holds it, and what reading it says."""
        numbers = list(step.request.expect) if step.request else []
        answers = read_denial_rulings(reply) if reply else None
        rulings = tuple(
            rule_on_denial(number, None if answers is None else answers.get(number, []), live.get(number))
            for number in numbers
        )
        # The comment goes out with the denials, and no answer tells of it: it went with any that was carried out.
        return rulings if len(step.changes) == len(rulings) else (*rulings, _rule_on_comment(rulings))

    def export(self, read: Read) -> Iterator[ExportedDocument]:
        """Nothing: a denial is an act, not a state to be kept."""
        yield from ()


KIND = RequestDenialKind()
