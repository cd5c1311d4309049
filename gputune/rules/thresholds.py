"""Every threshold of the rules, each with where it comes from."""

from __future__ import annotations

INPUT_WARNING_FRACTION = 0.05
"""Input wait as a share of the step: XProf's «moderately input-bound»."""
INPUT_CERTAIN_FRACTION = 0.025
"""Ours: where the interval of the wait begins. Processes of the same script differ by more than
the interval of one of them says: in `reports/accuracy.md` (seed 1, case 24) one saw a wait of 6 %
and at least 1.7 %, where there was none."""
INPUT_PROBLEM_FRACTION = 0.20
"""XProf's «highly input-bound»."""
HOST_WARNING_FRACTION = 0.15
"""Dispatch and Python as a share of the step; XProf calls 15 % of kernel launch «high»."""
HOST_PROBLEM_FRACTION = 0.40
"""Ours: with so large a share, `steps_per_execution` can pay for its compilation in seconds."""
SMALL_STEP_S = 0.010
"""Ours: the host's fixed cost of a Keras step is some 0.3 to 2 ms (measured on two cores), so it
matters for steps of up to about ten milliseconds."""
PYTHON_SHARE = 0.25
"""Ours: a Python stage that takes less than a quarter of the input's time is not what limits it."""
STAGE_SHARE = 0.10
"""Ours: a serial `map` that takes less than a tenth of the input's time is not worth a finding."""
CEILING_FRACTION = 0.90
"""Ours: a tenth is about what a noisy machine can show between two runs."""
STEADY_P99_OVER_P50 = 2.0
"""gpuprof's rule for unstable steps."""
CACHED_SHARE = 0.25
"""Ours: a cache that would save less than a quarter of the input's work is not worth its memory."""
CALLBACK_WARNING_FRACTION = 0.05
"""A callback's share of the step: as XProf's «moderately input-bound»: the model waits alike."""
CALLBACK_PROBLEM_FRACTION = 0.20
"""As XProf's «highly input-bound»."""
LOSS_SPEEDUP = 1.05
"""Ours: a gain below a twentieth is what two runs on a quiet machine differ by."""
FIRST_STEP_S = 10.0
"""Ours: an ordinary model is traced and compiled within a few seconds (measured on two cores: 1 to
4 s); from ten seconds on somebody waits for it at every start."""
FIRST_STEP_RUN_FRACTION = 0.10
"""Ours: a tenth of a whole run for one step."""
FIRST_STEP_LEAST_S = 2.0
"""Ours: below that even a large share of a (tiny) run is of no matter."""
START_S = 20 * 60.0
"""SageMaker's rule: more than 20 minutes before the first step."""
START_RUN_FRACTION = 0.30
"""Ours: in a whole run, a third before the first step is over."""
START_LEAST_S = 10.0
"""Ours: importing TensorFlow alone takes 2 to 6 s."""
PAUSES_RUN_FRACTION = 0.10
"""Ours: a tenth of the training between epochs; gputune shows nothing worth having below that."""
MEMORY_GROWTH_BYTES = 100 * 2**20
"""Growth over MEMORY_GROWTH_STEPS that is worth a finding (ours): an allocator that settles, or a
log that grows by a few floats a step, stays far below."""
MEMORY_GROWTH_STEPS = 1000
"""Ours: the steps of an epoch or two."""
