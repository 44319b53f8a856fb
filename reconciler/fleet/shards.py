"""A part of a fleet, `--shard I/N`, for whoever runs jobs without an engine: Kubernetes, GitHub, GitLab."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from reconciler.diagnostics import Diagnostic, Source
from reconciler.errors import UsageError

_SHARD = re.compile(r"([0-9]{1,5})/([1-9][0-9]{0,4})")


class Shard(NamedTuple):
    """Part `number` (from 0) of `of` parts."""

    number: int
    of: int

    def __str__(self) -> str:
        return f"{self.number or self.of}/{self.of}"

    def pick(self, targets: Sequence[str]) -> list[str]:
        """Return the targets of this part: of all, in the order of their names, each `of`-th one."""
        return sorted(targets)[self.number :: self.of]


def parse_shard(text: str) -> Shard:
    """Return the part that I/N names, counted from 0 or from 1: 0/N and N/N are one and the same.

    Kubernetes and GitHub count from 0, GitLab from 1; each of their jobs has a part of its own either way. Raises
    UsageError.
    """
    match = _SHARD.fullmatch(text)
    number, of = map(int, match.groups()) if match else (1, 0)
    if number > of:
        problem = Diagnostic(
            "usage.invalid-shard",
            Source("--shard"),
            f"{text!r} is no part of a fleet",
            "nothing was done",
            "write I/N, such as 1/3 for the first of three parts",
        )
        raise UsageError(problem)
    return Shard(number % of, of)
