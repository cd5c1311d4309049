"""The child's environment: the user's own, plus what leads its interpreter to our bootstrap."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from gputune.session.folder import ENVIRONMENT_VARIABLE, SessionFolder

BOOTSTRAP = Path(__file__).resolve().parent / "bootstrap"
"""The folder that stands first on the child's PYTHONPATH until its interpreter has started."""

HOME_VARIABLE = "GPUTUNE_HOME"
"""The folder that holds the package gputune; private, gone before the script begins."""

PYTHONPATH_VARIABLE = "GPUTUNE_PYTHONPATH"
"""The user's PYTHONPATH, absent where there was none; private, gone before the script begins."""


def package_home() -> Path:
    """The folder that the running gputune was imported from."""
    return Path(__file__).resolve().parents[2]


def child_environment(
    environ: Mapping[str, str],
    session: SessionFolder,
    *,
    extra: Mapping[str, str] | None = None,
    home: Path | None = None,
) -> dict[str, str]:
    """The variables to start the child with.

    `extra` is what the script itself shall see on top of `environ` (dry mode, the knobs); `home`
    is the folder that holds the package gputune, this one where it is not given. Raises ValueError
    where gputune lies in a folder that PYTHONPATH cannot name.
    """
    if os.pathsep in str(BOOTSTRAP):
        raise ValueError(f"PYTHONPATH cannot hold {BOOTSTRAP}: its name has a {os.pathsep!r}")
    environment = {**environ, **(extra or {})}
    original = environment.get("PYTHONPATH")
    # An empty PYTHONPATH means none; with a separator behind ours it would mean the working folder.
    environment["PYTHONPATH"] = f"{BOOTSTRAP}{os.pathsep}{original}" if original else str(BOOTSTRAP)
    environment.pop(PYTHONPATH_VARIABLE, None)
    if original is not None:
        environment[PYTHONPATH_VARIABLE] = original
    environment[HOME_VARIABLE] = str(home or package_home())
    environment[ENVIRONMENT_VARIABLE] = str(session.root.resolve())
    return environment
