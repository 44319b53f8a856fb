"""Rules in the Common Expression Language: compiled against the variables that there are, and evaluated within bounds.

The only user of cel-expr-python, the Python face of Google's own implementation. It checks types when it compiles, as
Kubernetes does, and it bounds what a rule may cost by counting, not by the clock: 10,000 steps through lists, 32 levels
of nesting, regular expressions in linear time. So a rule has one result, on whichever machine.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from importlib.util import find_spec
from typing import TYPE_CHECKING, Final, NamedTuple

from reconciler.diagnostics import Diagnostic, Explanation, Source
from reconciler.errors import UsageError
from reconciler.model import Json

if TYPE_CHECKING:
    from cel_expr_python.cel import Env, Expression

# The library itself reads 100,000, which nobody reviews.
MAX_RULE_LENGTH: Final = 4096
"""Characters of a rule."""
_ALWAYS: Mapping[str, str] = {"kind": "STRING", "name": "STRING", "labels": "TEXTS", "target": "STRING"}
VARIABLES: Final[Mapping[str, Mapping[str, str]]] = {
    "document": {**_ALWAYS, "spec": "DYN"},
    "change": {**_ALWAYS, "before": "DYN", "after": "DYN"},
    "principal": {**_ALWAYS, "principal": "TEXTS", "roles": "LIST", "permissions": "LIST"},
}
"""The variables of a rule over each of these, with their types: TEXTS is a mapping of text, LIST one of text."""
# As cel-cpp words what its parser and its checker find; -1:-1 stands for a rule that is too deep.
_PLACE = re.compile(r"ERROR: <input>:(\d+):(\d+): (.*)")
_STATUS = re.compile(r"^[A-Z_]+: | \[[A-Z_]+\]$")


class RuleError(Exception):
    """A rule has no result; the message says why."""


class RulePlace(NamedTuple):
    """A line and a column of a rule, from 1, and what is wrong there; 0 where the whole of it is meant."""

    line: int
    column: int
    message: str


class InvalidRuleError(Exception):
    """A rule is none; `place` says where and why."""

    def __init__(self, place: RulePlace) -> None:
        super().__init__(place.message)
        self.place = place


Evaluate = Callable[[Mapping[str, Json]], bool]
"""Judges by its variables whether a rule holds; raises RuleError where that has no answer."""


def check_policy_extra(source: Source) -> None:
    """Raise UsageError where nothing here can judge a policy: it must not pass for want of a package."""
    # Looked for and not imported: it is 16 MB of machine code, and a run without a document of a scope never judges.
    if not find_spec("cel_expr_python"):
        summary, reason = "the package cel-expr-python is not installed", "without it no policy can be judged"
        remedy = "pip install 'pki-reconciler[policy]'"
        raise UsageError(Diagnostic("usage.missing-extra", source, summary, reason, remedy))


@lru_cache(maxsize=1024)
def compile_rule(rule: str, over: str) -> Evaluate:
    """Return what judges by a rule over a document, a change or a principal; raises InvalidRuleError."""
    from cel_expr_python.cel import Type  # noqa: PLC0415 - an extra

    try:
        expression = _make_environment(over).compile(rule)
    except (RuntimeError, ValueError) as error:
        raise InvalidRuleError(_find_place(str(error))) from None
    result_type = expression.return_type()
    # What a field of a document holds is not known before it is looked at (CEL specification, Gradual Type Checking).
    if result_type not in (Type.BOOL, Type.DYN):
        raise InvalidRuleError(RulePlace(0, 0, f"its result is of the type {str(result_type).lower()}, not bool"))

    def evaluate(variables: Mapping[str, Json]) -> bool:
        return _evaluate(expression, variables)

    return evaluate


def _evaluate(expression: Expression, variables: Mapping[str, Json]) -> bool:
    from cel_expr_python.cel import Type  # noqa: PLC0415

    try:
        result = expression.eval(data=variables)
        value = result.value()
    # What it raises for a spent budget, and for numbers that no CEL integer holds.
    except (RuntimeError, ValueError, TypeError, OverflowError) as error:
        raise RuleError(_STATUS.sub("", str(error))) from None
    if result.type() == Type.BOOL:
        return bool(value)
    message = _STATUS.sub("", str(value)) if result.type() == Type.ERROR else "its result is neither true nor false"
    raise RuleError(message)


def _find_place(message: str) -> RulePlace:
    # One place is told, the first: what follows is often its consequence.
    match = _PLACE.search(message)
    if match is None or int(match[1]) < 1:
        return RulePlace(0, 0, _STATUS.sub("", (match[3] if match else message).partition("\n")[0]))
    reason = _STATUS.sub("", match[3].strip())
    return RulePlace(int(match[1]), int(match[2]), reason.replace(" (in container '')", ""))


@lru_cache(maxsize=3)
def _make_environment(over: str) -> Env:
    from cel_expr_python.cel import FunctionDecl, NewEnv, Overload, Type  # noqa: PLC0415
    from cel_expr_python.ext.ext_strings import ExtStrings  # noqa: PLC0415

    # Names of overloads are the library's to look up; no rule can say them.
    texts = Type.List(Type.STRING)
    types = {"STRING": Type.STRING, "DYN": Type.DYN, "TEXTS": Type.Map(Type.STRING, Type.STRING), "LIST": texts}
    grants = Overload("grants_list_string", Type.BOOL, [texts, Type.STRING], impl=_grants)
    covers = Overload("covers_string_string", Type.BOOL, [Type.STRING, Type.STRING], impl=covers_permission)
    # lowerAscii, replace, split and their like: Kubernetes gives its rules the same (Extended strings library).
    return NewEnv(
        variables={name: types[word] for name, word in VARIABLES[over].items()},
        functions=[FunctionDecl("grants", [grants]), FunctionDecl("covers", [covers])],
        extensions=[ExtStrings()],
    )


def _grants(permissions: Sequence[str], permission: str) -> bool:
    return any(covers_permission(held, permission) for held in permissions)


def covers_permission(permission: str, part: str) -> bool:
    """Say whether a permission is another one, or grants it: by whole segments, with or without the last slash."""
    return f"{part.rstrip('/')}/".startswith(f"{permission.rstrip('/')}/")


def explain_invalid_rule(place: RulePlace) -> Explanation:
    """Return what is wrong with a rule."""
    where = f"line {place.line}, column {place.column}: " if place.line else ""
    return Explanation(
        "policy.invalid-rule",
        f"the rule can't be used: {where}{place.message}",
        "a policy that can't be judged would let everything pass",
        "docs/policies.md lists the variables and functions that there are",
    )
