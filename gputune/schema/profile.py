"""The Profile: everything that one run of a script showed.

A quantity that was not or could not be measured is None, and `Profile.unavailable` says why.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

from gputune.schema.config import Setting, Value
from gputune.schema.declared import DeclaredKnob
from gputune.schema.finding import Finding
from gputune.schema.gpu import Compute, DeviceActivity, DeviceMemory, ElementTransfer, Gpu
from gputune.schema.notebook import Shown
from gputune.schema.site import Site
from gputune.schema.training import (
    BetweenEpochs,
    CallbackCost,
    Distribution,
    Repetition,
    Retracing,
    Startup,
)

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, kw_only=True)
class Unavailable:
    """A quantity that has no value, by its path in the record, and the reason."""

    metric: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class Command:
    """The run itself. Times are seconds; `exit_code` is the one that gputune passes on."""

    argv: tuple[str, ...]
    mode: str
    """`default` (ended after the measurement), `full` (the script ran to its end) or `callback`
    (timed by `gputune.keras.ProfileCallback`, without gputune around the script)."""
    working_directory: str
    started_utc: str
    duration_s: float
    exit_code: int
    stopped_by_gputune: bool
    interrupted: bool = False
    script_sha256: str | None = None


@dataclass(frozen=True, kw_only=True)
class Environment:
    """The machine and the versions that the figures belong to."""

    gputune: str
    python: str
    platform: str
    host: str
    cpu_model: str | None = None
    cores: float | None = None
    """Usable cores: affinity mask and cgroup quota, not those of the box."""
    memory_bytes: int | None = None
    tensorflow: str | None = None
    keras: str | None = None
    backend: str | None = None
    cuda: str | None = None
    devices: tuple[str, ...] = ()
    variables: tuple[tuple[str, str], ...] = ()
    """The allow-listed environment variables that were set, as (name, value)."""


@dataclass(frozen=True, kw_only=True)
class Steps:
    """The training steps of the clean phase; one step is one batch through the model.

    With `steps_per_execution` = N the script sees one call for N steps: every per-step figure is
    the call's divided by N.
    """

    count: int
    """Training steps seen in the analysed fit, whatever the phase."""
    warmup_count: int
    measured_count: int
    batch_size: int | None
    steps_per_execution: int
    mean_s: float | None = None
    median_s: float | None = None
    p95_s: float | None = None
    p99_s: float | None = None
    ci95_s: tuple[float, float] | None = None
    """95 % interval of the mean, t over windows."""
    samples_per_s: float | None = None
    stable: bool | None = None
    """Whether the last windows agreed; None without enough steps to say."""
    stable_reason: str = ""


@dataclass(frozen=True, kw_only=True)
class Phase:
    """One phase of the measurement: `warmup`, `clean`, `held`, `real`, `drain`, `trace`.

    `real` are the blocks of real steps that alternate with the held-batch blocks; in `drain` a
    step is a batch that was taken from the input without training.
    """

    name: str
    steps: int
    duration_s: float
    step_s: float | None
    note: str = ""
    spans_s: tuple[tuple[float, float], ...] = ()
    """When it ran: (begin, end) of each stretch, from the start of the fit, for a picture."""


@dataclass(frozen=True, kw_only=True)
class Breakdown:
    """Where a step goes: exclusive parts that sum to the clean step (None counts as nothing).

    `ci95_input_wait_s` is the 95 % interval of `input_wait_s`, from the alternating blocks.
    """

    input_wait_s: float | None = None
    h2d_exposed_s: float | None = None
    device_compute_s: float | None = None
    d2h_exposed_s: float | None = None
    launch_s: float | None = None
    python_s: float | None = None
    other_s: float | None = None
    ci95_input_wait_s: tuple[float, float] | None = None
    device: str = "cpu"
    """What `device_compute_s` is about: `gpu` or `cpu`."""


@dataclass(frozen=True, kw_only=True)
class Transfer:
    """Copies between host and device in a step, from the trace."""

    h2d_bytes_per_step: float | None = None
    h2d_s_per_step: float | None = None
    h2d_exposed_s_per_step: float | None = None
    h2d_bytes_per_s: float | None = None
    d2h_bytes_per_step: float | None = None
    d2h_s_per_step: float | None = None
    d2h_exposed_s_per_step: float | None = None
    d2h_bytes_per_s: float | None = None


@dataclass(frozen=True, kw_only=True)
class Host:
    """The host over the clean phase.

    `cpu_percent` is of all usable cores (100 = every core busy), `process_cpu_percent` the share
    of the script and its children in the same unit.
    """

    cpu_percent: float | None = None
    process_cpu_percent: float | None = None
    rss_bytes: int | None = None
    rss_growth_bytes_per_step: float | None = None
    """How the script's resident memory grows from step to step in the clean phase."""
    rss_growth_ci95_bytes_per_step: tuple[float, float] | None = None
    read_bytes_per_s: float | None = None
    samples: int = 0


