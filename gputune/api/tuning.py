"""`tune`: search a script's settings, confirm what is faster, and say how sure that is."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, replace
from importlib import metadata
from pathlib import Path

import gputune
from gputune.api.batch_sizes import tied
from gputune.api.outputs import OutputFailed
from gputune.api.recording import sha256_of
from gputune.api.studies import StudyFiles, newest_profile
from gputune.api.study_outputs import StudyOutputs, StudyWritten
from gputune.api.trials.asking import Progress, TuneOptions
from gputune.api.trials.measuring import Trials
from gputune.api.trials.process import observe
from gputune.api.trials.script import Script
from gputune.api.trials.study import StudyRun
from gputune.knobs.registry import knobs_for
from gputune.launch.command import Target, check_target
from gputune.schema.config import Config
from gputune.schema.profile import Profile
from gputune.schema.secrets import allowed_environment, redact_arguments
from gputune.schema.study import Budget, Identity, Plan, Study
from gputune.search.choosing import BadChoice, choose_space
from gputune.search.outcomes import outcome_of
from gputune.search.planning import longest_profile_s, plan, plan_lines
from gputune.search.space import Space
from gputune.search.starting import begin_with
from gputune.search.storage import OtherStudy, differences, hold, open_store, stored_identity
from gputune.sensors.nvml import open_gpu_sensor
from gputune.sensors.resources import cpu_model, usable_cores
from gputune.session.folder import Options


@dataclass(frozen=True)
class Tuned:
    """What `tune` gives: the record, the recommended configuration (None: none), the files."""

    study: Study
    config: Config | None
    written: StudyWritten
    interrupted: bool

    @property
    def failed(self) -> bool:
        """Whether the script fails as it is."""
        first = self.study.trials[:1]
        return any(trial.state != "complete" for trial in first)


@dataclass(frozen=True)
class Planned:
    """What `tune` would do: the record's plan, and the same in lines."""

    plan: Plan
    lines: tuple[str, ...]


class BaselineFailed(Exception):
    """The script fails as it is, or trains in no way that can be measured; `hint` helps."""

    def __init__(self, what: str, hint: str) -> None:
        super().__init__(what)
        self.what = what
        self.hint = hint


def plan_study(profile: Profile, options: TuneOptions) -> Planned:
    """What a study of the script would do, by its profile; nothing is run.

    Raises BadChoice for a knob or a value that cannot be meant.
    """
    space, notes = _space(profile, options)
    made = plan(profile, space, options.budget)
    return Planned(made, (*notes, *plan_lines(space, made)))


def known_profile(target: Target, folder: Path) -> Profile | None:
    """The newest profile of this very script and arguments in a folder of reports, or None.

    Raises BadTarget for a script that cannot be started.
    """
    sha256 = sha256_of(check_target(target))
    return newest_profile(folder, sha256, tuple(redact_arguments(list(target.arguments))))


