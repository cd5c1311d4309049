"""The check `runs`: an error that the script ends with, where no other check has explained it."""

from __future__ import annotations

from gputune.checks.script.check import Check, Findings
from gputune.checks.script.raised import Raised
from gputune.schema.finding import Finding, Severity

_LONGEST = 300


class Runs(Check):
    """`script-fails`, with the user's line."""

    explains = False  # the traceback says more

    def failed(self, raised: Raised) -> Findings:
        """Say what the script ended with."""
        if raised.explained:
            return
        first = next((line for line in raised.text.splitlines() if line.strip()), "")
        said = f"{raised.kind}: {first.strip()[:_LONGEST]}" if first else raised.kind
        when = f"after {raised.steps} training steps" if raised.steps else "before it trains"
        yield Finding(
            id="script-fails",
            severity=Severity.PROBLEM,
            title=f"The script ends with {_article(raised.kind)} {when}.",
            evidence=(said,),
            remedy="Repair that line first; the checks that need a training were not run. The "
            "whole traceback stands above.",
            site=raised.site,
        )


def _article(kind: str) -> str:
    return f"{'an' if kind[:1] in 'AEIOU' else 'a'} {kind}"
