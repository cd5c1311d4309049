"""The script's own source files, as far as a training shows them."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from gputune.inject.sites import is_user_file

if TYPE_CHECKING:
    from gputune.checks.script.training import Training


def own_sources(training: Training) -> tuple[str, ...]:
    """The texts of the script's main file and of the files that the training is called from."""
    files: dict[str, None] = {}
    main = getattr(sys.modules.get("__main__"), "__file__", None)
    if main:
        files[os.path.abspath(main)] = None
    if training.site is not None:
        files.update(dict.fromkeys([training.site.file, *(one.file for one in training.site.via)]))
    found = []
    for file in files:
        if is_user_file(file) and os.path.isfile(file):
            try:
                found.append(Path(file).read_text(encoding="utf-8"))
            except (OSError, UnicodeDecodeError):
                continue
    return tuple(found)
