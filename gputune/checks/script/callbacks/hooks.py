"""Methods that look like hooks and are none, and classes in the place of instances. Pure."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence

from gputune.checks.script.callbacks.facts import HOOKS
from gputune.schema.finding import Finding, Severity
from gputune.schema.site import Site


def never_called(kind: str, methods: Sequence[str], site: Site | None) -> Iterator[Finding]:
    """`callback-hook-unknown` for methods that are nearly called like a hook of Keras'."""
    for name in methods:
        if not name.startswith("on_") or name in HOOKS:
            continue
        near = difflib.get_close_matches(name, HOOKS, n=1, cutoff=0.85)
        if near:
            yield Finding(
                id="callback-hook-unknown",
                severity=Severity.WARNING,
                title=f"Keras never calls {kind}.{name}.",
                evidence=(f"the hooks of Keras are {', '.join(HOOKS)}",),
                remedy=f"Call it {near[0]}, if that is meant.",
                site=site,
            )


def class_given(name: str, site: Site | None) -> Finding:
    """`callback-class`: `callbacks=[Mine]` in place of `callbacks=[Mine()]`."""
    return Finding(
        id="callback-class",
        severity=Severity.PROBLEM,
        title=f"fit is given the class {name} as a callback, not an instance of it.",
        remedy=f"callbacks=[{name}()].",
        site=site,
    )
