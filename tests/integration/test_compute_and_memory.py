"""The arithmetic of a step and the bytes of its batch, against what paper and pencil say."""

from __future__ import annotations

import itertools
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest

from gputune.schema.profile import Profile
from tests.integration.running import SCRIPTS, Ran, gputune, python, report

pytestmark = [pytest.mark.integration, pytest.mark.timeout(600)]

SCRIPT = SCRIPTS / "arithmetic.py"
BATCH, TIME, HEADS, KEY = 16, 12, 2, 5


def dense(*sizes: int, rows: int = BATCH) -> int:
    """A chain of Dense layers: forward and for the weights each, for the input but of the first."""
    pairs = list(itertools.pairwise(sizes))
    return 2 * rows * sum(a * b * (2 if i == 0 else 3) for i, (a, b) in enumerate(pairs))


MLP = dense(10, 20, 30, 3)
# Height and width halve with the stride, then lose two with each convolution that is not padded.
CONV = 2 * BATCH * (
    16 * 16 * 8 * 9 * 3 * 2 + 14 * 14 * 16 * 9 * 8 * 3 + 12 * 12 * 16 * 9 * 3 + 16 * 4 * 3
)  # fmt: skip
# Query, key and value of the input; scores and their product with the values; out; a last Dense.
ATTENTION = 2 * BATCH * (
    3 * TIME * 8 * HEADS * KEY * 2
    + 2 * HEADS * TIME * TIME * KEY * 3
    + TIME * HEADS * KEY * 8 * 3
    + TIME * 8 * 8 * 3
)  # fmt: skip
# Four gates; the input's gradient is not asked for, the state's is.
LSTM = 2 * BATCH * TIME * 4 * 6 * (8 * 2 + 6 * 3)
FLOPS = {
    "mlp": MLP,
    "static": MLP,
    "wide": MLP,
    "spe": MLP,
    "jit": MLP,
    "loop": MLP,
    "on_batch": MLP,
    "mixed": MLP,
    "two": MLP + 2 * dense(10, 7, 3),
    "conv": CONV,
    "attention": ATTENTION,
    "lstm": LSTM,
    # An embedding is looked up: what it computes is none.
    "embedding": 2 * BATCH * 6 * 4 * 3,
}
BY_DEFAULT = ("mlp", "loop", "on_batch", "spe")


class Runs:
    """All runs, begun at once, two at a time."""

    def __init__(self, pool: ThreadPoolExecutor, top: Path) -> None:
        self._top = top

        def steps(case: str) -> dict[str, str]:
            # The function of a loop is read once it was measured: afterwards it may be gone.
            return {"STEPS": "4000" if case in ("loop", "two") else "60"}

        self._bare = {
            case: pool.submit(python, SCRIPT, cwd=top, env={"CASE": case, **steps(case)})
            for case in ("mlp", "loop", "two")
        }
        self._full = {
            case: self._start(pool, case, "--full", "--max-seconds", "1", CASE=case, **steps(case))
            for case in [*FLOPS, "eager", "mirrored"]
        }
        self._default = {
            case: self._start(
                pool, f"{case} default", "--max-seconds", "1", CASE=case, STEPS="2000000"
            )
            for case in BY_DEFAULT
        }

    def _start(
        self, pool: ThreadPoolExecutor, name: str, *arguments: str, **env: str
    ) -> Future[Ran]:
        command = ("profile", *arguments, "-o", self._top / name, SCRIPT)
        return pool.submit(gputune, *command, cwd=self._top, env=env)

    def bare(self, case: str) -> Ran:
        return self._bare[case].result()

    def full(self, case: str) -> tuple[Ran, Profile]:
        ran = self._full[case].result()
        assert ran.exit_code == 0, ran.stderr
        return ran, self._profile(case)

    def default(self, case: str) -> Profile:
        ran = self._default[case].result()
        assert ran.exit_code == 0, ran.stderr
        assert ran.losses == []
        return self._profile(f"{case} default")

    def _profile(self, name: str) -> Profile:
        found = report(self._top / name)
        assert not [note for note in found.notes if "failed" in note], found.notes
        return found


@pytest.fixture(scope="module")
def runs(pool: ThreadPoolExecutor, tmp_path_factory: pytest.TempPathFactory) -> Runs:
    return Runs(pool, tmp_path_factory.mktemp("arithmetic"))


@pytest.mark.parametrize("case", FLOPS)
def test_the_operations_of_a_step_are_those_of_arithmetic(case: str, runs: Runs) -> None:
    _, found = runs.full(case)
    assert found.compute.flops_per_step == FLOPS[case], found.unavailable
    assert "matrix products" in found.compute.flops_source


def test_of_replicas_whose_batch_has_no_known_shape_nothing_is_counted(runs: Runs) -> None:
    _, found = runs.full("mirrored")
    assert found.compute.flops_per_step is None
    reasons = [u.reason for u in found.unavailable if u.metric == "compute.flops_per_step"]
    assert "its shape is not known" in reasons[0]


