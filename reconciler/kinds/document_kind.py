"""What reading a document needs to know of what it declares, be that an object of a server or not."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from reconciler.kinds.spec_model import Spec
from reconciler.kinds.trail_names import TrailNames
from reconciler.model import CellForm, RiskAssessment


class DocumentKind:
    """A word that manifests may have as their `kind`, with the model of what such a document may say."""

    spec: ClassVar[type[Spec]]
    """What a manifest of the kind may say; the class's name is the kind's."""
    api: ClassVar[str] = ""
    """The API that the kind belongs to, "keyfactor" or "csms"; empty for what is no object of a server."""
    renamable: ClassVar[bool] = False
    """Whether an object can be given the document's name in the place of `metadata.renamedFrom`."""
    tables: ClassVar[Mapping[str, tuple[str, ...]]] = {}
    """Fields that name a CSV file beside the manifest, with its columns."""
    extra_columns: ClassVar[Mapping[str, tuple[str, ...]]] = {}
    """By such a field, columns for people that an export writes behind the others, and that nothing reads."""
    cell_forms: ClassVar[Mapping[str, CellForm]] = {}
    """How the cells of a column come into the form that the kind reads, by the column's name."""
    risks: ClassVar[Mapping[str, RiskAssessment]] = {}
    """Fields of the manifest whose change may be more than a low risk, and when or why: what is said of it at worst."""
    trails: ClassVar[tuple[TrailNames, ...]] = ()
    """Where it is written down who changed such an object, the best place first, and by which names."""
    example: ClassVar[str] = ""
    """A whole document, for `explain` and for the editor."""

    @property
    def name(self) -> str:
        """What manifests call the kind."""
        return self.spec.__name__
