"""Findings that both halves make, so that one mistake reads the same from either."""

from __future__ import annotations

from gputune.schema.finding import Finding, Severity
from gputune.schema.site import Site


def patience_too_long(
    kind: str, patience: int, epochs: int, site: Site | None, *, earliest: int | None = None
) -> Finding:
    """`patience-too-long`: a callback that acts after more epochs than the training has.

    `earliest` is the first epoch at whose end it can act. The first epoch can only be the best so
    far, so with a patience of P that is P + 1, where nothing else is known of the callback.
    """
    earliest = patience + 1 if earliest is None else earliest
    return Finding(
        id="patience-too-long",
        severity=Severity.WARNING,
        title=f"{kind} can never act: its patience is {patience}, and there "
        f"{'is' if epochs == 1 else 'are'} {epochs} epoch{'' if epochs == 1 else 's'}.",
        evidence=(
            f"it acts at the end of epoch {earliest} at the earliest, since the first epoch is "
            "always the best so far",
        ),
        remedy=f"Give {kind} a patience below {epochs}"
        + (f", such as {max(1, epochs // 5)}" if epochs > 1 else "")
        + ", or train for more epochs.",
        site=site,
    )
