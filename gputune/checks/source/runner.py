"""Asks the checks on the source, each guarded from the others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from gputune.checks.registry import entry
from gputune.checks.source.tree import Source, Unreadable, parse
from gputune.schema.finding import Finding


@dataclass(frozen=True)
class Looked:
    """What one check found; `reason` is empty unless it could not look."""

    name: str
    findings: tuple[Finding, ...] = ()
    reason: str = ""


def look(names: Sequence[str], path: Path | None) -> tuple[Looked, ...]:
    """Ask the checks of these names about a script's file; None is a script without a source."""
    if not names:
        return ()
    if path is None:
        return tuple(Looked(name, reason="the script has no source file") for name in names)
    try:
        source = parse(path)
    except OSError as error:
        reason = f"{path} cannot be read: {error.strerror or error}"
        return tuple(Looked(name, reason=reason) for name in names)
    except Unreadable as error:
        return tuple(Looked(name, reason=str(error)) for name in names)
    return tuple(_look(name, source) for name in names)


def _look(name: str, source: Source) -> Looked:
    try:
        return Looked(name, tuple(entry(name).load()(source)))
    except Exception as error:  # a failing check must not take the others with it
        return Looked(name, reason=f"it failed: {type(error).__name__}: {str(error)[:300]}")