def tune(
    target: Target | str | os.PathLike[str],
    arguments: tuple[str, ...] = (),
    *,
    options: TuneOptions | None = None,
    outputs: StudyOutputs | None = None,
    profile: Profile | None = None,
    progress: Progress | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> Tuned:
    """Search a script's settings and write the study, the configuration and the page.

    `profile` is an earlier one of the same script, which spares the first run. A study that was
    broken off is gone on with. Raises BadTarget, BadChoice, BaselineFailed, StudyUnusable (another
    tuner is at work, another study lies there), OutputFailed.
    """
    if not isinstance(target, Target):
        target = Target(script=os.fspath(target), arguments=tuple(arguments))
    options = options or TuneOptions()
    outputs = outputs or StudyOutputs()
    progress = progress or Progress()
    source = check_target(target)
    budget = options.budget
    files = StudyFiles(outputs.folder, target.name)
    began = clock()
    identity = _identity(target, source, options)
    outputs = outputs.prepare(None if options.fresh else identity)
    with ExitStack() as stack:
        try:
            # Before anything of the script runs: two at once would disturb each other.
            lock = stack.enter_context(hold(files.journal))
            if not options.fresh:
                _same_study(files.journal, identity)
        except OSError as error:
            raise _unwritable(files.journal, error) from error
        kept = None if options.fresh else files.read_profile(identity)
        found = profile or kept or _profile(target, source, options, budget, progress)
        _fits(found, options)
        space, notes = _space(found, options)
        for note in notes:
            progress.on_note(note)
        identity = replace(identity, space_sha256=space.sha256())
        script = Script(target=target, source=source, profile=found)
        try:
            store = stack.enter_context(
                open_store(files.journal, space, identity, fresh=options.fresh, lock=lock)
            )
            trials = stack.enter_context(Trials(script, space, objective=options.objective))
            files.write_profile(found)
            study = StudyRun(
                script, space, budget, options, store, trials, progress, identity, clock, began,
                # A study that is gone on with has paid for its profile already.
                0.0 if found is kept else clock() - began,
            )  # fmt: skip
            record, config = study.run()
        except OSError as error:
            raise _unwritable(files.journal, error) from error
    return Tuned(
        record, config, outputs.write(record, config, target.name), progress.should_stop()
    )  # fmt: skip


def _same_study(journal: Path, identity: Identity) -> None:
    """Raise OtherStudy where the study there is another's, whatever its space, before any run."""
    stored = stored_identity(journal)
    if stored is not None:
        differs = differences(stored, replace(identity, space_sha256=stored.space_sha256))
        if differs:
            raise OtherStudy(differs, journal)


def _fits(profile: Profile, options: TuneOptions) -> None:
    """Raise BadChoice for a profile that cannot answer what is asked for."""
    seen = next((fit.index for fit in profile.fits if fit.analysed), None)
    if options.fit is not None and seen is not None and seen != options.fit:
        raise BadChoice(
            f"--fit {options.fit}: the profile is of training {seen}",
            f"make one of it: gputune profile --fit {options.fit}, or leave --profile out",
        )
    energy = [gpu.energy_j_per_sample for gpu in profile.gpus]
    if options.objective == "energy" and not any(one is not None for one in energy):
        why = next((u.reason for u in profile.unavailable if "energy" in u.metric), "")
        why = why or next((u.reason for u in profile.unavailable if u.metric.startswith("gpu")), "")
        raise BadChoice(
            f"--objective energy: no energy was measured here{f': {why}' if why else ''}",
            "leave --objective out: a script that trains faster mostly needs less energy, too",
        )


def _profile(
    target: Target, source: Path | None, options: TuneOptions, budget: Budget, progress: Progress
) -> Profile:
    """Profile the script as it is; raises BaselineFailed where that shows no training."""
    progress.on_note("profiling the script as it is")
    seen = observe(
        target, source, Options(fit=options.fit, max_s=longest_profile_s(budget.total_s)),
        timeout_s=max(budget.total_s, 60.0),
    )  # fmt: skip
    outcome = outcome_of(seen.seen())
    if outcome.state != "complete":
        raise BaselineFailed(
            f"the script fails as it is: {outcome.reason}",
            "gputune profile shows its output; tune it once it trains",
        )
    return seen.profile


def _space(profile: Profile, options: TuneOptions) -> tuple[Space, tuple[str, ...]]:
    """The space; what the user's configuration sets is tried first, or named."""
    choice = replace(options.choice, tied=tied(profile))
    space = choose_space(profile, knobs_for(profile), choice)
    return begin_with(space, options.start.settings if options.start is not None else ())


def _identity(target: Target, source: Path | None, options: TuneOptions) -> Identity:
    """What the study belongs to; its space is known later."""
    packages = {}
    for name in ("tensorflow", "keras"):
        try:
            packages[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return Identity(
        script_sha256=sha256_of(source) or "",
        arguments=tuple(redact_arguments(list(target.arguments))),
        environment=tuple(
            sorted({**allowed_environment(os.environ), **packages, **_machine(),
                    "gputune": gputune.__version__}.items())
        ),
        space_sha256="",
        objective=options.objective,
        fit=options.fit,
    )  # fmt: skip


def _machine() -> dict[str, str]:
    """What figures of one machine and of another differ by: a name of a container says nothing."""
    sensor = open_gpu_sensor(
        os.environ.get("CUDA_VISIBLE_DEVICES"), order=os.environ.get("CUDA_DEVICE_ORDER")
    )
    try:
        gpus = ", ".join(gpu.name for gpu in sensor.gpus) or "none"
    finally:
        sensor.close()
    cores = usable_cores()
    return {"CPU": f"{cpu_model() or 'unknown'}, {cores:g} cores" if cores else "unknown",
            "GPU": gpus}  # fmt: skip


def _unwritable(path: Path, error: OSError) -> OutputFailed:
    return OutputFailed(
        f"the study {path} cannot be written: {error.strerror or error}",
        "make room, or give another folder with -o; what was written is gone on with",
    )
