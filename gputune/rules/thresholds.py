"""Every threshold of the rules, each with where it comes from."""

from __future__ import annotations

INPUT_WARNING_FRACTION = 0.05
"""Input wait as a share of the step: XProf's «moderately input-bound»."""
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
