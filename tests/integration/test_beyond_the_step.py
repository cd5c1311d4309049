"""What is around the step: the start, pauses between epochs, callbacks, memory, new traces."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from gputune.schema.profile import Profile
from tests.integration.running import SCRIPTS, Ran, gputune, python, report

pytestmark = [pytest.mark.integration, pytest.mark.timeout(600)]

SCRIPT = SCRIPTS / "beyond.py"
EPOCHS, STEPS, MB = 8, 60, 1e6


@pytest.fixture(scope="module")
def runs(pool: ThreadPoolExecutor, tmp_path_factory: pytest.TempPathFactory) -> tuple[Ran, Ran]:
    """The script bare, and under `gputune profile --full`."""
    top = tmp_path_factory.mktemp("beyond")
    bare = pool.submit(python, SCRIPT, cwd=top)
    ours = pool.submit(gputune, "profile", "--full", "-o", top / "out", SCRIPT, cwd=top)
    assert ours.result().exit_code == 0, ours.result().stderr
    return bare.result(), ours.result()


@pytest.fixture(scope="module")
def profile(runs: tuple[Ran, Ran], tmp_path_factory: pytest.TempPathFactory) -> Profile:
    found = report(next(Path(tmp_path_factory.getbasetemp()).glob("beyond*")) / "out")
    assert not [note for note in found.notes if "failed" in note], found.notes
    return found


@pytest.fixture(scope="module")
def own(runs: tuple[Ran, Ran]) -> dict[str, float]:
    """What the script itself saw its callbacks take under gputune: a step, or an epoch."""
    lines = [line.split() for line in runs[1].stdout.splitlines() if line.startswith("own ")]
    return {name: float(seconds) for _, name, seconds in lines}


def test_the_script_trains_as_it_does_bare(runs: tuple[Ran, Ran]) -> None:
    bare, ours = runs
    assert bare.losses
    assert ours.losses == bare.losses


def test_the_start_is_split_into_imports_preparation_and_first_step(profile: Profile) -> None:
    start = profile.startup
    assert start.total_s is not None
    parts = (start.imports_s, start.preparation_s, start.first_step_s)
    assert all(part is not None and part > 0 for part in parts), start
    assert sum(part or 0.0 for part in parts) == pytest.approx(start.total_s)
    assert 1.0 < start.total_s < profile.command.duration_s
    assert start.run_fraction is not None
    assert 0 < start.run_fraction < 1


def test_pauses_between_epochs_are_split(profile: Profile, own: dict[str, float]) -> None:
    between = profile.between_epochs
    assert between.pauses == EPOCHS - 1
    assert between.mean_s is not None
    assert between.validation_s is not None
    assert between.callbacks_s is not None
    # 20 batches of validation with a sleep of 5 ms each, and one of 200 ms at the end.
    assert between.validation_s > 0.1
    assert between.callbacks_s > 0.2
    assert between.callbacks_s == pytest.approx(own["Slow.epoch"], rel=0.5)
    parts = (between.validation_s, between.callbacks_s, between.first_step_s, between.other_s)
    assert sum(part or 0.0 for part in parts) == pytest.approx(between.mean_s)
    assert between.run_fraction is not None
    assert 0.1 < between.run_fraction < 0.9


def test_each_callback_is_charged_what_it_takes(profile: Profile, own: dict[str, float]) -> None:
    """The script's own means are over all steps, ours over the clean ones: hence the tolerance."""
    costs = {cost.name: cost for cost in profile.callbacks}
    assert {name for name, cost in costs.items() if not cost.ours} == {"Slow", "Norms"}
    assert "History" in costs
    slow, norms, history = costs["Slow"], costs["Norms"], costs["History"]
    assert slow.step_s is not None
    assert norms.step_s is not None
    assert history.step_s is not None
    assert slow.step_s > 0.003
    assert norms.step_s > 0.005
    assert slow.step_s == pytest.approx(own["Slow.step"], rel=0.5)
    assert norms.step_s == pytest.approx(own["Norms.step"], rel=0.5)
    assert history.step_s < 0.25 * slow.step_s
    assert slow.epoch_s is not None
    assert slow.epoch_s > 0.3
    assert slow.epoch_s == pytest.approx(own["Slow.test"] + own["Slow.epoch"], rel=0.5)
    assert profile.steps is not None
    assert profile.steps.mean_s is not None
    assert slow.step_fraction == pytest.approx(slow.step_s / profile.steps.mean_s)


def test_the_list_that_grows_is_seen_in_memory(profile: Profile) -> None:
    host = profile.host
    assert host.rss_growth_bytes_per_step == pytest.approx(MB, rel=0.3)
    assert host.rss_growth_ci95_bytes_per_step is not None
    low, high = host.rss_growth_ci95_bytes_per_step
    assert 0 < low < high


def test_the_function_that_is_traced_again_is_named_with_what_changed(profile: Profile) -> None:
    found = {one.function: one for one in profile.retracing}
    norm = found["norm"]
    assert (norm.count, norm.during_training) == (2, 1)
    assert norm.changed == "x: shape (32, 10) -> (17, 10)"
    lines = SCRIPT.read_text().splitlines()
    assert norm.site is not None
    assert lines[norm.site.line - 1] == "def norm(x):"
    assert "norm(tf.zeros" in norm.site.via[0].code
    assert not [name for name in found if name != "norm"], found


def test_the_terminal_says_it(runs: tuple[Ran, Ran], profile: Profile) -> None:
    said = " ".join(runs[1].stderr.split())
    for words in ("until the first step was done", "Callback ", "Norms: ", "Memory grows by ",
                  "Retraced norm beyond.py:"):  # fmt: skip
        assert words in said
