"""The four kinds of lines, and the words that they share."""

from __future__ import annotations

from collections.abc import Iterable

from gputune.schema.finding import Finding, Severity


def good(name: str, title: str, *evidence: str) -> Finding:
    """A line that is in order."""
    return Finding(id=name, severity=Severity.GOOD, title=title, evidence=evidence)


def note(name: str, title: str, *evidence: str, cure: str = "") -> Finding:
    """A line for knowing."""
    return Finding(id=name, severity=Severity.NOTE, title=title, evidence=evidence, remedy=cure)


def warning(name: str, title: str, *evidence: str, cure: str) -> Finding:
    """A line that costs time, or is not what it says."""
    return Finding(id=name, severity=Severity.WARNING, title=title, evidence=evidence, remedy=cure)


def problem(name: str, title: str, *evidence: str, cure: str) -> Finding:
    """A line that keeps a training from working, or from its GPU."""
    return Finding(id=name, severity=Severity.PROBLEM, title=title, evidence=evidence, remedy=cure)


def listed(items: Iterable[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    words = list(items)
    if len(words) < 2:
        return "".join(words)
    return f"{', '.join(words[:-1])} and {words[-1]}"


def dotted(version: Iterable[int] | None) -> str:
    """(12, 4) as `12.4`."""
    return "unknown" if version is None else ".".join(map(str, version))


def gibibytes(size: int) -> str:
    """As memory is sold: `23.6 GiB`; MiB below one."""
    return f"{size / 2**30:.3g} GiB" if size >= 2**30 else f"{size / 2**20:.0f} MiB"
