"""Which targets a document is for, from its metadata as they are written: by name, by labels, or by the API alone."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Final, NamedTuple

from reconciler.diagnostics import Explanation
from reconciler.documents.suggestions import quote_text, suggest_option
from reconciler.kinds.document_kind import DocumentKind
from reconciler.manifests.declared_target import DeclaredTarget, DeclaredTargets, EnvironmentScope
from reconciler.manifests.target_words import (
    Labels,
    describe_label,
    explain_both_fields,
    explain_no_match,
    explain_other_environment,
    explain_repeated_target,
    explain_unclear_target,
    explain_unknown_target,
    explain_wrong_apis,
    explain_wrong_target,
)
from reconciler.model import Path
from reconciler.target_selector import TargetSelector, select_target_names

_TARGET: Final = ("metadata", "target")
_TARGETS: Final = ("metadata", "targets")

_LabelsByTarget = Mapping[str, Mapping[str, str]]
LocatedWords = tuple[Path, Explanation]
"""A place in a document, and what is to be told there."""


class TargetChoice(NamedTuple):
    """The targets that a document is for, sorted; only "", every target, of what names none and belongs to no API.

    With `faults` there may be none, and `candidates` are those that it may be for, whether the settings have them or
    not; at least "". `is_elsewhere` says that it is for targets outside of the environment alone, which is in `notes`.
    """

    names: tuple[str, ...] = ()
    candidates: tuple[str, ...] = ("",)
    faults: tuple[LocatedWords, ...] = ()
    notes: tuple[LocatedWords, ...] = ()
    is_elsewhere: bool = False


class _Choosing(NamedTuple):
    """What targets are chosen of, for a kind: those of the run, and those outside of its environment."""

    kind: DocumentKind
    targets: DeclaredTargets
    scope: EnvironmentScope

    @property
    def all_targets(self) -> DeclaredTargets:
        """Every target of the settings. There may be a thousand, so it is for labels and for what is wrong."""
        return {**self.scope.other_targets, **self.targets}

    def find_target(self, name: str) -> DeclaredTarget | None:
        """Return a target of the settings."""
        return self.targets.get(name) or self.scope.other_targets.get(name)

    def keep_speaking(self, names: Sequence[str], targets: DeclaredTargets) -> list[str]:
        """Return those that speak the kind's API, sorted; all where it belongs to none."""
        return sorted(name for name in names if self.kind.api in {"", targets[name].api})

    def finish(self, names: Sequence[str], path: Path) -> TargetChoice:
        """Return what is chosen when `names` of all targets fit: those of the run."""
        own = tuple(sorted(name for name in names if name in self.targets))
        # What is for others as well is no news: a base is read for each environment.
        if own:
            return TargetChoice(own, own)
        words = explain_other_environment(self.scope.name, names)
        return TargetChoice((), tuple(sorted(names)), notes=((path, words),), is_elsewhere=True)


def choose_targets(
    metadata: object, kind: DocumentKind, targets: DeclaredTargets, scope: EnvironmentScope
) -> TargetChoice:
    """Return which targets a document of a kind is for; `metadata` is what is written, however wrong it may be.

    A value of a wrong type is not told here: it counts as if nothing were said, and nothing follows from that.
    """
    choosing = _Choosing(kind, targets, scope)
    written = metadata if isinstance(metadata, Mapping) else {}
    if "target" in written and "targets" in written:
        return TargetChoice((), _list_candidates(choosing), ((_TARGETS, explain_both_fields()),))
    if "targets" in written:
        return _choose_by_selector(choosing, _read_selector(written["targets"]))
    if "target" in written:
        name = written["target"]
        return _choose_by_name(choosing, name) if isinstance(name, str) and name else _leave_open(choosing)
    return _choose_by_api(choosing)


def _choose_by_selector(choosing: _Choosing, selector: TargetSelector | None) -> TargetChoice:
    if selector is None:
        return _leave_open(choosing)
    if isinstance(selector, Mapping):
        return _choose_by_labels(choosing, selector)
    return _choose_by_names(choosing, selector)


def _read_selector(value: object) -> TargetSelector | None:
    """Return what `targets` says, None where its model tells what is wrong with it."""
    if isinstance(value, list):
        return value if value and all(isinstance(name, str) and name for name in value) else None
    if isinstance(value, dict) and value and all(map(_is_label_value, value.values())):
        return value
    return None


def _is_label_value(value: object) -> bool:
    texts = value if isinstance(value, list) else [value]
    return bool(texts) and all(isinstance(text, str) for text in texts)


def _list_candidates(choosing: _Choosing) -> tuple[str, ...]:
    return tuple(choosing.keep_speaking([*choosing.targets], choosing.targets)) or ("",)


# Its model tells what is wrong; that two targets would do as well is no second mistake.
def _leave_open(choosing: _Choosing) -> TargetChoice:
    candidates = _list_candidates(choosing)
    return TargetChoice(candidates if len(candidates) == 1 and candidates[0] else (), candidates)


