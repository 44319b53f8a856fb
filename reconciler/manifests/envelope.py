"""What every document has around its spec: apiVersion, kind and metadata."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

from reconciler.diagnostics import Diagnostic, Explanation
from reconciler.documents import limits
from reconciler.documents.document import Document
from reconciler.documents.messages import FieldRules
from reconciler.documents.suggestions import quote_text, suggest_option
from reconciler.documents.texts import check_line, check_name
from reconciler.documents.validation import salvage_fields, validate_value
from reconciler.kinds.document_kind import DocumentKind
from reconciler.kinds.spec_model import Spec

API_VERSION: Final = "reconciler/v1"
MANIFEST_RULES: Final = FieldRules(
    unknown_field="manifest.unknown-field",
    missing_field="manifest.missing-field",
    wrong_type="manifest.wrong-type",
    invalid_value="manifest.invalid-value",
    null="manifest.null",
)
"""What can be wrong with the fields of a manifest."""
Label = Annotated[str, StringConstraints(max_length=limits.NAME_CHARACTERS), AfterValidator(check_line)]


class Metadata(BaseModel):
    """What a document is called, which target it is for, and the labels by which it can be selected."""

    model_config = Spec.model_config

    name: Annotated[
        str, StringConstraints(min_length=1, max_length=limits.NAME_CHARACTERS), AfterValidator(check_name)
    ] = Field(description="The document's name; of a role or an event, the object's own name.")
    renamed_from: (
        Annotated[str, StringConstraints(min_length=1, max_length=limits.NAME_CHARACTERS), AfterValidator(check_name)]
        | None
    ) = Field(default=None, description="The former name of a role, which is then renamed and keeps all else.")
    target: Annotated[str, StringConstraints(min_length=1, max_length=limits.NAME_CHARACTERS)] | None = Field(
        default=None, description="The target in the settings; may be absent where only one speaks the kind's API."
    )
    labels: dict[Label, Label] = Field(default_factory=dict, description="Words by which documents are selected.")


class Envelope(BaseModel):
    """A whole document; the kind says what its spec may hold."""

    model_config = ConfigDict(**Spec.model_config, title="the document")

    api_version: Literal["reconciler/v1"] = Field(description="The version of this format.")
    kind: Annotated[str, StringConstraints(min_length=1)] = Field(description="What the document declares.")
    metadata: Metadata
    spec: dict[str, Any] = Field(description="The desired state; a field that is absent is kept as it is.")


_SETTINGS_REFUSAL: Final = Explanation(
    "manifest.settings-among-manifests",
    "settings may not stand among manifests",
    "whoever may change a manifest could otherwise change where it is sent and with which credentials",
    "move this file out of the folder",
)
_NOT_RENAMABLE: Final = Explanation(
    "manifest.not-renamable",
    "renamedFrom is for kinds whose objects can be renamed",
    "nothing would come of it",
    "remove it",
)
_PLAN_REFUSAL: Final = Explanation(
    "manifest.plan-among-manifests",
    "this is a saved plan and no manifest",
    "it declares nothing",
    "move it out of the folder, and save plans elsewhere",
)


def open_envelope(
    document: Document, kind: DocumentKind | None, kind_names: Collection[str]
) -> tuple[Metadata | None, list[Diagnostic]]:
    """Return a document's metadata, and what is wrong with its envelope; the spec is left unread.

    `kind` is what the document says it is, None where there is no such kind. With problems the metadata are what is
    valid of them, None where there is no name. The spec can be looked at in any case.
    """
    value = document.value
    if isinstance(value, dict) and value.get("kind") == "Settings":
        return None, [_SETTINGS_REFUSAL.locate(document.at(("kind",)))]
    # A saved plan is JSON and may lie among manifests; format_version tells it from a kind called Plan.
    if isinstance(value, dict) and value.get("kind") == "Plan" and "format_version" in value:
        return None, [_PLAN_REFUSAL.locate(document.at(("kind",)))]
    spec = value.get("spec") if isinstance(value, dict) else None
    outer = {**value, "spec": {}} if isinstance(value, dict) and isinstance(spec, dict) else value
    envelope, problems = validate_value(Envelope, outer, document, rules=MANIFEST_RULES)
    word = value.get("kind") if isinstance(value, dict) else None
    if isinstance(word, str) and word and kind is None:
        unknown_kind = Diagnostic(
            "manifest.unknown-kind",
            document.at(("kind",)),
            f"unknown kind {quote_text(word)}",
            "nothing could be done about it",
            suggest_option(word, kind_names),
        )
        problems = [*problems, unknown_kind]
    if envelope is None and isinstance(outer, dict):
        salvage = salvage_fields(Envelope, outer)
        envelope = salvage.instance if salvage else None
    # A name that was taken out is None, and so are metadata without one.
    metadata = envelope.metadata if envelope else None
    if metadata and metadata.renamed_from and kind and not kind.renamable:
        problems = [*problems, _NOT_RENAMABLE.locate(document.at(("metadata", "renamedFrom")))]
    return metadata if metadata and metadata.name else None, problems


def find_candidates(target_name: str | None, kind: DocumentKind, targets: Mapping[str, str]) -> list[str]:
    """Return the targets that a document may be for, whether the settings have them or not; [""] if there is none."""
    if target_name is not None:
        return [target_name]
    return sorted(name for name, api in targets.items() if api == kind.api) or [""]


def resolve_target(
    target_name: str | None, kind: DocumentKind, targets: Mapping[str, str], document: Document
) -> str | Diagnostic:
    """Return the target that a document is for, or why that can't be told. `targets` maps names to APIs.

    What is no object of a server is for every target where it names none: "".
    """
    candidates = sorted(name for name, api in targets.items() if kind.api in {"", api})
    if target_name is None and not kind.api:
        return ""
    if target_name is None:
        if len(candidates) == 1:
            return candidates[0]
        return _explain_unclear_target(kind, candidates).locate(document.at(("metadata",)))
    if target_name in candidates:
        return target_name
    return _explain_wrong_target(target_name, kind, candidates, targets).locate(document.at(("metadata", "target")))


def _explain_unclear_target(kind: DocumentKind, candidates: Sequence[str]) -> Explanation:
    if not candidates:
        summary = f"no target speaks the {kind.api} API, which {kind.name} needs"
        return Explanation("manifest.no-target", summary, remedy="add one to the settings")
    return Explanation(
        "manifest.ambiguous-target",
        f"several targets speak the {kind.api} API",
        "which one is meant is unclear, and --target only selects among documents that say theirs",
        f"add `target: {' or '.join(candidates)}`",
    )


def _explain_wrong_target(
    target_name: str, kind: DocumentKind, candidates: Sequence[str], targets: Mapping[str, str]
) -> Explanation:
    if target_name not in targets:
        return Explanation(
            "manifest.unknown-target",
            f"unknown target {quote_text(target_name)}",
            "the settings don't name it",
            suggest_option(target_name, candidates or targets),
        )
    return Explanation(
        "manifest.wrong-target",
        f"target {quote_text(target_name)} speaks the {targets[target_name]} API",
        f"{kind.name} needs {kind.api}",
        f"write {' or '.join(candidates)}" if candidates else "add such a target to the settings",
    )
