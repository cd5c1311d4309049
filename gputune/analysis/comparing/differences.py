"""What differs between two sides beside their figures: machine, versions, script, settings."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields

from gputune.schema.comparison import SideDifference
from gputune.schema.profile import Environment, Profile
from gputune.schema.study import Study

_SAME = "the runs of one side differ among themselves: "
HARDWARE = "GPU"


def of_environments(
    before: Sequence[Profile], after: Sequence[Profile], side: int
) -> tuple[SideDifference, ...]:
    """Hardware and versions; the variables of the environment one by one."""
    return _differences([_machine(p) for p in before], [_machine(p) for p in after], side)


def of_scripts(
    before: Sequence[Profile], after: Sequence[Profile], side: int
) -> tuple[SideDifference, ...]:
    """The script's hash and arguments, how it was measured, and what feeds it."""
    return _differences([_script(p) for p in before], [_script(p) for p in after], side)


def of_knobs(
    before: Sequence[Profile], after: Sequence[Profile], side: int
) -> tuple[SideDifference, ...]:
    """The settings in force."""
    return _differences([_knobs(p) for p in before], [_knobs(p) for p in after], side)


def of_studies(before: Study, after: Study, side: int) -> tuple[SideDifference, ...]:
    """Of two studies: what each belongs to."""
    return _differences([_identity(before)], [_identity(after)], side)


def of_recommendations(before: Study, after: Study, side: int) -> tuple[SideDifference, ...]:
    """Of two studies: what each recommends."""
    return _differences([_recommended(before)], [_recommended(after)], side)


def _differences(
    before: Sequence[Mapping[str, str]], after: Sequence[Mapping[str, str]], side: int
) -> tuple[SideDifference, ...]:
    names = list(dict.fromkeys(name for one in (*before, *after) for name in one))
    rows = [(name, _shown(before, name), _shown(after, name)) for name in names]
    return tuple(
        SideDifference(side=side, name=name, before=first, after=second)
        for name, first, second in rows
        if first != second
    )


def _shown(records: Sequence[Mapping[str, str]], name: str) -> str:
    values = list(dict.fromkeys(record.get(name, "-") for record in records))
    return values[0] if len(values) == 1 else f"{_SAME}{', '.join(sorted(values))}"


def _machine(profile: Profile) -> dict[str, str]:
    found = {
        field.name: str(getattr(profile.environment, field.name))
        for field in fields(Environment)
        if field.name not in ("variables", "devices")
    }
    found["devices"] = ", ".join(profile.environment.devices) or "-"
    found[HARDWARE] = ", ".join(gpu.name for gpu in profile.gpus) or "-"
    for name, value in profile.environment.variables:
        found[f"${name}"] = value
    return found


def _script(profile: Profile) -> dict[str, str]:
    steps, pipeline = profile.steps, profile.pipeline
    return {
        "script": profile.script,
        "script_sha256": profile.command.script_sha256 or "-",
        "arguments": " ".join(profile.command.argv[2:]) or "-",
        "mode": profile.command.mode,
        "style": profile.style or "-",
        "input": (pipeline.source if pipeline is not None else "") or "-",
        "batch_size": str(steps.batch_size) if steps is not None else "-",
        "pipeline": _pipeline(profile),
    }


def _pipeline(profile: Profile) -> str:
    """The user's calls, each once: TensorFlow may run several stages for one (`.cache()`)."""
    stages = profile.pipeline.stages if profile.pipeline is not None else ()
    ordered = sorted(stages, key=lambda stage: -stage.index)
    return "".join(dict.fromkeys(call for stage in ordered for call in stage.calls)) or "-"


def _knobs(profile: Profile) -> dict[str, str]:
    counted: dict[str, int] = {}
    found = {}
    for setting in profile.config:
        counted[setting.knob] = counted.get(setting.knob, 0) + 1
        number = counted[setting.knob]
        found[setting.knob if number == 1 else f"{setting.knob} ({number})"] = str(setting.value)
    return found


def _identity(study: Study) -> dict[str, str]:
    return dict(_identified(study))


def _identified(study: Study) -> Iterator[tuple[str, str]]:
    yield "script", study.script
    yield "script_sha256", study.identity.script_sha256
    yield "arguments", " ".join(study.identity.arguments) or "-"
    yield "objective", study.objective
    yield from study.identity.environment


def _recommended(study: Study) -> dict[str, str]:
    best = study.best or study.best_same_batch or study.baseline
    return {name: str(value) for name, value in best.knobs.items()}
