"""Manifests: from paths to what is wanted, all of it or every reason why not."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

from reconciler.diagnostics import Diagnostic, Explanation, Severity, Source
from reconciler.directives.directive import DirectiveContext
from reconciler.documents import limits
from reconciler.documents.document import Document
from reconciler.documents.files import FileRef, InputFile
from reconciler.documents.limits import limit_problems
from reconciler.documents.tree_search import DiscoveredFiles
from reconciler.errors import InvalidError, RefusedError
from reconciler.kinds.kind import Kind, Wanted
from reconciler.manifests.declared_target import NO_ENVIRONMENT, DeclaredTargets, EnvironmentScope
from reconciler.manifests.digest import digest_documents
from reconciler.manifests.discovery import find_layer_files, find_manifests
from reconciler.manifests.duplicates import find_duplicates
from reconciler.manifests.envelope import open_envelope
from reconciler.manifests.layer_files import LayerFiles, LayerFolder, merge_listings
from reconciler.manifests.layered_document import LayeredDocument
from reconciler.manifests.layers import LayerRules, merge_layers
from reconciler.manifests.manifest import Manifest, Vocabulary, read_manifest, split_notes
from reconciler.manifests.parsed_files import ReadAmount, parse_files, parse_layers
from reconciler.manifests.target_selection import choose_targets


@dataclass(frozen=True, slots=True)
class LoadedManifests:
    """What all files declare, by address; its digest; how many files were read and which names were passed over.

    `directives` are no objects of a server. `notes` are told and change nothing. `unread` are the kinds of documents
    that were left aside with what is wrong with them: what those declare nobody knows.
    """

    documents: tuple[Wanted, ...]
    digest: str
    files: int
    ignored: tuple[str, ...]
    notes: tuple[Diagnostic, ...] = ()
    unread: frozenset[str] = frozenset()
    directives: tuple[Wanted, ...] = ()


@dataclass(slots=True)
class _Reading:
    """What was read so far: whole documents, those with errors, and what is to be told."""

    is_selected: Callable[[Wanted], bool]
    whole: list[Wanted] = field(default_factory=list)
    directives: list[Wanted] = field(default_factory=list)
    faulty: list[Manifest] = field(default_factory=list)
    problems: list[Diagnostic] = field(default_factory=list)
    notes: list[Diagnostic] = field(default_factory=list)
    wanted_count: int = 0


def _select_all(_document: Wanted) -> bool:
    return True


def load_manifests(  # noqa: PLR0913 - each is a fact of its own
    paths: Sequence[Path | str],
    *,
    kinds: Mapping[str, Kind],
    targets: DeclaredTargets,
    environment: EnvironmentScope = NO_ENVIRONMENT,
    base: Path | None = None,
    is_selected: Callable[[Wanted], bool] = _select_all,
    read_standard_input: Callable[[], bytes] | None = None,
    may_be_empty: bool = False,
    today: date | None = None,
    layers: Sequence[LayerFolder] = (),
) -> LoadedManifests:
    """Return what the manifests at and below `paths` declare; the path "-" is what standard input holds.

    With `layers`, the first one below all others, it is what the manifests in their folders declare together.
    `targets` are those that documents may be for, and `environment` says which ones it leaves out. A document for
    several targets is there once for each. Relative paths start at `base`, which is also what the names of files are
    shown relative to; it is the working folder if not given. What is wrong with a document that is not selected becomes
    a note, and the document is left out; where it can't be told which document that is, a file being no YAML, it may be
    one that is. Directives are never left out; `today` (UTC) is what they are judged by, and without it what only the
    day and other documents show of them is not looked at.

    Raises InvalidError with the problems of all files, RefusedError where nothing at all is declared, unless that may
    be, and UsageError for a path that doesn't exist or can't be a manifest.
    """
    folder = base or Path.cwd()
    files_of_layers = find_layer_files(layers, folder)
    listing = merge_listings(files_of_layers) if layers else find_manifests(paths, folder, read_standard_input)
    place = " ".join(map(str, (layer.name for layer in layers) if layers else paths))
    return load_files(
        listing,
        kinds=kinds,
        targets=targets,
        environment=environment,
        is_selected=is_selected,
        place=place,
        may_be_empty=may_be_empty,
        today=today,
        layers=files_of_layers,
    )


def load_files(  # noqa: PLR0913 - as `load_manifests`
    listing: DiscoveredFiles,
    *,
    kinds: Mapping[str, Kind],
    targets: DeclaredTargets,
    environment: EnvironmentScope = NO_ENVIRONMENT,
    is_selected: Callable[[Wanted], bool] = _select_all,
    place: str = "",
    may_be_empty: bool = False,
    today: date | None = None,
    layers: Sequence[LayerFiles] = (),
) -> LoadedManifests:
    """Return what files that were found declare, wherever they lie; `place` is what people call all of them.

    With `layers` they are those of the listing, by layer. The rest is as `load_manifests` has it.
    """
    reading = _Reading(is_selected)
    vocabulary = Vocabulary(kinds, targets, environment=environment)
    _read_listing(listing, layers, vocabulary, reading)
    # After the last file: a duplicate's other document may stand in any of them.
    _tell_duplicates(reading)
    _judge_directives(reading, vocabulary, today)
    problems = [*listing.problems, *reading.problems]
    if problems:
        raise InvalidError(*problems)
    if not reading.whole and not reading.faulty and not may_be_empty:
        raise _make_empty_error(place or "no path", len(listing.files), len(reading.directives))
    return _build_result(reading, listing)


class SalvagedManifests(NamedTuple):
    """What of files can be read, whatever is wrong with the rest: documents, and why the rest is none."""

    documents: list[Wanted]
    problems: list[Diagnostic]
    directives: list[Wanted]


def salvage_documents(
    listing: DiscoveredFiles, vocabulary: Vocabulary, layers: Sequence[LayerFiles] = ()
) -> SalvagedManifests:
    """Return what files declare as far as it can be read, documents with wrong fields among it; nothing is raised.

    With `layers` they are those of the listing, by layer.
    """
    reading = _Reading(_select_all)
    _read_listing(listing, layers, vocabulary, reading)
    partial = [wanted for manifest in reading.faulty if manifest.has_target for wanted in manifest.wanted]
    return SalvagedManifests([*reading.whole, *partial], [*listing.problems, *reading.problems], reading.directives)


def _build_result(reading: _Reading, listing: DiscoveredFiles) -> LoadedManifests:
    ordered = tuple(sorted(reading.whole, key=lambda manifest: (manifest.address, manifest.source)))
    # By their names tables are no manifests, so the search listed them among what it passed over.
    table_files = {table.file for manifest in ordered for table in manifest.tables.values()}
    ignored = tuple(sorted(set(listing.ignored) - table_files))
    notes = tuple(sorted(set(reading.notes)))
    unread = frozenset(manifest.wanted[0].address.kind for manifest in reading.faulty if manifest.wanted)
    directives = tuple(sorted(reading.directives, key=lambda directive: (directive.address, directive.source)))
    digest = digest_documents([*ordered, *directives])
    return LoadedManifests(ordered, digest, len(listing.files), ignored, notes, unread, directives)


def _read_listing(
    listing: DiscoveredFiles, layers: Sequence[LayerFiles], vocabulary: Vocabulary, reading: _Reading
) -> None:
    if layers:
        _read_layers(layers, vocabulary, reading)
    else:
        _read_files(listing.files, vocabulary, reading)


def _read_files(input_files: Iterable[InputFile], vocabulary: Vocabulary, reading: _Reading) -> None:
    """Read what files declare, and what is wrong with them; stops where a limit is passed."""
    for file, documents, file_problems in parse_files(input_files, ReadAmount(), reading.problems):
        if not _read_documents(((document, file) for document in documents), file_problems, vocabulary, reading):
            return


def _read_layers(layers: Sequence[LayerFiles], vocabulary: Vocabulary, reading: _Reading) -> None:
    """Read what the files of layers declare together, and what is wrong with them."""
    documents = merge_layers(parse_layers(layers, reading.problems), _make_layer_rules(vocabulary))
    for _, of_file in groupby(documents, key=lambda document: document.source.file):
        if not _read_documents(((item, item.chain[0].file) for item in of_file), [], vocabulary, reading):
            return


def _make_layer_rules(vocabulary: Vocabulary) -> LayerRules:
    names = [*vocabulary.kinds, *vocabulary.directives]
    targets, environment = vocabulary.targets, vocabulary.environment
    return LayerRules(
        vocabulary.find_kind,
        lambda document: open_envelope(document, vocabulary.find_kind(document), names)[1],
        lambda document, kind: choose_targets(_read_metadata(document), kind, targets, environment),
    )


def _read_metadata(document: Document) -> object:
    return document.value.get("metadata") if isinstance(document.value, dict) else None


def _read_documents(
    documents: Iterable[tuple[Document, InputFile]],
    file_problems: list[Diagnostic],
    vocabulary: Vocabulary,
    reading: _Reading,
) -> bool:
    """Read the documents of one file, of which problems may be known already; False where a limit is passed."""
    file_notes: list[Diagnostic] = []
    for document, file in documents:
        for manifest in _read_layered(document, file, vocabulary):
            problems, notes = _judge_manifest(manifest, reading)
            file_problems += problems
            file_notes += notes
            reading.wanted_count += len(manifest.wanted)
        if reading.wanted_count > limits.WANTED:
            reading.problems.append(_explain_too_many_wanted().locate(document.source))
            return False
    reading.problems += limit_problems(file_problems)
    reading.notes += [replace(note, severity=Severity.NOTE) for note in limit_problems(file_notes)]
    return True


def _read_layered(document: Document, file: InputFile, vocabulary: Vocabulary) -> list[Manifest]:
    """Read a document; of one that layers declare, tell what is wrong with them too, and which they are."""
    if not isinstance(document, LayeredDocument):
        return read_manifest(document, file, vocabulary)
    if document.is_stray:
        return [Manifest((), *split_notes([*document.problems]))]
    return [
        manifest._replace(problems=[*document.problems, *map(document.name_layers, manifest.problems)])
        for manifest in read_manifest(document, file, vocabulary)
    ]


def _judge_manifest(manifest: Manifest, reading: _Reading) -> tuple[list[Diagnostic], list[Diagnostic]]:
    """Put a document where it belongs; return what is wrong with it and what is only told."""
    wanted, problems, notes = manifest.wanted, manifest.problems, manifest.notes
    if manifest.is_elsewhere:
        return [], [*notes, *map(_leave_aside, problems)]
    if not wanted:
        return problems, notes
    if manifest.is_directive:
        # Never left aside: without it a run would send what somebody wants left alone.
        reading.directives += [] if problems else wanted
        return problems, notes
    if not problems:
        reading.whole += wanted
        return [], notes
    reading.faulty.append(manifest)
    if _is_any_selected(manifest, reading):
        return problems, notes
    return [], [*notes, *map(_leave_aside, problems)]


def _is_any_selected(manifest: Manifest, reading: _Reading) -> bool:
    """Say whether a document may be one of those that the run is about."""
    document = manifest.wanted[0]
    addresses = (document.address._replace(target=target) for target in manifest.candidates)
    return any(reading.is_selected(replace(document, address=address)) for address in addresses)


def _leave_aside(problem: Diagnostic) -> Diagnostic:
    return replace(problem, severity=Severity.NOTE, summary=f"not selected and left aside: {problem.summary}")


def _tell_duplicates(reading: _Reading) -> None:
    """Find documents that clash, those with wrong fields among them; two that are not selected stop no run."""
    faulty = [wanted for manifest in reading.faulty if manifest.has_target for wanted in manifest.wanted]
    documents = [*reading.whole, *faulty]
    unselected = [document for document in documents if not reading.is_selected(document)]
    # One pair of documents may be for many targets: it is harmful where one of them is selected.
    targets = {document.address.target for document in documents}
    if len(targets) > 1 and unselected:
        targets = {document.address.target for document in documents if reading.is_selected(document)}
    touched = [document for document in documents if document.address.target in targets]
    harmless = set(find_duplicates(document for document in unselected if document.address.target in targets))
    harmful = set(find_duplicates(touched)) - harmless
    reading.problems += limit_problems(harmful)
    left_aside = {*harmless, *find_duplicates(unselected)} - harmful
    reading.notes += [replace(note, severity=Severity.NOTE) for note in limit_problems(map(_leave_aside, left_aside))]


def _judge_directives(reading: _Reading, vocabulary: Vocabulary, today: date | None) -> None:
    """Find what is wrong with directives beside each other, the documents and the day. Each name is there once."""
    # A directive for several targets is one document.
    # Of layers the line of the name tells two documents of one layer apart that are over the same one.
    directives = reading.directives
    documents = {(item.source, item.layers and item.at(("metadata", "name"))): item for item in directives}.values()
    diagnostics = list(find_duplicates(replace(item, address=item.address._replace(target="")) for item in documents))
    if today is not None:
        faulty = [wanted for manifest in reading.faulty for wanted in manifest.wanted]
        context = DirectiveContext([*reading.whole, *faulty], vocabulary.kinds, today, reading.directives)
        for name in sorted({directive.address.kind for directive in reading.directives}):
            own = [directive for directive in reading.directives if directive.address.kind == name]
            diagnostics += vocabulary.directives[name].check(own, context)
    problems, notes = split_notes(diagnostics)
    reading.problems += limit_problems(problems)
    reading.notes += notes


def _explain_too_many_wanted() -> Explanation:
    summary = f"the documents, each counted for every target that it is for, are more than {limits.WANTED}"
    return limits.describe_excess("WANTED", summary, "the rest was not read", "name a smaller folder")


def _make_empty_error(place: str, file_count: int, directive_count: int) -> RefusedError:
    what = "no object of a server" if directive_count else "no document"
    empty_files = f"the file holds {what}" if file_count == 1 else f"{file_count} files hold {what}"
    cause = empty_files if file_count else "there is no file that ends in .yaml, .yml or .json"
    problem = Diagnostic(
        "manifest.nothing-declared",
        Source(place),
        f"nothing is declared: {cause}",
        "an empty set is more often a wrong path or a lost file than what is meant",
        "name the folder of the manifests",
    )
    return RefusedError(problem)


def find_document_problems(
    documents: Sequence[Document], kinds: Mapping[str, Kind], targets: DeclaredTargets
) -> dict[int, list[Diagnostic]]:
    """Return what is wrong with documents that were read, by their number from 0; they name no table.

    As `load_manifests` has it. Of two documents that manage one object the later one is wrong; they may stand in
    several files.
    """
    vocabulary, file = Vocabulary(kinds, targets), FileRef(Path(), (), "")
    manifests: list[Wanted] = []
    numbers: dict[str, dict[int, int]] = {}
    problems: dict[int, list[Diagnostic]] = {}
    for number, document in enumerate(documents):
        numbers.setdefault(document.source.file, {})[document.source.line] = number
        for manifest in read_manifest(document, file, vocabulary):
            manifests += [] if manifest.problems else manifest.wanted
            if manifest.problems:
                problems[number] = manifest.problems
    for problem in find_duplicates(manifests):
        in_file = numbers[problem.source.file].items()
        number = max((number for line, number in in_file if line <= problem.source.line), default=0)
        problems.setdefault(number, []).append(problem)
    return problems
