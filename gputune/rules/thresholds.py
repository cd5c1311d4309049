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

UTILIZATION_LOW_PERCENT = 70.0
"""SageMaker's LowGPUUtilization: the 95th percentile of the driver's samples is below it."""
UTILIZATION_FLOOR_PERCENT = 10.0
"""SageMaker's fluctuating GPU: the 95th percentile above UTILIZATION_LOW_PERCENT, the 5th below
this."""
UTILIZATION_SAMPLES = 20
"""Ours: of fewer samples the 5th percentile is the lowest one alone."""
BUSY_LOW_FRACTION = 0.70
"""SageMaker's 70 %, asked of the share of the step in which kernels run."""
WAIT_NAMED_FRACTION = 0.05
"""XProf's «moderately input-bound»: a smaller part of a step does not explain an idle GPU."""
IDLE_FRACTION_OF_BUSIEST = 0.05
"""Ours: a GPU that does less than a twentieth of what the busiest does has no part in training."""
LAUNCH_NOTE_FRACTION = 0.03
"""XProf's «moderate» share of kernel launch."""
LAUNCH_WARNING_FRACTION = 0.05
"""Ours: as LOSS_SPEEDUP, two runs on a quiet machine differ by less."""
LAUNCH_PROBLEM_FRACTION = 0.15
"""XProf's «high» share of kernel launch."""
KERNEL_SHORT_S = 20e-6
"""Ours: a host needs some 5 to 20 µs for an operation and its launch, by what is said of CUDA and
of TensorFlow's executor (we have not measured it): shorter kernels end before the next one is
there."""
LAUNCH_DELAY_S = 100e-6
"""Ours: ten times an undisturbed launch. The time in the queue is in the delay, so it says
something only where the GPU waits for launches (LAUNCH_PROBLEM_FRACTION of the traced time)."""
HOST_CPU_HIGH_PERCENT = 80.0
"""gpuprof's busy CPU; XProf names contention with tf.data as a cause of late launches."""
DRAM_HIGH_PERCENT = 60.0
"""Nsight Compute's SpeedOfLight rule (`latency_bound_threshold`): from 60 % of the peak on, a
unit bounds the kernel. Over whole steps that is much: DCGM's guide calls 80 % the most that DRAM
activity reaches in practice."""
BALANCED_PERCENT = 10.0
"""Nsight Compute's `balanced_threshold`: memory and compute within 10 points bound alike."""
TENSOR_COMPUTE_FRACTION = 0.30
"""Ours: below a third of the step, arithmetic twice as fast gains less than 15 %."""
HALF_PRECISION_FRACTION = 0.10
"""XProf: less than 10 % of the kernels' time in 16 bits → mixed precision."""
TENSOR_ACTIVE_PERCENT = 10.0
"""XProf's 10 %, asked of the cycles in which the tensor cores worked."""
HALF_PRECISION_CAPABILITY = (7, 0)
"""TensorFlow's guide to mixed precision: GPUs from compute capability 7.0 on gain most."""
BFLOAT16_CAPABILITY = (8, 0)
"""NVIDIA's Ampere white paper: tensor cores compute in bfloat16 from 8.0 on."""
SM_ACTIVE_LOW_PERCENT = 50.0
"""DCGM's guide: an SM activity below 0.5 «likely indicates ineffective GPU usage». Occupancy alone
says nothing: large matrix products run at a low one (the guide says so too)."""
SM_ACTIVE_HIGH_PERCENT = 60.0
"""gpuprof: SMs active above it with an MFU below MFU_SMALL_BATCH → small batch."""
MFU_SMALL_BATCH = 0.25
"""gpuprof: see SM_ACTIVE_HIGH_PERCENT."""
MFU_LOW = 0.30
"""gpuprof's low model FLOPs utilisation."""
COMPUTE_LARGE_FRACTION = 0.70
"""Ours: where computation takes so much of the step, nothing else explains a chip half empty."""
COPIES_EXPOSED_FRACTION = 0.05
"""As XProf's «moderately input-bound»: the device waits alike."""
COPIES_PROBLEM_FRACTION = 0.20
"""As XProf's «highly input-bound»."""
COPIES_MATTER_FRACTION = 0.01
"""Ours: what takes less than a hundredth of a step cannot be seen in two runs."""
COPIES_MATTER_BYTES = 1e6
"""Ours: a megabyte takes 40 to 100 µs over PCIe; of less, the start of each copy is most."""
PAGEABLE_FRACTION = 0.5
"""Ours: most of the bytes. CUDA's best practices guide: only copies from pinned memory run at the
link's rate and beside kernels."""
LINK_FRACTION = 0.30
"""Ours: pinned copies of some MB reach about 80 % of the link's theoretical rate."""
LANE_BYTES_PER_S = {1: 0.25e9, 2: 0.5e9, 3: 0.985e9, 4: 1.969e9, 5: 3.938e9, 6: 7.563e9}
"""PCI-SIG's rates of one lane in one direction by generation: 2.5 and 5 GT/s in 8b/10b, 8, 16 and
32 GT/s in 128b/130b, 64 GT/s in flits with 242 of 256 bytes of payload."""
COPIED_TWICE_RATIO = 1.8
"""Ours: two times, less what a smaller last batch or a traced step cut short leaves out."""
WIDE_RATIO = 0.5
"""Ours: half the bytes or fewer; uint8 instead of float32 is a quarter."""
HEAD_ROOM_FRACTION = 0.10
"""torch-tb-profiler: a peak above 90 % of the memory."""
MEMORY_UNUSED_FRACTION = 0.50
"""Ours: TensorFlow's allocator doubles its regions, so up to a half may be free by its nature."""
THROTTLED_FRACTION = 0.05
"""Ours: a twentieth of the samples; fewer move the mean step by less than two runs differ."""
CLOCK_VOID_FRACTION = 0.75
"""NVBench discards a measurement whose SM clock is below 75 % of the default; here of the highest,
which is what NVML tells of every GPU."""
