"""How the code is built, as numbers and as places: sizes, words, imports.

Every measure takes the modules of a part, the tool or its simulator. `make house` prints them; `tests/test_names.py`
holds the ones that must not get worse.
"""

from __future__ import annotations

import ast
import io
import math
import tokenize
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).parents[2]
PACKAGE = "reconciler"
# fmt: off
UNSPECIFIC = frozenset((
    "told", "said", "held", "found", "why", "one", "made", "left", "kept", "known", "shown", "seen", "wanted", "asked",
    "heard", "named", "listed", "place", "look", "what", "whole", "sent", "refused", "same", "others",
))
# fmt: on
"""Words that say nothing of the thing they hold: the 25 of the survey, fitted to its 9.6 % and 5.9 % at 0e3118b."""
Function = ast.FunctionDef | ast.AsyncFunctionDef
Definition = Function | ast.ClassDef
Placed = ast.stmt | ast.expr | ast.excepthandler | ast.pattern | ast.arg | ast.alias
"""What has a line; whatever binds a name is one of these."""


@dataclass(frozen=True)
class Module:
    """A file, read and walked once."""

    path: str
    """Below the project's folder: `reconciler/plans/diff.py`."""
    lines: Sequence[str]
    comments: Sequence[tuple[int, str]]
    """Line and text of every comment that has a line to itself."""
    body: Sequence[ast.stmt]
    nodes: Sequence[ast.AST]

    @property
    def name(self) -> str:
        """As an import says it; a package is named by its folder."""
        return self.path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")

    @property
    def folder(self) -> str:
        """Below the package: `apis/auth`; "" for the package's own files."""
        return str(Path(self.path).parent.relative_to(PACKAGE)).removeprefix(".")


Modules = Sequence[Module]


class Site(NamedTuple):
    """A name, and the line that binds it."""

    name: str
    path: str
    line: int

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.name}"


class Import(NamedTuple):
    """One file's import of another one of the package."""

    source: Module
    target: Module
    line: int
    eager: bool
    """Whether loading one file loads the other: not so inside functions and under TYPE_CHECKING."""

    def __str__(self) -> str:
        return f"{self.source.path}:{self.line} imports {self.target.name}"


def read_parts(root: Path = ROOT) -> dict[str, Modules]:
    """Read the package of a project: the modules of the tool, and those of the simulator."""
    modules = [read_module(root, path) for path in sorted((root / PACKAGE).rglob("*.py"))]
    simulated = [module for module in modules if f"{module.folder}/".startswith("simulator/")]
    return {"tool": [module for module in modules if module not in simulated], "simulator": simulated}


def read_module(root: Path, path: Path) -> Module:
    """Parse one file."""
    text = path.read_text("utf-8")
    tokens = tokenize.generate_tokens(io.StringIO(text).readline)
    comments = [
        (token.start[0], token.string)
        for token in tokens
        if token.type == tokenize.COMMENT and not token.line[: token.start[1]].strip()
    ]
    tree = ast.parse(text)
    return Module(path.relative_to(root).as_posix(), text.splitlines(), comments, tree.body, list(ast.walk(tree)))


def count_lines(modules: Modules) -> list[int]:
    """Return how long each file is."""
    return [len(module.lines) for module in modules]


def find_lengths(modules: Modules, kind: Any = Function) -> list[tuple[int, Site]]:
    """Return the lines of each function and method (or class), from `def` to its end."""
    return [
        (node.end_lineno - node.lineno + 1, Site(node.name, module.path, node.lineno))
        for module in modules
        for node in module.nodes
        if isinstance(node, kind)
    ]


def find_percentile(numbers: Iterable[int], share: float) -> int:
    """Return the number that this share of all numbers doesn't exceed."""
    ordered = sorted(numbers)
    return ordered[min(math.floor(len(ordered) * share), len(ordered) - 1)]


def measure_comments(modules: Modules) -> float:
    """Return the share of lines that hold nothing but a comment."""
    return sum(len(module.comments) for module in modules) / sum(count_lines(modules))


def measure_docstrings(modules: Modules) -> float:
    """Return the share of lines that are in the docstring of a module, class or function."""
    count = 0
    for module in modules:
        for node in module.nodes:
            if isinstance(node, Definition | ast.Module) and ast.get_docstring(node, clean=False) is not None:
                count += (node.body[0].end_lineno or 0) - node.body[0].lineno + 1
    return count / sum(count_lines(modules))


def find_undocumented(modules: Modules) -> tuple[list[Site], int]:
    """Return the public functions, classes and methods without a docstring, and how many there are at all."""
    public = [(module, node) for module in modules for node in _find_public(module.body)]
    public += [
        (module, method) for module, node in public if isinstance(node, ast.ClassDef) for method in _find_methods(node)
    ]
    missing = [Site(node.name, module.path, node.lineno) for module, node in public if not ast.get_docstring(node)]
    return missing, len(public)


def find_unannotated(modules: Modules) -> list[Site]:
    """Return the functions with an argument or a result that has no type."""
    return [
        Site(node.name, module.path, node.lineno)
        for module in modules
        for node in module.nodes
        if isinstance(node, Function) and not _is_annotated(node)
    ]


def find_public_names(modules: Modules, *, constants: bool = False) -> dict[str, list[Site]]:
    """Return where each public function and class of a module is defined, on request each constant too."""
    sites: dict[str, list[Site]] = defaultdict(list)
    for module in modules:
        names = [(node.name, node.lineno) for node in _find_public(module.body)]
        if constants:
            names += _find_constants(module.body)
        for name, line in dict(reversed(names)).items():
            sites[name].append(Site(name, module.path, line))
    return dict(sites)


