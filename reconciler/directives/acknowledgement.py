"""Acknowledgements: differences that are known and left alone until a day.

An acknowledgement is about every declared object of a kind and name, on whichever target, or on the one that it names.
The day on which it ends is the first on which the differences count again, as with `expires` of a denial.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from typing import Annotated, ClassVar, Final

from pydantic import Field

from reconciler.deferrals import Deferral
from reconciler.diagnostics import Address, Diagnostic, Explanation, Source
from reconciler.directives.directive import DirectiveContext, DirectiveKind, DirectiveSpec
from reconciler.directives.exemptions import ObjectName, TermWords, check_length, note_directive, note_end
from reconciler.documents.suggestions import find_nearest, quote_text, suggest_option
from reconciler.kinds.fields import Day, Name, Text, unmanaged_field
from reconciler.kinds.kind import Wanted
from reconciler.kinds.spec_model import Spec
from reconciler.model import Path, Tables

_Key = tuple[str, tuple[str, str]]
"""The target of an acknowledgement, "" for every one, and the kind and the name of what it is about."""
_NOTHING_ACKNOWLEDGED: Final = "nothing would be acknowledged"


class Acknowledgement(DirectiveSpec):
    """Differences of an object that are known and left alone until a day; no object of a server."""

    object: ObjectName = Field(description="The document whose differences are meant, as KIND/NAME.")
    fields: Annotated[tuple[Name, ...], Field(strict=False, min_length=1)] = unmanaged_field(
        "Fields of that document; without any it is all of them, and whether the object is there at all."
    )
    until: Day = Field(description="From that day on (UTC) the differences count again; at most 180 days ahead.")
    reason: Text = Field(description="Why they are left alone, such as the number of an incident.")

    def check(self, name: str, tables: Tables) -> Iterator[tuple[Path, Explanation]]:
        fields: tuple[str, ...] = self.declared().get("fields", ())
        for index, field in enumerate(fields):
            if field in fields[:index]:
                summary = f"{quote_text(field)} is listed twice"
                yield ("fields", index), Explanation("manifest.duplicate-entry", summary, remedy="remove one")

    @property
    def object_key(self) -> tuple[str, str]:
        """The kind and the name of what it is about."""
        kind, _, name = self.object.partition("/")
        return kind, name


class AcknowledgementKind(DirectiveKind):
    """Left to themselves they end: what nobody renews counts again."""

    spec: ClassVar[type[Spec]] = Acknowledgement
    example: ClassVar[str] = """\
apiVersion: reconciler/v1
kind: Acknowledgement
metadata: {name: outage-rights}
spec:
  object: SecurityRole/PKI Operators
  fields: [permissions]
  until: 2027-01-31
  reason: INC-4711, the break-glass right goes with the outage
