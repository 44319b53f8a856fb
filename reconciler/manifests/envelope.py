"""What every document has around its spec: apiVersion, kind and metadata."""

from __future__ import annotations

from collections.abc import Collection
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

_TargetName = Annotated[str, StringConstraints(min_length=1, max_length=limits.NAME_CHARACTERS)]
_TargetNames = Annotated[tuple[_TargetName, ...], Field(strict=False, min_length=1)]
# Wider than what the settings take as a label: that no target has it is told with what was meant.
_LabelTexts = Annotated[tuple[Label, ...], Field(strict=False, min_length=1)]
_TargetLabels = Annotated[dict[Label, Label | _LabelTexts], Field(min_length=1)]


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
    target: _TargetName | None = Field(
        default=None, description="The target in the settings; may be absent where only one speaks the kind's API."
    )
    targets: _TargetNames | _TargetLabels | None = Field(
        default=None, description="The targets in the settings, by name, or by labels of which they have all."
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
