"""What a directive is: a document about the run itself, which no server knows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import NamedTuple

from reconciler.diagnostics import Diagnostic
from reconciler.kinds.document_kind import DocumentKind
from reconciler.kinds.kind import Kind, Wanted
from reconciler.kinds.spec_model import Spec
from reconciler.model import Path, Tables


class DirectiveContext(NamedTuple):
    """What directives are judged beside: everything that is declared, the kinds of that, the day (UTC), and all
    directives.
    """

    documents: Sequence[Wanted]
    kinds: Mapping[str, Kind]
    today: date
    directives: Sequence[Wanted] = ()


class DirectiveSpec(Spec):
    """What a directive says. Several may be about one object: their kind judges whether that can be."""

    def identities(self, name: str, tables: Tables) -> Iterator[tuple[str, Path]]:
        """Yield nothing: no object is managed."""
        yield from ()


class DirectiveKind(DocumentKind):
    """A word that manifests may have as their `kind`, for what is no object of a server.

    Such a document may name a target, and then is about what that target has; its address has no target otherwise.
    """

    def check(self, directives: Sequence[Wanted], context: DirectiveContext) -> Iterator[Diagnostic]:
        """Yield what is wrong with all documents of the kind, and notes, as far as other documents and the day show."""
        raise NotImplementedError
