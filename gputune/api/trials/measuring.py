"""The search's, the confirmation's and the guard's view of a script: knobs in, an Outcome out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from gputune.api.trials.process import observe
from gputune.api.trials.resident import ResidentTrials
from gputune.api.trials.script import Script
from gputune.knobs.registry import knob_of
from gputune.schema.config import Setting, Value
from gputune.search.configuring import settings
from gputune.search.outcomes import RunSeen, outcome_of
from gputune.search.space import Space
from gputune.search.trying import Objective, Outcome
from gputune.session.folder import Options


class Trials:
    """Measures configurations of one space: a `search.trying.Measure`, a `confirmation.Fresh`.

    With `resident` a trial is made in the process of the last one, where that is sound.
    """

    def __init__(
        self, script: Script, space: Space, *, objective: Objective = "throughput",
        resident: bool = True,
    ) -> None:  # fmt: skip
        self._script = script
        self._space = space
        self._objective = objective
        # Of a process's peak memory on a CPU nobody can say to which of its trials it belongs.
        self._grows = objective == "memory" and not script.profile.device_memory
        self._resident = ResidentTrials(script) if resident and not self._grows else None

    def __enter__(self) -> Trials:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End what runs."""
        if self._resident is not None:
            self._resident.close()

    @property
    def why_new_processes(self) -> str:
        """Why no trial can be made in the process of another; nothing where some can."""
        if self._grows:
            return "the peak memory of a process is that of all its trials together"
        return self._resident.reason if self._resident is not None else "it was not asked for"

    def measure(self, knobs: Mapping[str, Value], incumbent: float | None) -> Outcome:
        """One trial of the search; ended early where it clearly cannot win on throughput."""
        wanted = self._settings(knobs)
        # The fastest is not always the best: only for throughput is a slow trial a lost one.
        options = self._options(knobs, incumbent if self._objective == "throughput" else None)
        if self._resident is not None and not self._compiles(knobs) and not _fills_a_file(knobs):
            inside, outside = _split(wanted)
            try:
                found = self._resident.measure(inside, process_settings=outside, options=options)
            except OSError:
                found = None
            if found is not None:
                return found
        # A child that stays would take memory and, on a GPU, the device from the new process.
        self.close()
        return outcome_of(self._run(options, wanted))

    def fresh(self, knobs: Mapping[str, Value], *, max_s: float | None = None) -> Outcome:
        """One trial in a process of its own, which measures for `max_s` at most."""
        self.close()
        options = self._options(knobs, None)
        if max_s is not None:
            options = replace(options, max_s=min(options.max_s, max_s))
        return outcome_of(self._run(options, self._settings(knobs)))

    def loss(self, knobs: Mapping[str, Value], *, steps: int, seed: int) -> tuple[float, Outcome]:
        """The loss after so many steps with other seeds; NaN where the run gave none."""
        self.close()
        options = Options(
            trial=True, fit=self._script.fit, loss_after_steps=steps, seed_offset=seed,
            batch_size=self._script.batch_size,
        )  # fmt: skip
        seen = self._run(options, self._settings(knobs))
        return (float("nan") if seen.loss is None else seen.loss), outcome_of(seen)

    def _options(self, knobs: Mapping[str, Value], incumbent: float | None) -> Options:
        return Options(
            trial=True,
            fit=self._script.fit,
            batch_size=self._script.batch_size,
            max_s=self._script.max_s,
            warm_epochs=int(any(_is_cache(name, value) for name, value in knobs.items())),
            incumbent_samples_per_s=incumbent,
        )

    def _compiles(self, knobs: Mapping[str, Value]) -> bool:
        """Whether XLA compiles the step: for each batch size anew, and it keeps what it made."""
        own = self._script.profile.setting("jit_compile")
        return bool(knobs.get("jit_compile", own))

    def _settings(self, knobs: Mapping[str, Value]) -> tuple[Setting, ...]:
        return tuple(setting for _, setting in settings(self._space, knobs))

    def _run(self, options: Options, wanted: tuple[Setting, ...]) -> RunSeen:
        """A run of the script; one that could not be started is a failed one."""
        script = self._script
        try:
            return observe(
                script.target, script.source, replace(options, settings=wanted),
                timeout_s=script.timeout_s,
            ).seen()  # fmt: skip
        except OSError as error:
            return RunSeen(
                profile=None, exit_code=127, error_text=f"OSError: {error.strerror or error}"
            )


def without(
    knobs: Mapping[str, Value], names: Sequence[str], own: Mapping[str, Value]
) -> dict[str, Value]:
    """The knobs with the script's own values for some of them."""
    return {name: own.get(name) if name in names else value for name, value in knobs.items()}


def _split(wanted: Sequence[Setting]) -> tuple[list[Setting], list[Setting]]:
    """Those that a process can take at any time, and those that it must begin with."""
    inside = [s for s in wanted if knob_of(s).takes_effect != "process"]
    return inside, [s for s in wanted if s not in inside]


def _fills_a_file(knobs: Mapping[str, Value]) -> bool:
    """Whether a cache goes to a file: a later trial of the same process would find it full."""
    return any(
        name.partition("@")[0] == "cache" and value == "file" for name, value in knobs.items()
    )


def _is_cache(name: str, value: Value) -> bool:
    return name.partition("@")[0] == "cache" and value not in (None, "none")