@pytest.mark.parametrize("case", BY_DEFAULT)
def test_they_are_the_same_where_the_script_is_ended(case: str, runs: Runs) -> None:
    found = runs.default(case)
    assert found.command.stopped_by_gputune
    assert found.compute.flops_per_step == FLOPS[case], found.unavailable


@pytest.mark.parametrize("case", ["mlp", "loop", "two"])
def test_the_script_computes_what_it_does_without(case: str, runs: Runs) -> None:
    ran, _ = runs.full(case)
    assert ran.losses
    assert ran.losses == runs.bare(case).losses


def test_a_step_that_is_not_compiled_says_so(runs: Runs) -> None:
    _, found = runs.full("eager")
    assert found.compute.flops_per_step is None
    reasons = {u.metric: u.reason for u in found.unavailable}
    assert reasons["compute.flops_per_step"] == "the training step is not a compiled function"


def test_mixed_precision_shows_in_the_policy_and_in_the_operations(runs: Runs) -> None:
    _, single = runs.full("mlp")
    assert single.compute.compute_dtype == "float32"
    assert single.compute.half_precision_fraction == 0.0
    _, mixed = runs.full("mixed")
    assert mixed.compute.compute_dtype == "mixed_float16 and float32"
    # The last layer is kept in float32: its three products of 30 by 3.
    share = 2 * BATCH * 30 * 3 * 3 / MLP
    assert mixed.compute.half_precision_fraction == pytest.approx(1 - share)


def test_without_a_gpu_there_is_no_utilisation_and_no_memory_and_a_reason(runs: Runs) -> None:
    _, found = runs.full("mlp")
    assert found.compute.mfu_fraction is None
    assert found.compute.peak_flops_per_s is None
    assert found.device_memory == ()
    reasons = {u.metric: u.reason for u in found.unavailable}
    for metric in ("compute.mfu_fraction", "compute.peak_flops_per_s", "device_memory"):
        assert reasons[metric] == "TensorFlow used no GPU in this run"


def test_layers_off_the_tensor_cores_sizes_are_named_those_that_compute_most_first(
    runs: Runs,
) -> None:
    _, found = runs.full("mlp")
    notes = [(n.kind, n.dimension, n.size, n.wanted) for n in found.compute.layers_off_size]
    # 20 x 30 weights and 30 biases, then 10 x 20, then 30 x 3.
    assert notes == [
        ("Dense", "units", 30, 8),
        ("Dense", "input features", 20, 8),
        ("Dense", "units", 20, 8),
        ("Dense", "input features", 10, 8),
        ("Dense", "units", 3, 8),
        ("Dense", "input features", 30, 8),
    ]
    _, conv = runs.full("conv")
    notes = [(n.kind, n.dimension, n.size, n.wanted) for n in conv.compute.layers_off_size]
    # 8 and 16 filters of 3 and 8 channels fit, or cuDNN pads them: what is left is the output.
    assert notes == [("Dense", "units", 4, 8)]


@pytest.mark.parametrize(
    ("case", "components", "total", "narrow", "casts"),
    [
        ("mlp", ("float32[16,10]", "float32[16,3]"), 16 * 13 * 4, 16 * (10 + 12),
         ("uint8 -> float32[16,10]",)),
        ("wide", ("float64[16,10]", "float32[16,3]"), 16 * (80 + 12), 16 * (10 + 12),
         ("uint8 -> float64[16,10]",)),
        ("conv", ("float32[16,32,32,3]", "float32[16,4]"), 16 * (32 * 32 * 3 + 4) * 4,
         16 * (32 * 32 * 3 + 16), ("uint8 -> float32[16,32,32,3]",)),
        ("embedding", ("int32[16,10]", "float32[16,4]"), 16 * (10 + 4) * 4, None, ()),
    ],
)  # fmt: skip
def test_the_bytes_of_a_batch_are_those_of_arithmetic(
    case: str, components: tuple[str, ...], total: int, narrow: int | None,
    casts: tuple[str, ...], runs: Runs,
) -> None:  # fmt: skip
    _, found = runs.full(case)
    assert found.element is not None
    assert found.element.components == components
    assert found.element.expected_h2d_bytes_per_step == total
    assert found.element.narrower_bytes_per_step == narrow
    assert found.element.casts == casts


@pytest.mark.parametrize("case", BY_DEFAULT)
def test_the_held_batch_is_the_one_whose_bytes_count(case: str, runs: Runs) -> None:
    found = runs.default(case)
    assert found.element is not None
    assert found.element.components == ("float32[16,10]", "float32[16,3]")
    assert found.element.expected_h2d_bytes_per_step == 16 * 13 * 4
    assert found.element.narrower_bytes_per_step == 16 * (10 + 12)
