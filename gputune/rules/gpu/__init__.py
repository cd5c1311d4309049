"""The rules on the GPU's side of the step, in their order."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from gputune.rules.gpu import (
    arithmetic,
    condition,
    copies,
    filling,
    launch_bound,
    memory,
    memory_bound,
    several,
    tensor_cores,
    under_used,
)
from gputune.schema.finding import Finding
from gputune.schema.profile import Profile

RULES: tuple[Callable[[Profile], Iterable[Finding]], ...] = (
    several.findings,
    launch_bound.findings,
    copies.findings,
    arithmetic.findings,
    under_used.findings,
    memory_bound.findings,
    tensor_cores.findings,
    filling.findings,
    memory.findings,
    condition.findings,
)
