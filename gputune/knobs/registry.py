"""All knobs, and what they say to a profile."""

from __future__ import annotations

from dataclasses import replace

from gputune.knobs import cache, num_parallel_calls, prefetch, steps_per_execution
from gputune.knobs.knob import Knob, Table
from gputune.schema.config import Config, Setting
from gputune.schema.finding import Finding
from gputune.schema.profile import Profile

KNOBS: tuple[Knob, ...] = (
    cache.KNOB,
    num_parallel_calls.KNOB,
    prefetch.KNOB,
    steps_per_execution.KNOB,
)


def with_knobs(finding: Finding) -> Finding:
    """The finding with the knobs that address it (the rules do not know the knobs)."""
    return replace(finding, knobs=tuple(k.name for k in KNOBS if finding.id in k.addresses))


def first_config(profile: Profile) -> Config:
    """What an expert would try first for this profile; no run has confirmed it."""

    def settings(table: Table) -> tuple[Setting, ...]:
        return tuple(s for k in KNOBS if k.table == table for s in k.first_values(profile))

    return Config(
        script=profile.script,
        measured=False,
        tf_data=settings("tf_data"),
        policy=settings("policy"),
        evidence=tuple(
            line for finding in profile.findings if finding.knobs for line in finding.evidence
        ),
    )
