"""Where the real traces lie, and a synthetic host trace to build on."""

from __future__ import annotations

from pathlib import Path

from gputune.trace import xplane

FOLDER = Path(__file__).resolve().parents[2] / "fixtures" / "traces"


def real(name: str) -> xplane.Trace:
    """One of the committed traces."""
    return xplane.read(FOLDER / f"{name}.xplane.pb")
