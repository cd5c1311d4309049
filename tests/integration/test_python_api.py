"""gputune from inside a script: `Config.apply`, `knob` and the callback, in real processes."""

from __future__ import annotations

import re
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from gputune import api
from gputune.api.trials.measuring import Trials
from gputune.api.trials.script import Script
from gputune.knobs.registry import knobs_for
from gputune.launch.command import Target
from gputune.rewrite.toml import config_to_toml
from gputune.schema.config import Setting
from gputune.schema.profile import Profile
from gputune.search.choosing import Choice, choose_space
from tests.integration.running import ROOT, SCRIPTS, Ran, environment, gputune, python
from tests.integration.test_apply import IN_FORCE, check, wanted

pytestmark = [pytest.mark.integration, pytest.mark.timeout(300)]

APPLY = 'gputune.Config.load("gputune.toml").apply()\n'
IMPORTED = "import tensorflow as tf\n\nimport gputune\n"
BLOCKS = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
README = [block for block in BLOCKS if "gputune" in block]

PIPELINE = """
import numpy as np
import keras
import tensorflow as tf
rows = np.random.default_rng(0).normal(size=(4096, 8)).astype("float32")
dataset = tf.data.Dataset.from_tensor_slices((rows, rows.sum(1))).batch(batch).prefetch(1)
model = keras.Sequential([keras.layers.Dense(8), keras.layers.Dense(1)])
model.compile(keras.optimizers.SGD(rate), "mse")
"""
SHOW = """
import sys
print("knobs", batch, rate)
print("model", model.steps_per_execution, model.layers[0].compute_dtype)
print("theirs", model.train_function.__module__)
print("gputune's", sorted({n.partition(".")[0] for n in sys.modules} & {"pydantic", "libcst"}))
"""
README_SETTINGS = """
[tf_data]
prefetch = 4
[policy]
steps_per_execution = 2
mixed_precision = "mixed_bfloat16"
memory_growth = "growth"
[knobs]
batch_size = 64
rate = 0.01
typo = 1
"""
LATE = """
import gputune
import keras
import tensorflow as tf
model = keras.Sequential([keras.layers.Dense(1)])
print("asked", gputune.knob("rate", 0.5))
data = tf.data.Dataset.from_tensor_slices((tf.ones((64, 4)), tf.ones((64, 1)))).batch(8).prefetch(1)
model.compile("sgd", "mse")
gputune.Config.load("gputune.toml").apply()
gputune.Config.load("gputune.toml").apply()
gputune.Config(script="other").apply()
print("asked", gputune.knob("rate", 0.5), gputune.knob("batch_size", 8))
history = model.fit(data, epochs=1, verbose=0)
print("steps", int(model.optimizer.iterations), model.steps_per_execution, model.dtype_policy.name)
"""


def lines(ran: Ran) -> list[str]:
    """What gputune said on standard error."""
    return [line for line in ran.stderr.splitlines() if line.startswith("gputune: ")]


def in_readme(top: Path) -> Ran:
    """The README's blocks in their order, with a pipeline and a model between them."""
    apply, declare, callback = README
    top.mkdir()
    (top / "gputune.toml").write_text(README_SETTINGS)
    (top / "train.py").write_text(apply + declare + PIPELINE + callback + SHOW)
    return python("train.py", cwd=top)


def too_late(top: Path) -> Ran:
    top.mkdir()
    (top / "gputune.toml").write_text(README_SETTINGS)
    (top / "train.py").write_text(LATE)
    return python("train.py", cwd=top)


def profiled(top: Path) -> tuple[Ran, Profile]:
    """A script that applies everything itself, measured; gputune's own settings go over it."""
    top.mkdir()
    source = (SCRIPTS / "applied.py").read_text()
    assert IMPORTED in source
    # Here below the imports; the README's lines stand above them.
    (top / "train.py").write_text(source.replace(IMPORTED, IMPORTED + APPLY))
    made = replace(wanted(top / "train.py"), knobs=(Setting(knob="knob.width", value=16),))
    (top / "gputune.toml").write_text(config_to_toml(made))
    (top / "over.toml").write_text("[policy]\nsteps_per_execution = 4\n[knobs]\nwidth = 24\n")
    ran = gputune(
        "profile", "--max-seconds", "2", "--config", "over.toml", "--json", "out.json", "train.py",
        cwd=top, env={"EPOCHS": "400"},
    )  # fmt: skip
    assert ran.exit_code == 0, ran.stderr
    found = api.load(top / "out.json")
    assert isinstance(found, Profile)
    return ran, found