"""

    def check(self, directives: Sequence[Wanted], context: DirectiveContext) -> Iterator[Diagnostic]:
        # By what they are about: one that is for a thousand targets is there once for each.
        in_force = _index_by_object(directive for directive in directives if directive.spec.until > context.today)
        addresses = {document.address for document in context.documents}
        declared = addresses | {address._replace(target="") for address in addresses}
        idle: dict[Source, list[Wanted]] = {}
        for directive in directives:
            yield from _check_object(directive, context)
            yield from check_length(directive, context.today, _describe_term(directive))
            if Address(directive.address.target, *directive.spec.object_key) in declared:
                is_followed = any(_follows(other, directive) for other in _list_sharing(in_force, directive))
                yield from note_end(directive, context.today, _describe_term(directive), is_followed=is_followed)
            # Of what is about nothing it is of no interest when it ends.
            elif directive.spec.object_key[0] in context.kinds:
                idle.setdefault(directive.source, []).append(directive)
        yield from (_note_missing_document(group, context.documents) for group in idle.values())
        for directive, other in _pair_sharing(in_force):
            yield from _find_overlap(directive, other)


def list_deferrals(
    directives: Sequence[Wanted], documents: Sequence[Wanted], today: date
) -> Mapping[Address, tuple[Deferral, ...]]:
    """Return what is left alone today of which declared document."""
    deferrals: dict[Address, tuple[Deferral, ...]] = {}
    acknowledgements = _index_by_object(item for item in directives if isinstance(item.spec, Acknowledgement))
    for document in documents if acknowledgements else ():
        target, kind, name = document.address
        fitting = sorted(map(_make_deferral, _list_about(acknowledgements, target, (kind, name))))
        if in_force := tuple(deferral for deferral in fitting if deferral.is_in_force(today)):
            deferrals[document.address] = in_force
    return deferrals


def _make_deferral(directive: Wanted[Acknowledgement]) -> Deferral:
    spec = directive.spec
    fields = tuple(sorted(spec.declared().get("fields", ())))
    return Deferral(directive.address.name, directive.source, spec.until, spec.reason, fields)


def _index_by_object(directives: Iterable[Wanted[Acknowledgement]]) -> dict[_Key, list[Wanted[Acknowledgement]]]:
    index: dict[_Key, list[Wanted[Acknowledgement]]] = {}
    for directive in directives:
        index.setdefault((directive.address.target, directive.spec.object_key), []).append(directive)
    return index


def _list_about(
    index: Mapping[_Key, Sequence[Wanted[Acknowledgement]]], target: str, object_key: tuple[str, str]
) -> list[Wanted[Acknowledgement]]:
    """Return those of an index that are about an object of a target."""
    return [directive for name in {"", target} for directive in index.get((name, object_key), ())]


def _list_sharing(
    index: Mapping[_Key, Sequence[Wanted[Acknowledgement]]], directive: Wanted[Acknowledgement]
) -> Iterable[Wanted[Acknowledgement]]:
    """Return those of an index that are about an object of one of the targets of a directive; itself may be one."""
    target, object_key = directive.address.target, directive.spec.object_key
    if target:
        return _list_about(index, target, object_key)
    return [item for (_, key), group in index.items() if key == object_key for item in group]


def _pair_sharing(
    index: Mapping[_Key, Sequence[Wanted[Acknowledgement]]],
) -> Iterator[tuple[Wanted[Acknowledgement], Wanted[Acknowledgement]]]:
    """Yield each two of an index that are about an object of one target, in the order of the files."""
    for group in index.values():
        for directive in group:
            later = (item for item in _list_sharing(index, directive) if directive.source < item.source)
            yield from ((directive, item) for item in later)


def _check_object(directive: Wanted[Acknowledgement], context: DirectiveContext) -> Iterator[Diagnostic]:
    """Yield what of the object, or of its fields, does not exist; whether it exists on a server is no matter."""
    kind_name, _ = directive.spec.object_key
    if kind_name not in context.kinds:
        explanation = Explanation(
            "manifest.unknown-kind",
            f"no object is of a kind {quote_text(kind_name)}",
            _NOTHING_ACKNOWLEDGED,
            suggest_option(kind_name, context.kinds),
        )
        yield explanation.locate(directive.at(("spec", "object")))
        return
    parts = context.kinds[kind_name].parts
    for index, field in enumerate(directive.spec.declared().get("fields", ())):
        if field not in parts:
            yield _explain_unknown_field(kind_name, field, parts).locate(directive.at(("spec", "fields", index)))


def _describe_term(directive: Wanted[Acknowledgement]) -> TermWords:
    return TermWords(
        "acknowledgement.too-long",
        "acknowledgement.ended",
        "acknowledgement.ends-soon",
        subject=f"the acknowledgement of {directive.spec.object}",
        consequence="the differences count again",
        outlook="from that day on the differences count again, and apply sends them",
        alternative="declare what is so",
    )


def _explain_unknown_field(kind_name: str, field: str, parts: Sequence[str]) -> Explanation:
    if not parts:
        summary = f"{kind_name} has no field that could be left alone by itself"
        reason, remedy = "it is done as a whole or not at all", "leave out `fields`, which acknowledges all of it"
        return Explanation("manifest.unknown-field", summary, reason, remedy)
    summary = f"{kind_name} has no field {quote_text(field)} that could differ"
    return Explanation("manifest.unknown-field", summary, _NOTHING_ACKNOWLEDGED, suggest_option(field, parts))


def _note_missing_document(group: Sequence[Wanted[Acknowledgement]], documents: Sequence[Wanted]) -> Diagnostic:
    """Say it once of an acknowledgement, for all targets on which it is about nothing."""
    (kind_name, name), target = group[0].spec.object_key, group[0].address.target
    names = {document.address.name for document in documents if document.address.kind == kind_name}
    nearest = find_nearest(name, names - {name})
    scope = f" for target {target}" if target else ""
    scope += f" and {len(group) - 1} more" if len(group) > 1 else ""
    explanation = Explanation(
        "acknowledgement.no-document",
        f"no document declares {kind_name}/{name}{scope}",
        _NOTHING_ACKNOWLEDGED,
        f'did you mean "{nearest}"?' if nearest else "correct it, or remove the acknowledgement",
    )
    return note_directive(group[0], "object", explanation)


def _follows(later: Wanted[Acknowledgement], ended: Wanted[Acknowledgement]) -> bool:
    """True if what one was about is all left alone by the other."""
    fields, later_fields = (set(item.spec.declared().get("fields", ())) for item in (ended, later))
    is_whole = not later_fields or (bool(fields) and fields <= later_fields)
    return is_whole and later.spec.object == ended.spec.object and later.address.target in {"", ended.address.target}


def _find_overlap(first: Wanted[Acknowledgement], second: Wanted[Acknowledgement]) -> Iterator[Diagnostic]:
    """Yield a problem for two that are about one difference: which day and which reason holds would be unclear."""
    targets = {first.address.target, second.address.target}
    if first.spec.object != second.spec.object or ("" not in targets and len(targets) > 1):
        return
    fields, other_fields = (set(item.spec.declared().get("fields", ())) for item in (first, second))
    shared = fields & other_fields if fields and other_fields else fields | other_fields
    if shared or not fields:
        subject = f"{', '.join(sorted(shared))} of {second.spec.object}" if shared else second.spec.object
        explanation = Explanation(
            "acknowledgement.overlap",
            f'{subject} is already acknowledged by "{first.address.name}" at {first.source}',
            "which day and which reason holds would be unclear",
            "keep one of the two, or give them different fields",
        )
        yield explanation.locate(second.at(("spec", "object")))


DIRECTIVE = AcknowledgementKind()
