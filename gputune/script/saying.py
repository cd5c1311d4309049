"""One line on standard error, from inside the user's process."""

from __future__ import annotations

import contextlib
import sys

from gputune.report.literal import literal


def say(text: str) -> None:
    """Print `gputune: text`; a closed or missing standard error is no reason to fail."""
    with contextlib.suppress(Exception):
        print(f"gputune: {literal(text)}", file=sys.stderr, flush=True)
