"""An error as a user reads it: one line that says what, one that says what to do."""

from __future__ import annotations

import sys
import traceback

WRONG_COMMAND = 2
OWN_FAILURE = 125
"""As `timeout` and `docker run` have it: the tool failed, not the script."""


class Failure(Exception):
    """Ends the program with these words and this exit code."""

    def __init__(self, what: str, hint: str, exit_code: int) -> None:
        super().__init__(what)
        self.what = what
        self.hint = hint
        self.exit_code = exit_code

    def show(self) -> None:
        """Print the two lines to standard error."""
        show(self.what, self.hint)


def show(what: str, hint: str) -> None:
    """`error: …` and `hint: …`, each on one line."""
    print(f"error: {_one_line(what)}", file=sys.stderr)
    if hint:
        print(f"hint: {_one_line(hint)}", file=sys.stderr)


def report_crash(error: Exception, *, verbose: bool) -> int:
    """A failure of gputune itself: its traceback only where it was asked for."""
    if verbose:
        traceback.print_exception(error)
    show(
        f"gputune failed: {type(error).__name__}: {error}",
        "" if verbose else "run it again with --verbose for the traceback, and report it",
    )
    return OWN_FAILURE


def _one_line(text: str) -> str:
    shown = "".join(c if c.isprintable() else " " for c in text)
    return " ".join(shown.split())