def _choose_by_api(choosing: _Choosing) -> TargetChoice:
    kind, scope = choosing.kind, choosing.scope
    if not kind.api:
        # A rule for everything: whatever targets come later are not left out by accident.
        return TargetChoice(("",))
    candidates = choosing.keep_speaking([*choosing.targets], choosing.targets)
    # An environment says itself which targets its documents are for.
    if len(candidates) == 1 or (candidates and scope.name):
        return TargetChoice(tuple(candidates), tuple(candidates))
    if not candidates and (outer_names := choosing.keep_speaking([*scope.other_targets], scope.other_targets)):
        return choosing.finish(outer_names, ("metadata",))
    fault = explain_unclear_target(kind, candidates, scope.name)
    return TargetChoice((), tuple(candidates) or ("",), ((("metadata",), fault),))


def _choose_by_name(choosing: _Choosing, name: str) -> TargetChoice:
    fault = _find_name_fault(choosing, name)
    return TargetChoice((), (name,), ((_TARGET, fault),)) if fault else choosing.finish([name], _TARGET)


def _choose_by_names(choosing: _Choosing, names: Sequence[str]) -> TargetChoice:
    faults = tuple(_find_list_faults(choosing, names))
    if faults:
        return TargetChoice((), tuple(sorted(set(names))), faults)
    return choosing.finish(names, _TARGETS)


def _find_list_faults(choosing: _Choosing, names: Sequence[str]) -> Iterator[LocatedWords]:
    earlier_names: set[str] = set()
    for index, name in enumerate(names):
        fault = explain_repeated_target(name) if name in earlier_names else _find_name_fault(choosing, name)
        if fault:
            yield (*_TARGETS, index), fault
        earlier_names.add(name)


def _find_name_fault(choosing: _Choosing, name: str) -> Explanation | None:
    target = choosing.find_target(name)
    if target and choosing.kind.api in {"", target.api}:
        return None
    all_targets = choosing.all_targets
    speaking = choosing.keep_speaking([*all_targets], all_targets)
    if target:
        return explain_wrong_target(name, choosing.kind, target.api, speaking)
    return explain_unknown_target(name, speaking or all_targets)


def _choose_by_labels(choosing: _Choosing, labels: Labels) -> TargetChoice:
    all_targets = choosing.all_targets
    labels_by_target = {name: target.labels for name, target in all_targets.items()}
    matching = select_target_names(labels, labels_by_target)
    names = choosing.keep_speaking(matching, all_targets)
    if names:
        choice = choosing.finish(names, _TARGETS)
        return choice._replace(notes=(*choice.notes, *_find_unused_texts(labels, labels_by_target)))
    if matching:
        fault = explain_wrong_apis(labels, matching, choosing.kind, all_targets[matching[0]].api)
        return TargetChoice((), _list_candidates(choosing), ((_TARGETS, fault),))
    faults = tuple(_find_label_faults(labels, labels_by_target))
    return TargetChoice((), _list_candidates(choosing), faults)


# Of the targets outside of the environment, too: what another environment has is no slip of the pen.
def _gather_label_texts(labels_by_target: _LabelsByTarget) -> dict[str, set[str]]:
    label_texts: dict[str, set[str]] = {}
    for target_labels in labels_by_target.values():
        for label, text in target_labels.items():
            label_texts.setdefault(label, set()).add(text)
    return label_texts


def _has_any(label_texts: Collection[str], texts: str | Sequence[str]) -> bool:
    return any(text in label_texts for text in ([texts] if isinstance(texts, str) else texts))


def _find_label_faults(labels: Labels, labels_by_target: _LabelsByTarget) -> Iterator[LocatedWords]:
    """Yield which labels no target has, or that none has all of them."""
    label_texts = _gather_label_texts(labels_by_target)
    strange = {label: texts for label, texts in labels.items() if not _has_any(label_texts.get(label, ()), texts)}
    for label, texts in strange.items():
        summary = f"no target of the settings has a label {quote_text(label)}"
        suggestion = suggest_option(label, label_texts)
        if label in label_texts:
            summary = f"no target of the settings has the label {describe_label(label, texts)}"
            suggestion = suggest_option(texts if isinstance(texts, str) else texts[0], label_texts[label])
        yield (*_TARGETS, label), explain_no_match(summary, suggestion)
    if not strange:
        words = ", ".join(describe_label(label, texts) for label, texts in labels.items())
        has = "; ".join(describe_label(label, sorted(label_texts[label])) for label in labels)
        yield _TARGETS, explain_no_match(f"no target of the settings has all of {words}", f"there are {has}")


def _find_unused_texts(labels: Labels, labels_by_target: _LabelsByTarget) -> Iterator[LocatedWords]:
    """Yield which of several texts of a label no target has, where another one of them chooses some."""
    # One text alone that no target has is an error: nothing would be chosen at all.
    several = {label: texts for label, texts in labels.items() if not isinstance(texts, str) and len(texts) > 1}
    label_texts = _gather_label_texts(labels_by_target) if several else {}
    for label, texts in several.items():
        for index, text in enumerate(texts):
            if text not in label_texts[label]:
                summary = f"no target of the settings has the label {describe_label(label, text)}"
                words = explain_no_match(summary, suggest_option(text, label_texts[label]))
                yield (*_TARGETS, label, index), words._replace(reason="only the others choose any")
