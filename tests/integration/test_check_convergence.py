"""The checks of convergence on real models: each mistake found, and not found where it is not."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.integration.checking import checked, found, run_of
from tests.integration.running import SCRIPTS, python

pytestmark = pytest.mark.integration

CHECKS = "numbers,gradients,inputs,labels,learning,order,stopping"
WRONG = {
    "nan_input": {"numbers": ["problem input-not-finite"]},
    "nan_input_that_a_layer_fills_in": {"numbers": ["warning input-not-finite"]},
    "nan_label": {"numbers": ["problem label-not-finite"]},
    "nan_layer": {"numbers": ["problem activation-not-finite"]},
    "nan_loss": {"numbers": ["problem loss-not-finite"]},
    "nan_gradient": {"numbers": ["problem gradient-not-finite"]},
    "nan_on_the_way": {"numbers": ["problem loss-not-finite"]},
    "vanishing": {"gradients": ["warning vanishing-gradients"]},
    "dead": {
        "gradients": ["problem dead-units"],
        "learning": ["problem weights-do-not-move"],
    },
    "half_dead": {"gradients": ["warning dead-units"]},
    "symmetric": {"gradients": ["problem weights-symmetric"]},
    "large_weights": {"gradients": ["warning weights-too-large"]},
    "no_gradient": {"gradients": ["warning no-gradient"]},
    "bytes_to_conv": {"inputs": ["warning inputs-not-normalised"]},
    "large_features": {"inputs": ["warning inputs-not-normalised"]},
    "softmax_of_one": {"labels": ["problem softmax-of-one"]},
    "missing_softmax": {"labels": ["problem logits-as-probabilities"]},
    "missing_sigmoid": {"labels": ["problem logits-as-probabilities"]},
    "softmax_with_from_logits": {"labels": ["warning probabilities-as-logits"]},
    "softmax_twice": {"labels": ["problem probabilities-as-logits"]},
    "sigmoid_for_classes": {"labels": ["warning sigmoid-for-classes"]},
    "softmax_for_binary": {"labels": ["warning softmax-for-binary"]},
    "fractions_as_classes": {"labels": ["problem labels-are-no-classes"]},
    "minus_one_and_one": {"labels": ["problem labels-not-0-to-1"]},
    "many_classes_for_binary": {"labels": ["problem labels-not-0-to-1"]},
    "many_hot": {"labels": ["warning labels-not-one-hot"]},
    "relu_for_negative": {"labels": ["problem output-cannot-reach-labels"]},
    "distance_for_classes": {"labels": ["note distance-for-classes"]},
    "constant_labels": {"labels": ["problem labels-constant"]},
    "rate_too_large": {
        "gradients": ["warning dead-units"],
        "learning": ["problem loss-diverges"],
    },
    "rate_too_small": {"learning": ["warning weights-do-not-move"]},
    "rate_zero": {"learning": ["problem weights-do-not-move"]},
    "sorted_arrays": {"order": ["problem data-sorted"]},
    "sorted_arrays_that_are_split": {"order": ["problem validation-split-of-sorted"]},
    "mixed_arrays_in_order": {"order": ["note no-shuffle"]},
    "sorted_dataset": {"order": ["warning one-class-in-a-row"]},
    "sorted_dataset_with_a_small_buffer": {"order": ["warning one-class-in-a-row"]},
    "mixed_dataset_in_order": {"order": ["note no-shuffle"]},
    "series_in_order": {"order": ["note no-shuffle"]},
    "long_without_stopping": {"stopping": ["note long-training"]},
}
OWN_STEP = {
    "labels": ["not run: the model has a train_step of its own: what its loss is given is unknown"]
}


def test_each_mistake_is_found_by_its_check_and_nothing_in_what_is_near_to_it(
    tmp_path: Path,
) -> None:
    done = python(SCRIPTS / "convergence.py", CHECKS, cwd=tmp_path)
    assert done.exit_code == 0, done.stderr[-3000:]
    said = json.loads(done.stdout)
    assert set(WRONG) < set(said)
    right = set(said) - set(WRONG)
    assert len(right) >= 20
    expected = {**WRONG, **{name: {} for name in right}, "good_own_step": OWN_STEP}
    assert {name: one for name, one in said.items() if one != expected[name]} == {}


BAD = """
import os
import keras
import numpy as np
import tensorflow as tf
from keras import layers

