"""Every way to call `fit`: what was counted, and what was measured."""

from __future__ import annotations

import math
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest

from gputune.schema.profile import Profile
from tests.integration.running import SCRIPTS, Ran, gputune, python, report

pytestmark = [pytest.mark.integration, pytest.mark.timeout(600)]

STYLES = SCRIPTS / "styles.py"
SLOW = SCRIPTS / "slow_python.py"
LONG = SCRIPTS / "styles_default.py"
DEFAULT_STYLES = ("arrays", "execution", "generator", "pydataset", "unknown", "one epoch", "eager")
SHORT = ("--max-seconds", "2")

# In the order of the script's: steps in all (by arithmetic), steps an epoch where they are known
# before the first epoch, and what feeds it. Two epochs each.
COUNTS = {
    "arrays": (2 * 80 // 8, 10, "arrays"),
    "unknown": (2 * math.ceil(37 / 4), None, "tf.data"),
    "generator": (2 * 7, 7, "generator"),
    "pydataset": (2 * 6, 6, "PyDataset"),
    "repeat": (2 * 5, 5, "tf.data"),
    "class_weight": (2 * 96 // 32, 3, "arrays"),
    "execution": (2 * 63 // 3, 21, "tf.data"),
    "eager": (2 * 40 // 10, 4, "tf.data"),
    "compiled": (2 * 48 // 8, 6, "tf.data"),
    "longer": (2 * 1500, 1500, "tf.data"),
}
# Of the analysed fit: batch size, steps_per_execution.
ANALYSED = {1: (8, 1), 4: (5, 1), 7: (3, 8), 10: (8, 1)}


class Runs:
    """All runs, begun at once, two at a time."""

    def __init__(self, pool: ThreadPoolExecutor, top: Path) -> None:
        self._top = top
        self._runs: dict[str, Future[Ran]] = {}
        steps = {"STEPS": "1500"}
        self._runs["bare"] = pool.submit(python, STYLES, cwd=top, env=steps)
        # So long that the 20 steps of a short fit do not fill it on a busy machine, either.
        self._start(pool, "full", "--full", "--max-seconds", "2.5", STYLES, env=steps)
        for fit in ANALYSED:
            few = {"STEPS": "10"} if fit < 10 else steps
            self._start(pool, f"fit {fit}", "--full", "--fit", fit, *SHORT, STYLES, env=few)
        self._start(pool, "slow", "--fit", 2, "--max-seconds", 4, SLOW)
        for style in DEFAULT_STYLES:
            self._start(pool, style, *SHORT, LONG, env={"STYLE": style})

    def _start(
        self,
        pool: ThreadPoolExecutor,
        name: str,
        *arguments: object,
        env: dict[str, str] | None = None,
    ) -> None:
        arguments = ("profile", "-o", self._folder(name), *arguments)
        self._runs[name] = pool.submit(gputune, *arguments, cwd=self._top, env=env)

    def _folder(self, name: str) -> Path:
        return self._top / name.replace(" ", "_")

    def ran(self, name: str) -> Ran:
        ran = self._runs[name].result()
        assert ran.exit_code == 0, ran.stderr
        return ran

    def profile(self, name: str) -> Profile:
        self.ran(name)
        found = report(self._folder(name))
        assert not [note for note in found.notes if "failed" in note], found.notes
        return found


@pytest.fixture(scope="module")
def runs(pool: ThreadPoolExecutor, tmp_path_factory: pytest.TempPathFactory) -> Runs:
    return Runs(pool, tmp_path_factory.mktemp("styles"))


def test_every_style_trains_as_it_does_bare(runs: Runs) -> None:
    assert runs.ran("bare").losses
    assert runs.ran("full").stdout == runs.ran("bare").stdout


@pytest.mark.parametrize("style", COUNTS)
def test_every_training_step_is_counted(style: str, runs: Runs) -> None:
    """Validation, evaluate() and predict() are not; the script counts in a callback."""
    expected, an_epoch, kind = COUNTS[style]
    own = [line for line in runs.ran("full").stdout.splitlines() if f"steps {style} " in line]
    # Both counters are Keras' own, and each counts too many somewhere: the callbacks with steps
    # that N does not divide, the optimizer in epochs whose end is not known before.
    words = own[0].split()
    assert min(int(words[2]), int(words[-1])) == expected
    fits = runs.profile("full").fits
    assert len(fits) == len(COUNTS)
    fit = fits[list(COUNTS).index(style)]
    assert fit.steps == expected
    assert fit.steps_per_epoch == an_epoch
    assert fit.epochs_requested == 2
    assert fit.input_kind == kind
    assert fit.finished
    assert fit.site is not None
    assert fit.site.file == str(STYLES)


def test_by_itself_it_analyses_the_fit_that_can_be_measured(runs: Runs) -> None:
    found = runs.profile("full")
    assert found.style == "keras.fit"
    assert [fit.index for fit in found.fits if fit.analysed] == [10]
    assert found.steps is not None
    assert found.steps.count == 3000
    assert found.steps.mean_s is not None


@pytest.mark.parametrize("number", ANALYSED)
def test_the_fit_that_is_asked_for_is_analysed(number: int, runs: Runs) -> None:
    found = runs.profile(f"fit {number}")
    batch, execution = ANALYSED[number]
    assert [fit.index for fit in found.fits if fit.analysed] == [number]
    assert found.steps is not None
    assert found.steps.batch_size == batch
    assert found.steps.steps_per_execution == execution
    assert found.steps.count == found.fits[number - 1].steps
    assert found.steps.warmup_count + found.steps.measured_count <= found.steps.count
    if found.steps.mean_s is None:
        assert any(missing.metric == "steps" for missing in found.unavailable)
    assert found.breakdown is None or found.breakdown.input_wait_s is None


@pytest.mark.parametrize("style", ["slow", *DEFAULT_STYLES])
def test_by_default_it_is_measured_and_ended(style: str, runs: Runs) -> None:
    found, ran = runs.profile(style), runs.ran(style)
    assert found.command.stopped_by_gputune
    assert found.command.exit_code == 0
    assert "never here" not in ran.stdout
    steps, parts = found.steps, found.breakdown
    assert steps is not None
    assert parts is not None
    assert steps.mean_s is not None
    assert steps.steps_per_execution == (8 if style == "execution" else 1)
    assert steps.batch_size == (8 if style == "slow" else 16)
    amounts = (
        parts.input_wait_s, parts.h2d_exposed_s, parts.device_compute_s, parts.d2h_exposed_s,
        parts.launch_s, parts.python_s, parts.other_s,
    )  # fmt: skip
    assert math.isclose(sum(a for a in amounts if a is not None), steps.mean_s, rel_tol=1e-9)
    assert all(a is None or a >= 0 for a in amounts)
    assert parts.input_wait_s is not None


def test_the_culprit_is_the_line_of_the_sleep_with_its_caller(runs: Runs) -> None:
    found = runs.profile("slow")
    lines = SLOW.read_text().splitlines()
    culprit = next(n for n, line in enumerate(lines, 1) if "# the culprit" in line)
    caller = next(n for n, line in enumerate(lines, 1) if "# the caller" in line)
    assert found.pipeline is not None
    assert found.pipeline.bottleneck is not None, found.unavailable
    stage = found.pipeline.stages[found.pipeline.bottleneck]
    assert stage.python
    assert stage.site is not None
    assert stage.site.line == culprit
    assert [frame.line for frame in stage.site.via] == [caller]
    sites = [finding.site for finding in found.findings if finding.site is not None]
    assert culprit in [site.line for site in sites]


def test_fit_chooses_the_second_and_neither_except_nor_finally_runs(runs: Runs) -> None:
    found, ran = runs.profile("slow"), runs.ran("slow")
    assert [(fit.index, fit.analysed) for fit in found.fits] == [(1, False), (2, True)]
    assert found.fits[0].steps == 10
    assert ran.stdout == ""
