"""`make house`: how the code is built, as a table: sizes, words, imports, and what one run walks through.

Another checkout is measured by its path: `python -m tests.house /tmp/other`.
"""

from __future__ import annotations

import ast
import contextlib
import importlib
import io
import re
import statistics
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

from tests.support import source_code
from tests.support.source_code import PACKAGE, ROOT, Modules


def describe_sizes(modules: Modules) -> Iterator[tuple[str, str]]:
    """Yield the rows about files, functions and what is written about them."""
    lines, functions = source_code.count_lines(modules), [length for length, _ in source_code.find_lengths(modules)]
    folders = Counter(module.folder for module in modules)
    missing, public = source_code.find_undocumented(modules)
    yield "files / lines", f"{len(lines)} / {sum(lines):,}"
    yield "folders / most files in one", f"{len(folders)} / {max(folders.values())}"
    yield "file lines median / p90 / max", _show_spread(lines)
    yield "files under 50 lines", f"{sum(count < 50 for count in lines) / len(lines):.0%}"
    yield "function lines p50 / p90 / max", _show_spread(functions)
    yield "longest class", f"{max(length for length, _ in source_code.find_lengths(modules, ast.ClassDef))}"
    yield "whole-line comments", f"{source_code.measure_comments(modules):.2%}"
    yield "docstring lines", f"{source_code.measure_docstrings(modules):.1%}"
    yield "public names with a docstring", f"{1 - len(missing) / public:.0%}"
    yield "functions annotated", f"{1 - len(source_code.find_unannotated(modules)) / len(functions):.0%}"


def describe_words(modules: Modules) -> Iterator[tuple[str, str]]:
    """Yield the rows about names."""
    short, functions = source_code.find_one_word_functions(modules)
    names = len(source_code.find_public_names(modules, constants=True))
    homonyms = len(source_code.find_homonyms(modules, constants=True))
    bindings = source_code.find_bindings(modules)
    unspecific = source_code.find_unspecific(bindings)
    yield "one-word public functions", f"{len(short) / functions:.0%} of {functions}"
    yield "public names defined in 2+ modules", f"{homonyms} of {names}"
    yield "  of them functions and classes", f"{len(source_code.find_homonyms(modules))}"
    yield "unspecific bindings", f"{len(unspecific) / len(bindings):.1%} of {len(bindings):,}"


def describe_imports(modules: Modules) -> Iterator[tuple[str, str]]:
    """Yield the rows about what imports what."""
    imports = source_code.find_imports(modules)
    pairs = {(link.source.path, link.target.path) for link in imports if link.eager and link.target.name != PACKAGE}
    fan_out = Counter({module.path: 0 for module in modules})
    fan_out.update(source for source, _ in pairs)
    todos = [text for module in modules for _, text in module.comments if re.search(r"\b(TODO|FIXME|XXX)\b", text)]
    yield "import cycles between files", f"{len(source_code.find_cycles(pairs))}"
    yield "import cycles between folders", f"{len(source_code.find_mutual_folders(imports))}"
    yield "fan-out median / max", f"{int(statistics.median(fan_out.values()))} / {max(fan_out.values())}"
    yield "imports inside functions", f"{len(source_code.find_inner_imports(modules))}"
    yield "TODOs", f"{len(todos)}"


def describe_rest(root: Path, parts: Mapping[str, Modules]) -> Iterator[tuple[str, str]]:
    """Yield the rows about the project as a whole."""
    tests = sum(len(path.read_text("utf-8").splitlines()) for path in (root / "tests").rglob("*.py"))
    sizes = {part: sum(source_code.count_lines(modules)) for part, modules in parts.items()}
    ratio, ratio_of_all = tests / sizes["tool"], tests / sum(sizes.values())
    yield "test lines / code lines", f"{ratio:.2f} ({ratio_of_all:.2f} with the simulator as code)"
    for command, trip in measure_trips(root).items():
        yield f"{command}, one field of one role", f"{len(trip.files)} files, {trip.moves:,} moves"


def main() -> None:
    """Print the table for the project whose folder is given, or for this one."""
    root = Path(sys.argv[1]).resolve() if len(sys.argv) > 1 else ROOT
    parts = source_code.read_parts(root)
    sections: list[Callable[[Modules], Iterator[tuple[str, str]]]] = [describe_sizes, describe_words, describe_imports]
    lines = [f"{'':38}{'tool':>18}{'simulator':>18}"]
    for describe in sections:
        rows = zip(describe(parts["tool"]), describe(parts["simulator"]), strict=True)
        lines += [f"{label:38}{tool:>18}{simulator:>18}" for (label, tool), (_, simulator) in rows]
    lines += [f"{label:38}{text:>18}" for label, text in describe_rest(root, parts)]
    sys.stdout.write("\n".join(lines) + "\n")


def _show_spread(numbers: Sequence[int]) -> str:
    return f"{statistics.median(numbers):.0f} / {source_code.find_percentile(numbers, 0.9)} / {max(numbers)}"


@dataclass
class Trip:
    """The files of the tool that a run enters on the main thread, and how often it goes from one to another.

    A call goes to the file of what is called, a return to that of the nearest caller in the tool: what a library calls
    back counts as a call of whoever called the library.
    """

    root: str
    files: set[str] = field(default_factory=set)
    moves: int = 0
    _last: str = ""

    def record(self, frame: FrameType, event: str, _: object) -> None:
        """Take an event of `sys.setprofile`."""
        if event not in ("call", "return") or not self._is_own(frame):
            return
        entered: FrameType | None = frame
        if event == "return":
            entered = frame.f_back
            while entered is not None and not self._is_own(entered):
                entered = entered.f_back
        if entered is not None:
            path = entered.f_code.co_filename
            self.files.add(path)
            self.moves += bool(self._last) and path != self._last
            self._last = path

    def _is_own(self, frame: FrameType) -> bool:
        path = frame.f_code.co_filename
        return path.startswith(self.root) and not path.startswith(f"{self.root}simulator/")


def measure_trips(root: Path) -> dict[str, Trip]:
    """Plan and apply one field of one role against the simulator, each once to get warm and once to be measured."""
    sys.path.insert(0, str(root))
    simulator = importlib.import_module(f"{PACKAGE}.simulator").Simulator(certificates=10)
    with simulator, tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        return {
            command: _follow(root, command.split(), str(simulator.credentials["settings"]))
            for command in ("plan", "apply --yes")
        }


def _follow(root: Path, command: Sequence[str], config: str) -> Trip:
    """Run a command twice, on another description each time; the second run is the trip."""
    run = importlib.import_module(f"{PACKAGE}.cli").main
    for text in ("warm", "measured"):
        trip = Trip(f"{root}/{PACKAGE}/")
        spec = f"{{description: {text} {command[0]}}}"
        role = f"apiVersion: reconciler/v1\nkind: SecurityRole\nmetadata: {{name: PKI Operators}}\nspec: {spec}\n"
        Path("role.yaml").write_text(role, "utf-8")
        output = io.StringIO()
        sys.setprofile(trip.record)
        try:
            code = run([*command, "role.yaml", "--config", config], {}, output, output, io.StringIO())
        finally:
            sys.setprofile(None)
        if code:
            sys.exit(f"{' '.join(command)} ended with {code}: {output.getvalue()}")
    return trip


if __name__ == "__main__":
    main()