def find_homonyms(modules: Modules, *, constants: bool = False) -> dict[str, list[Site]]:
    """Return the public names that two or more modules define."""
    names = find_public_names(modules, constants=constants)
    return {name: sites for name, sites in sorted(names.items()) if len(sites) > 1}


def find_one_word_functions(modules: Modules) -> tuple[list[Site], int]:
    """Return the public functions of a module whose name is one word, and how many there are at all."""
    functions = [
        Site(node.name, module.path, node.lineno)
        for module in modules
        for node in _find_public(module.body)
        if isinstance(node, Function)
    ]
    return [site for site in functions if "_" not in site.name], len(functions)


def find_bindings(modules: Modules) -> list[Site]:
    """Return every name that is given to something: variables, arguments, targets, functions, classes, `as`."""
    return [
        Site(name, module.path, node.lineno)
        for module in modules
        for node in module.nodes
        if isinstance(node, Placed) and (name := _bound_name(node))
    ]


def find_unspecific(bindings: Iterable[Site]) -> list[Site]:
    """Return the bindings whose name, but for a leading underscore, is one of the unspecific words."""
    return [site for site in bindings if site.name.strip("_") in UNSPECIFIC]


def find_imports(modules: Modules) -> list[Import]:
    """Return the imports among these modules, those inside functions and under TYPE_CHECKING as well."""
    known = {module.name: module for module in modules}
    postponed = {id(node) for module in modules for node in _find_postponed(module)}
    return [
        Import(module, known[name], node.lineno, id(node) not in postponed)
        for module in modules
        for node in module.nodes
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in sorted(_name_targets(node, known))
        if name != module.name
    ]


def find_cycles(edges: Iterable[tuple[str, str]]) -> list[list[str]]:
    """Return the groups of names that reach each other."""
    following: dict[str, set[str]] = defaultdict(set)
    for source, target in edges:
        following[source].add(target)
    reached = {name: _find_reached(name, following) for name in list(following)}
    looped = {name for name, names in reached.items() if name in names}
    groups = {frozenset(other for other in looped & reached[name] if name in reached[other]) for name in looped}
    return sorted(sorted(group) for group in groups)


def find_mutual_folders(imports: Iterable[Import]) -> dict[tuple[str, str], list[Import]]:
    """Return the folders that import each other, and the imports of the direction that has fewer of them.

    The package's own files are no folder: `model.py` and `errors.py` lie below all, `schema.py` above.
    """
    between: dict[tuple[str, str], list[Import]] = defaultdict(list)
    for link in imports:
        if link.source.folder and link.target.folder and link.source.folder != link.target.folder:
            between[link.source.folder, link.target.folder].append(link)
    return {
        (source, target): min(links, between[target, source], key=len)
        for (source, target), links in sorted(between.items())
        if source < target and (target, source) in between
    }


def find_inner_imports(modules: Modules) -> list[Site]:
    """Return the imports that run when a function does."""
    return [
        Site("import", module.path, line)
        for module in modules
        for line in sorted(
            {
                inner.lineno
                for node in module.nodes
                if isinstance(node, Function)
                for inner in ast.walk(node)
                if isinstance(inner, ast.Import | ast.ImportFrom)
            }
        )
    ]


def _find_public(body: Sequence[ast.stmt]) -> list[Definition]:
    return [node for node in body if isinstance(node, Definition) and not node.name.startswith("_")]


def _find_methods(node: ast.ClassDef) -> list[Definition]:
    return [method for method in _find_public(node.body) if isinstance(method, Function)]


def _find_constants(body: Sequence[ast.stmt]) -> list[tuple[str, int]]:
    targets = [target for node in body if isinstance(node, ast.Assign) for target in node.targets]
    targets += [node.target for node in body if isinstance(node, ast.AnnAssign)]
    names = [node for target in targets for node in ast.walk(target) if isinstance(node, ast.Name)]
    return [(node.id, node.lineno) for node in names if not node.id.startswith("_")]


def _is_annotated(node: Function) -> bool:
    arguments = node.args
    every = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs, arguments.vararg, arguments.kwarg]
    typed = (item is None or item.annotation or item.arg in ("self", "cls") for item in every)
    return node.returns is not None and all(typed)


def _bound_name(node: ast.AST) -> str | None:
    """Return the name that a node binds, if it does; targets of loops, `with` and `:=` are stored names too."""
    match node:
        case ast.Name(id=name, ctx=ast.Store()) | ast.arg(arg=name) | ast.alias(asname=name):
            return name
        case ast.ExceptHandler(name=name) | ast.MatchAs(name=name) | ast.MatchStar(name=name):
            return name
        case ast.MatchMapping(rest=name) | ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
            return name
        case ast.ClassDef(name=name):
            return name
    return None


def _name_targets(node: ast.Import | ast.ImportFrom, known: Mapping[str, Module]) -> set[str]:
    """Return the modules that one statement imports: `from package import module` means the module."""
    if isinstance(node, ast.Import):
        names = [alias.name for alias in node.names]
    else:
        inner = (f"{node.module}.{alias.name}" for alias in node.names)
        names = [name if name in known else str(node.module) for name in inner]
    return known.keys() & set(names)


def _find_postponed(module: Module) -> Iterator[ast.AST]:
    """Yield what loading the file does not run: functions, and what is for the type checker alone."""
    for node in module.nodes:
        if isinstance(node, Function):
            yield from ast.walk(node)
        elif isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            yield from node.body


def _find_reached(start: str, following: Mapping[str, set[str]]) -> set[str]:
    reached: set[str] = set()
    waiting = [start]
    while waiting:
        fresh = following.get(waiting.pop(), set()) - reached
        reached |= fresh
        waiting += fresh
    return reached
