"""All knobs, and what they say to a profile."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from gputune.knobs import (
    batch_size,
    cache,
    declared,
    deterministic,
    gpu_thread_mode,
    interleave,
    jit_compile,
    learning_rate,
    memory_growth,
    mixed_precision,
    num_parallel_calls,
    prefetch,
    private_threadpool,
    steps_per_execution,
    vectorize,
)
from gputune.knobs.knob import Domain, Knob, SetEnvironment, Table
from gputune.knobs.machine import Machine
from gputune.schema.config import DECLARED, Config, Setting
from gputune.schema.finding import Finding
from gputune.schema.profile import Profile

KNOBS: tuple[Knob, ...] = (
    # The four of every study.
    batch_size.KNOB,
    prefetch.KNOB,
    memory_growth.KNOB,
    mixed_precision.KNOB,
    # Those that the findings choose.
    cache.KNOB,
    num_parallel_calls.KNOB,
    interleave.KNOB,
    deterministic.KNOB,
    private_threadpool.KNOB,
    steps_per_execution.KNOB,
    jit_compile.KNOB,
    gpu_thread_mode.KNOB,
    vectorize.KNOB,
    learning_rate.KNOB,
)
BY_NAME: Mapping[str, Knob] = {knob.name: knob for knob in KNOBS}


def knob_named(name: str) -> Knob | None:
    """The knob of a setting: gputune's own, or one that a script declares (`knob.width`)."""
    if name.startswith(DECLARED):
        return declared.named(name)
    return BY_NAME.get(name)


def knob_of(setting: Setting) -> Knob:
    """The knob of a setting that was checked; raises KeyError for one that does not exist."""
    return knob_named(setting.knob) or BY_NAME[setting.knob]


def knobs_for(profile: Profile) -> tuple[Knob, ...]:
    """All knobs that there are for a script: gputune's own, then those that it declares.

    One of gputune's that has the name of a declared one is left to that: both would turn one thing.
    """
    own = declared.knobs_of(profile)
    names = {knob.name for knob in own}
    return (
        *(_left_to_the_script(k) if f"{DECLARED}{k.name}" in names else k for k in KNOBS),
        *own,
    )


def _left_to_the_script(knob: Knob) -> Knob:
    reason = f"the script declares a knob of this name: {DECLARED}{knob.name}"
    return replace(knob, domain=lambda _: Domain(reason=reason))


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


def unsupported(settings: Iterable[Setting], machine: Machine) -> list[tuple[Setting, str]]:
    """The settings that the machine cannot have, each with the reason."""
    found = [(s, knob_of(s).unsupported(s.value, machine)) for s in settings]
    return [(setting, reason) for setting, reason in found if reason]


def environment_of(settings: Iterable[Setting]) -> dict[str, str]:
    """The environment variables that the settings ask for: to be set before the process starts."""
    return {
        edit.variable: text
        for setting in settings
        for edit in knob_of(setting).edits
        if isinstance(edit, SetEnvironment)
        for value, text in edit.values
        if value == setting.value
    }


def variables_of_knobs() -> tuple[str, ...]:
    """The environment variables that knobs set."""
    edits = (edit for knob in KNOBS for edit in knob.edits)
    return tuple(sorted({e.variable for e in edits if isinstance(e, SetEnvironment)}))


def in_environment(variables: Mapping[str, str]) -> tuple[Setting, ...]:
    """The settings that a process has by its environment variables.

    Of two values that the variables fit, the one that more of them ask for.
    """
    found = []
    for knob in KNOBS:
        edits = [edit for edit in knob.edits if isinstance(edit, SetEnvironment)]
        values = dict.fromkeys(value for edit in edits for value, _ in edit.values)
        fitting = []
        for value in values:
            wanted = environment_of([Setting(knob=knob.name, value=value)])
            if wanted and wanted.items() <= variables.items():
                fitting.append((len(wanted), value, wanted))
        if fitting:
            _, value, wanted = max(fitting, key=lambda entry: entry[0])
            said = ", ".join(f"{name}={text}" for name, text in wanted.items())
            found.append(Setting(knob=knob.name, value=value, note=f"environment: {said}"))
    return tuple(found)