os.environ["CUDA_VISIBLE_DEVICES"] = "-1"
keras.utils.set_random_seed(0)
rng = np.random.default_rng(0)
y = np.sort(rng.integers(0, 4, 2000))
x = rng.integers(0, 256, (2000, 8, 8, 1)).astype("float32")
data = tf.data.Dataset.from_tensor_slices((x, y)).batch(16)
model = keras.Sequential([
    layers.Input((8, 8, 1)),
    layers.Flatten(),
    layers.Dense(8, "relu", name="hidden"),
    layers.Dense(4),
])
model.compile("adam", "sparse_categorical_crossentropy")
model.fit(data, epochs=100, verbose=0)
raise SystemExit("trained to its end")
"""
GOOD = (
    BAD.replace('os.environ["CUDA_VISIBLE_DEVICES"] = "-1"', "")
    .replace("np.sort(rng.integers(0, 4, 2000))", "rng.integers(0, 4, 2000)")
    .replace(".batch(16)", ".shuffle(2000).batch(16)")
    .replace("layers.Flatten(),", "layers.Rescaling(1 / 255), layers.Flatten(),")
    .replace("layers.Dense(4)", 'layers.Dense(4, "softmax")')
    .replace("epochs=100", "epochs=5")
)
OPTIONS = ("--only", f"{CHECKS},devices,gpu")


def test_a_script_with_many_mistakes_has_a_finding_with_a_line_for_each(tmp_path: Path) -> None:
    report, ran = checked(BAD, cwd=tmp_path, options=OPTIONS)
    assert ran.exit_code == 1
    lines = {one.id: one.site.code if one.site else "" for one in report.findings}
    lines.pop("gpu-not-visible", None)  # on a machine that has one
    assert lines == {
        "gpu-hidden": 'os.environ["CUDA_VISIBLE_DEVICES"] = "-1"',
        "inputs-not-normalised": 'layers.Dense(8, "relu", name="hidden"),',
        "logits-as-probabilities": 'model.compile("adam", "sparse_categorical_crossentropy")',
        "one-class-in-a-row": "model.fit(data, epochs=100, verbose=0)",
        "long-training": "model.fit(data, epochs=100, verbose=0)",
    }
    (image,) = found(report, "inputs-not-normalised")
    assert "hidden (Dense) with values from 0 to 255" in image.title
    assert report.steps == 40


def test_the_same_script_without_them_has_none(tmp_path: Path) -> None:
    report, ran = checked(GOOD, cwd=tmp_path, options=OPTIONS)
    assert [one.id for one in report.findings if one.id != "gpu-not-visible"] == []
    assert ran.exit_code == 0
    states = {one.name: one.state for one in report.checks if one.name != "gpu"}
    assert states == dict.fromkeys((*CHECKS.split(","), "devices"), "clear")
    assert "gputune doctor" in run_of(report, "gpu").reason or run_of(report, "gpu").findings


def test_placements_kernels_and_lines_are_read_from_tensorflow(tmp_path: Path) -> None:
    done = python(SCRIPTS / "placements.py", cwd=tmp_path)
    assert done.exit_code == 0, done.stderr[-3000:]
    assert json.loads(done.stdout) == {
        "works": True,
        "products": [
            ["CPU", "float32", "b = tf.matmul(a, a)"],
            ["CPU", "float32", "c = tf.matmul(b, b)"],
        ],
        "types": ["float32"],
        "kernels": ["MatMul"],
        "devices": ["CPU:0", "CPU:1"],
    }
