"""Training loops written by hand: what was counted, and what was measured."""

from __future__ import annotations

import math
import re
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest

from gputune.schema.profile import Profile
from tests.integration.running import SCRIPTS, Ran, gputune, python, report

pytestmark = [pytest.mark.integration, pytest.mark.timeout(600)]

LOOPS = SCRIPTS / "loops.py"
DEFAULT = SCRIPTS / "loops_default.py"
SLEEP_S = 20e-3
# What STYLE of the default script is, and whether the wait for its input can be measured.
STYLES = {
    "in_python": ("loop", True),
    "given_the_iterator": ("loop", True),
    "eager": ("eager loop", True),
    "on_batch": ("keras.train_on_batch", True),
    "short_epochs": ("loop", True),
    "slices": ("loop", False),
}


class Runs:
    """All runs, begun at once, two at a time."""

    def __init__(self, pool: ThreadPoolExecutor, top: Path) -> None:
        self._top = top
        self._runs: dict[str, Future[Ran]] = {"bare": pool.submit(python, LOOPS, cwd=top)}
        self._start(pool, "full", "--full", LOOPS)
        for style in STYLES:
            self.temporary(style).mkdir()
            env = {"STYLE": style, "TMPDIR": str(self.temporary(style))}
            self._start(pool, style, "--max-seconds", "4", DEFAULT, env=env)

    def temporary(self, style: str) -> Path:
        """The folder for temporary files of a run."""
        return self._top / f"tmp-{style}"

    def _start(
        self, pool: ThreadPoolExecutor, name: str, *arguments: object,
        env: dict[str, str] | None = None,
    ) -> None:  # fmt: skip
        arguments = ("profile", "-o", self._top / name, *arguments)
        self._runs[name] = pool.submit(gputune, *arguments, cwd=self._top, env=env)

    def ran(self, name: str) -> Ran:
        ran = self._runs[name].result()
        assert ran.exit_code == 0, ran.stderr
        return ran

    def profile(self, name: str) -> Profile:
        self.ran(name)
        found = report(self._top / name)
        assert not [note for note in found.notes if "failed" in note], found.notes
        return found


@pytest.fixture(scope="module")
def runs(pool: ThreadPoolExecutor, tmp_path_factory: pytest.TempPathFactory) -> Runs:
    return Runs(pool, tmp_path_factory.mktemp("loops"))


def counts(ran: Ran) -> list[tuple[str, int]]:
    """What the script itself counted, in its order."""
    found = re.findall(r"^steps (\w+) (\d+)$", ran.stdout, re.MULTILINE)
    return [(name, int(number)) for name, number in found]


def test_every_loop_trains_as_it_does_bare(runs: Runs) -> None:
    assert runs.ran("bare").losses
    assert runs.ran("full").stdout == runs.ran("bare").stdout


def test_the_steps_of_every_style_are_counted_exactly(runs: Runs) -> None:
    own = counts(runs.ran("full"))
    assert len(own) >= 40
    fits = runs.profile("full").fits
    assert [(name, fit.steps) for (name, _), fit in zip(own, fits, strict=True)] == own


@pytest.mark.parametrize("style", STYLES)
def test_by_default_it_is_measured_and_ended(style: str, runs: Runs) -> None:
    found, ran = runs.profile(style), runs.ran(style)
    written, waits = STYLES[style]
    assert found.command.stopped_by_gputune
    assert "never here" not in ran.stdout
    assert not [p.name for p in runs.temporary(style).iterdir() if p.name != "__pycache__"]
    assert found.style == written
    steps, parts = found.steps, found.breakdown
    assert steps is not None
    assert steps.mean_s is not None
    assert parts is not None
    amounts = (
        parts.input_wait_s, parts.h2d_exposed_s, parts.device_compute_s, parts.d2h_exposed_s,
        parts.launch_s, parts.python_s, parts.other_s,
    )  # fmt: skip
    assert math.isclose(sum(a for a in amounts if a is not None), steps.mean_s, rel_tol=1e-9)
    assert all(a is None or a >= 0 for a in amounts)
    if not waits:
        assert parts.input_wait_s is None
        assert any(u.metric.endswith("input_wait_s") for u in found.unavailable)
        return
    assert steps.batch_size == 16
    assert parts.input_wait_s is not None
    # A prefetch that TensorFlow puts in hides up to the rest of the step, never more.
    rest_s = steps.mean_s - parts.input_wait_s
    assert SLEEP_S - rest_s - 1e-3 <= parts.input_wait_s <= 5 * SLEEP_S


@pytest.mark.parametrize("style", ["in_python", "given_the_iterator", "eager", "on_batch"])
def test_the_slow_line_is_named(style: str, runs: Runs) -> None:
    found = runs.profile(style)
    line = next(n for n, text in enumerate(DEFAULT.read_text().splitlines(), 1) if "sleep(" in text)
    bound = [f for f in found.findings if f.id == "input-bound"]
    assert bound, (found.steps, found.breakdown, found.notes)
    assert bound[0].site is not None
    assert line in [frame.line for frame in (bound[0].site, *bound[0].site.via)]


def test_sessions_of_tensorflow_1_are_recognised_and_left_alone(
    pool: ThreadPoolExecutor, tmp_path: Path
) -> None:
    script = SCRIPTS / "tf1_session.py"
    bare = pool.submit(python, script, cwd=tmp_path)
    ran = gputune("profile", "-o", tmp_path / "out", script, cwd=tmp_path)
    found = report(tmp_path / "out")
    assert ran.exit_code == 0, ran.stderr
    assert ran.stdout == bare.result().stdout
    assert bare.result().losses
    assert found.steps is None
    assert found.style == "tensorflow-1-session"
    assert "sessions of TensorFlow 1" in found.verdict