@pytest.fixture(scope="module")
def top(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("python_api")


@pytest.fixture(scope="module", autouse=True)
def runs(top: Path, pool: ThreadPoolExecutor) -> dict[str, Future[Ran]]:
    return {
        "readme": pool.submit(in_readme, top / "readme"),
        "late": pool.submit(too_late, top / "late"),
    }


@pytest.fixture(scope="module")
def measured(top: Path, pool: ThreadPoolExecutor, runs: object) -> tuple[Ran, Profile]:
    return pool.submit(profiled, top / "profiled").result()


def test_the_readmes_lines_put_everything_into_force(runs: dict[str, Future[Ran]]) -> None:
    ran = runs["readme"].result()
    assert ran.exit_code == 0, ran.stderr
    assert "knobs 64 0.01" in ran.stdout
    assert "model 2 bfloat16" in ran.stdout
    assert "theirs keras" in ran.stdout, "the train function is Keras' own again"
    assert "gputune's []" in ran.stdout
    said = lines(ran)
    assert len([line for line in said if "memory_growth: not in force: no NVIDIA GPU" in line]) == 1
    assert [line for line in said if "knob.typo: no place found" in line]
    assert len(said) == 3, said  # and the callback's own


def test_the_callback_writes_a_profile_of_the_steps(
    runs: dict[str, Future[Ran]], top: Path
) -> None:
    runs["readme"].result()
    (file,) = (top / "readme" / "gputune-reports").glob("*.json")
    found = api.load(file)
    assert isinstance(found, Profile) and found.steps is not None
    assert found.command.mode == "callback"
    # 64 batches of 64 an epoch, two steps a call, two epochs.
    assert found.steps.count <= 128 and found.steps.measured_count > 20
    assert (found.steps.batch_size, found.steps.steps_per_execution) == (64, 2)
    assert found.steps.mean_s is not None and 0 < found.steps.mean_s < 0.5
    assert found.setting("mixed_precision") == "mixed_bfloat16"
    assert found.setting("knob.batch_size") == 64 and found.setting("knob.rate") == 0.01
    assert found.breakdown is None
    assert "breakdown" in {entry.metric for entry in found.unavailable}
    shown = gputune("report", file, cwd=top)
    assert shown.exit_code == 0
    assert "still running when this was written" in " ".join(shown.stdout.split())


def test_what_comes_too_late_is_said_once_and_breaks_nothing(runs: dict[str, Future[Ran]]) -> None:
    ran = runs["late"].result()
    assert ran.exit_code == 0, ran.stderr
    assert "asked 0.5\n" in ran.stdout and "asked 0.5 64" in ran.stdout
    assert "steps 8 1 float32" in ran.stdout
    said = lines(ran)
    for expected in (
        "mixed_precision: not in force: too late: the script has built layers",
        'knob.rate: not in force: too late: the script has called gputune.knob("rate", …)',
        "memory_growth: not in force: no NVIDIA GPU",
        "apply() has been called with other settings before",
        "steps_per_execution: no place found: the script made no call that takes it",
    ):
        assert len([line for line in said if expected in line]) == 1, (expected, said)


def test_what_a_script_applies_is_part_of_it_and_gputune_goes_over_it(
    measured: tuple[Ran, Profile],
) -> None:
    ran, found = measured
    over = ("steps_per_execution", "knob.width")
    check(found, tuple(name for name in IN_FORCE if name not in over))
    assert found.setting("steps_per_execution") == 4
    assert found.setting("knob.width") == 24
    (declared,) = found.declared
    assert (declared.name, declared.default, declared.value) == ("width", 16, 24)
    assert declared.site is not None and "gputune.knob" in declared.site.code
    assert "no place found" not in ran.stderr and "not in force" not in ran.stderr


def test_a_declared_knob_is_searched_and_a_trial_has_its_value(
    measured: tuple[Ran, Profile], top: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = measured[1]
    space = choose_space(found, knobs_for(found), Choice(knobs=("knob.width",)))
    (one,) = space.dimensions
    assert one.values == (4, 8, 16, 24, 32, 64) and one.values[one.baseline] == 24
    folder = top / "profiled"
    monkeypatch.chdir(folder)
    for name, value in environment({"EPOCHS": "400"}).items():
        monkeypatch.setenv(name, value)
    target = Target(script=str(folder / "train.py"))
    with Trials(Script(target=target, source=folder / "train.py", profile=found), space) as trials:
        outcome = trials.fresh({"knob.width": 64})
    assert outcome.state == "complete", outcome