@dataclass(frozen=True, kw_only=True)
class Stage:
    """One stage of the input pipeline, as TensorFlow runs it, joined to the user's call.

    `op` is TensorFlow's (`ParallelMapV2`); `calls` are the labels of the user's calls that it
    carries out (several where they were fused, none for what TensorFlow put in). `self_s` is
    the stage's own time for one batch, without waiting for its input; `parallelism` how many run
    at once; `max_batches_per_s` the rate that the stage could reach if it were the only one.
    """

    index: int
    """0 is next to the model; larger is further upstream."""
    parent: int | None
    op: str
    label: str
    site: Site | None = None
    calls: tuple[str, ...] = ()
    injected: bool = False
    """Whether TensorFlow put the stage in; the user's code does not have it."""
    self_s: float | None = None
    self_source: str = ""
    """`model` (the iterator's model), `trace`, or `` where self_s is None."""
    elements_per_batch: float | None = None
    element_s: float | None = None
    """`self_s / elements_per_batch`: the stage's own time for one of its elements."""
    parallelism: float | None = None
    """How many of the stage run at once; None for a stage that is sequential by nature."""
    parallelism_autotuned: bool | None = None
    python: bool = False
    """Whether the stage runs Python (py_function, numpy_function, a generator): one at a time."""
    buffer_elements: float | None = None
    buffer_limit: float | None = None
    buffer_autotuned: bool | None = None
    max_batches_per_s: float | None = None
    bottleneck: bool = False


@dataclass(frozen=True, kw_only=True)
class OrderProblem:
    """A call that stands in the wrong place of the pipeline.

    `kind` is one of `cache-after-prefetch`, `cache-after-repeat`, `cache-after-random`,
    `shuffle-after-batch`, `prefetch-not-last`.
    """

    kind: str
    label: str
    site: Site | None = None


@dataclass(frozen=True, kw_only=True)
class Pipeline:
    """The input pipeline. `bottleneck` is the index of the stage that limits it."""

    source: str = ""
    """What feeds the model: `tf.data`, `numpy`, `generator`, `PyDataset`, …"""
    stages: tuple[Stage, ...] = ()
    bottleneck: int | None = None
    predicted_max_batches_per_s: float | None = None
    measured_max_batches_per_s: float | None = None
    """From the drain: the live iterator alone, its buffers empty, the model at rest."""
    order_problems: tuple[OrderProblem, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Ceilings:
    """What this machine could reach: `input_` without the model, `compute_` without the input."""

    input_samples_per_s: float | None = None
    compute_samples_per_s: float | None = None
    achieved_fraction: float | None = None
    """Achieved samples/s over the lower of the two ceilings."""


@dataclass(frozen=True, kw_only=True)
class WhatIf:
    """The step if something were different; `basis` is `measured` or `model: …`."""

    condition: str
    step_s: float
    speedup: float
    basis: str


@dataclass(frozen=True, kw_only=True)
class FitSeen:
    """One training of the script: a call of `fit`, or a loop written by hand."""

    index: int
    """1 is the first training of the script."""
    site: Site | None
    steps: int
    epochs_requested: int | None
    steps_per_epoch: int | None
    analysed: bool
    input_kind: str = ""
    finished: bool = False
    style: str = "keras.fit"
    """`keras.fit`, `keras.train_on_batch`, `loop` (around compiled functions), `eager loop`,
    `loop in a function`."""
    own_train_step: bool | None = None
    """Whether `fit` makes a `train_step` of the script's own; None where that was not looked at."""


@dataclass(frozen=True, kw_only=True)
class Series:
    """One figure over time, thinned for plotting: `t_s` from the start of the fit.

    Of `step_s` each point is the slowest step of its bin; of what the sensors read it is the mean.
    """

    name: str
    """`step_s`, or the figure's path in the Profile: `host.cpu_percent`, `gpus[0].power_w`."""
    t_s: tuple[float, ...]
    value: tuple[float, ...]


@dataclass(frozen=True, kw_only=True)
class Profile(Shown):
    """What one run showed. Written as JSON with `schema` and `version`."""

    SCHEMA: ClassVar[str] = "gputune.profile"
    VERSION: ClassVar[int] = 1

    command: Command
    script: str
    environment: Environment
    verdict: str
    """One sentence: what limits the script and what to do."""
    style: str | None = None
    """How the analysed training is written (see FitSeen.style); None where none was seen."""
    config: tuple[Setting, ...] = ()
    declared: tuple[DeclaredKnob, ...] = ()
    """The knobs that the script declares with `gputune.knob`, each with the value that it got."""
    steps: Steps | None = None
    phases: tuple[Phase, ...] = ()
    breakdown: Breakdown | None = None
    transfer: Transfer = Transfer()
    element: ElementTransfer | None = None
    gpus: tuple[Gpu, ...] = ()
    device_activity: tuple[DeviceActivity, ...] = ()
    device_memory: tuple[DeviceMemory, ...] = ()
    compute: Compute = field(default_factory=Compute)
    host: Host = Host()
    pipeline: Pipeline | None = None
    ceilings: Ceilings = Ceilings()
    what_if: tuple[WhatIf, ...] = ()
    startup: Startup = field(default_factory=Startup)
    between_epochs: BetweenEpochs = field(default_factory=BetweenEpochs)
    callbacks: tuple[CallbackCost, ...] = ()
    retracing: tuple[Retracing, ...] = ()
    repetitions: tuple[Repetition, ...] = ()
    distribution: Distribution | None = None
    findings: tuple[Finding, ...] = ()
    unavailable: tuple[Unavailable, ...] = ()
    fits: tuple[FitSeen, ...] = ()
    series: tuple[Series, ...] = ()
    files_opened_for_writing: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    """What a reader should know of this measurement: hooks that failed, cross-checks."""

    def setting(self, knob: str) -> Value:
        """The value of `knob` in force, or None where the run did not show it."""
        return next((s.value for s in self.config if s.knob == knob), None)

    def to_frame(self) -> pd.DataFrame:
        """A table of pandas with one row for each figure: `metric`, `value`, `unit`.

        `metric` is the figure's path in the JSON, `value` None where it was not measured; the
        curves (`series`) are left out.
        """
        from gputune.schema.frame import to_frame

        return to_frame(self)
